//! Reports that were read back from files, as one.

use std::cmp::Reverse;

use crate::spec::{Binds, Catalogue, FailOn};

use super::{
    Report, RequirementResult, Tool, Verdict, campaign,
    exit::something_judged,
    merge::{merge, totals, weight},
};

/// One report of all that were read, as `dcrspec report` shows it: their [`merge`], put in order. None when there is none.
///
/// Verdicts, findings and counts are those of the sum. Beyond that:
///
/// - A part in which nothing was judged makes the whole untestable and is named, as no other part makes up for it.
/// - Each requirement of the catalogue has a verdict, in catalogue order; those that only the reports know come last.
/// - The findings of several reports are sorted, the strongest first. Those of one stay as they are.
/// - `fail_on` replaces what the reports say, where it is given.
pub fn gather(mut parts: Vec<Report>, fail_on: Option<&FailOn>, catalogue: &Catalogue) -> Option<Report> {
    let several = parts.len() > 1;
    if several {
        parts.iter_mut().for_each(own_up);
    }
    let mut report = merge(parts)?;
    report.tool = Tool::this();
    complete(&mut report.requirements, catalogue);
    if several {
        let order = |id: &str| catalogue.position(id).unwrap_or(usize::MAX);
        report.findings.sort_by_cached_key(|f| (Reverse(weight(f)), order(&f.requirement), f.id.clone()));
    }
    if let Some(fail_on) = fail_on {
        report.fail_on = fail_on.levels().to_vec();
        campaign::settle(&mut report);
    }
    report.totals = totals(&report);
    Some(report)
}

/// What an empty part alone would end with, the whole ends with too. An interrupted one has said why already.
fn own_up(part: &mut Report) {
    if !part.interrupted && part.untestable.is_none() && !something_judged(part) {
        part.untestable = Some("nothing could be judged".into());
    }
}

/// Every requirement of the catalogue, in its order, and then the others. Another version of this tool, or one with further
/// vendor profiles, knows other requirements.
fn complete(requirements: &mut Vec<RequirementResult>, catalogue: &Catalogue) {
    let known: std::collections::HashSet<String> = requirements.iter().map(|r| r.id.clone()).collect();
    for entry in catalogue.iter().filter(|entry| !known.contains(&entry.id)) {
        let (verdict, reason) = match catalogue.foreign(&entry.id, &[]) {
            Some(vendor) => (
                Verdict::NotApplicable,
                format!("the target was not held against the documentation of {vendor} (--suite {vendor})"),
            ),
            None if entry.binds == Binds::Client => (Verdict::NotApplicable, "binds the client".to_owned()),
            None => (Verdict::NotExercised, "what wrote the report does not know it".to_owned()),
        };
        requirements.push(RequirementResult {
            id: entry.id.clone(),
            spec: catalogue.spec_of(entry),
            section: entry.section.clone(),
            level: entry.level,
            binds: entry.binds,
            verdict,
            reason,
            exchanges: 0,
            findings: Vec::new(),
        });
    }
    requirements.sort_by_key(|r| catalogue.position(&r.id).unwrap_or(usize::MAX));
}
