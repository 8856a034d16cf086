use super::*;

#[test]
fn the_codes_are_the_contract() {
    let codes = [Exit::Clean, Exit::Findings, Exit::Usage, Exit::Untestable, Exit::Interrupted].map(Exit::code);
    assert_eq!(codes, [0, 1, 2, 3, 130]);
}

#[test]
fn only_an_unwaived_broken_finding_at_a_failing_level_counts() {
    let mut report = sample();
    assert_eq!(exit(&report), Exit::Findings);
    report.findings[0].level = Level::MustNot;
    assert_eq!(exit(&report), Exit::Findings, "must takes MUST-NOT with it");
    report.findings[0].waived = Some("known until 2027".into());
    assert_eq!(exit(&report), Exit::Clean);
    report.fail_on = vec![Level::Should];
    assert_eq!(exit(&report), Exit::Findings);
    report.findings[1].strength = Strength::Warning;
    assert_eq!(exit(&report), Exit::Clean);
}

#[test]
fn what_was_not_judged_is_never_clean() {
    let mut report = sample();
    report.findings.clear();
    report.requirements.retain(|r| matches!(r.verdict, Verdict::NotApplicable | Verdict::NotExercised));
    assert_eq!(exit(&report), Exit::Untestable);
    report.requirements.clear();
    assert_eq!(exit(&report), Exit::Untestable);
}

#[test]
fn interrupted_comes_before_untestable_before_findings() {
    let mut report = sample();
    report.untestable = Some("nobody listens".into());
    assert_eq!(exit(&report), Exit::Untestable);
    report.interrupted = true;
    assert_eq!(exit(&report), Exit::Interrupted);
}
