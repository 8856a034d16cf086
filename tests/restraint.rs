//! What is asked of a server is no more than it takes and its owner allows.

mod support;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{extract::Request, middleware, response::IntoResponse};
use dcrspec::server::{ReferenceServer, ServerConfig};
use serde_json::Value;
use support::{Home, Hosted, Ran, schema_faults, with_verdict};

/// What a server saw, by method and path.
type Seen = Arc<Mutex<HashMap<String, u64>>>;

/// The reference server, which counts requests and answers by `limit` instead where that says so.
fn counting(
    limit: impl Fn(&Request) -> Option<axum::response::Response> + Clone + Send + Sync + 'static,
    mark: impl Fn(&mut axum::response::Response, bool) + Clone + Send + Sync + 'static,
) -> (Hosted, ReferenceServer, Seen) {
    let seen = Seen::default();
    let noted = seen.clone();
    let mut server = None;
    let hosted = Hosted::start(|origin| {
        let reference = ReferenceServer::new(ServerConfig::open(origin));
        server = Some(reference.clone());
        let watch = move |request: Request, next: middleware::Next| {
            let (noted, limit, mark) = (noted.clone(), limit.clone(), mark.clone());
            async move {
                let post = request.method() == "POST" && request.uri().path() == "/register";
                let add = |what: &str| *noted.lock().unwrap().entry(what.to_owned()).or_default() += 1;
                if let Some(refusal) = limit(&request) {
                    add("refused");
                    return refusal;
                }
                let mut response = next.run(request).await;
                add(if response.status() == 201 { "created" } else { "other" });
                mark(&mut response, post);
                response
            }
        };
        reference.router().layer(middleware::from_fn(watch))
    });
    (hosted, server.unwrap(), seen)
}

