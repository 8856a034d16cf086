//! The report of a run, made from what the harness saw.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use super::{curl, evidence::RawFinding, harness::Harness};
use crate::{
    report::{
        CaseResult, EvidenceRecord, ExchangeRecord, FORMAT, Finding, Report, RequirementResult, RungRecord, Target,
        Tool, Totals, Verdict, totals,
    },
    spec::Catalogue,
    suite::BaseKind,
};

/// Evidence beyond this many exchanges shows nothing more.
const EVIDENCE_LIMIT: usize = 5;

/// Adds up one run. Everything that goes in is redacted here.
pub fn report(
    harness: &mut Harness<'_>,
    started: jiff::Timestamp,
    took: Duration,
    ladder: Vec<RungRecord>,
    cases: Vec<CaseResult>,
) -> Report {
    let catalogue = Catalogue::known();
    let interrupted = harness.options.stop.is_requested();
    let grouped = harness.evidence.grouped();
    let findings: Vec<Finding> = grouped.iter().map(|f| finding(harness, f)).collect();
    let requirements = catalogue
        .iter()
        .map(|r| {
            let (verdict, reason) = match catalogue.foreign(&r.id, &harness.target.vendors) {
                Some(vendor) => (
                    Verdict::NotApplicable,
                    format!("the target was not held against the documentation of {vendor} (--suite {vendor})"),
                ),
                None => harness.evidence.verdict(r, &harness.ground.capabilities, &grouped),
            };
            let reason = match (&harness.ground.untestable, verdict) {
                (Some(why), Verdict::NotExercised) => format!("the target could not be tested: {why}"),
                (None, Verdict::NotExercised) if interrupted && !reason.ends_with("the run was interrupted") => {
                    format!("{reason}; the run was interrupted")
                }
                _ => reason,
            };
            RequirementResult {
                id: r.id.clone(),
                spec: catalogue.spec_of(r),
                section: r.section.clone(),
                level: r.level,
                binds: r.binds,
                verdict,
                reason: harness.redactor.text(&reason),
                exchanges: harness.evidence.exchanges_of(&r.id),
                findings: grouped
                    .iter()
                    .filter(|f| f.requirement == r.id || f.also.contains(&r.id))
                    .map(|f| f.id.clone())
                    .collect(),
            }
        })
        .collect();
    let mut wanted: BTreeSet<&str> = BTreeSet::new();
    for finding in &findings {
        wanted.extend(finding.evidence.iter().map(|e| e.exchange.as_str()));
    }
    let exchanges: Vec<ExchangeRecord> = harness
        .exchanges
        .iter()
        .filter(|x| harness.options.all_exchanges || wanted.contains(format!("x{}", x.id).as_str()))
        .map(|x| harness.redactor.record(x))
        .collect();
    let mut report = Report {
        format: FORMAT,
        tool: Tool::this(),
        target: Target {
            label: harness.target.label.clone(),
            endpoint: harness.ground.endpoint.clone(),
            issuer: harness.ground.issuer.clone(),
            capabilities: harness.ground.capabilities.records(),
            base_clients: harness
                .ground
                .bases
                .iter()
                .map(|(kind, base)| (kind_name(*kind).to_owned(), Value::Object(base.metadata.clone())))
                .collect(),
            ladder: ladder.into_iter().map(|r| RungRecord { answer: harness.redactor.text(&r.answer), ..r }).collect(),
        },
        fail_on: harness.options.fail_on.levels().to_vec(),
        started: format!("{started:.3}"),
        seconds: took.as_secs_f64(),
        seed: harness.options.seed,
        untestable: harness.ground.untestable.as_ref().map(|why| harness.redactor.text(why)),
        interrupted,
        totals: Totals::default(),
        requirements,
        cases: cases.into_iter().map(|c| CaseResult { reason: harness.redactor.text(&c.reason), ..c }).collect(),
        findings,
        exchanges,
        clients: harness.ledger.clients(),
    };
    report.totals =
        Totals { exchanges: harness.exchanges.iter().filter(|x| x.was_sent()).count() as u64, ..totals(&report) };
    report
}

fn kind_name(kind: BaseKind) -> &'static str {
    match kind {
        BaseKind::Public => "public",
        BaseKind::Confidential | BaseKind::Any => "confidential",
    }
}

fn finding(harness: &Harness<'_>, raw: &RawFinding) -> Finding {
    let clean = |text: &str| harness.redactor.text(text);
    // The first exchange that shows it is the one that a person repeats.
    let first = raw.exchanges[0];
    let mut evidence: Vec<EvidenceRecord> = Vec::new();
    let mut add = |id: u32, role: &str| {
        let record = EvidenceRecord { exchange: format!("x{id}"), role: role.to_owned() };
        if !evidence.iter().any(|e| e.exchange == record.exchange) {
            evidence.push(record);
        }
    };
    raw.exchanges.iter().take(EVIDENCE_LIMIT).for_each(|id| add(*id, "shows"));
    raw.objection.with.iter().for_each(|id| add(*id, "compared with"));
    raw.control.iter().for_each(|id| add(*id, "control"));
    // Nothing listens at the URL of a service in this process.
    let reachable = !harness.target.transport.is_in_process();
    let line = |id: u32| {
        let exchange = harness.exchanges.iter().find(|x| x.id == id).filter(|_| reachable)?;
        curl::line(exchange, &harness.redactor)
    };
    let with: Vec<String> = raw.objection.with.iter().filter_map(|id| line(*id)).collect();
    let curl = line(first);
    let script = match (&curl, with.is_empty()) {
        (Some(last), false) => Some(format!("{}\n{last}\n", with.join("\n"))),
        _ => None,
    };
    Finding {
        id: raw.id.clone(),
        requirement: raw.requirement.clone(),
        rule: raw.rule.clone(),
        also: raw.also.clone(),
        level: raw.level,
        strength: raw.strength,
        case: raw.case.clone(),
        message: clean(&raw.objection.message),
        instance_path: clean(&raw.objection.instance_path),
        schema_path: raw.objection.schema_path.clone(),
        expected: clean(&raw.objection.expected),
        actual: clean(&raw.objection.actual),
        count: raw.count,
        exchange: format!("x{first}"),
        evidence,
        curl,
        script,
        waived: None,
    }
}
