//! Running suites against a target: plan, execute, clean up, and add up the report.

mod cleanup;
pub(crate) mod curl;
mod dry;
mod evidence;
mod execute;
mod expect;
pub(crate) mod harness;
pub mod manage;
mod prepare;
mod probe;
mod restraint;
mod result;
mod stop;
mod usage;

use std::time::Duration;

pub use cleanup::{Administration, Gone};
pub use dry::{dry_run, listing};
pub use evidence::finding_id;
pub use execute::transform_json;
pub use expect::says_nothing;
pub use stop::Stop;

use crate::{
    report::Report,
    spec::FailOn,
    suite::{Case, Suite},
    target::Target,
    wire::{Ledger, Pace},
};

/// How a run is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// The levels at which a broken finding fails the run.
    pub fail_on: FailOn,
    /// Requests a second; without it 10 at servers that are not ours.
    pub rate: Option<f64>,
    /// How long rate limits are waited out, in all.
    pub wait_budget: Duration,
    /// Deletes the clients that were registered.
    pub clean_up: bool,
    /// Runs cases that could touch other users.
    pub allow_unsafe: bool,
    /// Makes the words in payloads the same in every run.
    pub seed: u64,
    /// Only cases whose `suite/case` fits one of these globs.
    pub cases: Vec<String>,
    /// Keeps every exchange in the report, not only those of findings.
    pub all_exchanges: bool,
    /// The most clients that are registered in all. Cases then share those that they leave as they are, and a case that
    /// might need more than are left is skipped. None: as many as the cases need.
    pub max_clients: Option<u64>,
    /// Ends the run early when it is asked to.
    pub stop: Stop,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            fail_on: FailOn::default(),
            rate: None,
            wait_budget: Duration::from_secs(60),
            clean_up: true,
            allow_unsafe: false,
            seed: 1,
            cases: Vec::new(),
            all_exchanges: false,
            max_clients: None,
            stop: Stop::new(),
        }
    }
}

/// What a run gives back.
#[derive(Debug)]
pub struct Outcome {
    /// What was found.
    pub report: Report,
    /// The ledger, with the clients that are still there.
    pub ledger: Ledger,
    /// Problems with the ledger or the clean-up.
    pub complaints: Vec<String>,
    /// How requests were paced.
    pub pace: Pace,
}

/// The cases of these suites that the globs of `options` choose, in order.
pub fn plan<'s>(suites: &'s [Suite], options: &Options) -> Vec<(&'s Suite, &'s Case)> {
    suites
        .iter()
        .flat_map(|suite| suite.cases.iter().map(move |case| (suite, case)))
        .filter(|(suite, case)| {
            let name = format!("{}/{}", suite.name, case.id.value);
            options.cases.is_empty() || options.cases.iter().any(|glob| fits(glob, &name))
        })
        .collect()
}

/// Whether a name fits a glob, in which `*` stands for any characters. A glob without a slash is held against the last part.
pub fn fits(glob: &str, name: &str) -> bool {
    let name = if glob.contains('/') { name } else { name.rsplit('/').next().unwrap_or(name) };
    let mut parts = glob.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

/// Runs suites against a target, cleans up, and reports.
pub async fn run(target: &Target, suites: &[Suite], options: &Options, ledger: Ledger) -> Outcome {
    run_observed(target, suites, options, ledger, &mut |_| {}).await
}

/// As [`run`], telling `progress` what is about to happen.
pub async fn run_observed(
    target: &Target,
    suites: &[Suite],
    options: &Options,
    ledger: Ledger,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Outcome {
    let started = jiff::Timestamp::now();
    let clock = std::time::Instant::now();
    let mut harness = harness::Harness::new(target, options, ledger);
    progress(Progress::Preparing);
    let ladder = harness.prepare().await;
    let fits = |suite: &Suite| crate::suite::vendor_of(suite).is_none_or(|v| target.vendors.iter().any(|t| t == v));
    let plan: Vec<_> = plan(suites, options).into_iter().filter(|(suite, _)| fits(suite)).collect();
    let mut cases = Vec::new();
    let base_clients = harness.clients.len();
    if options.stop.is_requested() {
        // What was not asked has not failed.
        harness.ground.untestable = None;
    }
    for (number, (suite, case)) in plan.iter().enumerate() {
        if harness.ground.untestable.is_some() {
            break;
        }
        if options.stop.is_requested() {
            cases.push(harness.not_reached(suite, case));
            continue;
        }
        progress(Progress::Case { number: number + 1, of: plan.len(), suite: &suite.name, case: &case.id.value });
        cases.push(harness.run_case(suite, case).await);
        debug_assert!(
            options.max_clients.is_some() || harness.clients.len() <= base_clients,
            "a case cleans up what it registered"
        );
    }
    progress(Progress::CleaningUp { clients: harness.clients.len() });
    harness.clean_up(0).await;
    if let (Some(administration), true) = (&target.administration, options.clean_up) {
        let complaints = administration.finish(&mut harness.ledger, &harness.ground.endpoint).await;
        harness.complaints.extend(complaints);
    }
    harness.judge_pending();
    let report = result::report(&mut harness, started, clock.elapsed(), ladder, cases);
    Outcome {
        pace: harness.pace(),
        report,
        complaints: std::mem::take(&mut harness.complaints),
        ledger: harness.ledger,
    }
}

/// What a run is about to do.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// The endpoint is looked for, base clients are tried.
    Preparing,
    /// A case begins.
    Case { number: usize, of: usize, suite: &'a str, case: &'a str },
    /// The clients that are left are deleted.
    CleaningUp { clients: usize },
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn globs() {
        assert!(fits("rfc7591/*", "rfc7591/secrets/expiry"));
        assert!(fits("expiry", "rfc7591/secrets/expiry"));
        assert!(fits("*exp*y", "rfc7591/secrets/expiry"));
        assert!(!fits("exp", "rfc7591/secrets/expiry"));
        assert!(!fits("rfc7591/secrets", "rfc7591/secrets/expiry"));
    }
}
