//! The reference server as a process of its own, and runs against it as against any other server: what is found, what
//! is left behind, and that no secret gets out.

mod support;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{extract::Request, middleware};
use dcrspec::{
    server::{ReferenceServer, ServerConfig},
    wire::Ledger,
};
use serde_json::Value;
use support::{Home, Hosted, Served, dcrspec, fetch, schema_faults, with_verdict};

const TOKEN: &str = "an-initial-access-token-for-the-test";
const FAST: [&str; 2] = ["--rate", "1000/s"];

fn report_in(path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn it_says_where_it_listens_and_registers_clients() {
    let home = Home::new();
    let server = Served::start(&home, &["--seed", "3"]);
    assert_eq!(server.lines.len(), 2, "{:?}", server.lines);
    let issuer = server.value("ISSUER");
    assert_eq!(server.endpoint(), format!("{issuer}/register"));
    assert!(issuer.starts_with("http://127.0.0.1:"), "{issuer}");
    let json = [("content-type", "application/json")];
    let metadata = r#"{"redirect_uris":["https://client.example.org/callback"]}"#;
    let (status, body) = fetch("POST", server.endpoint(), &json, metadata);
    assert_eq!(status, 201, "{body}");
    let client: Value = serde_json::from_str(&body).unwrap();
    // A second server with the same seed makes up the same client.
    let twin = Served::start(&home, &["--seed", "3"]);
    let (_, body) = fetch("POST", twin.endpoint(), &json, metadata);
    let other: Value = serde_json::from_str(&body).unwrap();
    for member in ["client_id", "client_secret", "registration_access_token"] {
        assert!(client[member].as_str().is_some_and(|s| !s.is_empty()), "{member}");
        assert_eq!(client[member], other[member]);
    }
}

#[test]
fn a_port_that_is_taken_is_a_mistake() {
    let home = Home::new();
    let server = Served::start(&home, &[]);
    let port = server.value("ISSUER").rsplit(':').next().unwrap().to_owned();
    let ran = home.run(["serve", "--port", &port]);
    assert!(ran.exits(2).stderr.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{}", ran.stderr);
    assert!(ran.stderr.contains("--port chooses another"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_run_by_url_and_by_issuer_is_clean_and_leaves_nothing() {
    let home = Home::new();
    let server = Served::start(&home, &[]);
    let mut met = Vec::new();
    for target in [vec![server.endpoint()], vec!["--issuer", server.value("ISSUER")]] {
        let args = ["run"].into_iter().chain(target).chain(FAST).chain(["--json", "report.json"]);
        let ran = home.run(args);
        ran.exits(0);
        assert!(ran.stdout.contains("none left behind"), "{}", ran.stdout);
        let report = report_in(home.path().join("report.json"));
        assert_eq!(schema_faults(&report), [""; 0]);
        assert_eq!(report["target"]["endpoint"], server.endpoint());
        assert_eq!(with_verdict(&report, "broken", None), [""; 0]);
        assert!(report["clients"]["registered"].as_u64().unwrap() > 10);
        assert_eq!(report["clients"]["registered"], report["clients"]["deleted"]);
        met.push(with_verdict(&report, "met", None));
        assert!(home.ledgers().is_empty(), "{:?}", home.ledgers());
    }
    assert_eq!(met[0], met[1]);
    assert!(met[0].len() >= 55, "{} met", met[0].len());
}

#[test]
fn a_defect_shows_over_a_socket_as_it_does_in_process() {
    let home = Home::new();
    let server = Served::start(&home, &["--defect", "expires-at-milliseconds"]);
    let ran = home.run(["run", server.endpoint()].into_iter().chain(FAST).chain(["--json", "-"]));
    let report = ran.exits(1).json();
    assert_eq!(with_verdict(&report, "broken", None), ["rfc7591-3.2.1-client-secret-expires-at-value"]);
    let finding = &report["findings"][0];
    assert!(finding["curl"].as_str().unwrap().contains(server.endpoint()), "{finding}");
    let reference = dcrspec(&["run", "--reference", "--defect", "expires-at-milliseconds", "--json", "-"]).json();
    assert_eq!(finding["id"], reference["findings"][0]["id"], "the same fault has the same id everywhere");
}

#[test]
fn a_protected_server_wants_its_token() {
    let home = Home::new();
    let server = Served::start(&home, &["--initial-access-token", TOKEN]);
    assert_eq!(server.value("INITIAL_ACCESS_TOKEN"), TOKEN);
    let run = |more: &[&str]| home.run(["run", server.endpoint()].iter().chain(&FAST).chain(more));

    let without = run(&[]);
    without.exits(3);
    assert!(without.stdout.contains("the endpoint wants an initial access token"), "{}", without.stdout);
    assert!(without.stdout.contains("--token-env VAR"), "it says what to try: {}", without.stdout);
    run(&["--token", "another-token-altogether"]).exits(3);

    home.file("token", &format!("{TOKEN}\n"));
    let mut by_variable = home.command(["run", server.endpoint(), "--token-env", "IAT"].iter().chain(&FAST));
    by_variable.env("IAT", TOKEN);
    for ran in [run(&["--token", TOKEN]), run(&["--token-file", "token"]), support::finish(by_variable)] {
        ran.exits(0);
        assert!(ran.stdout.contains("none left behind"), "{}", ran.stdout);
        assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN));
    }
    let ran = run(&["--token", TOKEN, "--json", "-"]);
    let report = ran.exits(0).json();
    let met = with_verdict(&report, "met", None);
    for id in ["rfc7591-3.2.2-token-error-by-type", "rfc7591-3.2.2-challenge-error-attribute"] {
        assert!(met.iter().any(|m| m == id), "{id}");
    }
    assert!(home.ledgers().is_empty());
}

/// What a server has given out that is for its receiver alone.
type Secrets = Arc<Mutex<BTreeSet<String>>>;

/// The protected reference server, with a note of every secret in its answers.
fn watched() -> (Hosted, Secrets) {
    let secrets = Secrets::default();
    let noted = secrets.clone();
    let hosted = Hosted::start(move |origin| {
        let watch = move |request: Request, next: middleware::Next| {
            let noted = noted.clone();
            async move {
                let (parts, body) = next.run(request).await.into_parts();
                let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                if let Ok(Value::Object(document)) = serde_json::from_slice(&bytes) {
                    let members = ["client_secret", "registration_access_token"].iter();
                    let found = members.filter_map(|name| document.get(*name)?.as_str().map(str::to_owned));
                    noted.lock().unwrap().extend(found);
                }
                axum::response::Response::from_parts(parts, axum::body::Body::from(bytes))
            }
        };
        ReferenceServer::new(ServerConfig::protected(origin, TOKEN)).router().layer(middleware::from_fn(watch))
    });
    (hosted, secrets)
}

#[test]
fn no_secret_gets_into_any_output() {
    let (server, secrets) = watched();
    let home = Home::new();
    let endpoint = format!("{}/register", server.origin());
    // A header of one's own is as secret as a token.
    let args = [
        "run",
        &endpoint,
        "--token",
        TOKEN,
        "--rate",
        "1000/s",
        "--header",
        "X-Api-Key: a-key-of-the-deployment",
        "--header",
        "Cookie: session=a-session-of-the-deployment",
        "--exchanges",
        "all",
        "--verbose",
        "--json",
        "report.json",
        "--junit",
        "junit.xml",
    ];
    let ran = home.run(args);
    ran.exits(0);
    let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
    let outputs = [
        ("stdout", ran.stdout.clone()),
        ("stderr", ran.stderr.clone()),
        ("report.json", read("report.json")),
        ("junit.xml", read("junit.xml")),
    ];
    let mut secrets = secrets.lock().unwrap().clone();
    assert!(secrets.len() > 20, "{} secrets were given out", secrets.len());
    secrets.insert(TOKEN.to_owned());
    secrets.extend(["a-key-of-the-deployment", "a-session-of-the-deployment"].map(str::to_owned));
    // Nor all but the end of the token, which one case sends.
    secrets.insert(TOKEN[..TOKEN.len() - 3].to_owned());
    for (name, text) in &outputs {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{name} holds the secret {secret}");
        }
    }
    let report = report_in(home.path().join("report.json"));
    let exchanges = report["exchanges"].as_array().unwrap();
    let created = exchanges.iter().filter(|x| x["response"]["status"] == 201);
    let shown = created.filter(|x| x["response"]["body"].as_str().unwrap().contains("client_secret")).count();
    assert!(shown > 10, "what is redacted can still be followed: {shown} answers");
}

#[test]
fn no_secret_of_a_finding_gets_into_any_output() {
    let home = Home::new();
    let server = Served::start(&home, &["--seed", "9", "--defect", "secret-shared", "--defect", "caching-allowed"]);
    let metadata = r#"{"redirect_uris":["https://client.example.org/callback"]}"#;
    let (_, body) = fetch("POST", server.endpoint(), &[("content-type", "application/json")], metadata);
    let client: Value = serde_json::from_str(&body).unwrap();
    let secret = client["client_secret"].as_str().unwrap();
    let args = [
        "run",
        server.endpoint(),
        "--rate",
        "1000/s",
        "--exchanges",
        "all",
        "--verbose",
        "--json",
        "report.json",
        "--junit",
        "junit.xml",
    ];
    let ran = home.run(args);
    ran.exits(1);
    assert!(ran.stdout.contains("rfc7591-3.2.1-client-secret-unique"), "{}", ran.stdout);
    for text in [ran.stdout, ran.stderr]
        .into_iter()
        .chain(["report.json", "junit.xml"].map(|n| std::fs::read_to_string(home.path().join(n)).unwrap()))
    {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn what_a_run_leaves_is_in_a_private_ledger_and_cleanup_deletes_it() {
    let home = Home::new();
    let server = Served::start(&home, &[]);
    let ran = home.run(["run", server.endpoint(), "--no-cleanup"].into_iter().chain(FAST).chain(["--json", "r.json"]));
    assert!([0, 1].contains(&ran.code()), "{}", ran.stdout);
    let report = report_in(home.path().join("r.json"));
    let left: BTreeSet<&str> =
        report["clients"]["left"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert!(left.len() > 10, "{} clients", left.len());
    // Those that cases delete themselves.
    assert_eq!(report["clients"]["deleted"], report["clients"]["registered"].as_u64().unwrap() - left.len() as u64);
    let ledgers = home.ledgers();
    let [path] = ledgers.as_slice() else { panic!("one ledger: {ledgers:?}") };
    assert!(ran.stderr.contains(&format!("dcrspec cleanup {}", path.display())), "{}", ran.stderr);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let clients = Ledger::load(path).unwrap().open_clients();
    assert_eq!(clients.iter().map(|c| c.client_id.as_str()).collect::<BTreeSet<_>>(), left);
    let status = |client: &dcrspec::wire::Registered| {
        let bearer = format!("Bearer {}", client.registration_access_token.as_ref().unwrap().expose());
        fetch("GET", client.registration_client_uri.as_deref().unwrap(), &[("authorization", &bearer)], "").0
    };
    assert!(clients.iter().all(|c| status(c) == 200), "the server holds what the ledger names");

    let count = || fetch("GET", &format!("{}/_clients", server.value("ISSUER")), &[], "").1;
    assert_eq!(count(), clients.len().to_string(), "the server itself says how many it holds");

    // As after `kill -9` in the middle of a clean-up: the same ledger is worked off twice.
    let copy = home.path().join("copy.ledger");
    std::fs::copy(path, &copy).unwrap();
    let first = home.run(["cleanup".as_ref(), path.as_os_str()]);
    first.exits(0);
    assert_eq!(first.stdout.matches(": deleted\n").count(), clients.len(), "{}", first.stdout);
    assert!(clients.iter().all(|c| status(c) == 401), "the server holds them no more");
    assert_eq!(count(), "0");
    let emptied = std::fs::read_to_string(path).unwrap();
    assert_eq!(emptied.lines().count(), 1, "a ledger without open clients is emptied: {emptied}");
    let second = home.run(["cleanup".as_ref(), copy.as_os_str()]);
    second.exits(0);
    assert_eq!(second.stdout.matches(": gone already (answered 401)\n").count(), clients.len(), "{}", second.stdout);
    for client in &clients {
        let token = client.registration_access_token.as_ref().unwrap().expose();
        for text in [&first.stdout, &first.stderr, &second.stdout, &second.stderr, &ran.stdout, &ran.stderr] {
            assert!(!text.contains(token), "{text}");
        }
    }
    // There is nothing more to do, and it is said so.
    assert_eq!(home.run(["cleanup".as_ref(), path.as_os_str()]).exits(0).stdout, "nothing is left to delete\n");
}

#[test]
fn cleanup_of_a_server_that_is_gone_keeps_the_ledger() {
    let home = Home::new();
    let server = Served::start(&home, &[]);
    let args = [
        "run",
        server.endpoint(),
        "--no-cleanup",
        "--rate",
        "1000/s",
        "--ledger",
        "my.ledger",
        "--case",
        "public-client",
    ];
    home.run(args).exits(0);
    drop(server);
    let ran = home.run(["cleanup", "my.ledger"]);
    ran.exits(1);
    assert!(ran.stdout.contains("still there: nothing listens at"), "{}", ran.stdout);
    assert!(home.path().join("my.ledger").exists());
}
