use std::collections::HashSet;

use quick_xml::{Reader, XmlVersion, events::Event};

use super::*;

#[derive(Debug, Default)]
struct Suite {
    attributes: Vec<(String, String)>,
    cases: Vec<Case>,
}

#[derive(Debug, Default)]
struct Case {
    attributes: Vec<(String, String)>,
    /// `failure`, `error`, `skipped` or nothing.
    result: String,
    type_: String,
    message: String,
    text: String,
    output: String,
}

fn get<'a>(attributes: &'a [(String, String)], name: &str) -> &'a str {
    attributes.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v)
}

/// Parses a file strictly, holds the counts of every suite against its attributes, and names against each other.
fn read(xml: &str) -> Vec<Suite> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().enable_all_checks(true);
    let mut suites: Vec<Suite> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    loop {
        let event = reader.read_event().unwrap();
        let (Event::Start(ref tag) | Event::Empty(ref tag)) = event else {
            match event {
                Event::End(_) => drop(open.pop()),
                Event::CData(data) => {
                    let text = data.into_inner().into_owned();
                    let inside_case = open.iter().any(|n| n == "testcase");
                    if inside_case {
                        let case = suites.last_mut().unwrap().cases.last_mut().unwrap();
                        if open.last().unwrap() == "system-out" { case.output = text } else { case.text = text }
                    }
                }
                Event::Eof => break,
                _ => {}
            }
            continue;
        };
        let name = tag.name().as_ref().to_owned();
        let attributes: Vec<(String, String)> = tag
            .attributes()
            .map(|a| {
                let a = a.unwrap();
                let value = a.normalized_value(XmlVersion::Implicit1_0).unwrap();
                (a.key.as_ref().to_owned(), value.into_owned())
            })
            .collect();
        match name.as_str() {
            "testsuite" => suites.push(Suite { attributes, ..Suite::default() }),
            "testcase" => suites.last_mut().unwrap().cases.push(Case { attributes, ..Case::default() }),
            "failure" | "error" | "skipped" => {
                let case = suites.last_mut().unwrap().cases.last_mut().unwrap();
                assert!(case.result.is_empty(), "one result a case");
                case.type_ = get(&attributes, "type").into();
                case.message = get(&attributes, "message").into();
                case.result = name.clone();
            }
            _ => {}
        }
        if matches!(event, Event::Start(_)) {
            open.push(name);
        }
    }
    check(xml, &suites);
    suites
}

fn check(xml: &str, suites: &[Suite]) {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    assert!(xml.chars().all(allowed), "only what XML 1.0 allows");
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?><testsuites>"));
    let mut names = HashSet::new();
    let mut suite_names = HashSet::new();
    for suite in suites {
        let count = |result: &str| suite.cases.iter().filter(|c| c.result == result).count().to_string();
        assert_eq!(get(&suite.attributes, "tests"), suite.cases.len().to_string());
        assert_eq!(get(&suite.attributes, "failures"), count("failure"));
        assert_eq!(get(&suite.attributes, "errors"), count("error"));
        assert!(suite_names.insert(get(&suite.attributes, "name")));
        let mut seconds = 0.0;
        for case in &suite.cases {
            let (class, name) = (get(&case.attributes, "classname"), get(&case.attributes, "name"));
            assert!(names.insert((class, name)), "{class} {name} stands twice");
            assert!(class.starts_with(get(&suite.attributes, "name")));
            assert!(case.text.len() <= 16 * 1024 && case.output.len() <= 16 * 1024);
            seconds += get(&case.attributes, "time").parse::<f64>().unwrap();
        }
        assert!((get(&suite.attributes, "time").parse::<f64>().unwrap() - seconds).abs() < 1e-6);
    }
}

fn case_named<'a>(suites: &'a [Suite], class: &str, start: &str) -> &'a Case {
    suites
        .iter()
        .flat_map(|s| &s.cases)
        .find(|c| get(&c.attributes, "classname") == class && get(&c.attributes, "name").starts_with(start))
        .unwrap_or_else(|| panic!("no case {class} {start}"))
}

#[test]
fn attributes_are_counts_and_every_verdict_has_a_case() {
    let suites = read(&junit(&sample()));
    let names: Vec<&str> = suites.iter().map(|s| get(&s.attributes, "name")).collect();
    assert_eq!(names, ["dcrspec.rfc7591", "dcrspec.oidc", "dcrspec.mine_yaml"]);
    assert_eq!(suites.iter().map(|s| s.cases.len()).sum::<usize>(), 10);
    assert_eq!(get(&suites[0].attributes, "timestamp"), "2026-11-25T00:25:16Z");
    let result = |class, name| case_named(&suites, class, name).result.as_str();
    assert_eq!(result("dcrspec.rfc7591.secrets", "expiry: a title"), "");
    assert_eq!(result("dcrspec.rfc7591.secrets", "later"), "skipped");
    assert_eq!(result("dcrspec.mine_yaml.cases", "own"), "");
    assert_eq!(result("dcrspec.rfc7591.requirements", "rfc7591-3-post-json"), "");
    assert_eq!(result("dcrspec.oidc.requirements", "oidc-2-b"), "skipped");
    let slow = case_named(&suites, "dcrspec.oidc.basic", "slow");
    assert_eq!((slow.result.as_str(), slow.type_.as_str()), ("error", "timeout"));
}

