//! What campaigns of the fuzzer have in a report beside verdicts: a case for each finding, and one for a comparison.
//!
//! Such a case repeats what the findings say, so that a CI system shows it as a test. In a sum it follows the findings of
//! the sum, not those of its part.

use std::collections::HashMap;

use super::{CaseOutcome, CaseResult, Finding, Report, fails};

/// What stands in the place of a requirement where two deployments answer differently.
pub const DIFFERENCE: &str = "difference";

/// The suite of the cases that stand for a finding each.
const FINDINGS: &str = "fuzz/findings";

/// The suite of the case that stands for a comparison.
const COMPARISON: &str = "fuzz/comparison";

/// The case that stands for a finding of a campaign: failed where the finding fails the report.
pub fn finding_case(report: &Report, finding: &Finding) -> CaseResult {
    let curl = finding.curl.as_deref().map(|c| format!("\n{c}")).unwrap_or_default();
    CaseResult {
        suite: FINDINGS.into(),
        id: finding_case_id(finding),
        title: finding.requirement.clone(),
        outcome: outcome(fails(report, finding)),
        reason: format!("{}: {}{curl}", finding.requirement, finding.message),
        requirements: std::iter::once(&finding.requirement).chain(&finding.also).cloned().collect(),
        seconds: 0.0,
        exchanges: finding.evidence.iter().map(|e| e.exchange.clone()).collect(),
    }
}

/// The case that stands for a comparison of two deployments by so many inputs. It is what such a campaign judges: no
/// requirement has a verdict there, and without this case two servers that answer alike would look untested.
pub fn comparison_case(report: &Report, inputs: u64) -> CaseResult {
    let differences = report.findings.iter().filter(|f| f.requirement == DIFFERENCE).count();
    let (outcome, reason) = match (inputs, differences) {
        (0, _) => (CaseOutcome::Skipped, "no input was sent".to_owned()),
        (_, 0) => (CaseOutcome::Passed, String::new()),
        (_, 1) => (CaseOutcome::Failed, "there is a difference; it is a case of its own".to_owned()),
        (_, n) => (CaseOutcome::Failed, format!("there are {n} differences; each is a case of its own")),
    };
    CaseResult {
        suite: COMPARISON.into(),
        id: "answers".into(),
        title: "two deployments answer the same inputs alike".into(),
        outcome,
        reason,
        requirements: Vec::new(),
        seconds: 0.0,
        exchanges: Vec::new(),
    }
}

/// Whether two deployments were compared.
pub(super) fn has_compared(report: &Report) -> bool {
    let judged = |c: &CaseResult| matches!(c.outcome, CaseOutcome::Passed | CaseOutcome::Failed);
    report.cases.iter().any(|c| c.suite == COMPARISON && judged(c))
}

/// Brings the cases that stand for findings in line with these. The levels that fail a sum can be more than those of the
/// part that the case is from.
pub(super) fn settle(report: &mut Report) {
    let failing: HashMap<String, bool> =
        report.findings.iter().map(|f| (finding_case_id(f), fails(report, f))).collect();
    for case in report.cases.iter_mut().filter(|c| c.suite == FINDINGS) {
        if let Some(fails) = failing.get(&case.id) {
            case.outcome = outcome(*fails);
        }
    }
}

/// Rule and id, as a word.
fn finding_case_id(finding: &Finding) -> String {
    format!("{}-{}", finding.rule.replace(|c: char| !c.is_ascii_alphanumeric(), "-"), finding.id)
}

fn outcome(fails: bool) -> CaseOutcome {
    if fails { CaseOutcome::Failed } else { CaseOutcome::Passed }
}
