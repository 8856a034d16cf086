//! Which value is in force: defaults, the file, its profile, the environment, flags; each layer over the one before.

use std::{collections::BTreeMap, fmt};

use serde_json::{Map, Value};

use super::source::Source;
use crate::cli::{Stop, settings::Settings, usage};

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File {
        file: String,
        line: usize,
        column: usize,
    },
    /// A profile that this program carries.
    BuiltIn {
        profile: String,
    },
    Environment(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { file, line, .. } => write!(f, "{file}:{line}"),
            Origin::BuiltIn { profile } => write!(f, "built-in profile {profile}"),
            Origin::Environment(name) => write!(f, "{name}"),
            Origin::Flag(name) => write!(f, "{name}"),
        }
    }
}

/// What one place sets: values by key, each with its origin.
pub type Layer = BTreeMap<String, (Value, Origin)>;

/// The keys of settings in the order of their fields, each with the flag.
pub fn keys(command: &clap::Command) -> Vec<(String, &clap::Arg)> {
    command.get_arguments().map(|arg| (key(arg), arg)).collect()
}

/// The name of a setting everywhere: the long flag, or the name of the positional argument.
pub fn key(arg: &clap::Arg) -> String {
    arg.get_long().map_or_else(|| arg.get_id().to_string(), str::to_owned)
}

/// What is in force, and why.
#[derive(Debug)]
pub struct InForce {
    pub settings: Settings,
    /// The file that was read, with the profile.
    pub source: Option<Source>,
    values: Layer,
}

impl InForce {
    /// Lays the layers over each other, the first the lowest.
    pub fn new(source: Option<Source>, layers: impl IntoIterator<Item = Layer>) -> Result<InForce, Stop> {
        let families = families();
        let mut values = Layer::new();
        for layer in layers {
            for family in families.iter().filter(|f| f.iter().any(|key| layer.contains_key(key))) {
                values.retain(|key, _| !family.contains(key));
            }
            values.extend(layer);
        }
        let map: Map<String, Value> = values.iter().map(|(k, (v, _))| (k.clone(), v.clone())).collect();
        // Each value was read by its own type before, so only a fault of this program ends here.
        let settings = serde_json::from_value(Value::Object(map))
            .map_err(|e| usage(format!("the settings do not go together: {e}")))?;
        Ok(InForce { settings, source, values })
    }

    /// The value of a key that is set, or has a default, with its origin.
    pub fn get(&self, key: &str) -> Option<&(Value, Origin)> {
        self.values.get(key)
    }

    /// The origin of the setting.
    pub fn origin(&self, key: &str) -> Origin {
        self.values.get(key).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// A stop that says where the value stands which is at fault. For a flag the sentence is enough.
    pub fn blame(&self, key: &str, message: impl AsRef<str>) -> Stop {
        let message = message.as_ref();
        usage(match (self.origin(key), &self.source) {
            (Origin::File { line, column, .. }, Some(source)) => source.at(line, column, message, None),
            (Origin::Environment(name), _) => format!("{name}: {message}"),
            (origin @ Origin::BuiltIn { .. }, _) => format!("{origin}: {message}"),
            _ => message.to_owned(),
        })
    }
}

/// The keys that are alternatives of each other.
fn families() -> Vec<Vec<String>> {
    let command = Settings::command();
    let keys = keys(&command);
    // The derive makes one more group, of all flags, with the name of the struct.
    let groups = command.get_groups().filter(|g| g.get_id() != "Settings");
    groups
        .map(|group| {
            let of = |id: &clap::Id| keys.iter().find(|(_, arg)| arg.get_id() == id).map(|(key, _)| key.clone());
            group.get_args().filter_map(of).collect()
        })
        .collect()
}

/// The alternatives of which only one may stand in a layer, where it holds two of them.
pub fn rivals(layer: &Layer) -> Option<(String, String)> {
    let command = Settings::command();
    let mut exclusive = command.get_groups().filter(|g| g.get_id() != "Settings" && !(*g).clone().is_multiple());
    let keys = keys(&command);
    exclusive.find_map(|group| {
        let mut there = group.get_args().filter_map(|id| {
            keys.iter().find(|(key, arg)| arg.get_id() == id && layer.contains_key(key)).map(|(key, _)| key.clone())
        });
        Some((there.next()?, there.next()?))
    })
}

/// The layer of what holds when nothing is set; settings without a value are not in it.
pub fn defaults() -> Layer {
    let Ok(Value::Object(map)) = serde_json::to_value(Settings::default()) else { return Layer::new() };
    let empty = |v: &Value| v.is_null() || v.as_array().is_some_and(Vec::is_empty);
    map.into_iter().filter(|(_, v)| !empty(v)).map(|(k, v)| (k, (v, Origin::Default))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_one_name_as_flag_and_as_key() {
        let command = Settings::command();
        let mut flags: Vec<String> = keys(&command).into_iter().map(|(key, _)| key).collect();
        // The one table: it has no flag.
        flags.push("cleanup".into());
        let Ok(Value::Object(map)) = serde_json::to_value(Settings::default()) else { panic!("an object") };
        let mut keys: Vec<String> = map.keys().cloned().collect();
        flags.sort();
        keys.sort();
        assert_eq!(flags, keys);
    }

    #[test]
    fn a_higher_layer_hides_the_alternatives_below_it() {
        let layer = |pairs: &[(&str, &str)]| -> Layer {
            let of = |(k, v): &(&str, &str)| ((*k).to_owned(), (Value::from(*v), Origin::Flag(format!("--{k}"))));
            pairs.iter().map(of).collect()
        };
        let low = layer(&[("token-env", "IAT"), ("issuer", "https://a.example"), ("timeout", "3s")]);
        let high = layer(&[("token", "t"), ("url", "https://b.example/r")]);
        assert_eq!(rivals(&low), None);
        assert_eq!(rivals(&layer(&[("token", "a"), ("token-file", "b")])).unwrap().1, "token-file");
        let force = InForce::new(None, [defaults(), low, high]).ok().unwrap();
        let s = &force.settings;
        assert_eq!((s.token.as_deref(), s.token_env.as_deref()), (Some("t"), None));
        assert_eq!((s.url.as_deref(), s.issuer.as_deref()), (Some("https://b.example/r"), None));
        assert_eq!(s.timeout.to_string(), "3s");
        assert_eq!(s.wait.to_string(), "60s");
    }
}
