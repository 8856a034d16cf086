//! Tests against small servers that are not ours: what no rule over the answers can see.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::routing::{get, post};
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    campaign::{self, Options, Outcome},
    finding::Repeats,
    promote::promote,
    replay::{Replayed, replay},
};
use crate::{
    run::{self, Administration},
    target::Target,
    wire::{Ledger, Transport},
};

/// What the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Right,
    /// Registers what it refuses, and says so to whoever lists clients.
    KeepsRefused,
    /// Registers what it refuses, and hands out the URL and the token.
    OffersRefused,
    /// Compares each three redirection URIs with one another.
    Cubic,
    /// Takes its time for each redirection URI.
    Linear,
    /// Refuses everything after its hundredth registration, as if the token had ended.
    Ends,
    /// The same with a server error.
    Breaks,
}

const URL: &str = "http://localhost/register";

fn answer(status: u16, value: &Value) -> http::Response<axum::body::Body> {
    let body = if status == 204 { String::new() } else { value.to_string() };
    http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("cache-control", "no-store")
        .body(body.into())
        .unwrap()
}

/// A server in which clients with a logo are refused.
fn server(way: Way) -> axum::Router {
    let clients: Arc<Mutex<Vec<Value>>> = Arc::default();
    let (listed, read) = (clients.clone(), clients.clone());
    let (deleted, registered) = (clients.clone(), AtomicUsize::new(0));
    let registered = Arc::new(registered);
    let register = move |body: bytes::Bytes| async move {
        let Ok(Value::Object(sent)) = serde_json::from_slice(&body) else {
            return answer(400, &json!({"error": "invalid_client_metadata"}));
        };
        let count = sent.get("redirect_uris").and_then(Value::as_array).map_or(0, Vec::len) as u64;
        match way {
            Way::Cubic => tokio::time::sleep(Duration::from_nanos(count.pow(2) * 600 + count.pow(3) * 2 / 5)).await,
            Way::Linear => tokio::time::sleep(Duration::from_micros(count * 20)).await,
            _ => {}
        }
        let mut clients = clients.lock().unwrap();
        if matches!(way, Way::Ends | Way::Breaks) && registered.fetch_add(1, Ordering::Relaxed) > 100 {
            let status = if way == Way::Ends { 400 } else { 500 };
            return answer(status, &json!({"error": "access_denied"}));
        }
        let id = format!("client-{}", clients.len());
        let digest: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(format!("no guess {id}").as_bytes()).into();
        let token: String = digest.iter().map(|b| format!("{b:02x}")).collect();
        let client = json!({
            "client_id": id, "software_id": sent.get("software_id").filter(|s| s.is_string()), "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code"], "response_types": ["code"],
            "redirect_uris": ["https://client.example.org/callback"],
            "registration_client_uri": format!("{URL}/{id}"), "registration_access_token": token,
        });
        let refused = sent.contains_key("logo_uri");
        if !refused || matches!(way, Way::KeepsRefused | Way::OffersRefused) {
            clients.push(client.clone());
        }
        match (refused, way) {
            (false, _) => answer(201, &client),
            (true, Way::OffersRefused) => {
                let mut error = client;
                error["error"] = json!("invalid_client_metadata");
                answer(400, &error)
            }
            (true, _) => answer(400, &json!({"error": "invalid_client_metadata"})),
        }
    };
    let own = |headers: &http::HeaderMap, client: &Value| {
        let token = client["registration_access_token"].as_str().unwrap_or_default();
        headers.get("authorization").is_some_and(|v| v == format!("Bearer {token}").as_str())
    };
    let read = move |axum::extract::Path(id): axum::extract::Path<String>, headers: http::HeaderMap| async move {
        let clients = read.lock().unwrap();
        match clients.iter().find(|c| c["client_id"] == id.as_str() && own(&headers, c)) {
            Some(client) => answer(200, client),
            None => answer(401, &json!({"error": "invalid_token"})),
        }
    };
    let delete = move |axum::extract::Path(id): axum::extract::Path<String>| async move {
        deleted.lock().unwrap().retain(|c| c["client_id"] != id.as_str());
        StatusCode::NO_CONTENT
    };
    let list = move || async move { answer(200, &Value::Array(listed.lock().unwrap().clone())) };
    axum::Router::new()
        .route("/register", post(register))
        .route("/register/{id}", get(read))
        .route("/admin", get(list))
        .route("/admin/{id}", axum::routing::delete(delete))
}

