//! The fuzzer against the reference server: it finds every defect that one registration can reach, shrinks it, and never
//! accuses the clean server.

use super::{
    campaign::{self, Options, Outcome},
    finding::Repeats,
    promote::promote,
    reach::{self, Reach},
    replay::{Replayed, replay},
};
use crate::{
    run,
    selftest::reference_target,
    server::{Configuration, Defect, defect},
    wire::Ledger,
};

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn options(seed: u64, count: u64) -> Options {
    Options { run: run::Options { seed, ..run::Options::default() }, count: Some(count), ..Options::default() }
}

fn hunt(defect: &'static Defect, count: u64) -> Outcome {
    reach::hunt(defect, 7, count, Reach::of(defect) == Reach::Sequence)
}

#[test]
fn the_clean_server_is_not_accused_in_any_configuration() {
    clean(if cfg!(debug_assertions) { 300 } else { 5000 }, false);
}

#[test]
fn no_sequence_accuses_the_clean_server_in_any_configuration() {
    clean(if cfg!(debug_assertions) { 150 } else { 5000 }, true);
}

fn clean(count: u64, stateful: bool) {
    for (stream, configuration) in Configuration::ALL.into_iter().enumerate() {
        let target = reference_target(configuration, &[], 7);
        let options = Options { stream: stream as u64, stateful, ..options(3, count) };
        let outcome = block_on(campaign::run(&target, &options, Ledger::memory(), &mut |_| {}));
        assert_eq!(outcome.untestable, None);
        assert_eq!(outcome.inputs, count);
        let found: Vec<_> = outcome.findings.iter().map(|f| (&f.rule, &f.message, &f.scenario)).collect();
        assert!(found.is_empty(), "{}: {found:#?}", configuration.name());
    }
}

#[test]
fn the_same_seed_sends_the_same_and_finds_the_same() {
    let found = || {
        let outcome = hunt(defect("client-uri-unchecked").unwrap(), 2000);
        (outcome.inputs, outcome.findings.iter().map(|f| (f.id.clone(), f.scenario.clone())).collect::<Vec<_>>())
    };
    let first = found();
    assert!(!first.1.is_empty());
    assert_eq!(first, found());
}

/// Found with a defect, asked again with it and without it, and kept as a case of a suite that fails with it.
#[test]
fn a_finding_is_asked_again_and_becomes_a_case() {
    for id in [
        "redirect-fragment",
        "unknown-null-crash",
        "member-order-matters",
        "get-registers",
        "error-text",
        "secret-short",
        "chunked-crash",
        "read-stale",
        "update-half-applied",
        "refused-update-kills-token",
        "token-outlives-client",
        "update-by-body",
        "update-with-any-token",
    ] {
        let defect = defect(id).unwrap();
        let outcome = hunt(defect, 20_000);
        let finding = outcome.findings.iter().find(|f| f.requirement == defect.requirement).expect(id);
        let text = serde_json::to_string(finding).unwrap();
        let finding = serde_json::from_str(&text).unwrap();
        let ask = |defects: &[&'static Defect]| {
            let target = reference_target(defect.configuration, defects, 9);
            block_on(replay(&finding, &target, None, &run::Options::default(), Ledger::memory(), 2)).0
        };
        assert_eq!(ask(&[defect]), Replayed::StillThere(Repeats::Always), "{id}");
        assert_eq!(ask(&[]), Replayed::Fixed, "{id}");
        let yaml = promote(&finding).expect(id);
        let suite = crate::suite::load_text("promoted.yaml", &yaml).unwrap_or_else(|e| panic!("{id}: {e}\n{yaml}"));
        let broken = |defects: &[&'static Defect]| {
            let target = reference_target(defect.configuration, defects, 9);
            let options = run::Options::default();
            let report = block_on(run::run(&target, std::slice::from_ref(&suite), &options, Ledger::memory())).report;
            report
                .findings
                .iter()
                .any(|f| f.requirement == defect.requirement && f.strength == crate::spec::Strength::Broken)
        };
        assert!(broken(&[defect]), "{id}: {yaml}");
        assert!(!broken(&[]), "{id}: {yaml}");
    }
}

