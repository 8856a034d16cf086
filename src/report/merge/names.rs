//! Names of exchanges in sums: no two reports may mean different exchanges by one id.

use std::collections::{HashMap, HashSet};

use super::super::{EvidenceRecord, Report};

/// The report with its label on everything that has to be told apart in a sum. What carries one already is left alone.
pub(super) fn labelled(mut report: Report) -> Report {
    let label = report.target.label.clone();
    each_exchange_id(&mut report, &mut |id| {
        if !id.contains('/') {
            *id = format!("{label}/{id}");
        }
    });
    if let Some(reason) = &report.untestable
        && !label.split('+').chain([label.as_str()]).any(|l| reason.starts_with(&format!("{l}: ")))
    {
        report.untestable = Some(format!("{label}: {reason}"));
    }
    for finding in &mut report.findings {
        // The exchange that shows it best stays in evidence when another report's tells the story.
        if !finding.exchange.is_empty() && !finding.evidence.iter().any(|e| e.exchange == finding.exchange) {
            finding.evidence.insert(0, EvidenceRecord { exchange: finding.exchange.clone(), role: "shows".into() });
        }
    }
    report
}

/// Renames the exchanges of `b` whose prefix `a` uses too. Prefixes are numbered in the order in which they
/// occur, so that merging in steps gives the same names.
pub(super) fn make_distinct(a: &mut Report, b: &mut Report) {
    let mut used: HashMap<String, usize> = HashMap::new();
    for prefix in prefixes(a) {
        *used.entry(base(&prefix).to_owned()).or_default() += 1;
    }
    let mut names: HashMap<String, String> = HashMap::new();
    for prefix in prefixes(b) {
        let base = base(&prefix).to_owned();
        let count = used.entry(base.clone()).or_default();
        *count += 1;
        let name = if *count == 1 { base } else { format!("{base}~{count}") };
        names.insert(prefix, name);
    }
    each_exchange_id(b, &mut |id| {
        if let Some((prefix, rest)) = id.rsplit_once('/')
            && let Some(name) = names.get(prefix)
        {
            *id = format!("{name}/{rest}");
        }
    });
}

/// The prefixes of all exchange ids, ordered by base and number.
fn prefixes(report: &mut Report) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    each_exchange_id(report, &mut |id| {
        if let Some((prefix, _)) = id.rsplit_once('/')
            && seen.insert(prefix.to_owned())
        {
            found.push(prefix.to_owned());
        }
    });
    found.sort_by_cached_key(|p| (base(p).to_owned(), p.len(), p.clone()));
    found
}

/// `label` of `label~2`.
fn base(prefix: &str) -> &str {
    match prefix.rsplit_once('~') {
        Some((base, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => base,
        _ => prefix,
    }
}

/// Every mention of an exchange. An empty one mentions none.
fn each_exchange_id(report: &mut Report, f: &mut dyn FnMut(&mut String)) {
    let mentions = (report.exchanges.iter_mut().map(|e| &mut e.id))
        .chain(report.cases.iter_mut().flat_map(|c| c.exchanges.iter_mut()))
        .chain(report.findings.iter_mut().flat_map(|finding| {
            std::iter::once(&mut finding.exchange).chain(finding.evidence.iter_mut().map(|e| &mut e.exchange))
        }))
        .chain(report.target.capabilities.iter_mut().filter_map(|c| c.exchange.as_mut()))
        .chain(report.target.ladder.iter_mut().map(|r| &mut r.exchange));
    mentions.filter(|id| !id.is_empty()).for_each(f);
}
