//! Campaigns as a [`Report`]: the same value, and so the same outputs, as a conformance run.

use crate::{
    report::{
        self, Clients, EvidenceRecord, FORMAT, Finding, Report, RequirementResult, Target, Tool, Totals, Verdict,
    },
    spec::{Binds, Catalogue, FailOn},
};

use super::{campaign::Outcome, finding};

/// One report over campaigns against several configurations of one server, or against one target. Each group of
/// findings is a case, so that a CI system shows it as a test, and so is a comparison of two deployments.
pub fn report(outcomes: &[Outcome], fail_on: &FailOn, seed: u64, started: jiff::Timestamp) -> Report {
    let catalogue = Catalogue::known();
    let mut findings: Vec<Finding> = Vec::new();
    let mut exchanges = Vec::new();
    for outcome in outcomes {
        for found in &outcome.findings {
            // Exchanges count anew in every configuration.
            let name = |id: &str| if outcomes.len() > 1 { format!("{}/{id}", outcome.label) } else { id.to_owned() };
            match findings.iter_mut().find(|f| f.id == found.id) {
                Some(known) => known.count += found.count,
                None => {
                    findings.push(converted(found, &name));
                    exchanges.extend(found.exchanges.iter().map(|x| {
                        let mut record = x.clone();
                        record.id = format!("{}-{}", name(&x.id), found.id);
                        record
                    }));
                }
            }
        }
    }
    let requirements = catalogue
        .iter()
        .map(|r| {
            let mine: Vec<&Finding> =
                findings.iter().filter(|f| f.requirement == r.id || f.also.contains(&r.id)).collect();
            let broken = mine.iter().any(|f| f.strength == crate::spec::Strength::Broken);
            let met = outcomes.iter().any(|o| o.met.contains(r.id.as_str()));
            let (verdict, reason) = match r.binds {
                Binds::Client => (Verdict::NotApplicable, "binds the client".to_owned()),
                _ if broken => (Verdict::Broken, "found by fuzzing".to_owned()),
                _ if met => (Verdict::Met, "held on every exchange of the campaign that bore on it".to_owned()),
                _ => (Verdict::NotExercised, "nothing in the campaign bore on it".to_owned()),
            };
            RequirementResult {
                id: r.id.clone(),
                spec: catalogue.spec_of(r),
                section: r.section.clone(),
                level: r.level,
                binds: r.binds,
                verdict,
                reason,
                exchanges: 0,
                findings: mine.iter().map(|f| f.id.clone()).collect(),
            }
        })
        .collect();
    let untestable: Vec<String> =
        outcomes.iter().filter_map(|o| o.untestable.as_ref().map(|why| format!("{}: {why}", o.label))).collect();
    let mut report = Report {
        format: FORMAT,
        tool: Tool::this(),
        target: Target {
            label: outcomes.iter().map(|o| o.label.as_str()).collect::<Vec<_>>().join("+"),
            endpoint: outcomes.first().map(|o| o.endpoint.clone()).unwrap_or_default(),
            issuer: None,
            capabilities: Vec::new(),
            base_clients: Default::default(),
            ladder: Vec::new(),
        },
        fail_on: fail_on.levels().to_vec(),
        started: format!("{started:.3}"),
        seconds: outcomes.iter().map(|o| o.took.as_secs_f64()).sum(),
        seed,
        untestable: (!untestable.is_empty()).then(|| untestable.join("; ")),
        interrupted: outcomes.iter().any(|o| o.interrupted),
        totals: Totals::default(),
        requirements,
        cases: Vec::new(),
        findings,
        exchanges,
        clients: clients(outcomes),
    };
    report.cases = report.findings.iter().map(|f| report::finding_case(&report, f)).collect();
    if outcomes.iter().any(|o| o.against_ledger.is_some()) {
        report.cases.push(report::comparison_case(&report, outcomes.iter().map(|o| o.inputs).sum()));
    }
    let exchanges = outcomes.iter().map(|o| o.exchanges).sum();
    report.totals = Totals { exchanges, ..report::totals(&report) };
    report
}

fn clients(outcomes: &[Outcome]) -> Clients {
    let mut sum = Clients::default();
    for outcome in outcomes {
        sum.registered += outcome.clients.registered;
        sum.deleted += outcome.clients.deleted;
        sum.left.extend(outcome.clients.left.iter().cloned());
        sum.unknown += outcome.clients.unknown;
    }
    sum
}

fn converted(found: &finding::Finding, name: &dyn Fn(&str) -> String) -> Finding {
    let exchange = |id: &str| format!("{}-{}", name(id), found.id);
    let evidence = found
        .exchanges
        .iter()
        .map(|x| EvidenceRecord {
            exchange: exchange(&x.id),
            role: if x.id == found.exchange { "shows" } else { "compared with" }.to_owned(),
        })
        .collect();
    Finding {
        id: found.id.clone(),
        requirement: found.requirement.clone(),
        rule: found.rule.clone(),
        also: found.also.clone(),
        level: found.level,
        strength: found.strength,
        case: String::new(),
        message: format!("{} (repeats: {})", found.message, found.repeats),
        instance_path: found.place.clone(),
        schema_path: found.schema_path.clone(),
        expected: found.expected.clone(),
        actual: found.actual.clone(),
        count: found.count,
        exchange: exchange(&found.exchange),
        evidence,
        curl: found.curl.clone(),
        script: None,
        waived: None,
    }
}
