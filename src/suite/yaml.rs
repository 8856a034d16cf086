//! Typed YAML with errors that show file, line, column and the offending line.

use serde::de::DeserializeOwned;

/// A YAML text that does not load: place, one sentence, and the offending line.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct YamlError(String);

/// Parses one document into a typed value. Unknown keys are refused where the type says so, duplicate keys always;
/// only `true` and `false` are booleans, so that `no` stays a word.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, YamlError> {
    // Files are the user's own, and one that holds ten thousand cases or requirements is no attack.
    let budget = serde_saphyr::budget! { max_nodes: 1_000_000 };
    let options = serde_saphyr::options! { strict_booleans: true, budget: budget };
    serde_saphyr::from_str_with_options(text, options).map_err(|e| {
        let message = e.without_snippet().render_with_formatter(&serde_saphyr::UserMessageFormatter);
        let Some((line, column)) = e.location().map(|l| (l.line() as usize, l.column() as usize)) else {
            return YamlError(format!("{file}: {message}"));
        };
        let message = message.strip_suffix(&format!(" at line {line}, column {column}")).unwrap_or(&message);
        // The parser speaks of its own events.
        let message = match message {
            "expected sequence start" => "a list is expected here",
            "expected mapping start" => "a mapping is expected here",
            other => other,
        };
        YamlError(at(file, text, line, column, message))
    })
}

/// The message for a fault at a known place, in the form that the parser's own errors have.
pub fn at(file: &str, text: &str, line: usize, column: usize, message: &str) -> String {
    let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or("");
    let caret = " ".repeat(column.saturating_sub(1));
    format!(
        "{file}:{line}:{column}: {message}\n  {line} | {shown}\n  {} | {caret}^",
        " ".repeat(line.to_string().len())
    )
}