fn target(way: Way) -> Target {
    let transport = Transport::service(server(way));
    let mut target = Target::new(URL, transport.clone());
    target.own = true;
    let admin = Administration::request(transport, "DELETE", "http://localhost/admin/${client_id}").unwrap();
    let admin = admin.with_find("http://localhost/admin").unwrap().with_pace(Some(100_000.0), Duration::ZERO);
    target.administration = Some(admin);
    target
}

/// On a clock that moves only while everything waits: what a server takes is what it sleeps, however busy the machine is.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(future)
}

fn fuzzed(way: Way, count: u64) -> Outcome {
    let run = run::Options { seed: 7, ..run::Options::default() };
    let options = Options { run, count: Some(count), replays: 1, ..Options::default() };
    block_on(campaign::run(&target(way), &options, Ledger::memory(), &mut |_| {}))
}

#[test]
fn what_is_refused_and_yet_there_is_found_where_it_can_be_asked() {
    for (way, found) in [(Way::Right, false), (Way::KeepsRefused, true), (Way::OffersRefused, true)] {
        let outcome = fuzzed(way, 400);
        assert_eq!(outcome.complaints, [""; 0]);
        let all: Vec<_> = outcome.findings.iter().map(|f| (&f.rule, &f.message, &f.scenario)).collect();
        assert_eq!(all.len(), usize::from(found), "{way:?}: {all:#?}");
        let Some(finding) = outcome.findings.first() else { continue };
        assert_eq!((&*finding.rule, finding.repeats), ("fuzz-half-registered", Repeats::Always));
        assert_eq!(finding.requirement, "rfc7591-3.2.2-no-client-in-error");
        let set: Vec<&str> = finding.scenario.input.set.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(set, ["logo_uri"], "{way:?}");
        let ask =
            |target: &Target| block_on(replay(finding, target, None, &run::Options::default(), Ledger::memory(), 2)).0;
        assert_eq!(ask(&target(way)), Replayed::StillThere(Repeats::Always));
        assert_eq!(ask(&target(Way::Right)), Replayed::Fixed);
        // Where nobody can list clients, nothing can be said.
        let alone = Target { administration: None, ..target(Way::Right) };
        let silent = matches!(ask(&alone), Replayed::NotAsked(_));
        assert_eq!(silent, way == Way::KeepsRefused);
    }
}

/// Its refusals say nothing of what is sent, and are no findings; and the campaign does not go on for nothing.
#[test]
fn a_target_that_refuses_everything_by_now_is_not_accused() {
    let target = Target { own: false, administration: None, ..target(Way::Ends) };
    let run = run::Options { seed: 7, rate: Some(1_000_000.0), ..run::Options::default() };
    let options = Options { run, count: Some(4000), ..Options::default() };
    let outcome = block_on(campaign::run(&target, &options, Ledger::memory(), &mut |_| {}));
    let why = outcome.untestable.expect("nothing more can be said");
    assert!(why.contains("refuses the registration that it accepted at first (400 access_denied)"), "{why}");
    let all: Vec<_> = outcome.findings.iter().map(|f| (&f.rule, &f.message)).collect();
    assert!(all.is_empty() && outcome.inputs < 200, "{} {all:#?}", outcome.inputs);
}

