//! `dcrspec list`: what there is.

use clap::ValueEnum;
use serde_json::{Value, json};

use super::{Done, print};
use crate::{
    judge,
    report::{self, Exit},
    server,
    spec::{Capability, Catalogue},
    suite,
};

#[derive(clap::Args)]
pub struct Args {
    what: What,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Suites,
    Cases,
    Requirements,
    Defects,
    Capabilities,
    Schemas,
}

pub fn main(args: Args) -> Done {
    let rows: Vec<(Value, String)> = match args.what {
        What::Suites => suite::embedded()
            .iter()
            .map(|s| {
                (json!({"name": s.name, "title": s.title, "file": s.file, "cases": s.cases.len()}), format!("{:<32} {:>3} cases  {}", s.name, s.cases.len(), s.title))
            })
            .collect(),
        What::Cases => suite::embedded()
            .iter()
            .flat_map(|s| s.cases.iter().map(move |c| (s, c)))
            .map(|(s, c)| {
                let requirements: Vec<&str> = c.requirements.iter().map(|r| r.value.as_str()).collect();
                (
                    json!({"suite": s.name, "id": c.id.value, "title": c.title, "requirements": requirements, "unsafe": c.is_unsafe}),
                    format!("{}/{}: {}", s.name, c.id.value, c.title),
                )
            })
            .collect(),
        What::Requirements => {
            let catalogue = Catalogue::known();
            catalogue
                .iter()
                .map(|r| {
                    (
                        json!({
                            "id": r.id, "spec": catalogue.spec_of(r), "section": r.section, "level": r.level,
                            "report_level": r.finding_level(), "strength": r.strength, "binds": r.binds,
                            "killable": r.killable, "needs": r.needs, "says": r.says, "same_as": r.same_as,
                        }),
                        format!("{:<10} {:<48} {}", r.level, r.id, r.says),
                    )
                })
                .collect()
        }
        What::Defects => server::defects()
            .iter()
            .map(|d| {
                (
                    json!({"id": d.id, "requirement": d.requirement, "says": d.says, "configuration": d.configuration.name(), "also": d.also.iter().map(|(id, why)| json!({"requirement": id, "why": why})).collect::<Vec<_>>()}),
                    format!("{:<28} {:<48} {}", d.id, d.requirement, d.says),
                )
            })
            .collect(),
        What::Capabilities => {
            Capability::ALL.iter().map(|c| (json!({"name": c}), c.as_str().to_owned())).collect()
        }
        What::Schemas => schemas()
            .into_iter()
            .map(|(name, schema)| {
                let title = schema["title"].as_str().unwrap_or_default().to_owned();
                let id = &schema["$id"];
                (json!({"name": name, "id": id, "title": title, "schema": schema}), format!("{name:<36} {title}"))
            })
            .collect(),
    };
    if args.json {
        let values: Vec<Value> = rows.into_iter().map(|(v, _)| v).collect();
        print(&(serde_json::to_string_pretty(&values).expect("JSON values can be written") + "\n"));
    } else {
        print(&rows.into_iter().map(|(_, line)| line + "\n").collect::<String>());
    }
    Ok(Exit::Clean)
}

/// Every schema by the name of its file: those of messages, and those that the types of this crate make.
fn schemas() -> Vec<(&'static str, Value)> {
    let messages = judge::SCHEMAS
        .iter()
        .map(|(name, text)| (*name, serde_json::from_str(text).expect("a unit test reads the embedded schemas")));
    let made = [
        ("config.schema.json", super::config::json_schema()),
        ("report.schema.json", report::json_schema()),
        ("suite.schema.json", suite::json_schema()),
    ];
    messages.chain(made).collect()
}
