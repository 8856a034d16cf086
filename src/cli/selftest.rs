//! `dcrspec selftest`: the matrix of defects and requirements, and that of defects and the fuzzer.

use std::path::PathBuf;

use futures_util::StreamExt;

use super::{Done, print, runtime, usage};
use crate::{
    fuzz::reach::{self, Reach},
    report::Exit,
    run::Options,
    selftest,
    server::defects,
    suite,
};

#[derive(clap::Args)]
pub struct Args {
    /// Write the matrix as JSON (- for stdout)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Ask the fuzzer in place of the suites: each defect that it can reach is found and shrunk, and those out of reach are
    /// listed with the reason
    #[arg(long)]
    fuzz: bool,
    /// The seed of those campaigns
    #[arg(long, value_name = "N", default_value_t = 7, requires = "fuzz")]
    seed: u64,
    /// The most inputs that each may take
    #[arg(long, value_name = "N", default_value_t = 20_000, requires = "fuzz", value_parser = clap::value_parser!(u64).range(1..))]
    count: u64,
}

pub fn main(args: Args) -> Done {
    if args.fuzz { fuzzer(&args) } else { suites(&args) }
}

fn suites(args: &Args) -> Done {
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
    written(args, &text, &matrix)?;
    Ok(if matrix.gaps.is_empty() { Exit::Clean } else { Exit::Findings })
}

fn fuzzer(args: &Args) -> Done {
    let rows: Vec<reach::Row> = runtime()?.block_on(reach::selftest(defects(), args.seed, args.count).collect());
    let mut text = String::new();
    for row in &rows {
        let (mark, how) = match (&row.gap, row.reach) {
            (Some(gap), _) => ("MISSED", format!("{gap}, after {} inputs", row.inputs)),
            (None, Reach::Nothing(why)) => ("beyond", why.to_owned()),
            (None, _) => {
                let (members, steps) = (row.members.unwrap_or_default(), row.steps.unwrap_or_default());
                let repeats = row.repeats.as_deref().unwrap_or_default();
                let size = match row.reach {
                    Reach::Sequence => format!("{steps} steps, {members} members"),
                    _ => format!("{members} members"),
                };
                ("found ", format!("{} inputs, {size}, {repeats}", row.inputs))
            }
        };
        text.push_str(&format!("{mark}  {:<28} {} ({}): {how}\n", row.defect, row.requirement, row.configuration));
    }
    let found = |reach: Reach| rows.iter().filter(|r| r.reach == reach && r.gap.is_none()).count();
    let beyond = rows.iter().filter(|r| matches!(r.reach, Reach::Nothing(_))).count();
    let gaps = rows.iter().filter(|r| r.gap.is_some()).count();
    text.push_str(&format!(
        "\n{} defects: {} found by registrations, {} by sequences, {beyond} out of reach, {gaps} missed; seed {}, at most {} \
         inputs each.\n",
        rows.len(),
        found(Reach::Registration),
        found(Reach::Sequence),
        args.seed,
        args.count,
    ));
    written(args, &text, &rows)?;
    Ok(if gaps == 0 { Exit::Clean } else { Exit::Findings })
}

/// The text on stdout, the rows where they were asked for.
fn written(args: &Args, text: &str, rows: &impl serde::Serialize) -> Result<(), super::Stop> {
    let json = serde_json::to_string_pretty(rows).expect("rows are plain data") + "\n";
    match &args.json {
        Some(path) if path.as_os_str() == "-" => {
            eprint!("{text}");
            print(&json);
        }
        Some(path) => {
            print(text);
            crate::report::write_file(path, &json).map_err(usage)?;
        }
        None => print(text),
    }
    Ok(())
}
