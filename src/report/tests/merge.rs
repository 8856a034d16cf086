use proptest::prelude::*;

use super::*;

fn labelled(label: &str) -> Report {
    let mut report = sample();
    report.target.label = label.into();
    report
}

fn sum(reports: &[Report]) -> Report {
    merge(reports.to_vec()).unwrap()
}

#[test]
fn nothing_and_one() {
    assert!(merge(vec![]).is_none());
    assert_eq!(json(&sum(&[sample()])), json(&sample()));
}

#[test]
fn equal_things_become_one() {
    let (mut a, mut b) = (labelled("open"), labelled("tls"));
    a.cases[0].outcome = CaseOutcome::Skipped;
    b.findings[0].count = 4;
    b.findings.push(finding("f-new", "oidc-2-a", "new", Level::May, Strength::Note));
    b.target.capabilities[0].state = CapabilityState::Absent;
    b.started = "2026-11-25T01:00:00+02:00".into();
    let both = sum(&[a, b]);
    assert_eq!(both.target.label, "open+tls");
    assert_eq!(both.target.endpoint, "https://as.example.com/register");
    assert_eq!(
        both.target.capabilities,
        [CapabilityRecord { exchange: Some("open/x1".into()), ..capability("jwks", CapabilityState::Present) }]
    );
    assert_eq!(both.started, "2026-11-25T01:00:00+02:00", "the earlier moment, whatever its zone");
    assert_eq!((both.seconds, both.totals.exchanges), (5.0, 24));
    assert_eq!(both.cases.len(), 5);
    assert_eq!(both.cases[0].outcome, CaseOutcome::Passed);
    assert_eq!(both.cases[0].exchanges, ["open/x1", "tls/x1"]);
    assert_eq!(both.findings.len(), 5);
    assert_eq!(both.findings[0].count, 7);
    let evidence: Vec<&str> = both.findings[0].evidence.iter().map(|e| e.exchange.as_str()).collect();
    assert_eq!(evidence, ["open/x1", "tls/x1"]);
    assert_eq!(both.exchanges.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["open/x1", "tls/x1"]);
    assert_eq!(both.clients.left, ["client-3", "client-3"]);
    assert_eq!((both.clients.registered, both.clients.unknown), (6, 2));
    assert_eq!(both.totals, totals(&both));
    assert_eq!(both.totals.requirements.broken, 2);
}

#[test]
fn shards_with_one_label_keep_their_exchanges_apart() {
    let shards = [labelled("t"), labelled("t"), labelled("t")];
    let all = sum(&shards);
    assert_eq!(all.target.label, "t");
    let ids: Vec<&str> = all.exchanges.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(ids, ["t/x1", "t~2/x1", "t~3/x1"]);
    let stepwise = sum(&[shards[0].clone(), sum(&shards[1..])]);
    assert_eq!(json(&stepwise), json(&all));
}

#[test]
fn every_exchange_that_is_mentioned_can_be_found() {
    let all = sum(&[labelled("a"), labelled("a"), labelled("b/c")]);
    let known: Vec<&str> = all.exchanges.iter().map(|e| e.id.as_str()).collect();
    let cases = all.cases.iter().flat_map(|c| &c.exchanges);
    let findings = all.findings.iter().flat_map(|f| f.evidence.iter().map(|e| &e.exchange).chain([&f.exchange]));
    let target = all.target.ladder.iter().map(|r| &r.exchange);
    for id in cases.chain(findings).chain(target).chain(all.target.capabilities.iter().flat_map(|c| &c.exchange)) {
        assert!(known.contains(&id.as_str()), "{id}");
    }
}

#[test]
fn a_part_that_could_not_be_tested_is_named() {
    let (a, mut b) = (labelled("open"), labelled("tls"));
    b.untestable = Some("no route".into());
    let both = sum(&[a.clone(), b.clone()]);
    assert_eq!(both.untestable.as_deref(), Some("tls: no route"));
    let more = sum(&[both, a]);
    assert_eq!(more.untestable.as_deref(), Some("tls: no route"), "prefixed once");
    assert_eq!(exit(&more), Exit::Untestable);
}

