//! `dcrspec replay FINDING`: is it fixed?

use std::path::PathBuf;

use super::{
    super::{
        Done, find_defects, print,
        run::{close_ledger, open_ledger},
        runtime, usage,
    },
    against,
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
    #[command(flatten)]
    against: against::AgainstArgs,
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
        (args.target.target(&force)?, open_ledger(force.settings.ledger.clone())?)
    };
    let second = finding.against.as_deref().filter(|t| t.starts_with("http"));
    let other = if finding.is_difference() { args.against.open(&args.target, second, &ledger)? } else { None };
    if finding.is_difference() && other.is_none() {
        return Err(usage("the finding is a difference between two servers: --against URL names the second one"));
    }
    if !finding.is_difference() && args.against.against.is_some() {
        return Err(usage("the finding is about one server, and --against means nothing for it"));
    }
    let (other, other_ledger) = other.unzip();
    let asked = replay(&finding, &target, other.as_ref().zip(other_ledger), &options, ledger, args.times);
    let (replayed, finished) = runtime()?.block_on(asked);
    let (mut ledger, mut other_ledger) = (finished.ledger, finished.against);
    for complaint in finished.complaints {
        eprintln!("dcrspec: {}", harmless(&complaint));
    }
    if !args.target.reference {
        close_ledger(&mut ledger, force.settings.ledger.is_some());
    }
    against::close(other_ledger.as_mut(), force.settings.ledger.is_some());
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
