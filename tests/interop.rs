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

const TOKEN: &str = "interop-initial-access-token";

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
        // Read on: a server that prints to a closed pipe answers 500, and that would be this test's fault.
        std::thread::spawn(move || lines.for_each(drop));
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

/// The requirements with this verdict.
fn with_verdict<'r>(report: &'r Report, verdict: &str) -> Vec<&'r str> {
    report.requirements.iter().filter(|r| r.verdict.as_str() == verdict).map(|r| r.id.as_str()).collect()
}

/// What is written down in a file.
fn expected(folder: &str, file: &str) -> Vec<ExpectedFinding> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(folder).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let expected: Expected = serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(!expected.server.is_empty());
    for finding in &expected.findings {
        assert!(
            ["library", "glue"].contains(&finding.whose.as_str()) && !finding.why.is_empty(),
            "{}",
            finding.requirement
        );
    }
    expected.findings
}

/// A campaign finds what is written down for runs or for campaigns, and nothing else; each finding is still there when it is
/// replayed.
fn fuzzed(folder: &str, server: &Server, more: &[&str]) {
    let state = std::env::temp_dir().join(format!("dcrspec-fuzzed-{}-{folder}-{}", std::process::id(), more.len()));
    std::fs::create_dir_all(&state).expect("a temporary folder");
    let dcrspec = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_dcrspec"))
            .args(args)
            .args(["--token", TOKEN, "--rate", "1000/s"])
            .env("XDG_STATE_HOME", &state)
            .output()
            .expect("the binary runs");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().expect("an exit code"), String::from_utf8_lossy(&text).into_owned())
    };
    let findings = state.join("findings");
    let folder_of_findings = findings.to_str().expect("a name in UTF-8").to_owned();
    let fuzz = ["fuzz", &server.endpoint, "--i-may-test-this-server", "--seed", "7", "--findings", &folder_of_findings];
    let (code, text) = dcrspec(&[&fuzz[..], more].concat());
    assert!(code <= 1, "{text}");
    let known: BTreeSet<(String, String)> = ["expected.yaml", "fuzzed.yaml"]
        .into_iter()
        .flat_map(|file| expected(folder, file))
        .map(|f| (f.requirement, f.rule))
        .collect();
    let mut seen = 0;
    for entry in std::fs::read_dir(&findings).expect("the folder of findings") {
        let path = entry.expect("an entry").path();
        let finding: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).expect("a finding")).expect("JSON");
        let word = |name: &str| finding[name].as_str().expect("text").to_owned();
        assert!(known.contains(&(word("requirement"), word("rule"))), "{folder}: unexpected: {finding:#}");
        let (code, said) = dcrspec(&["replay", path.to_str().expect("a name in UTF-8"), &server.endpoint]);
        assert!(code == 1 && said.contains("STILL THERE"), "{}: {said}", path.display());
        seen += 1;
    }
    assert!(seen >= 2, "{text}");
    std::fs::remove_dir_all(&state).expect("the temporary folder is ours");
}

/// Holds the findings against what is written down, in both directions.
fn compare(folder: &str, report: &Report) {
    let expected = expected(folder, "expected.yaml");
    let wanted: BTreeSet<(&str, &str, String)> =
        expected.iter().map(|f| (f.requirement.as_str(), f.rule.as_str(), f.strength.clone())).collect();
    let found: BTreeSet<(&str, &str, String)> =
        report.findings.iter().map(|f| (f.requirement.as_str(), f.rule.as_str(), f.strength.to_string())).collect();
    let unexpected: Vec<_> = report
        .findings
        .iter()
        .filter(|f| !wanted.contains(&(f.requirement.as_str(), f.rule.as_str(), f.strength.to_string())))
        .map(|f| (&f.requirement, &f.rule, f.strength, &f.message, &f.actual, &f.curl))
        .collect();
    let stale: Vec<_> = wanted.difference(&found).collect();
    assert!(unexpected.is_empty() && stale.is_empty(), "{folder}: unexpected {unexpected:#?}, stale {stale:#?}");
}

/// Every finding that one registration shows holds when its line is typed by hand: the same status, and the same value at
/// the same place. (This leaves clients behind, at a server that ends with the test.)
fn repeat_by_hand(report: &Report) {
    for finding in &report.findings {
        let line = finding.curl.as_deref().expect("a curl line");
        // What needs a client of its own is in observed.md, asked by hand: that client is deleted by now.
        if line.contains("$CLIENT_ID") || !line.contains(" -X POST ") || line.contains("REGISTRATION_ACCESS_TOKEN") {
            continue;
        }
        let output = Command::new("sh").args(["-c", line]).env("DCRSPEC_TOKEN", TOKEN).output().expect("a shell");
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        let seen = report.exchanges.iter().find(|x| x.id == finding.exchange).expect("its exchange is kept");
        let seen = seen.response.as_ref().expect("it was answered");
        assert!(answer.starts_with(&format!("HTTP/1.1 {} ", seen.status)), "{line}\n{answer}");
        let (headers, body) = answer.split_once("\r\n\r\n").expect("headers and a body");
        if let Some(name) = finding.instance_path.strip_prefix("header:") {
            let header = |l: &str| {
                l.split_once(": ").is_some_and(|(n, v)| n.eq_ignore_ascii_case(name) && v.starts_with(&finding.actual))
            };
            assert!(headers.lines().any(header), "{name}: {} in {headers}", finding.actual);
        } else if finding.instance_path.starts_with('/') {
            let at = |text: &str| {
                let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
                value.pointer(&finding.instance_path).cloned()
            };
            let (typed, seen) = (at(body), at(&seen.body));
            // A secret is another one each time, and hidden in the report.
            let hidden = seen.as_ref().and_then(|v| v.as_str()).is_some_and(|s| s.starts_with("[client_secret"));
            assert!(typed == seen || hidden && typed.is_some(), "{}: {typed:?} and {seen:?}", finding.instance_path);
        }
    }
}

