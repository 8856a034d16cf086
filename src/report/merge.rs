//! Sums of reports: several configurations of one server, shards of one run, or several targets.

mod names;

use std::{cmp::Reverse, collections::HashMap};

use crate::spec::{Level, Strength};

use self::names::{labelled, make_distinct};
use super::{
    CapabilityRecord, CapabilityState, CaseOutcome, CaseResult, CaseTotals, Clients, Finding, Report,
    RequirementResult, RequirementTotals, Totals, Verdict, campaign,
};

/// One report for all of them; None when there is none. A single report stays as it is.
///
/// Verdicts add up as broken over met over not-exercised over not-applicable, and what could not be tested in part
/// says so. Exchanges are renamed to `label/x12`, wherever they are mentioned; where two reports share a
/// label, as shards do, the second says `label~2/x12`. It does not matter how a long list is merged in steps.
///
/// Counts and times are added: `seconds` is the work of all parts, however many of them ran side by side. `started` is
/// the earliest, and `fail_on` what any of them names. `seed` and `tool` are those of the first.
pub fn merge(reports: Vec<Report>) -> Option<Report> {
    let mut reports = reports.into_iter();
    let first = reports.next()?;
    Some(reports.fold(first, sum))
}

/// The counts of a report, from its requirements and cases.
///
/// A report keeps only some of its exchanges, so their number cannot be counted: it is the one that stands in
/// `totals`, or the number of those kept where that is higher.
pub fn totals(report: &Report) -> Totals {
    let verdict = |v: Verdict| report.requirements.iter().filter(|r| r.verdict == v).count() as u64;
    let outcome = |o: CaseOutcome| report.cases.iter().filter(|c| c.outcome == o).count() as u64;
    Totals {
        requirements: RequirementTotals {
            met: verdict(Verdict::Met),
            broken: verdict(Verdict::Broken),
            not_exercised: verdict(Verdict::NotExercised),
            not_applicable: verdict(Verdict::NotApplicable),
        },
        cases: CaseTotals {
            passed: outcome(CaseOutcome::Passed),
            failed: outcome(CaseOutcome::Failed),
            skipped: outcome(CaseOutcome::Skipped),
            errored: outcome(CaseOutcome::Errored),
        },
        exchanges: report.totals.exchanges.max(report.exchanges.len() as u64),
    }
}

fn sum(mut a: Report, mut b: Report) -> Report {
    a = labelled(a);
    b = labelled(b);
    make_distinct(&mut a, &mut b);

    // Reports come from files too, so no number in them is trusted to be small.
    let exchanges = a.totals.exchanges.saturating_add(b.totals.exchanges);
    let target_a = &mut a.target;
    target_a.label = join(&target_a.label, &b.target.label, "+");
    target_a.endpoint = join(&target_a.endpoint, &b.target.endpoint, " + ");
    target_a.issuer = match (target_a.issuer.take(), b.target.issuer) {
        (Some(a), Some(b)) => Some(join(&a, &b, " + ")),
        (a, b) => a.or(b),
    };
    combine(&mut target_a.capabilities, b.target.capabilities, |c| c.name.clone(), add_capability);
    for (kind, metadata) in b.target.base_clients {
        target_a.base_clients.entry(kind).or_insert(metadata);
    }
    target_a.ladder.extend(b.target.ladder);

    a.fail_on = Level::ALL.into_iter().filter(|l| a.fail_on.contains(l) || b.fail_on.contains(l)).collect();
    a.started = earlier(a.started, b.started);
    a.seconds = together(a.seconds, b.seconds);
    a.untestable = match (a.untestable, b.untestable) {
        (Some(a), Some(b)) => Some(join(&a, &b, "; ")),
        (a, b) => a.or(b),
    };
    a.interrupted |= b.interrupted;
    combine(&mut a.requirements, b.requirements, |r| r.id.clone(), add_requirement);
    combine(&mut a.cases, b.cases, |c| (c.suite.clone(), c.id.clone()), add_case);
    combine(&mut a.findings, b.findings, |f| f.id.clone(), add_finding);
    a.exchanges.extend(b.exchanges);
    a.clients = Clients {
        registered: a.clients.registered.saturating_add(b.clients.registered),
        deleted: a.clients.deleted.saturating_add(b.clients.deleted),
        left: a.clients.left.into_iter().chain(b.clients.left).collect(),
        unknown: a.clients.unknown.saturating_add(b.clients.unknown),
    };
    campaign::settle(&mut a);
    a.totals.exchanges = exchanges;
    a.totals = totals(&a);
    a
}

