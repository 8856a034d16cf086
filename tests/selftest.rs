//! Every defect is caught and the clean server is silent; and the library judges a server that somebody else wrote.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::{Router, body::Bytes, http::StatusCode, response::IntoResponse, routing::post};
use dcrspec::{
    report::{Exit, Report, Verdict, exit},
    run::{self, Options},
    selftest::selftest,
    spec::Strength,
    suite,
    target::Target,
    wire::{Ledger, Transport},
};
use serde_json::{Map, Value, json};

#[tokio::test]
async fn every_defect_is_caught_and_the_clean_server_is_silent() {
    let matrix = selftest(suite::embedded(), &Options::default()).await;
    assert!(matrix.gaps.is_empty(), "gaps:\n  {}", matrix.gaps.join("\n  "));
    assert_eq!(matrix.rows.len(), dcrspec::server::defects().len());
    for row in &matrix.rows {
        assert!(row.killed && !row.by.is_empty(), "{row:?}");
        assert!(row.unexplained.is_empty() && row.stale.is_empty(), "{row:?}");
    }
    assert!(matrix.met >= 40, "{} requirements met", matrix.met);
}

/// Without the rule that catches it a defect is a gap: the proof can fail.
#[tokio::test]
async fn a_suite_that_looks_for_nothing_leaves_gaps() {
    let only = suite::load_text(
        "one.yaml",
        "suite: mine/one\ntitle: one\ncases:\n  - id: one\n    title: one\n    requirements: \
         [rfc7591-3.2.1-created-status]\n    steps:\n      - register: {}\n",
    )
    .unwrap();
    let matrix = selftest(&[only], &Options::default()).await;
    assert!(matrix.gaps.iter().any(|g| g.contains("the defect get-registers is not caught")), "{:?}", matrix.gaps);
}

/// An endpoint as one writes it in an afternoon: it takes everything, and forgets when the secret expires.
fn handmade() -> Router {
    async fn register(body: Bytes) -> impl IntoResponse {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut client: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
        client.insert("client_id".into(), json!(format!("client-{number}")));
        client.insert("client_secret".into(), json!(format!("secret-of-the-client-{number}")));
        let headers = [("content-type", "application/json"), ("cache-control", "no-store")];
        (StatusCode::CREATED, headers, Value::Object(client).to_string())
    }
    Router::new().route("/register", post(register))
}

async fn judged(router: Router, options: &Options) -> Report {
    let mut target = Target::new("http://localhost/register", Transport::service(router));
    target.own = true;
    run::run(&target, suite::embedded(), options, Ledger::memory()).await.report
}

#[tokio::test]
async fn the_library_judges_a_router_in_this_process() {
    const EXPIRY: &str = "rfc7591-3.2.1-client-secret-expires-at";
    let report = judged(handmade(), &Options::default()).await;
    assert_eq!(exit(&report), Exit::Findings);
    assert_eq!(report.untestable, None);
    let result = report.requirements.iter().find(|r| r.id == EXPIRY).unwrap();
    assert_eq!(result.verdict, Verdict::Broken, "{}", result.reason);
    let finding = report.findings.iter().find(|f| f.requirement == EXPIRY).unwrap();
    assert_eq!(finding.strength, Strength::Broken);
    assert!(finding.message.contains("client_secret_expires_at"), "{}", finding.message);
    let shown = report.exchanges.iter().find(|x| x.id == finding.exchange).unwrap();
    let response = shown.response.as_ref().unwrap();
    assert_eq!(response.status, 201);
    assert!(!response.body.contains("secret-of-the-client-"), "{}", response.body);
    // What it does right is seen as well.
    for id in ["rfc7591-3.2.1-created-status", "rfc7591-3.2.1-client-id", "rfc7591-3.2.1-json-body"] {
        let result = report.requirements.iter().find(|r| r.id == id).unwrap();
        assert_eq!(result.verdict, Verdict::Met, "{id}: {}", result.reason);
    }
    // It offers no way to delete a client, and the report says which ones it holds.
    assert_eq!(report.clients.registered as usize, report.clients.left.len());
}

#[tokio::test]
async fn a_chosen_case_is_the_only_one_that_runs() {
    let options = Options { cases: vec!["rfc7591/response/confidential-client".into()], ..Options::default() };
    let report = judged(handmade(), &options).await;
    let names: Vec<String> = report.cases.iter().map(|c| format!("{}/{}", c.suite, c.id)).collect();
    assert_eq!(names, ["rfc7591/response/confidential-client"]);
}
