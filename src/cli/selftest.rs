//! `dcrspec selftest`: the matrix of defects and requirements.

use std::path::PathBuf;

use super::{Done, print, runtime, usage};
use crate::{report::Exit, run::Options, selftest, suite};

#[derive(clap::Args)]
pub struct Args {
    /// Write the matrix as JSON (- for stdout)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

pub fn main(args: Args) -> Done {
    let matrix = runtime()?.block_on(selftest::selftest(suite::embedded(), &Options::default()));
    let mut text = String::new();
    for row in &matrix.rows {
        let mark = if row.killed { "caught" } else { "MISSED" };
        text.push_str(&format!("{mark}  {:<28} {} ({})\n", row.defect, row.requirement, row.configuration));
        if !row.by.is_empty() {
            text.push_str(&format!("        by {}\n", row.by.join(", ")));
        }
        if !row.side_effects.is_empty() {
            text.push_str(&format!("        also {}\n", row.side_effects.join(", ")));
        }
    }
    text.push_str(&format!(
        "\n{} defects, {} caught; the clean server meets {} requirements that can be broken.\n",
        matrix.rows.len(),
        matrix.rows.iter().filter(|r| r.killed).count(),
        matrix.met
    ));
    if matrix.gaps.is_empty() {
        text.push_str("No gap: every defect is caught, every side effect is explained, the clean server is silent.\n");
    } else {
        text.push_str(&format!("{} gaps:\n", matrix.gaps.len()));
        for gap in &matrix.gaps {
            text.push_str(&format!("  {gap}\n"));
        }
    }
    let json = serde_json::to_string_pretty(&matrix).expect("the matrix is plain data") + "\n";
    match &args.json {
        Some(path) if path.as_os_str() == "-" => {
            eprint!("{text}");
            print(&json);
        }
        Some(path) => {
            print(&text);
            crate::report::write_file(path, &json).map_err(usage)?;
        }
        None => print(&text),
    }
    Ok(if matrix.gaps.is_empty() { Exit::Clean } else { Exit::Findings })
}