#[test]
fn a_waiver_in_one_part_hides_no_break_in_another() {
    let (mut a, mut b) = (labelled("a"), labelled("b"));
    a.findings[0].waived = Some("known".into());
    for reports in [[a.clone(), b.clone()], [b.clone(), a.clone()]] {
        assert_eq!(exit(&sum(&reports)), Exit::Findings);
    }
    // Neither does a weaker break that is not waived lend its openness to a stronger one that is.
    b.findings[0].level = Level::Should;
    for reports in [[a.clone(), b.clone()], [b, a]] {
        assert_eq!(exit(&sum(&reports)), Exit::Clean);
    }
}

const VERDICTS: [Verdict; 4] = [Verdict::NotApplicable, Verdict::NotExercised, Verdict::Met, Verdict::Broken];

prop_compose! {
    /// A report of a few requirements, cases and findings that other reports have too.
    pub(super) fn part()(
        label in "[ab]", verdicts in prop::collection::vec(0usize..4, 0..4), outcomes in prop::collection::vec(0u8..4, 0..4),
        findings in prop::collection::vec((0u8..3, 0u8..3, any::<bool>(), 0usize..7), 0..4), quarters in 0u8..9,
        untestable in prop::option::weighted(0.2, Just("gone".to_owned())),
    ) -> Report {
        let mut report = labelled(&label);
        report.untestable = untestable;
        report.seconds = f64::from(quarters) / 4.0;
        report.requirements =
            verdicts.iter().enumerate().map(|(i, v)| requirement(&format!("r{i}"), VERDICTS[*v])).collect();
        let outcome = |n: &u8| match n {
            0 => CaseOutcome::Passed,
            1 => CaseOutcome::Failed,
            2 => CaseOutcome::Skipped,
            _ => CaseOutcome::Errored,
        };
        report.cases = outcomes.iter().enumerate().map(|(i, o)| case("s/t", &format!("c{i}"), outcome(o))).collect();
        let mut made: Vec<Finding> = Vec::new();
        for (id, strength, waived, level) in findings {
            let strength = [Strength::Note, Strength::Warning, Strength::Broken][usize::from(strength)];
            let mut one = finding(&format!("f{id}"), &format!("r{id}"), "rule", Level::ALL[level], strength);
            one.waived = waived.then(|| "known".to_owned());
            if made.iter().all(|f| f.id != one.id) {
                made.push(one);
            }
        }
        report.findings = made;
        report.totals = totals(&report);
        report
    }
}

/// What must not depend on the order.
pub(super) fn verdicts(report: &Report) -> impl PartialEq + std::fmt::Debug + use<> {
    let mut requirements: Vec<_> = report.requirements.iter().map(|r| (r.id.clone(), r.verdict)).collect();
    let mut cases: Vec<_> = report.cases.iter().map(|c| (c.id.clone(), c.outcome.to_owned())).collect();
    let mut findings: Vec<_> =
        report.findings.iter().map(|f| (f.id.clone(), f.strength, f.level.rank(), f.count)).collect();
    requirements.sort();
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    findings.sort_by(|a, b| a.0.cmp(&b.0));
    (requirements, cases, findings, exit(report).code(), report.totals.clone())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_in_steps_gives_the_same(parts in prop::collection::vec(part(), 3..6), split in 1usize..5) {
        let split = split.min(parts.len() - 1);
        let (left, right) = parts.split_at(split);
        prop_assert_eq!(json(&sum(&[sum(left), sum(right)])), json(&sum(&parts)));
    }

    #[test]
    fn verdicts_do_not_depend_on_the_order(parts in prop::collection::vec(part(), 1..6), shift in 0usize..6) {
        let mut turned = parts.clone();
        turned.reverse();
        turned.rotate_left(shift % parts.len());
        prop_assert_eq!(verdicts(&sum(&parts)), verdicts(&sum(&turned)));
    }

    #[test]
    fn a_sum_fails_exactly_when_a_part_does(parts in prop::collection::vec(part(), 1..6)) {
        let any = parts.iter().any(|p| p.findings.iter().any(|f| fails(p, f)));
        let all = sum(&parts);
        prop_assert_eq!(all.findings.iter().any(|f| fails(&all, f)), any);
    }
}
