//! What a connection shows: TLS versions, plain http beside TLS, and framings; lawful servers of every kind are not accused.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use dcrspec::{
    report::{CaseOutcome, Exit, Report, Verdict, exit},
    run::{self, Options},
    server::{ReferenceServer, ServerConfig},
    spec::{Capability, Strength},
    suite::{self, Suite},
    target::Target,
    wire::{HttpSettings, Ledger, TlsVersion, Transport},
};

const TLS_1_2: &str = "rfc7591-5-tls12-supported";
const TLS_REQUIRED: &str = "rfc7591-3-tls-required";
const POST_JSON: &str = "rfc7591-3-post-json";

fn server() -> ReferenceServer {
    ReferenceServer::new(ServerConfig::tls("https://as.example"))
}

fn transport(speaks: &[TlsVersion], secure: Router, plain: Option<Router>) -> Transport {
    Transport::tls_service("as.example", speaks, secure, plain, &HttpSettings::default()).unwrap()
}

fn target(transport: Transport, declared: &[Capability]) -> Target {
    let mut target = Target::new("https://as.example/register", transport);
    target.issuer = Some("https://as.example".into());
    target.own = true;
    target.declared = declared.to_vec();
    target
}

async fn judged(target: &Target) -> Report {
    let wire: Vec<Suite> = suite::embedded().iter().filter(|s| s.name == "rfc7591/transport").cloned().collect();
    let report = run::run(target, &wire, &Options::default(), Ledger::memory()).await.report;
    assert_eq!(report.untestable, None);
    report
}

fn verdict(report: &Report, id: &str) -> (Verdict, String) {
    let found = report.requirements.iter().find(|r| r.id == id).unwrap();
    (found.verdict, found.reason.clone())
}

#[tokio::test]
async fn a_server_that_speaks_tls_1_3_alone_gets_a_note_and_nothing_more() {
    for (speaks, met) in [(&[][..], true), (&[TlsVersion::V1_2], true), (&[TlsVersion::V1_3], false)] {
        let report = judged(&target(transport(speaks, server().router(), None), &[])).await;
        let (verdict, reason) = verdict(&report, TLS_1_2);
        let about: Vec<_> = report.findings.iter().filter(|f| f.requirement == TLS_1_2).collect();
        if met {
            assert_eq!((verdict, about.len()), (Verdict::Met, 0), "{reason}");
        } else {
            assert_eq!(verdict, Verdict::NotExercised);
            assert!(reason.starts_with("seen only with a note"), "{reason}");
            assert_eq!((about.len(), about[0].strength), (1, Strength::Note));
        }
        assert_eq!(exit(&report), Exit::Clean);
    }
}

#[tokio::test]
async fn a_service_without_tls_is_not_asked_for_it() {
    let report = judged(&target(Transport::service(server().router()), &[Capability::PlaintextProbe])).await;
    assert_eq!(verdict(&report, TLS_1_2).0, Verdict::NotApplicable);
    assert_eq!(verdict(&report, TLS_REQUIRED).0, Verdict::NotExercised);
    assert_eq!(exit(&report), Exit::Clean);
}

