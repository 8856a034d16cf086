//! Runs against real servers. They need more than Rust, so they run only with `DCRSPEC_INTEROP=1`; then a server that
//! cannot be started is a failure.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use dcrspec::report::{Report, from_json};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    server: String,
    findings: Vec<ExpectedFinding>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedFinding {
    requirement: String,
    rule: String,
    strength: String,
    /// Whether the library or the glue around it is at fault.
    whose: String,
    why: String,
}

/// A server that dies with its test.
struct Server {
    child: Child,
    issuer: String,
    endpoint: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends by itself once its standard input closes; waiting makes sure of it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(folder: &str, settings: &[(&str, &str)]) -> Server {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(folder).join("start.sh");
        let mut child = Command::new("bash")
            .arg(&script)
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{} cannot be started: {e}", script.display()));
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let (mut issuer, mut endpoint) = (None, None);
        while issuer.is_none() || endpoint.is_none() {
            let line = lines.next().unwrap_or_else(|| panic!("{folder} ended before it listened")).expect("text");
            if let Some(value) = line.strip_prefix("ISSUER=") {
                issuer = Some(value.to_owned());
            } else if let Some(value) = line.strip_prefix("REGISTRATION_ENDPOINT=") {
                endpoint = Some(value.to_owned());
            }
        }
        Server { child, issuer: issuer.expect("set above"), endpoint: endpoint.expect("set above") }
    }

    /// The clients that the server holds, by the glue's own route.
    fn clients(&self) -> Vec<String> {
        let authority = self.issuer.trim_start_matches("http://");
        let mut stream = TcpStream::connect(authority).expect("the server listens");
        write!(stream, "GET /_clients HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("text");
        let json = &answer[answer.find('{').expect("a JSON answer")..=answer.rfind('}').expect("a JSON answer")];
        let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
        value["clients"].as_array().expect("an array").iter().map(|c| c.as_str().expect("an id").to_owned()).collect()
    }
}

fn wanted() -> bool {
    let wanted = std::env::var("DCRSPEC_INTEROP").is_ok_and(|v| v == "1");
    if !wanted {
        eprintln!("not run: set DCRSPEC_INTEROP=1 to run against real servers");
    }
    wanted
}

/// Runs the binary, and gives its exit code, its report and its standard output.
fn run(args: &[&str]) -> (i32, Report, String) {
    let folder = std::env::temp_dir().join(format!("dcrspec-interop-{}-{}", std::process::id(), args.join("").len()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let (json, junit) = (folder.join("report.json"), folder.join("junit.xml"));
    let output = Command::new(env!("CARGO_BIN_EXE_dcrspec"))
        .arg("run")
        .args(args)
        .args(["--rate", "500/s", "--json"])
        .arg(&json)
        .arg("--junit")
        .arg(&junit)
        .env("XDG_STATE_HOME", &folder)
        .output()
        .expect("the binary runs");
    let text =
        std::fs::read_to_string(&json).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    assert!(std::fs::read_to_string(&junit).expect("a JUnit file").starts_with("<?xml"));
    let report = from_json(&text).expect("a report");
    std::fs::remove_dir_all(&folder).expect("the temporary folder is ours");
    (output.status.code().expect("an exit code"), report, String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Holds the findings against what is written down, in both directions.
fn compare(folder: &str, report: &Report) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(folder).join("expected.yaml");
    let text = std::fs::read_to_string(&path).expect("expected.yaml");
    let expected: Expected = serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(!expected.server.is_empty());
    for finding in &expected.findings {
        assert!(
            ["library", "glue"].contains(&finding.whose.as_str()) && !finding.why.is_empty(),
            "{}",
            finding.requirement
        );
    }
    let wanted: BTreeSet<(&str, &str, String)> =
        expected.findings.iter().map(|f| (f.requirement.as_str(), f.rule.as_str(), f.strength.clone())).collect();
    let found: BTreeSet<(&str, &str, String)> =
        report.findings.iter().map(|f| (f.requirement.as_str(), f.rule.as_str(), f.strength.to_string())).collect();
    let unexpected: Vec<_> = found.difference(&wanted).collect();
    let stale: Vec<_> = wanted.difference(&found).collect();
    assert!(unexpected.is_empty() && stale.is_empty(), "{folder}: unexpected {unexpected:#?}, stale {stale:#?}");
}

#[test]
fn oidc_provider_is_judged_as_it_was_by_hand() {
    if !wanted() {
        return;
    }
    let server = Server::start("oidc-provider", &[]);
    let (code, report, text) = run(&["--issuer", &server.issuer]);
    compare("oidc-provider", &report);
    assert_eq!(code, 1, "{text}");
    assert_eq!(report.target.endpoint, server.endpoint);
    assert!(report.totals.requirements.met >= 50, "{:?}", report.totals);
    assert!(report.clients.registered > 20 && report.clients.left.is_empty() && report.clients.unknown == 0);
    assert_eq!(server.clients(), Vec::<String>::new(), "the server holds no client of ours");

    // Each finding holds when its line is typed by hand. (This leaves clients behind, at a server that ends with the test.)
    for finding in &report.findings {
        let line = finding.curl.as_deref().expect("a curl line");
        let output = Command::new("sh").args(["-c", line]).output().expect("a shell");
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(answer.starts_with("HTTP/1.1 201"), "{line}\n{answer}");
        let actual = finding.actual.trim_matches('"');
        assert!(finding.strength.to_string() == "note" || answer.contains(actual), "{actual} in {answer}");
    }
}

#[test]
fn oidc_provider_behind_a_token_is_judged_without_it_and_with_it() {
    if !wanted() {
        return;
    }
    let server = Server::start("oidc-provider", &[("INITIAL_ACCESS_TOKEN", "interop-initial-access-token")]);
    let (code, report, text) = run(&[&server.endpoint]);
    assert_eq!(code, 3, "{text}");
    assert_eq!(report.clients.registered, 0);
    let met: Vec<&str> =
        report.requirements.iter().filter(|r| r.verdict.as_str() == "met").map(|r| r.id.as_str()).collect();
    assert_eq!(met, ["rfc7591-3.2.2-token-error-by-type", "rfc7591-3.2.2-challenge-error-attribute"]);

    let (code, report, text) = run(&[&server.endpoint, "--token", "interop-initial-access-token"]);
    assert_eq!(code, 1, "{text}");
    assert!(!serde_json::to_string(&report).expect("JSON").contains("interop-initial-access-token"));
    assert_eq!(server.clients(), Vec::<String>::new(), "the server holds no client of ours");
}
