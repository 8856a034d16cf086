//! The report as JUnit XML, in the dialect that CI systems agree on: flat suites, unique names, everything worth
//! knowing in the text of the element, and no character that XML 1.0 does not allow.

use std::collections::HashSet;

use junit_report::{Duration, OffsetDateTime, TestCase, TestCaseBuilder, TestResult, TestSuite};

use crate::spec::Strength;

use super::{
    CaseOutcome, CaseResult, Finding, Report, RequirementResult, Verdict,
    exit::{fails, includes, something_judged},
    story,
    text::{cut, xml_attribute, xml_text},
};

/// The most text that one test case carries.
const CASE_BYTES: usize = 16 * 1024;

/// The JUnit file: a suite for each family of cases and requirements.
///
/// A case fails by its own expectations; what rules found on any exchange is the test case of the requirement. Neither is
/// a failure when every finding is waived (then it is skipped as a known failure) or stands at a level that
/// does not fail the run (then it passes, with the story in its output). A run that could not judge has a test case in
/// error, so that it never looks green.
pub fn junit(report: &Report) -> String {
    let mut file = File::new(report);
    if let Some((name, type_, reason)) = obstacle(report) {
        let text = format!("{reason}\n\n{}", rungs(report));
        let case = broken_off(name, type_, &reason, &text);
        file.add("target", "", case);
    }
    for case in &report.cases {
        let (family, rest) = case.suite.split_once('/').unwrap_or((&case.suite, "cases"));
        file.add(family, rest, case_element(report, case));
    }
    for requirement in &report.requirements {
        let family = requirement.id.split('-').next().unwrap_or_default();
        file.add(family, "requirements", requirement_element(report, requirement));
    }
    file.write()
}

/// Suites in the order in which they were first needed.
struct File<'a> {
    report: &'a Report,
    suites: Vec<TestSuite>,
    names: HashSet<(String, String)>,
}

impl<'a> File<'a> {
    fn new(report: &'a Report) -> Self {
        File { report, suites: Vec::new(), names: HashSet::new() }
    }

    fn add(&mut self, family: &str, rest: &str, mut case: TestCase) {
        let suite = format!("dcrspec.{}", part(family));
        let class = if rest.is_empty() { suite.clone() } else { format!("{suite}.{}", part(rest)) };
        // Consumers drop a second case of the same name silently.
        let mut name = case.name.clone();
        let mut count = 2;
        while !self.names.insert((class.clone(), name.clone())) {
            name = format!("{} ({count})", case.name);
            count += 1;
        }
        case.name = name;
        case.classname = Some(class);
        let at = self.suites.iter().position(|s| s.name == suite).unwrap_or_else(|| {
            self.suites.push(self.suite(&suite));
            self.suites.len() - 1
        });
        self.suites[at].testcases.push(case);
    }

    fn suite(&self, name: &str) -> TestSuite {
        let report = self.report;
        let mut suite = TestSuite::new(name);
        suite.package = name.to_owned();
        suite.timestamp = timestamp(&report.started);
        // The crate writes no properties, so this is where the run is named.
        suite.system_out = Some(text(&format!(
            "target: {} {}\nseed: {}\nwritten by {} {}",
            report.target.label, report.target.endpoint, report.seed, report.tool.name, report.tool.version
        )));
        suite
    }

    fn write(self) -> String {
        let mut file = junit_report::Report::new();
        file.add_testsuites(self.suites);
        let mut bytes = Vec::new();
        file.write_xml(&mut bytes).expect("writing to memory does not fail");
        bytes.push(b'\n');
        String::from_utf8(bytes).expect("every part that was written is UTF-8")
    }
}

/// Why the run judged nothing, or not all: name and type of the test case in error, and the reason.
fn obstacle(report: &Report) -> Option<(&'static str, &'static str, String)> {
    if let Some(reason) = &report.untestable {
        Some(("target", "transport", format!("the target could not be tested: {reason}")))
    } else if report.interrupted {
        Some(("interrupted", "interrupted", "the run was interrupted; what follows is what it had judged".into()))
    } else if !something_judged(report) {
        Some(("target", "transport", "no requirement could be judged at this target".into()))
    } else {
        None
    }
}

fn rungs(report: &Report) -> String {
    let mut out = String::new();
    for rung in &report.target.ladder {
        let word = if rung.accepted { "accepted" } else { "refused" };
        out.push_str(&format!("{}: {word}: {}\n", rung.rung, rung.answer));
        if let Some(hint) = &rung.hint {
            out.push_str(&format!("  try: {hint}\n"));
        }
    }
    out
}

fn case_element(report: &Report, case: &CaseResult) -> TestCase {
    let name = xml_attribute(&format!("{}: {}", case.id, case.title));
    let mut element = match case.outcome {
        CaseOutcome::Passed => TestCase::success(&name, Duration::ZERO),
        CaseOutcome::Skipped => skipped(&name, "skipped", &case.reason),
        CaseOutcome::Errored => broken_off(&name, error_type(&case.reason), &case.reason, &case.reason),
        CaseOutcome::Failed => {
            let prefix = format!("{}/{}#", case.suite, case.id);
            let own: Vec<&Finding> = report.findings.iter().filter(|f| f.rule.starts_with(&prefix)).collect();
            judged(report, &name, &case.reason, &own)
        }
    };
    element.time = duration(case.seconds);
    element
}

