//! Campaigns as a [`Report`]: the same value, and so the same outputs, as a conformance run.

use crate::{
    report::{
        self, CaseOutcome, CaseResult, Clients, EvidenceRecord, Exit, FORMAT, Finding, Report, RequirementResult,
        Target, Tool, Totals, Verdict,
    },
    spec::{Binds, Catalogue, FailOn},
};

use super::{against::DIFFERENCE, campaign::Outcome, finding};

/// One report over campaigns against several configurations of one server, or against one target. Each group of
/// findings is a case, so that a CI system shows it as a test.
pub fn report(outcomes: &[Outcome], fail_on: &FailOn, seed: u64, started: jiff::Timestamp) -> Report {
    let catalogue = Catalogue::known();
    let mut findings: Vec<Finding> = Vec::new();
    let mut exchanges = Vec::new();
    let mut cases = Vec::new();
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
        tool: Tool { name: "dcrspec".into(), version: env!("CARGO_PKG_VERSION").into() },
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
    for finding in &report.findings {
        let outcome = if counts(&report, finding) { CaseOutcome::Failed } else { CaseOutcome::Passed };
        let curl = finding.curl.as_deref().map(|c| format!("\n{c}")).unwrap_or_default();
        cases.push(CaseResult {
            suite: "fuzz/findings".into(),
            id: format!("{}-{}", finding.rule.replace(|c: char| !c.is_ascii_alphanumeric(), "-"), finding.id),
            title: finding.requirement.clone(),
            outcome,
            reason: format!("{}: {}{curl}", finding.requirement, finding.message),
            requirements: std::iter::once(&finding.requirement).chain(&finding.also).cloned().collect(),
            seconds: 0.0,
            exchanges: finding.evidence.iter().map(|e| e.exchange.clone()).collect(),
        });
    }
    report.cases = cases;
    let exchanges = outcomes.iter().map(|o| o.exchanges).sum();
    report.totals = Totals { exchanges, ..report::totals(&report) };
    report
}

/// Whether a finding decides the exit code: by its level, or as a difference, which is what was asked for then.
fn counts(report: &Report, finding: &Finding) -> bool {
    report::fails(report, finding) || finding.requirement == DIFFERENCE
}

/// How campaigns ended, by the contract of all commands.
pub fn exit(report: &Report) -> Exit {
    if report.interrupted {
        Exit::Interrupted
    } else if report.untestable.is_some() {
        Exit::Untestable
    } else if report.findings.iter().any(|f| counts(report, f)) {
        Exit::Findings
    } else {
        Exit::Clean
    }
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