/// A server that a payload has brought down is not let off: what did it is found.
#[test]
fn a_server_that_fails_from_some_input_on_is_no_refusal() {
    let target = Target { own: false, administration: None, ..target(Way::Breaks) };
    let run = run::Options { seed: 7, rate: Some(1_000_000.0), ..run::Options::default() };
    let options = Options { run, count: Some(300), ..Options::default() };
    let outcome = block_on(campaign::run(&target, &options, Ledger::memory(), &mut |_| {}));
    assert_eq!((outcome.untestable, outcome.inputs), (None, 300));
    assert!(outcome.findings.iter().any(|f| f.requirement == "rfc7591-3.2.2-error-status"));
}

#[test]
fn an_answer_that_names_no_client_is_no_refusal() {
    let defect = crate::server::defect("client-id-missing").unwrap();
    let target = Target { own: false, ..crate::selftest::reference_target(defect.configuration, &[defect], 7) };
    let run = run::Options { seed: 7, rate: Some(1_000_000.0), ..run::Options::default() };
    let options = Options { run, count: Some(200), ..Options::default() };
    let outcome = block_on(campaign::run(&target, &options, Ledger::memory(), &mut |_| {}));
    assert_eq!((outcome.untestable, outcome.inputs), (None, 200));
    assert!(outcome.findings.iter().any(|f| f.requirement == defect.requirement));
}

#[test]
fn time_that_grows_faster_than_its_cause_is_noted_with_figures_and_fails_no_run() {
    for (way, found) in [(Way::Linear, false), (Way::Cubic, true)] {
        let outcome = fuzzed(way, 10 * super::growth::REQUESTS);
        let all: Vec<_> = outcome.findings.iter().map(|f| (&f.rule, &f.message)).collect();
        assert_eq!(all.len(), usize::from(found), "{way:?}: {all:#?}");
        let Some(finding) = outcome.findings.first() else { continue };
        assert_eq!((&*finding.rule, finding.strength), ("fuzz-super-linear", crate::spec::Strength::Note));
        assert!(finding.message.contains("redirect_uris: 64: ") && finding.message.contains(" ms, 1024: "));
        assert!(promote(finding).is_err());
        let fail_on = crate::spec::FailOn::default();
        let report = super::report::report(&[outcome], &fail_on, 7, jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(crate::report::exit(&report), crate::report::Exit::Clean);
    }
}

/// Odd bytes go to loopback and to services in this process alone.
#[test]
fn framing_is_ordinary_wherever_somebody_could_be_in_between() {
    use super::{bench::Bench, generate::Input};
    use crate::wire::{Framing, Kind};
    let near = |url: &str, own: bool| {
        let transport = Transport::http(crate::wire::HttpSettings::default()).unwrap();
        let target = Target { own, ..Target::new(url, transport) };
        let options = run::Options::default();
        let mut harness = run::harness::Harness::new(&target, &options, Ledger::memory());
        harness.ground.endpoint = url.to_owned();
        harness.is_near()
    };
    assert!(!near("https://as.example/register", false) && near("http://127.0.0.1:1/register", false));
    assert!(near("https://as.example/register", true));
    // In this process each framing is sent as it is, and a right server is accused of nothing for any of them.
    let options = run::Options::default();
    let target = crate::selftest::reference_target(crate::server::Configuration::Open, &[], 7);
    block_on(async {
        let bench = Bench::prepare(&target, &options, Ledger::memory()).await.map_err(|(why, _)| why).unwrap();
        for framing in Framing::ALL {
            let mut input = Input::default();
            input.envelope.framing = Some(framing);
            let shot = bench.shoot(&input, &bench.fresh_memory(), false).await;
            let exchange = &shot.exchanges[0];
            assert_eq!(exchange.manner.framing, Some(framing));
            assert_eq!(exchange.request.kind == Kind::Malformed, !framing.is_valid_http());
            let faults: Vec<_> = shot.faults.iter().map(|f| (&f.rule, &f.objection.message)).collect();
            assert!(faults.is_empty(), "{framing:?}: {faults:?}");
        }
    });
}
