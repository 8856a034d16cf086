//! Tests of the outputs, over one sample report.

mod exit;
mod gather;
mod json;
mod junit;
mod merge;
mod terminal;
mod text;
mod write;

use crate::spec::{Binds, Level, Strength};

use super::*;

/// What a hostile server says: it ends CDATA, clears the screen, reorders text and uses what XML does not know.
const HOSTILE: &str = "a\0b\u{1b}[2J]]>]]]]>>\u{ffff}\u{fffe}\u{202e}<&\"'\u{85}\u{7f}\u{2028}\r\n::error::x";

/// A report with a broken MUST (by a rule), a broken SHOULD (by an expectation), a warning and a note.
fn sample() -> Report {
    let mut report = Report {
        format: FORMAT,
        tool: Tool { name: "dcrspec".into(), version: "0.1.0".into() },
        target: Target {
            label: "open".into(),
            endpoint: "https://as.example.com/register".into(),
            issuer: None,
            capabilities: vec![capability("jwks", CapabilityState::Present)],
            base_clients: [("public".to_owned(), serde_json::json!({"redirect_uris": ["https://a.example/"]}))].into(),
            ladder: vec![RungRecord {
                rung: "public native client".into(),
                accepted: false,
                answer: "401 invalid_token".into(),
                hint: Some("give an initial access token with --token-env".into()),
                exchange: "x1".into(),
            }],
        },
        fail_on: vec![Level::Must, Level::Security],
        started: "2026-11-25T00:25:16Z".into(),
        seconds: 2.5,
        seed: 7,
        untestable: None,
        interrupted: false,
        totals: Totals::default(),
        requirements: vec![
            requirement("rfc7591-3-post-json", Verdict::Met),
            requirement("rfc7591-3.2.1-client-secret-expires-at", Verdict::Broken),
            requirement("rfc7591-3-json-content-type-parameters", Verdict::Broken),
            requirement("oidc-2-a", Verdict::NotExercised),
            requirement("oidc-2-b", Verdict::NotApplicable),
        ],
        cases: vec![
            case("rfc7591/secrets", "expiry", CaseOutcome::Passed),
            case("rfc7591/media.types", "charset", CaseOutcome::Failed),
            case("rfc7591/secrets", "later", CaseOutcome::Skipped),
            case("oidc/basic", "slow", CaseOutcome::Errored),
            case("mine.yaml", "own", CaseOutcome::Passed),
        ],
        findings: vec![
            finding("f-rule", "rfc7591-3.2.1-client-secret-expires-at", "expires-at", Level::Must, Strength::Broken),
            finding(
                "f-case",
                "rfc7591-3-json-content-type-parameters",
                "rfc7591/media.types/charset#1",
                Level::Should,
                Strength::Broken,
            ),
            finding("f-warn", "rfc7591-3-post-json", "warns", Level::Must, Strength::Warning),
            finding("f-note", "rfc7591-3-post-json", "notes", Level::May, Strength::Note),
        ],
        exchanges: vec![exchange("x1")],
        clients: Clients { registered: 3, deleted: 2, left: vec!["client-3".into()], unknown: 1 },
    };
    report.requirements[1].findings = vec!["f-rule".into()];
    report.requirements[2].findings = vec!["f-case".into()];
    report.totals.exchanges = 12;
    report.totals = totals(&report);
    report
}

/// [`sample`] with a hostile text wherever a server, a suite or a target's owner can put one.
fn hostile() -> Report {
    let mut report = sample();
    let megabyte = "x".repeat(1_000_000);
    report.target.label.push_str(HOSTILE);
    report.target.ladder[0].answer = HOSTILE.into();
    report.clients.left.push(HOSTILE.into());
    report.findings[0].rule = "rfc7591/media.types/charset#1".into();
    for finding in &mut report.findings {
        finding.message = format!("{HOSTILE}{megabyte}");
        finding.actual = HOSTILE.into();
        finding.curl = Some(format!("curl '{HOSTILE}'"));
    }
    for case in &mut report.cases {
        case.title = HOSTILE.into();
        case.reason = HOSTILE.into();
    }
    let response = report.exchanges[0].response.as_mut().unwrap();
    response.headers.push((HOSTILE.into(), HOSTILE.into()));
    response.body = format!("{HOSTILE}{megabyte}{}", "\0".repeat(20_000));
    report
}

fn capability(name: &str, state: CapabilityState) -> CapabilityRecord {
    CapabilityRecord { name: name.into(), state, reason: "seen".into(), exchange: Some("x1".into()) }
}

fn requirement(id: &str, verdict: Verdict) -> RequirementResult {
    RequirementResult {
        id: id.into(),
        spec: "RFC 7591".into(),
        section: "3.2.1".into(),
        level: Level::Must,
        binds: Binds::Server,
        verdict,
        reason: format!("because it is {}", verdict.as_str()),
        exchanges: 2,
        findings: vec![],
    }
}

fn case(suite: &str, id: &str, outcome: CaseOutcome) -> CaseResult {
    CaseResult {
        suite: suite.into(),
        id: id.into(),
        title: "a title".into(),
        outcome,
        reason: if outcome == CaseOutcome::Passed { String::new() } else { "no answer within 10 s".into() },
        requirements: vec!["rfc7591-3-post-json".into()],
        seconds: 0.25,
        exchanges: vec!["x1".into()],
    }
}

fn finding(id: &str, requirement: &str, rule: &str, level: Level, strength: Strength) -> Finding {
    Finding {
        id: id.into(),
        requirement: requirement.into(),
        rule: rule.into(),
        also: vec!["oidc-2-a".into()],
        level,
        strength,
        case: "rfc7591/secrets/expiry".into(),
        message: format!("the message of {id}"),
        instance_path: "/client_secret_expires_at".into(),
        schema_path: String::new(),
        expected: "a number".into(),
        actual: "\"never\"".into(),
        count: 3,
        exchange: "x1".into(),
        evidence: vec![EvidenceRecord { exchange: "x1".into(), role: "shows".into() }],
        curl: Some("curl -X POST https://as.example.com/register".into()),
        script: None,
        waived: None,
    }
}

fn exchange(id: &str) -> ExchangeRecord {
    ExchangeRecord {
        id: id.into(),
        at: "2026-11-25T00:25:16Z".into(),
        request: RequestRecord {
            method: "POST".into(),
            url: "https://as.example.com/register".into(),
            headers: vec![("Content-Type".into(), "application/json".into())],
            body: "{\"redirect_uris\":[]}".into(),
        },
        response: Some(ResponseRecord {
            status: 201,
            version: "HTTP/1.1".into(),
            headers: vec![("Content-Type".into(), "application/json".into())],
            body: "{\"client_id\":\"c1\",\"client_secret_expires_at\":\"never\"}".into(),
            cut: None,
        }),
        failure: None,
        seconds: 0.01,
    }
}