/// Adds each of `more` to its equal in `all`, or to the end: the order of the first report comes first.
fn combine<T, K: std::hash::Hash + Eq>(all: &mut Vec<T>, more: Vec<T>, key: impl Fn(&T) -> K, add: fn(&mut T, T)) {
    let mut places: HashMap<K, usize> = all.iter().enumerate().map(|(i, t)| (key(t), i)).collect();
    for item in more {
        match places.get(&key(&item)) {
            Some(&i) => add(&mut all[i], item),
            None => {
                places.insert(key(&item), all.len());
                all.push(item);
            }
        }
    }
}

fn add_capability(a: &mut CapabilityRecord, b: CapabilityRecord) {
    let rank = |state| match state {
        CapabilityState::Present => 2,
        CapabilityState::Absent => 1,
        CapabilityState::Unknown => 0,
    };
    if rank(b.state) > rank(a.state) {
        *a = b;
    }
}

fn add_requirement(a: &mut RequirementResult, b: RequirementResult) {
    if b.verdict > a.verdict {
        a.verdict = b.verdict;
        a.reason = b.reason;
    }
    a.exchanges = a.exchanges.saturating_add(b.exchanges);
    add_new(&mut a.findings, b.findings);
}

fn add_case(a: &mut CaseResult, b: CaseResult) {
    let rank = |outcome| match outcome {
        CaseOutcome::Failed => 3,
        CaseOutcome::Errored => 2,
        CaseOutcome::Passed => 1,
        CaseOutcome::Skipped => 0,
    };
    if rank(b.outcome) > rank(a.outcome) {
        a.outcome = b.outcome;
        a.reason = b.reason;
    }
    a.seconds = together(a.seconds, b.seconds);
    add_new(&mut a.requirements, b.requirements);
    add_new(&mut a.exchanges, b.exchanges);
}

/// The stronger one tells the story. One that is waived never covers one of the same strength that is not: so a sum
/// fails exactly when one of its parts does.
fn add_finding(a: &mut Finding, mut b: Finding) {
    let count = a.count.saturating_add(b.count);
    let mut evidence = std::mem::take(&mut a.evidence);
    add_new(&mut evidence, std::mem::take(&mut b.evidence));
    let mut also = std::mem::take(&mut a.also);
    add_new(&mut also, std::mem::take(&mut b.also));
    if weight(&b) > weight(a) {
        *a = b;
    }
    a.count = count;
    a.evidence = evidence;
    a.also = also;
}

/// What makes one finding weigh more than another, in sums and in the order in which they are shown.
pub(super) fn weight(finding: &Finding) -> (Strength, bool, Reverse<u8>) {
    (finding.strength, finding.waived.is_none(), Reverse(finding.level.rank()))
}

fn add_new<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    for item in more {
        if !all.contains(&item) {
            all.push(item);
        }
    }
}

/// The parts of two texts, each once.
fn join(a: &str, b: &str, separator: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    add_new(&mut parts, a.split(separator).chain(b.split(separator)).filter(|p| !p.is_empty()).collect());
    parts.join(separator)
}

/// The sum of two times. JSON has no infinity, so it ends at the greatest number.
fn together(a: f64, b: f64) -> f64 {
    (a + b).clamp(f64::MIN, f64::MAX)
}

fn earlier(a: String, b: String) -> String {
    match (a.parse::<jiff::Timestamp>(), b.parse::<jiff::Timestamp>()) {
        (Ok(at), Ok(bt)) if bt < at => b,
        (Err(_), Ok(_)) => b,
        _ => a,
    }
}
