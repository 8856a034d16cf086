//! `dcrspec replay FINDING`: is it fixed?

use std::path::PathBuf;

use super::{
    super::{Done, find_defects, print, runtime, usage},
    target::{TargetArgs, close},
};
use crate::{
    fuzz::{
        finding::Finding,
        replay::{Replayed, replay},
    },
    report::{Exit, text::harmless},
    selftest,
    server::Configuration,
    wire::Ledger,
};

#[derive(clap::Args)]
pub struct Args {
    /// A file that `dcrspec fuzz --findings DIR` has written
    #[arg(value_name = "FINDING")]
    finding: PathBuf,
    #[command(flatten)]
    target: TargetArgs,
    /// How often it is sent
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    times: u32,
}

pub fn main(args: Args) -> Done {
    let finding = Finding::read(&args.finding).map_err(usage)?;
    let defects = find_defects(&args.target.defect)?;
    let options = args.target.run_options(finding.seed);
    let (target, ledger) = if args.target.reference {
        // The configuration in which it was found; the first that there is for findings from elsewhere.
        let found_in = Configuration::ALL.into_iter().find(|c| c.name() == finding.target);
        let of_defect = defects.first().map(|d| d.configuration);
        let configuration = found_in.or(of_defect).unwrap_or(Configuration::Open);
        (selftest::reference_target(configuration, &defects, finding.seed), Ledger::memory())
    } else {
        let mut args = args.target;
        // A finding from a URL is asked for there, unless another one is given.
        if args.url.is_none() && finding.target.starts_with("http") {
            args.url = Some(finding.target.clone());
        }
        (args.target()?, args.ledger()?)
    };
    let path = ledger.path().map(PathBuf::from);
    let (replayed, mut ledger, complaints) =
        runtime()?.block_on(replay(&finding, &target, &options, ledger, args.times));
    for complaint in complaints {
        eprintln!("dcrspec: {}", harmless(&complaint));
    }
    if path.is_some() {
        close(&mut ledger, path.as_deref());
    }
    let what = format!("{} {}", finding.requirement, finding.id);
    let (text, exit) = match replayed {
        Replayed::Fixed => (format!("FIXED: {what}"), Exit::Clean),
        Replayed::StillThere(repeats) => {
            (format!("STILL THERE: {what} ({repeats}): {}", harmless(&finding.message)), Exit::Findings)
        }
        Replayed::Changed(other) => {
            (format!("CHANGED: {what} is gone, and there is this: {}", harmless(&other.join("; "))), Exit::Findings)
        }
        Replayed::NotAsked(why) => (format!("could not be asked: {what}: {}", harmless(&why)), Exit::Untestable),
    };
    print(&format!("{text}\n"));
    Ok(exit)
}