fn run(home: &Home, hosted: &Hosted, more: &[&str]) -> (Ran, Value) {
    let endpoint = format!("{}/register", hosted.origin());
    let args = ["run", &endpoint, "--rate", "10000/s", "--json", "report.json"];
    let ran = home.run(args.iter().chain(more));
    ran.code();
    let report = std::fs::read_to_string(home.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(schema_faults(&report), [""; 0]);
    (ran, report)
}

fn count(seen: &Seen, what: &str) -> u64 {
    seen.lock().unwrap().get(what).copied().unwrap_or(0)
}

#[test]
fn no_more_clients_are_registered_than_allowed_and_every_dropped_case_says_so() {
    let mut met = Vec::new();
    for most in [1, 2, 8, 30] {
        let (hosted, server, seen) = counting(|_| None, |_, _| {});
        let home = Home::new();
        let (ran, report) = run(&home, &hosted, &["--max-clients", &most.to_string()]);
        ran.exits(0);
        assert!(count(&seen, "created") <= most, "{} of {most}", count(&seen, "created"));
        assert_eq!(server.client_count(), 0);
        assert_eq!(with_verdict(&report, "broken", None), [""; 0], "sharing accuses nobody");
        let cases = report["cases"].as_array().unwrap();
        let dropped = format!("dropped by --max-clients {most}: ");
        let of = |test: &dyn Fn(&Value) -> bool| cases.iter().filter(|c| test(c)).count();
        assert!(of(&|c| c["outcome"] == "skipped" && c["reason"].as_str().unwrap().starts_with(&dropped)) > 10);
        assert_eq!(of(&|c| c["outcome"] == "failed" || c["outcome"] == "errored"), 0);
        let ran = of(&|c| c["outcome"] == "passed");
        met.push((ran, with_verdict(&report, "met", None).len()));
        // What was dropped shows in the verdict of what it would have shown.
        let rows = report["requirements"].as_array().unwrap();
        assert!(rows.iter().any(|r| r["reason"].as_str().unwrap().contains(&dropped)));
    }
    assert!(met.is_sorted() && met[0] < met[3], "more clients show more: {met:?}");
    assert!(met[1].0 >= 2, "two clients are shared by several cases: {met:?}");
}

/// A fixed window of requests, announced as `form` says it.
fn limited(form: fn(u64, u64) -> Vec<(&'static str, String)>) {
    const EACH: u64 = 60;
    const WINDOW: Duration = Duration::from_secs(1);
    let window = Arc::new(Mutex::new((Instant::now(), 0_u64)));
    let (taking, marking) = (window.clone(), window);
    let (hosted, _, seen) = counting(
        move |request| {
            if request.method() != "POST" {
                return None;
            }
            let mut window = taking.lock().unwrap();
            if window.0.elapsed() >= WINDOW {
                *window = (Instant::now(), 0);
            }
            window.1 += 1;
            (window.1 > EACH).then(|| (http::StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")]).into_response())
        },
        move |response, post| {
            if post {
                // A second from now the window is over, however long it still is.
                let left = EACH.saturating_sub(marking.lock().unwrap().1);
                for (name, value) in form(left, 1) {
                    response.headers_mut().append(name, value.parse().unwrap());
                }
            }
        },
    );
    let home = Home::new();
    let (ran, report) = run(&home, &hosted, &[]);
    ran.exits(0);
    assert_eq!(count(&seen, "refused"), 0, "it never ran into the limit");
    assert!(count(&seen, "created") > EACH, "the limit was reached");
    assert_eq!(with_verdict(&report, "broken", None), [""; 0]);
}

#[test]
fn an_announced_limit_is_never_run_into() {
    limited(|left, reset| vec![("ratelimit-remaining", left.to_string()), ("ratelimit-reset", reset.to_string())]);
}

#[test]
fn a_limit_announced_by_policy_is_never_run_into() {
    limited(|left, reset| vec![("ratelimit", format!("\"hour\";r=5000;t=900, \"burst\";r={left};t={reset}"))]);
}

#[test]
fn what_a_limit_leaves_no_time_for_is_not_sent_and_nobody_is_accused() {
    let taken = Arc::new(Mutex::new(0_u64));
    let (hosted, server, seen) = counting(
        |_| None,
        move |response, post| {
            let mut taken = taken.lock().unwrap();
            *taken += u64::from(post);
            if post && *taken >= 20 {
                response.headers_mut().insert("x-ratelimit-remaining", http::HeaderValue::from_static("0"));
                response.headers_mut().insert("x-ratelimit-reset", http::HeaderValue::from_static("3600"));
            }
        },
    );
    let home = Home::new();
    let (ran, report) = run(&home, &hosted, &["--wait", "1s"]);
    ran.exits(0);
    assert_eq!(count(&seen, "refused"), 0);
    assert_eq!(server.client_count(), 0, "clients can still be deleted");
    let cases = report["cases"].as_array().unwrap();
    let words = "nothing was sent, since the server takes no further request for 3600 s by its own words";
    assert!(cases.iter().filter(|c| c["reason"].as_str().unwrap().contains(words)).count() > 20);
    assert!(cases.iter().all(|c| c["outcome"] == "passed" || c["outcome"] == "skipped"), "no case is errored by it");
    assert_eq!(with_verdict(&report, "broken", None), [""; 0]);
}

#[test]
fn a_dry_run_lists_what_a_run_sends_and_sends_nothing() {
    let (hosted, _, seen) = counting(|_| None, |_, _| {});
    let home = Home::new();
    let endpoint = format!("{}/register", hosted.origin());
    let dry = home.run(["run", &endpoint, "--dry-run", "--seed", "7", "--token", "a-token-of-the-deployment"]);
    dry.exits(0);
    assert!(seen.lock().unwrap().is_empty(), "nothing was sent");
    assert!(home.ledgers().is_empty());
    assert!(!dry.stdout.contains("a-token-of-the-deployment") && !dry.stderr.contains("a-token-of-the-deployment"));
    assert!(dry.stdout.contains("nothing was sent"), "{}", dry.stdout);

    // Of a server that answers as the reference server does, each request was foretold, bodies included.
    let listed = home.run(["run", &endpoint, "--dry-run", "--seed", "7"]).stdout;
    let (_, report) = run(&home, &hosted, &["--seed", "7", "--exchanges", "all"]);
    let exchanges = report["exchanges"].as_array().unwrap();
    let numbered = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit());
    let told = |method: &str| listed.lines().filter(numbered).filter(|l| l.contains(&format!("  {method} "))).count();
    let sent = |method: &str| exchanges.iter().filter(|x| x["request"]["method"] == method).count();
    assert_eq!(told("POST"), sent("POST"));
    assert!(sent("POST") > 40);
    assert!(listed.contains("${client_id of ") && listed.contains("DELETE ${registration_client_uri of "), "{listed}");
    let known = exchanges.iter().filter(|x| x["request"]["method"] == "POST").take(5);
    for exchange in known {
        let body = exchange["request"]["body"].as_str().unwrap();
        assert!(listed.contains(body), "{body}");
    }
}

#[test]
fn a_dry_run_of_an_issuer_and_of_few_clients() {
    let home = Home::new();
    let ran = home.run(["run", "--issuer", "https://as.example/tenant/", "--dry-run", "--max-clients", "5"]);
    ran.exits(0);
    let out = &ran.stdout;
    assert!(out.contains("GET https://as.example/.well-known/oauth-authorization-server/tenant\n"), "{out}");
    assert!(out.contains("POST https://as.example/tenant/register\n"), "{out}");
    assert!(out.contains("dropped by --max-clients 5"), "{out}");
    assert_eq!(ran.stderr, "");
    // It is a list, not a report.
    assert!(home.run(["run", "https://as.example/r", "--dry-run", "--json", "-"]).exits(2).stderr.contains("--json"));
}
