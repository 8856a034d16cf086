//! `dcrspec report REPORT…`: reports of several runs or campaigns, added up and shown as one.

use std::{collections::HashSet, path::PathBuf};

use super::{Done, Stop, run::Outputs, usage};
use crate::{
    report::{self, Report},
    spec::{Catalogue, FailOn},
};

/// The settings of `dcrspec.toml` and the environment are about a target, and there is none here: these flags are all.
#[derive(clap::Args)]
pub struct Args {
    /// Reports that `--json` of `run`, `fuzz` or this command has written
    #[arg(required = true, value_name = "REPORT")]
    files: Vec<PathBuf>,
    /// The levels at which a broken finding fails; without it, every level that one of the reports names
    #[arg(long, value_name = "LEVELS")]
    fail_on: Option<FailOn>,
    /// Write the sum as JSON (- for stdout)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the sum as JUnit XML (- for stdout)
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Show notes and every verdict
    #[arg(long, short)]
    verbose: bool,
}

pub fn main(args: Args) -> Done {
    let outputs = Outputs::to(args.json, args.junit)?;
    // All of them are read before anything is written: the sum may take the place of one of its parts.
    let parts = read(&args.files)?;
    let report =
        report::gather(parts, args.fail_on.as_ref(), Catalogue::known()).ok_or_else(|| usage("no report was named"))?;
    outputs.write(&report, args.verbose)?;
    Ok(report::exit(&report))
}

/// The reports in these files, or what is wrong with each of those that hold none.
fn read(files: &[PathBuf]) -> Result<Vec<Report>, Stop> {
    let mut seen = HashSet::new();
    let mut parts = Vec::new();
    let mut faults = Vec::new();
    for file in files {
        let name = file.display();
        // Patterns of a shell overlap easily, and whatever is in the file would count twice.
        if !seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())) {
            faults.push(format!("{name} is named twice, and would be counted twice"));
            continue;
        }
        match std::fs::read_to_string(file) {
            Ok(text) => match report::from_json(&text) {
                Ok(part) => parts.push(part),
                Err(why) => faults.push(format!("{name}: {why}")),
            },
            Err(e) => faults.push(format!("cannot read {name}: {e}")),
        }
    }
    if faults.is_empty() { Ok(parts) } else { Err(usage(faults.join("\n"))) }
}