/// A run with all that the server asks for: much is judged, the token is not in the report, and nothing of ours is left.
fn judged(server: &Server, args: &[&str]) -> Report {
    let (code, report, text) = run(args);
    assert_eq!(code, 1, "{text}");
    assert_eq!(report.target.endpoint, server.endpoint);
    assert!(report.totals.requirements.met >= 50, "{:?}", report.totals);
    assert!(!serde_json::to_string(&report).expect("JSON").contains(TOKEN));
    assert!(report.clients.registered > 20 && report.clients.left.is_empty() && report.clients.unknown == 0);
    assert_eq!(server.clients(), Vec::<String>::new(), "the server holds no client of ours");
    report
}

/// A run without the token that the server asks for: nothing can be tested, and only what was seen is met.
fn judged_without_the_token(folder: &str, settings: &[(&str, &str)], met: &[&str]) {
    let server = Server::start(folder, &[settings, &[("INITIAL_ACCESS_TOKEN", TOKEN)]].concat());
    let (code, report, text) = run(&[&server.endpoint, "--exchanges", "all"]);
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("give an initial access token"), "{text}");
    assert_eq!(report.clients.registered, 0);
    assert_eq!(server.clients(), Vec::<String>::new());
    assert_eq!(with_verdict(&report, "met"), met);
    assert_eq!(with_verdict(&report, "broken"), Vec::<&str>::new());
    // Each of them rests on answers to registrations, all of which are in the report.
    let answered =
        report.exchanges.iter().filter(|x| x.request.method == "POST" && x.response.is_some()).count() as u64;
    for requirement in report.requirements.iter().filter(|r| r.verdict.as_str() == "met") {
        assert!((1..=answered).contains(&requirement.exchanges), "{requirement:?}");
    }
}

const CHALLENGED: [&str; 2] = ["rfc7591-3.2.2-token-error-by-type", "rfc7591-3.2.2-challenge-error-attribute"];

#[test]
fn oidc_provider_is_judged_as_it_was_by_hand() {
    if !wanted() {
        return;
    }
    let server = Server::start("oidc-provider", &[]);
    let report = judged(&server, &["--issuer", &server.issuer]);
    compare("oidc-provider", &report);
    repeat_by_hand(&report);
}

#[test]
fn oidc_provider_behind_a_token_is_judged_without_it_and_with_it() {
    if !wanted() {
        return;
    }
    judged_without_the_token("oidc-provider", &[], &CHALLENGED);
    let server = Server::start("oidc-provider", &[("INITIAL_ACCESS_TOKEN", TOKEN)]);
    judged(&server, &[&server.endpoint, "--token", TOKEN]);
}

/// The findings are the same, and every new token is taken over, or a client would be left.
#[test]
fn oidc_provider_that_rotates_tokens_is_left_empty() {
    if !wanted() {
        return;
    }
    let server = Server::start("oidc-provider", &[("ROTATE", "1")]);
    let report = judged(&server, &["--issuer", &server.issuer]);
    compare("oidc-provider", &report);
    assert!(with_verdict(&report, "met").contains(&"rfc7592-A.1-new-token-works"));
}

#[test]
fn authlib_is_judged_as_it_was_by_hand() {
    if !wanted() {
        return;
    }
    let server = Server::start("authlib", &[("INITIAL_ACCESS_TOKEN", TOKEN)]);
    let report = judged(&server, &["--issuer", &server.issuer, "--token", TOKEN]);
    compare("authlib", &report);
    repeat_by_hand(&report);
}

#[test]
fn authlib_is_judged_without_its_token() {
    if !wanted() {
        return;
    }
    // The library's own refusal is a 400, which may as well be a policy: without a token it shows nothing.
    judged_without_the_token("authlib", &[], &[]);
    judged_without_the_token("authlib", &[("RESOURCE_PROTECTOR", "1")], &CHALLENGED);
}

#[test]
fn campaigns_find_what_was_verified_by_hand_and_nothing_else() {
    if !wanted() {
        return;
    }
    for folder in ["oidc-provider", "authlib"] {
        let server = Server::start(folder, &[("INITIAL_ACCESS_TOKEN", TOKEN)]);
        fuzzed(folder, &server, &["--count", "1500"]);
        fuzzed(folder, &server, &["--stateful", "--count", "150"]);
    }
}
