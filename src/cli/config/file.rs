//! Reading `dcrspec.toml`: every fault with its place, and no secret in what is shown of a line.

use std::{
    any::TypeId,
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::Value;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    layers::{Layer, Origin, keys, rivals},
    schema,
    source::{Source, rephrase},
};
use crate::{
    cli::settings::Settings,
    suite::{Folder, nearest},
};

/// What a file sets: for every run, and by profile.
#[derive(Debug)]
pub struct ConfigFile {
    pub source: Source,
    pub top: Layer,
    pub profiles: BTreeMap<String, Layer>,
}

impl ConfigFile {
    /// Reads and checks the whole file, the profiles that are not asked for as well.
    pub fn load(path: &Path) -> Result<ConfigFile, String> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|e| format!("cannot read {name}: {e}"))?;
        ConfigFile::parse(path, name, text)
    }

    pub(super) fn parse(path: &Path, name: String, text: String) -> Result<ConfigFile, String> {
        let source = Source { name, profile: None, text };
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut reader = Reader { source: &source, folder, faults: Vec::new() };
        let (mut top, mut profiles) = (Layer::new(), BTreeMap::new());
        match DeTable::parse(&source.text) {
            Err(e) => reader.fault(e.span().unwrap_or(0..0), e.message(), None),
            Ok(table) => {
                let (mut table, span) = (table.into_inner(), 0..0);
                let named = table.remove("profiles");
                top = reader.layer(table, span, &["profiles"]);
                if let Some(named) = named {
                    profiles = reader.profiles(named);
                }
            }
        }
        let faults = reader.faults;
        if faults.is_empty() { Ok(ConfigFile { source, top, profiles }) } else { Err(faults.join("\n")) }
    }
}

struct Reader<'a> {
    source: &'a Source,
    folder: &'a Path,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn fault(&mut self, span: Range<usize>, message: &str, key: Option<&str>) {
        let (line, column) = self.source.place(span.start);
        self.faults.push(self.source.at(line, column, message, key));
    }

    fn profiles(&mut self, named: Spanned<DeValue<'_>>) -> BTreeMap<String, Layer> {
        let span = named.span();
        let DeValue::Table(named) = named.into_inner() else {
            self.fault(span, "profiles are tables: write [profiles.NAME]", None);
            return BTreeMap::new();
        };
        let mut profiles = BTreeMap::new();
        for (name, value) in named {
            let span = value.span();
            match value.into_inner() {
                DeValue::Table(table) => {
                    let layer = self.layer(table, span, &[]);
                    profiles.insert(name.into_inner().into_owned(), layer);
                }
                _ => self.fault(name.span(), "a profile is a table: write [profiles.NAME]", None),
            }
        }
        profiles
    }

    /// The settings of one table. Each is read on its own, so that a fault can be told without showing another's value.
    fn layer(&mut self, table: DeTable<'_>, span: Range<usize>, also: &[&str]) -> Layer {
        let secrecy = schema::keys_by_secrecy();
        let command = Settings::command();
        let known: Vec<String> = keys(&command).into_iter().map(|(key, _)| key).chain(["cleanup".to_owned()]).collect();
        let mut layer = Layer::new();
        for (name, value) in table {
            let (key, at) = (name.get_ref().to_string(), name.span());
            if !known.contains(&key) {
                let near = nearest(&key, known.iter().map(String::as_str).chain(also.iter().copied()));
                let hint =
                    if near.is_empty() { String::new() } else { format!(" (did you mean {}?)", near.join(" or ")) };
                let message = format!("no setting is called {key:?}{hint}; `dcrspec run --help` names them");
                self.fault(at, &message, Some(&key));
                continue;
            }
            let place = value.span();
            let mut one = DeTable::new();
            one.insert(name, value);
            match Settings::deserialize(toml::Deserializer::from(Spanned::new(span.clone(), one))) {
                Ok(settings) => {
                    let (line, column) = self.source.place(at.start);
                    let origin = Origin::File { file: self.source.name.clone(), line, column };
                    if let Some(value) = self.value(&key, settings) {
                        layer.insert(key, (value, origin));
                    }
                }
                Err(e) => {
                    let secret = secrecy.get(&key).copied().unwrap_or(true);
                    let message = rephrase(&key, e.message(), secret);
                    self.fault(e.span().filter(|s| *s != span).unwrap_or(place), &message, None);
                }
            }
        }
        if let Some((one, two)) = rivals(&layer)
            && let Some((_, Origin::File { line, column, .. })) = layer.get(&two)
        {
            let message = format!("{one} and {two} stand in the same table, and only one of them can hold: remove one");
            self.faults.push(self.source.at(*line, *column, &message, None));
        }
        layer
    }

    /// The value as the other layers hold it, paths made relative to the folder of the file.
    fn value(&self, key: &str, mut settings: Settings) -> Option<Value> {
        let command = Settings::command();
        let path = keys(&command)
            .iter()
            .any(|(k, arg)| k == key && arg.get_value_parser().type_id() == TypeId::of::<PathBuf>());
        if let Some(cleanup) = &mut settings.cleanup {
            cleanup.relative_to(self.folder);
        }
        for suite in &mut settings.suite {
            let file = self.folder.join(&*suite);
            if file.is_file() || Folder::is_one(&file) {
                *suite = file.display().to_string();
            }
        }
        let value = serde_json::to_value(settings).ok()?[key].take();
        match &value {
            Value::String(text) if path && text != "-" => Some(self.folder.join(text).display().to_string().into()),
            _ => Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn faults(text: &str) -> String {
        ConfigFile::parse(Path::new("c.toml"), "c.toml".into(), text.into())
            .map(|_| String::new())
            .unwrap_or_else(|e| e)
    }

    #[test]
    fn no_fault_shows_a_secret() {
        for text in [
            "tokn = \"hush\"",
            "token = hush",
            "token = \"hush",
            "token = [\"hush\"]",
            "header = \"X-Key: hush\"",
            "header = [\n\"X-Key: hush\"\n\"X-Key: hush\"\n]",
            "header = [\n\"X-Key: hu=sh hush\", 3\n]",
            "token = \"\"\"\nhush=\\q\n\"\"\"",
            "hush=",
            "cleanup = { url = \"https://a.example\", token = \"hush\", ur = \"hush\" }",
            "[cleanup]\nheader = \"X-Key: hush\"",
            "[cleanup]\ntoken = 7\nheaders = [\"hush\"]",
            "[profiles.a]\ntokens = \"hush\"",
            "profiles = \"hush\"",
            "profiles.a = \"hush\"",
        ] {
            let said = faults(text);
            assert!(said.starts_with("c.toml:"), "{text}: {said}");
            // An unknown key is named; that is how it is found.
            assert!(!said.contains("hush"), "{text}:\n{said}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(\\[?[a-z.\"é-]{0,9}\\]?( ?= ?)?[\\[\"{]?[a-z0-9é,]{0,6}[\\]\"}]?\n?){0,6}") {
            let _ = faults(&text);
        }
    }
}
