use proptest::prelude::*;

use super::{
    merge::{part, verdicts},
    *,
};
use crate::spec::{Catalogue, FailOn};

fn gathered(parts: &[Report]) -> Report {
    gather(parts.to_vec(), None, Catalogue::embedded()).unwrap()
}

/// [`sample`] as this version writes it: with every requirement.
fn whole() -> Report {
    gathered(&[sample()])
}

/// A campaign's report of one finding at this level.
fn campaign(level: Level, strength: Strength, requirement: &str, fail_on: &[Level]) -> Report {
    let mut report = whole();
    report.fail_on = fail_on.to_vec();
    report.findings = vec![finding("f", requirement, "a/rule", level, strength)];
    report.cases = vec![finding_case(&report, &report.findings[0])];
    report.totals = totals(&report);
    report
}

#[test]
fn nothing_gives_nothing_and_one_stays_as_it_is() {
    assert!(gather(vec![], None, Catalogue::embedded()).is_none());
    let mut one = whole();
    one.untestable = Some("no route".into());
    assert_eq!(json(&gathered(&[one.clone()])), json(&one));
    assert_eq!(exit(&one), Exit::Untestable);
}

#[test]
fn every_requirement_has_a_verdict_in_catalogue_order_and_unknown_ones_come_last() {
    let mut other = sample();
    other.requirements.insert(0, requirement("of-tomorrow", Verdict::Broken));
    for report in [gathered(&[other.clone()]), gathered(&[other, sample()])] {
        let ids: Vec<&str> = report.requirements.iter().map(|r| r.id.as_str()).collect();
        let known: Vec<&str> = Catalogue::embedded().iter().map(|r| r.id.as_str()).collect();
        assert_eq!(ids[..known.len()], known);
        // The two of the sample are none of the catalogue either.
        let mut rest = ids[known.len()..].to_vec();
        rest.sort_unstable();
        assert!(rest.contains(&"of-tomorrow"), "{rest:?}");
        assert_eq!(report.totals, totals(&report));
        assert!(report.requirements.iter().all(|r| !r.reason.is_empty()));
    }
}

#[test]
fn an_empty_part_never_passes_beside_one_that_is_not_empty() {
    let mut empty = sample();
    empty.target.label = "idle".into();
    empty.requirements.clear();
    empty.findings.clear();
    let clean = Report { findings: vec![], ..sample() };
    assert_eq!(exit(&gathered(&[clean.clone(), clean.clone()])), Exit::Clean);
    for parts in [[clean.clone(), empty.clone()], [empty.clone(), clean.clone()]] {
        let both = gathered(&parts);
        assert_eq!(exit(&both), Exit::Untestable);
        assert_eq!(both.untestable.as_deref(), Some("idle: nothing could be judged"));
    }
    let stopped = Report { interrupted: true, ..empty };
    assert_eq!(exit(&gathered(&[clean, stopped])), Exit::Interrupted);
}

#[test]
fn levels_are_those_of_any_part_or_those_that_are_given_and_cases_of_campaigns_follow() {
    let should = [Level::Should];
    let mild = campaign(Level::Should, Strength::Broken, "oidc-2-a", &[Level::Must]);
    assert_eq!((exit(&mild), mild.cases[0].outcome), (Exit::Clean, CaseOutcome::Passed));
    let strict = Report { fail_on: should.to_vec(), ..whole() };
    let both = gathered(&[mild.clone(), strict]);
    assert_eq!(both.fail_on, [Level::Must, Level::Should]);
    assert_eq!((exit(&both), both.cases[0].outcome), (Exit::Findings, CaseOutcome::Failed));
    let given: FailOn = "should".parse().unwrap();
    let one = gather(vec![mild], Some(&given), Catalogue::embedded()).unwrap();
    assert_eq!((exit(&one), one.cases[0].outcome, one.totals.cases.failed), (Exit::Findings, CaseOutcome::Failed, 1));
}

#[test]
fn a_comparison_is_judged_by_its_differences_and_fails_by_any() {
    let compared = |finding: bool| {
        let mut report = campaign(Level::Interop, Strength::Note, DIFFERENCE, &[Level::Must]);
        report.requirements.iter_mut().for_each(|r| r.verdict = Verdict::NotExercised);
        if !finding {
            report.findings.clear();
            report.cases.clear();
        }
        report.cases.push(comparison_case(&report, 300));
        report.totals = totals(&report);
        report
    };
    let (alike, different) = (compared(false), compared(true));
    assert_eq!(exit(&alike), Exit::Clean);
    assert_eq!(exit(&gathered(&[alike.clone(), alike.clone()])), Exit::Clean);
    let both = gathered(&[alike, different]);
    assert_eq!(exit(&both), Exit::Findings);
    assert_eq!(both.totals.cases.failed, 2, "the comparison, and the difference");
    let text = terminal(&both, Style::default(), Catalogue::embedded());
    assert!(text.contains("NOTE  INTEROP  difference  (fails the run)") && !text.contains("not shown"), "{text}");
    let mut none = compared(false);
    none.cases = vec![comparison_case(&none, 0)];
    assert_eq!(exit(&none), Exit::Untestable);
}

#[test]
fn findings_are_sorted_and_keep_what_shows_them() {
    let weak = campaign(Level::May, Strength::Note, "oidc-2-a", &[Level::Must]);
    let all = gathered(&[weak, sample()]);
    assert_eq!(all.findings.first().map(|f| f.id.as_str()), Some("f-rule"));
    assert_eq!(all.findings.last().map(|f| f.strength), Some(Strength::Note));
    for f in &all.findings {
        assert!(all.exchanges.iter().any(|x| x.id == f.exchange), "{}", f.exchange);
    }
}

/// A file can hold any number.
#[test]
fn numbers_without_measure_add_up_to_a_report_that_can_be_read() {
    let mut vast = sample();
    vast.seconds = f64::MAX;
    vast.totals.exchanges = u64::MAX;
    vast.clients = Clients { registered: u64::MAX, deleted: u64::MAX, left: vec![], unknown: u64::MAX };
    vast.findings[0].count = u64::MAX;
    vast.requirements[0].exchanges = u64::MAX;
    vast.cases[0].seconds = f64::MAX;
    let sum = gathered(&[vast.clone(), vast]);
    let again = from_json(&json(&sum)).unwrap();
    assert_eq!((again.findings[0].count, again.clients.registered), (u64::MAX, u64::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn neither_steps_nor_order_change_what_is_found(
        parts in prop::collection::vec(part(), 3..6), split in 1usize..5, shift in 0usize..6,
    ) {
        let whole = verdicts(&gathered(&parts));
        let (left, right) = parts.split_at(split.min(parts.len() - 1));
        prop_assert_eq!(&verdicts(&gathered(&[gathered(left), gathered(right)])), &whole);
        let mut turned = parts.clone();
        turned.reverse();
        turned.rotate_left(shift % parts.len());
        prop_assert_eq!(&verdicts(&gathered(&turned)), &whole);
    }

    /// In the order 130, 3, 1, 0.
    #[test]
    fn the_sum_ends_as_the_worst_of_its_parts_does(parts in prop::collection::vec(part(), 1..6)) {
        let rank = |e: Exit| [Exit::Clean, Exit::Findings, Exit::Untestable, Exit::Interrupted].iter().position(|x| *x == e);
        let parts: Vec<Report> =
            parts.into_iter().map(|p| Report { fail_on: vec![Level::Must, Level::Security], ..p }).collect();
        let worst = parts.iter().map(|p| rank(exit(p))).max().unwrap();
        prop_assert_eq!(rank(exit(&gathered(&parts))), worst);
    }
}
