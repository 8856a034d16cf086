//! The layers that are not files: flags and the environment.

use clap::{ArgAction, ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};
use serde_json::Value;

use super::layers::{Layer, Origin, keys, rivals};
use crate::cli::{Stop, settings::Settings, usage};

/// The flags of the settings, and only those that were given: a default must not hide what stands in the file.
#[derive(Clone, Default)]
pub struct Given(pub Layer);

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Given, clap::Error> {
        Given::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Given, clap::Error> {
        let command = Settings::command();
        let given: Vec<(String, String)> = keys(&command)
            .into_iter()
            .filter(|(_, arg)| matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine))
            .map(|(key, arg)| (key, if arg.is_positional() { "argument".into() } else { flag(arg) }))
            .collect();
        let settings = Settings::from_arg_matches_mut(matches)?;
        let Ok(Value::Object(mut map)) = serde_json::to_value(settings) else { return Ok(Given::default()) };
        let value = |(key, shown): (String, String)| Some((key.clone(), (map.remove(&key)?, Origin::Flag(shown))));
        Ok(Given(given.into_iter().filter_map(value).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Given::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Given {
    fn augment_args(command: Command) -> Command {
        Settings::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Settings::augment_args_for_update(command)
    }
}

fn flag(arg: &clap::Arg) -> String {
    format!("--{}", arg.get_long().unwrap_or_default())
}

/// The variable of a setting.
pub fn variable(key: &str) -> String {
    format!("DCRSPEC_{}", key.replace('-', "_").to_ascii_uppercase())
}

/// What the environment sets. Each variable is read as its flag is; a list has one value a line; an empty variable is
/// none.
pub fn environment(get: impl Fn(&str) -> Option<std::ffi::OsString>) -> Result<Layer, Stop> {
    let command = Settings::command();
    let mut layer = Layer::new();
    for (key, arg) in keys(&command) {
        let name = variable(&key);
        let Some(text) = get(&name).filter(|v| !v.is_empty()) else { continue };
        let text = text.into_string().map_err(|_| usage(format!("{name}: the value is not text")))?;
        let value = value(&command, &key, arg, &text).map_err(|why| usage(format!("{name}: {why}")))?;
        layer.insert(key, (value, Origin::Environment(name)));
    }
    match rivals(&layer) {
        Some((one, two)) => {
            let (one, two) = (variable(&one), variable(&two));
            Err(usage(format!("{one} and {two} are both set, and only one of them can hold: unset one")))
        }
        None => Ok(layer),
    }
}

fn value(command: &Command, key: &str, arg: &clap::Arg, text: &str) -> Result<Value, String> {
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Ok(Value::Bool(true)),
            "false" | "0" | "no" => Ok(Value::Bool(false)),
            _ => Err("write true or false".to_owned()),
        };
    }
    let values: Vec<&str> = match arg.get_action() {
        ArgAction::Append => text.lines().map(str::trim).filter(|l| !l.is_empty()).collect(),
        _ => vec![text],
    };
    let words = values.iter().flat_map(|v| match arg.get_long() {
        Some(long) => vec![format!("--{long}={v}")],
        None => vec!["--".to_owned(), (*v).to_owned()],
    });
    let matches = command.clone().try_get_matches_from(words).map_err(|e| refusal(&e))?;
    let settings = Settings::from_arg_matches(&matches).map_err(|e| refusal(&e))?;
    let mut all = serde_json::to_value(settings).map_err(|e| e.to_string())?;
    Ok(all[key].take())
}

/// Why the parser of arguments refused a value, without the value's flag.
fn refusal(error: &clap::Error) -> String {
    if let Some(why) = std::error::Error::source(error) {
        return why.to_string();
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let choices = text.lines().find_map(|l| l.trim().strip_prefix("[possible values: ")?.strip_suffix(']'));
    match choices {
        Some(choices) => format!("choose from {choices}"),
        None => first.trim_start_matches("error: ").to_owned(),
    }
}