fn requirement_element(report: &Report, requirement: &RequirementResult) -> TestCase {
    let name = xml_attribute(&requirement.id);
    match requirement.verdict {
        Verdict::Met => TestCase::success(&name, Duration::ZERO),
        Verdict::NotExercised | Verdict::NotApplicable => {
            let word = requirement.verdict.as_str();
            skipped(&name, word, &format!("{word}: {}", requirement.reason))
        }
        Verdict::Broken => {
            let found: Vec<&Finding> =
                report.findings.iter().filter(|f| requirement.findings.contains(&f.id)).collect();
            judged(report, &name, &requirement.reason, &found)
        }
    }
}

/// The element of a case or requirement that did not hold: failed, known, or below the levels that fail the run.
fn judged(report: &Report, name: &str, reason: &str, findings: &[&Finding]) -> TestCase {
    let failing: Vec<&Finding> = findings.iter().copied().filter(|f| fails(report, f)).collect();
    let told = stories(report, reason, if failing.is_empty() { findings } else { &failing });
    if let Some(worst) = failing.iter().min_by_key(|f| f.level.rank()) {
        let message = xml_attribute(&worst.message);
        let type_ = worst.level.as_str().to_ascii_lowercase();
        return TestCaseBuilder::failure(name, Duration::ZERO, &type_, &message).set_trace(&told).build();
    }
    if findings.is_empty() {
        // What did not hold without a finding on record is never shown as passed.
        let message = xml_attribute(reason);
        return TestCaseBuilder::failure(name, Duration::ZERO, "failed", &message).set_trace(&told).build();
    }
    let known = |f: &&&Finding| f.strength == Strength::Broken && includes(report, f);
    let mut element = match findings.iter().filter(known).find_map(|f| f.waived.as_ref()) {
        Some(waived) => skipped(name, "known", &format!("known failure: {waived}")),
        None => TestCase::success(name, Duration::ZERO),
    };
    element.system_out = Some(told);
    element
}

fn stories(report: &Report, reason: &str, findings: &[&Finding]) -> String {
    let mut parts = Vec::new();
    if !reason.is_empty() {
        parts.push(format!("{}\n", cut(reason, 1024)));
    }
    let mut length = 0;
    for (i, finding) in findings.iter().enumerate() {
        // One that starts beyond the limit would be cut away unseen.
        if length > CASE_BYTES {
            parts.push(format!("and {} more findings, in the report", findings.len() - i));
            break;
        }
        let story = story::story(report, finding);
        length += story.len();
        parts.push(story);
    }
    text(&parts.join("\n"))
}

fn skipped(name: &str, type_: &str, reason: &str) -> TestCase {
    let mut case = TestCase::skipped(name);
    // The builder takes no text for a skipped case, and some consumers show nothing but the text.
    case.result =
        TestResult::SkippedWithCause { type_: type_.into(), message: xml_attribute(reason), cause: Some(text(reason)) };
    case
}

/// A test case in error: the harness could not judge.
fn broken_off(name: &str, type_: &str, message: &str, story: &str) -> TestCase {
    TestCaseBuilder::error(&xml_attribute(name), Duration::ZERO, type_, &xml_attribute(message))
        .set_trace(&text(story))
        .build()
}

/// What kept the harness from judging, read off the reason: all that a report keeps of it.
fn error_type(reason: &str) -> &'static str {
    let reason = reason.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|w| reason.contains(w));
    if says(&["time limit", "timeout", "timed out", "in time", "within "]) {
        "timeout"
    } else if says(&["internal", "panic", "bug in dcrspec", "could not even build"]) {
        "internal"
    } else {
        "transport"
    }
}

fn text(text: &str) -> String {
    cut(&xml_text(text), CASE_BYTES)
}

/// A part of a class name. Consumers split those at the last dot, so a part has neither dots nor slashes.
fn part(name: &str) -> String {
    xml_attribute(name).replace(['.', '/', '\\', ' '], "_")
}

/// A negative or unreal time breaks consumers, and one beyond measure the conversion.
fn duration(seconds: f64) -> Duration {
    let seconds = if seconds.is_finite() { seconds.clamp(0.0, 1e9) } else { 0.0 };
    Duration::milliseconds((seconds * 1000.0).round() as i64)
}

/// The crate cannot write a year outside of 0 to 9999, so such a time, like an unreadable one, becomes 1970.
fn timestamp(started: &str) -> OffsetDateTime {
    started
        .parse::<jiff::Timestamp>()
        .ok()
        .and_then(|t| OffsetDateTime::from_unix_timestamp(t.as_second()).ok())
        .filter(|t| (0..=9999).contains(&t.year()))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