/// Something that answers plain http, and writes down what it was sent.
fn plain(
    status: u16,
    fields: &'static [(&'static str, &'static str)],
    body: &'static str,
) -> (Router, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    let answer = move |request: Request| {
        notes.lock().unwrap().push(format!("{:?}", request.headers()));
        async move {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            for (name, value) in fields {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        }
    };
    (Router::new().fallback(answer), seen)
}

const JSON: (&str, &str) = ("content-type", "application/json");
const TO_HTTPS: (&str, &str) = ("location", "https://as.example/register");

#[tokio::test]
async fn only_a_registration_that_was_processed_over_plain_http_is_a_break() {
    for (status, fields, body, expected) in [
        (308, &[TO_HTTPS][..], "", Verdict::Met),
        (302, &[("location", "http://www.as.example/")], "", Verdict::NotExercised),
        (403, &[], "<h1>Forbidden</h1>", Verdict::Met),
        (404, &[], "", Verdict::Met),
        (426, &[], "", Verdict::Met),
        (400, &[("content-type", "text/html")], "<h1>The plain HTTP request was sent to HTTPS port</h1>", Verdict::Met),
        (400, &[JSON], r#"{"timestamp":1,"status":400,"error":"Bad Request"}"#, Verdict::Met),
        (200, &[], "<h1>Welcome</h1>", Verdict::NotExercised),
        (401, &[JSON, ("www-authenticate", "Bearer")], r#"{"error":"invalid_token"}"#, Verdict::NotExercised),
        (429, &[], "", Verdict::NotExercised),
        (500, &[], "", Verdict::NotExercised),
        (400, &[JSON], r#"{"error":"invalid_redirect_uri"}"#, Verdict::Broken),
        (201, &[JSON], r#"{"client_id":"x"}"#, Verdict::Broken),
    ] {
        let (router, seen) = plain(status, fields, body);
        let mut target = target(transport(&[], server().router(), Some(router)), &[Capability::PlaintextProbe]);
        target.token = Some("hush-initial-access-token".into());
        target.headers = vec![("x-api-key".into(), "hush-key".into()), ("user-agent".into(), "dcrspec-test".into())];
        let report = judged(&target).await;
        assert_eq!(verdict(&report, TLS_REQUIRED).0, expected, "{status} {body}: {}", verdict(&report, TLS_REQUIRED).1);
        assert_eq!(
            report.findings.iter().filter(|f| f.strength == Strength::Broken).count(),
            usize::from(expected == Verdict::Broken),
            "{status} {body}"
        );
        let seen = seen.lock().unwrap();
        assert_eq!(seen.len(), 1, "{status} {body}");
        assert!(!seen[0].contains("hush") && seen[0].contains("dcrspec-test"), "{}", seen[0]);
    }
}

#[tokio::test]
async fn nobody_at_the_port_of_plain_http_is_what_the_specification_asks_for() {
    let report = judged(&target(transport(&[], server().router(), None), &[Capability::PlaintextProbe])).await;
    assert_eq!(verdict(&report, TLS_REQUIRED).0, Verdict::Met);
}

#[tokio::test]
async fn plain_http_is_not_tried_unless_the_owner_says_that_the_host_is_public() {
    let (router, seen) = plain(201, &[JSON], r#"{"client_id":"x"}"#);
    let report = judged(&target(transport(&[], server().router(), Some(router)), &[])).await;
    let (verdict, reason) = verdict(&report, TLS_REQUIRED);
    assert_eq!(verdict, Verdict::NotExercised);
    assert!(reason.contains("plaintext-probe"), "{reason}");
    assert!(seen.lock().unwrap().is_empty());
}

/// A front end that answers bodies in chunks by itself.
fn front_end(status: u16) -> Router {
    server().router().layer(from_fn(move |request: Request, next: Next| async move {
        if request.headers().contains_key(header::TRANSFER_ENCODING) {
            return (StatusCode::from_u16(status).unwrap(), "<h1>No chunks here</h1>").into_response();
        }
        next.run(request).await
    }))
}

#[tokio::test]
async fn a_server_may_insist_on_a_length_and_not_pretend_that_there_is_nothing() {
    for (status, broken) in
        [(400, false), (411, false), (413, false), (415, false), (501, false), (503, false), (404, true), (405, true)]
    {
        let report = judged(&target(transport(&[], front_end(status), None), &[])).await;
        let case = report.cases.iter().find(|c| c.id == "body-in-chunks").unwrap();
        let outcome = if broken { CaseOutcome::Failed } else { CaseOutcome::Skipped };
        assert_eq!(case.outcome, outcome, "{status}: {}", case.reason);
        let about: Vec<&str> =
            report.findings.iter().filter(|f| f.strength == Strength::Broken).map(|f| f.requirement.as_str()).collect();
        assert_eq!(about, if broken { vec![POST_JSON] } else { vec![] }, "{status}");
    }
}
