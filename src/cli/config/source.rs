//! A place of `dcrspec.toml`, and what is said of it, without what may be a secret.

use super::schema;
use crate::suite::{nearest, yaml};

/// The file that was read: enough to show a place in it.
#[derive(Clone, Debug)]
pub struct Source {
    /// As it was named.
    pub name: String,
    pub profile: Option<String>,
    pub text: String,
}

impl Source {
    /// A fault at a place of the file. Of the line only what cannot be a secret is shown; `key` is no secret either.
    pub fn at(&self, line: usize, column: usize, message: &str, key: Option<&str>) -> String {
        let shown: Vec<String> = self.text.lines().map(|l| presentable(l, key)).collect();
        yaml::at(&self.name, &shown.join("\n"), line, column, message)
    }

    /// Line and column of a byte.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let start = before.rfind('\n').map_or(0, |n| n + 1);
        (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
    }
}

/// A line with its value left out, unless it is that of a setting which is never secret.
fn presentable(line: &str, shown_key: Option<&str>) -> String {
    let trimmed = line.trim_start();
    let bare = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.[]".contains(c));
    if trimmed.starts_with('[') && bare(trimmed.trim_end()) {
        return line.to_owned();
    }
    let Some((before, _)) = line.split_once('=') else { return "…".to_owned() };
    let key = before.trim();
    let known = schema::keys_by_secrecy();
    match known.get(key) {
        Some(false) => line.to_owned(),
        Some(true) => format!("{before}= …"),
        None if shown_key == Some(key) => format!("{before}= …"),
        None => "…".to_owned(),
    }
}

/// The words of the deserializer as a person would say them, without the value where that may be a secret.
pub fn rephrase(key: &str, message: &str, secret: bool) -> String {
    let quoted = |text: &str| -> Vec<String> { text.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    if let Some(rest) = message.strip_prefix("unknown field ").or_else(|| message.strip_prefix("unknown variant ")) {
        let words = quoted(rest);
        let (word, candidates) = words.split_first().map_or(("", &[][..]), |(w, c)| (w.as_str(), c));
        let near = nearest(word, candidates.iter().map(String::as_str));
        let what = if message.starts_with("unknown field") { "setting" } else { "value" };
        return match near.is_empty() {
            false => format!("no {what} of {key} is called {word:?} (did you mean {}?)", near.join(" or ")),
            true => format!("no {what} of {key} is called {word:?}; choose from {}", candidates.join(", ")),
        };
    }
    let Some((found, expected)) = message.strip_prefix("invalid type: ").and_then(|m| m.rsplit_once(", expected "))
    else {
        return if secret { format!("{key} cannot be read") } else { message.to_owned() };
    };
    let found = found.split([' ', '(']).next().unwrap_or_default();
    let expected = match expected {
        "a sequence" => "a list: write [\"…\"]",
        "a boolean" => "true or false",
        "a string" | "path string" => "a text: write \"…\"",
        other if other.starts_with("struct") => "a table",
        other => other,
    };
    format!("{key} is {expected}; here stands a {found}")
}
