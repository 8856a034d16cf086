//! `dcrspec config`.

use clap::{ArgMatches, Command, FromArgMatches};
use serde_json::{Value, json};

use super::{Choice, Given, InForce, Layer, Origin, hints, layers::keys, schema};
use crate::{
    cli::{Done, print, settings::Settings},
    report::{Exit, text::harmless},
};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    given: GivenHere,
}

/// The flags of a run, of which `--json` without a value means this command's own output.
#[derive(Clone)]
struct GivenHere(Given);

impl FromArgMatches for GivenHere {
    fn from_arg_matches(matches: &ArgMatches) -> Result<GivenHere, clap::Error> {
        Given::from_arg_matches(matches).map(GivenHere)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl clap::Args for GivenHere {
    fn augment_args(command: Command) -> Command {
        Given::augment_args(command).mut_arg("json", |arg| {
            arg.num_args(0..=1)
                .require_equals(true)
                .default_missing_value("-")
                .help("Print this as JSON; with =FILE, the setting of a run")
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        GivenHere::augment_args(command)
    }
}

pub fn main(args: Args) -> Done {
    let mut given: Layer = args.given.0.0;
    let as_json = given.get("json").is_some_and(|(value, _)| value == "-");
    if as_json {
        given.remove("json");
    }
    let force = args.choice.in_force(given)?;
    for hint in hints(&force) {
        eprintln!("dcrspec: {}", harmless(&hint));
    }
    let rows = rows(&force);
    print(&if as_json { as_document(&force, &rows) } else { as_text(&force, &rows) });
    Ok(Exit::Clean)
}

/// One value as it may be shown.
struct Row {
    key: String,
    value: Value,
    hidden: bool,
    origin: Origin,
}

fn rows(force: &InForce) -> Vec<Row> {
    let command = Settings::command();
    let secrecy = schema::keys_by_secrecy();
    let mut rows = Vec::new();
    for (key, _) in keys(&command) {
        let Some((value, origin)) = force.get(&key) else { continue };
        rows.push(row(key.clone(), value, secrecy.get(&key) != Some(&false), origin));
    }
    if let Some((Value::Object(table), origin)) = force.get("cleanup") {
        let empty = |v: &Value| v.is_null() || v.as_array().is_some_and(Vec::is_empty);
        for (key, value) in table.iter().filter(|(_, v)| !empty(v)) {
            rows.push(row(format!("cleanup.{key}"), value, secrecy.get(key) != Some(&false), origin));
        }
    }
    rows
}

fn row(key: String, value: &Value, secret: bool, origin: &Origin) -> Row {
    let value = match value {
        // The name of a header field says what it is for; the arguments of a command may be anything.
        Value::Array(items) if secret && key.ends_with("header") => {
            items.iter().map(|v| hidden(v.as_str().unwrap_or_default())).collect()
        }
        _ if secret => "(hidden)".into(),
        Value::String(text) => without_password(text).into(),
        other => other.clone(),
    };
    Row { key, value, hidden: secret, origin: origin.clone() }
}

fn hidden(header: &str) -> Value {
    match header.split_once(':') {
        Some((name, _)) => format!("{name}: (hidden)").into(),
        None => "(hidden)".into(),
    }
}

/// A URL that names a user is refused by a run, but it must be shown to be mended.
fn without_password(text: &str) -> String {
    match url::Url::parse(text) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            let rest = text.split_once('@').map_or("", |(_, rest)| rest);
            format!("{}://(hidden)@{rest}", url.scheme())
        }
        _ => text.to_owned(),
    }
}

fn as_text(force: &InForce, rows: &[Row]) -> String {
    let mut text = match &force.source {
        None => "# no dcrspec.toml\n".to_owned(),
        Some(source) => match &source.profile {
            Some(profile) => format!("# {}, profile {profile}\n", harmless(&source.name)),
            None => format!("# {}, no profile\n", harmless(&source.name)),
        },
    };
    let shown: Vec<String> = rows.iter().map(|r| harmless(&r.value.to_string())).collect();
    let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.filter(|l| *l <= 48).max().unwrap_or(0);
    let key_width = widest(&mut rows.iter().map(|r| r.key.len()));
    let value_width = widest(&mut shown.iter().map(|s| s.chars().count()));
    for (row, value) in rows.iter().zip(&shown) {
        let origin = harmless(&row.origin.to_string());
        text.push_str(&format!("{:key_width$} = {value:value_width$}  # {origin}\n", row.key));
    }
    text
}

fn as_document(force: &InForce, rows: &[Row]) -> String {
    let from = |origin: &Origin| match origin {
        Origin::BuiltIn { profile } => json!({ "kind": "built-in profile", "name": profile }),
        Origin::Default => json!({ "kind": "default" }),
        Origin::File { file, line, column } => json!({ "kind": "file", "file": file, "line": line, "column": column }),
        Origin::Environment(name) => json!({ "kind": "environment", "name": name }),
        Origin::Flag(name) => json!({ "kind": "flag", "name": name }),
    };
    let document = json!({
        "file": force.source.as_ref().map(|s| &s.name),
        "profile": force.source.as_ref().and_then(|s| s.profile.as_ref()),
        "settings": rows
            .iter()
            .map(|r| json!({ "key": r.key, "value": r.value, "hidden": r.hidden, "from": from(&r.origin) }))
            .collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&document).expect("JSON values can be written") + "\n"
}