#[test]
fn the_text_of_a_failure_is_the_whole_story() {
    let suites = read(&junit(&sample()));
    let case = case_named(&suites, "dcrspec.rfc7591.requirements", "rfc7591-3.2.1-client-secret-expires-at");
    assert_eq!((case.result.as_str(), case.type_.as_str()), ("failure", "must"));
    assert_eq!(case.message, "the message of f-rule");
    for part in [
        "the message of f-rule",
        "RFC 7591, section 3.2.1",
        "level: MUST",
        "POST https://as.example.com/register",
        "HTTP/1.1 201",
        "\"client_secret_expires_at\":\"never\"",
        "curl -X POST",
    ] {
        assert!(case.text.contains(part), "{part} in {}", case.text);
    }
}

#[test]
fn a_break_below_the_threshold_passes_with_its_story_and_fails_on_request() {
    let mut report = sample();
    for (class, name) in [
        ("dcrspec.rfc7591.requirements", "rfc7591-3-json-content-type-parameters"),
        ("dcrspec.rfc7591.media_types", "charset"),
    ] {
        report.fail_on = vec![Level::Must];
        let suites = read(&junit(&report));
        let case = case_named(&suites, class, name);
        assert_eq!(case.result, "");
        assert!(case.output.contains("the message of f-case"));
        report.fail_on = vec![Level::ShouldNot];
        let suites = read(&junit(&report));
        assert_eq!(case_named(&suites, class, name).result, "failure");
    }
}

#[test]
fn a_waived_break_is_a_known_failure() {
    let mut report = sample();
    report.findings[0].waived = Some("ticket 12, until 2027-01-31".into());
    let suites = read(&junit(&report));
    let case = case_named(&suites, "dcrspec.rfc7591.requirements", "rfc7591-3.2.1-client-secret-expires-at");
    assert_eq!((case.result.as_str(), case.type_.as_str()), ("skipped", "known"));
    assert_eq!(case.message, "known failure: ticket 12, until 2027-01-31");
    assert!(case.output.contains("the message of f-rule"));
}

#[test]
fn a_case_fails_by_its_own_expectations_alone_and_never_without_a_word() {
    let mut report = sample();
    report.fail_on = vec![Level::Must, Level::Should];
    let suites = read(&junit(&report));
    let case = case_named(&suites, "dcrspec.rfc7591.media_types", "charset");
    assert!(case.text.contains("f-case") && !case.text.contains("f-rule"));
    report.findings.clear();
    let suites = read(&junit(&report));
    assert_eq!(case_named(&suites, "dcrspec.rfc7591.media_types", "charset").result, "failure");
    let class = "dcrspec.rfc7591.requirements";
    assert_eq!(case_named(&suites, class, "rfc7591-3.2.1-client-secret-expires-at").result, "failure");
}

#[test]
fn hostile_text_leaves_the_file_readable() {
    let mut report = hostile();
    report.fail_on = vec![Level::Must, Level::Should];
    let xml = junit(&report);
    assert!(xml.len() < 400_000, "{}", xml.len());
    let suites = read(&xml);
    let case = case_named(&suites, "dcrspec.rfc7591.media_types", "charset");
    assert!(case.text.contains("\\u{1b}[2J]]\\u{3e}"), "the escapes can be seen");
    assert!(case.text.contains("bytes in all]"), "cuts are marked");
    assert!(!case.message.contains('\n') && case.message.chars().count() <= 200);
}

#[test]
fn equal_names_are_told_apart() {
    let mut report = sample();
    let twin = report.cases[0].clone();
    report.cases.extend([twin.clone(), twin]);
    let suites = read(&junit(&report));
    assert_eq!(case_named(&suites, "dcrspec.rfc7591.secrets", "expiry: a title (3)").result, "");
}

#[test]
fn what_was_not_judged_is_in_error() {
    let errors = |report: &Report| {
        let suites = read(&junit(report));
        let first = &suites[0].cases[0];
        assert_eq!(get(&first.attributes, "classname"), "dcrspec.target");
        assert_eq!(first.result, "error");
        (get(&first.attributes, "name").to_owned(), first.type_.clone(), first.text.clone())
    };
    let mut report = sample();
    report.untestable = Some("nobody listens".into());
    let (name, type_, text) = errors(&report);
    assert_eq!((name.as_str(), type_.as_str()), ("target", "transport"));
    assert!(text.contains("nobody listens") && text.contains("public native client: refused"));
    report.untestable = None;
    report.interrupted = true;
    assert_eq!(errors(&report).0, "interrupted");
    report.interrupted = false;
    report.cases.clear();
    report.requirements.truncate(0);
    assert_eq!(errors(&report).0, "target");
}

#[test]
fn odd_times_are_written_as_numbers() {
    let mut report = sample();
    for (case, seconds) in report.cases.iter_mut().zip([f64::NAN, -1.0, f64::INFINITY, 1e300, 1e-9]) {
        case.seconds = seconds;
    }
    for started in ["", "yesterday", "-009999-01-02T01:59:59Z", "9999-12-30T22:00:00Z"] {
        report.started = started.into();
        read(&junit(&report));
    }
}
