//! `dcrspec replay FINDING`: is it fixed?

use std::path::PathBuf;

use super::{
    super::{
        Done, find_defects, print,
        run::{close_ledger, open_ledger, target::target as target_of},
        runtime, usage,
    },
    target::TargetArgs,
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
    // A finding from a URL is asked for there, unless another one is given.
    let there = Some(finding.target.as_str()).filter(|t| t.starts_with("http") && !args.target.reference);
    let (force, rate_given) = args.target.in_force(there)?;
    let options = args.target.run_options(&force, rate_given, finding.seed);
    let (target, ledger) = if args.target.reference {
        // The configuration in which it was found; that of the defect for findings from elsewhere.
        let found_in = Configuration::ALL.into_iter().find(|c| c.name() == finding.target);
        let of_defect = defects.first().map(|d| d.configuration);
        let configuration = found_in.or(of_defect).unwrap_or(Configuration::Open);
        (selftest::reference_target(configuration, &defects, finding.seed), Ledger::memory())
    } else {
        (target_of(&force)?, open_ledger(force.settings.ledger.clone())?)
    };
    let (replayed, mut ledger, complaints) =
        runtime()?.block_on(replay(&finding, &target, &options, ledger, args.times));
    for complaint in complaints {
        eprintln!("dcrspec: {}", harmless(&complaint));
    }
    if !args.target.reference {
        close_ledger(&mut ledger, force.settings.ledger.is_some());
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