fn compared(defects: &[&'static Defect], options: &Options) -> Outcome {
    let configuration = defects.first().map_or(Configuration::Open, |d| d.configuration);
    let (first, second) = (reference_target(configuration, &[], 7), reference_target(configuration, defects, 8));
    let other = Some((&second, Ledger::memory()));
    block_on(campaign::compare(&first, other, options, Ledger::memory(), &mut |_| {}))
}

#[test]
fn two_servers_of_one_kind_do_not_differ() {
    for stateful in [false, true] {
        let outcome = compared(&[], &Options { stateful, ..options(7, 400) });
        assert_eq!((outcome.untestable, outcome.inputs), (None, 400));
        let found: Vec<_> = outcome.findings.iter().map(|f| (&f.rule, &f.message, &f.scenario)).collect();
        assert!(found.is_empty(), "{found:#?}");
    }
}

/// Each is found, shrunk and replayed, and accuses nobody.
#[test]
fn a_server_that_does_otherwise_is_told_from_one_that_does_not() {
    for (id, stateful, rule, size, count) in [
        ("redirect-fragment", false, "differs-status", 1, 3000),
        ("scope-omitted", false, "differs-members", 1, 400),
        ("error-code-unknown", false, "differs-error", 1, 400),
        ("read-stale", true, "differs-value", 2, 400),
    ] {
        let defect = defect(id).unwrap_or_else(|| panic!("{id}"));
        let outcome = compared(&[defect], &Options { stateful, ..options(7, count) });
        let own = |f: &&super::finding::Finding| {
            f.rule == rule
                && f.repeats == Repeats::Always
                && f.scenario.input.size() + f.scenario.input.moves.len() <= size
        };
        let all: Vec<_> = outcome.findings.iter().map(|f| (&f.rule, &f.message, &f.scenario, f.repeats)).collect();
        let finding = outcome.findings.iter().find(own).unwrap_or_else(|| panic!("{id}: {all:#?}"));
        assert!(outcome.findings.iter().all(|f| f.is_difference() && f.strength == crate::spec::Strength::Note));
        assert!(promote(finding).is_err());
        let (first, second) =
            (reference_target(defect.configuration, &[], 1), reference_target(defect.configuration, &[defect], 2));
        let fixed = reference_target(defect.configuration, &[], 3);
        let ask = |other| {
            let other = Some((other, Ledger::memory()));
            block_on(replay(finding, &first, other, &run::Options::default(), Ledger::memory(), 2)).0
        };
        assert_eq!(ask(&second), Replayed::StillThere(Repeats::Always), "{id}");
        assert_eq!(ask(&fixed), Replayed::Fixed, "{id}");
    }
}

/// A file of format 1 is read as it was written; one of a later format is refused in one sentence.
#[test]
fn findings_of_earlier_formats_are_read_and_those_of_later_ones_are_refused() {
    let outcome = hunt(defect("redirect-fragment").unwrap(), 2000);
    let mut file = serde_json::to_value(outcome.findings.first().expect("found")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("finding.json");
    let mut read = |format: u32| {
        file["format"] = format.into();
        file["scenario"]["input"]["member-of-the-future"] = serde_json::json!(1);
        let input = file["scenario"]["input"].as_object_mut().unwrap();
        if format < 3 {
            input.remove("member-of-the-future");
        }
        std::fs::write(&path, file.to_string()).unwrap();
        super::finding::Finding::read(&path)
    };
    assert_eq!(read(1).unwrap().scenario, outcome.findings[0].scenario);
    assert!(read(2).is_ok());
    let why = read(99).unwrap_err();
    assert!(why.ends_with("the finding has format 99; this version of dcrspec reads up to 2"), "{why}");
}

#[test]
fn findings_hold_no_secrets() {
    let outcome = hunt(defect("secret-from-client-id").unwrap(), 2000);
    let finding = outcome.findings.first().expect("found");
    for exchange in &finding.exchanges {
        let body = exchange.response.as_ref().map(|r| r.body.as_str()).unwrap_or_default();
        let document: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        for name in ["client_secret", "registration_access_token"] {
            if let Some(value) = document.get(name).and_then(|v| v.as_str()) {
                assert!(value.starts_with('['), "{name} is not redacted: {value}");
            }
        }
    }
}

/// A server of someone else: right but for what a rule of the judge cannot see.
fn careless(leaks: bool, panics: bool) -> axum::Router {
    use std::sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    };
    let count = Arc::new(AtomicU64::new(0));
    let secrets = Arc::new(Mutex::new(Vec::<String>::new()));
    let register = move |headers: http::HeaderMap, body: bytes::Bytes| async move {
        let json = |status: u16, value: serde_json::Value| {
            let body = axum::body::Body::from(value.to_string());
            http::Response::builder()
                .status(status)
                .header("content-type", "application/json")
                .header("cache-control", "no-store")
                .body(body)
                .unwrap()
        };
        let refused = || json(400, serde_json::json!({"error": "invalid_client_metadata"}));
        let label = headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        if !label.starts_with("application/json") {
            return json(415, serde_json::json!({"error": "invalid_request"}));
        }
        let Ok(serde_json::Value::Object(sent)) = serde_json::from_slice(&body) else { return refused() };
        let name = sent.get("client_name").and_then(|n| n.as_str());
        assert!(!panics || name.is_none_or(str::is_ascii), "a name beyond ASCII");
        let number = count.fetch_add(1, Ordering::Relaxed);
        let secret = format!("{:x}", <sha2::Sha256 as sha2::Digest>::digest(number.to_le_bytes()));
        let mut answer = serde_json::json!({
            "client_id": format!("client-{number}"),
            "client_secret": secret,
            "client_secret_expires_at": 0,
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "redirect_uris": ["https://client.example.org/callback"],
        });
        let mut secrets = secrets.lock().unwrap();
        if leaks && sent.contains_key("logo_uri") && !secrets.is_empty() {
            answer["debug"] = serde_json::json!(format!("last clients: {}", secrets.join(" ")));
        }
        secrets.push(secret);
        json(201, answer)
    };
    axum::Router::new().route("/register", axum::routing::post(register))
}

#[test]
fn what_the_judge_cannot_see_is_found_and_a_stranger_that_replaces_everything_is_not_accused() {
    for (leaks, panics, rules) in
        [(false, false, &[][..]), (true, false, &["fuzz-no-leak"][..]), (false, true, &["fuzz-answered"][..])]
    {
        let transport = crate::wire::Transport::service(careless(leaks, panics));
        let mut target = crate::target::Target::new("http://localhost/register", transport);
        target.own = true;
        let outcome = block_on(campaign::run(&target, &options(5, 800), Ledger::memory(), &mut |_| {}));
        let found: Vec<&str> = outcome.findings.iter().map(|f| f.rule.as_str()).collect();
        assert_eq!(
            found,
            rules,
            "{:#?}",
            outcome.findings.iter().map(|f| (&f.message, &f.scenario)).collect::<Vec<_>>()
        );
        assert!(outcome.findings.iter().all(|f| f.scenario.input.size() == 1 && f.repeats == Repeats::Always));
    }
}

/// What sends an input is moved several times for each.
#[test]
fn what_sends_an_input_is_small() {
    let target = reference_target(Configuration::Open, &[], 7);
    let options = run::Options::default();
    block_on(async {
        let bench =
            super::bench::Bench::prepare(&target, &options, Ledger::memory()).await.map_err(|(why, _)| why).unwrap();
        let input = super::generate::Input::default();
        let size = std::mem::size_of_val(&bench.shoot(&input, &bench.memory, false));
        assert!(size <= 16 * 1024, "{size} bytes");
    });
}
