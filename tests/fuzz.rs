//! `dcrspec fuzz`, `replay` and `promote` through the binary.

mod support;

use serde_json::Value;
use support::{Home, Served, dcrspec, finish};

const NOWHERE: &str = "http://127.0.0.1:1/register";

#[test]
fn a_stranger_s_server_is_not_fuzzed_by_mistake() {
    let ran = dcrspec(&["fuzz", NOWHERE]);
    assert!(ran.exits(2).stderr.contains("--i-may-test-this-server"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
    let ran = dcrspec(&["fuzz", "--reference", "--suite", "rfc7591"]);
    assert!(ran.exits(2).stderr.contains("--suite"), "{}", ran.stderr);
}

#[test]
fn a_server_that_is_not_there_could_not_be_tested() {
    let home = Home::new();
    let ran = home.run(["fuzz", NOWHERE, "--i-may-test-this-server", "--count", "10"]);
    ran.exits(3);
    assert!(ran.stderr.starts_with("dcrspec: seed "), "{}", ran.stderr);
}

#[test]
fn from_a_finding_to_a_case() {
    let home = Home::new();
    let ran = home.run([
        "fuzz",
        "--reference",
        "--defect",
        "name-type-crash",
        "--seed",
        "7",
        "--count",
        "600",
        "--findings",
        "found",
        "--corpus",
        "corpus",
        "--json",
        "r.json",
        "--junit",
        "r.xml",
    ]);
    ran.exits(1);
    assert!(ran.stderr.starts_with("dcrspec: seed 7\n"), "{}", ran.stderr);
    assert!(ran.stdout.contains("rfc7591-3.2.2-error-status") && ran.stdout.contains("client_name"), "{}", ran.stdout);
    let report: Value = serde_json::from_str(&std::fs::read_to_string(home.path().join("r.json")).unwrap()).unwrap();
    assert_eq!(report["findings"][0]["requirement"], "rfc7591-3.2.2-error-status");
    assert!(support::schema_faults(&report).is_empty());
    assert!(std::fs::read_to_string(home.path().join("r.xml")).unwrap().contains("dcrspec.fuzz"));
    let files: Vec<_> = std::fs::read_dir(home.path().join("found")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let finding = files[0].to_str().unwrap();
    let ask = |more: &[&str]| home.run([&["replay", finding, "--reference"], more].concat());
    assert!(ask(&["--defect", "name-type-crash"]).exits(1).stdout.starts_with("STILL THERE: "));
    assert!(ask(&[]).exits(0).stdout.starts_with("FIXED: "));
    assert!(ask(&["--defect", "error-text"]).exits(1).stdout.starts_with("CHANGED: "));
    let promoted = home.run(["promote", finding]);
    home.file("case.yaml", &promoted.exits(0).stdout);
    home.run(["check", "case.yaml"]).exits(0);
    home.run(["run", "--reference", "--defect", "name-type-crash", "--suite", "case.yaml"]).exits(1);
    home.run(["run", "--reference", "--suite", "case.yaml"]).exits(0);
}

/// As docs/fuzzing.md says of what a session of libFuzzer leaves behind.
#[test]
fn a_crash_file_becomes_a_finding() {
    let home = Home::new();
    std::fs::create_dir(home.path().join("crashes")).unwrap();
    // client_name as a number.
    std::fs::write(home.path().join("crashes/crash-0123"), [0, 2, 0, 0, 4, 5, 0, 0]).unwrap();
    let fuzz = |defect: &[&str]| {
        let words = ["fuzz", "--reference", "--corpus", "crashes", "--count", "1", "--findings", "found"];
        home.run([&words[..], defect].concat())
    };
    fuzz(&[]).exits(0);
    let ran = fuzz(&["--defect", "name-type-crash"]);
    assert!(ran.exits(1).stdout.contains("rfc7591-3.2.2-error-status"), "{}", ran.stdout);
    let found: Vec<_> = std::fs::read_dir(home.path().join("found")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    let finding = found[0].to_str().unwrap();
    let replay = |more: &[&str]| home.run([&["replay", finding, "--reference"], more].concat());
    assert!(replay(&["--defect", "name-type-crash"]).exits(1).stdout.starts_with("STILL THERE: "));
    assert!(replay(&[]).exits(0).stdout.starts_with("FIXED: "));
    let case = home.run(["promote", finding]);
    home.file("case.yaml", &case.exits(0).stdout);
    home.run(["check", "case.yaml"]).exits(0);
}

#[test]
fn a_sequence_is_found_asked_again_and_kept_as_a_case() {
    let home = Home::new();
    let defect = ["--reference", "--defect", "read-stale"];
    let fuzz = ["fuzz", "--stateful", "--seed", "7", "--count", "60", "--findings", "found"];
    let ran = home.run(fuzz.iter().chain(&defect));
    ran.exits(1);
    assert!(ran.stdout.contains("rfc7592-2.1-read-is-current"), "{}", ran.stdout);
    assert!(ran.stdout.contains("60 inputs, ") && ran.stdout.contains("what was asked of clients"), "{}", ran.stdout);
    let files: Vec<_> = std::fs::read_dir(home.path().join("found")).unwrap().map(|e| e.unwrap().path()).collect();
    let finding = files.iter().find(|f| f.to_str().unwrap().contains("read-as-returned")).expect("a file for it");
    let text: Value = serde_json::from_str(&std::fs::read_to_string(finding).unwrap()).unwrap();
    assert_eq!(text["format"], 2);
    assert!(text["scenario"]["input"]["moves"].as_array().unwrap().len() <= 3, "{text:#}");
    let finding = finding.to_str().unwrap();
    assert!(home.run(["replay", finding].iter().chain(&defect)).exits(1).stdout.starts_with("STILL THERE: "));
    assert!(home.run(["replay", finding, "--reference"]).exits(0).stdout.starts_with("FIXED: "));
    home.file("case.yaml", &home.run(["promote", finding]).exits(0).stdout);
    home.run(["check", "case.yaml"]).exits(0);
    home.run(["run", "--suite", "case.yaml"].iter().chain(&defect)).exits(1);
    home.run(["run", "--reference", "--suite", "case.yaml"]).exits(0);
    let clean = home.run(["fuzz", "--reference", "--stateful", "--seed", "7", "--count", "200"]);
    clean.exits(0);
}

#[test]
fn two_deployments_are_compared() {
    let home = Home::new();
    let (first, same) =
        (Served::start(&home, &[]), Served::start(&home, &["--initial-access-token", "the-other-token"]));
    let other = Served::start(&home, &["--defect", "redirect-uris-omitted"]);
    let fuzz = |second: &Served, more: &[&str]| {
        let args = ["fuzz", first.endpoint(), "--against", second.endpoint(), "--i-may-test-this-server"];
        let rest = ["--rate", "10000/s", "--seed", "7", "--count", "120", "--findings", "found", "--json", "r.json"];
        let mut command = home.command(args.iter().chain(&rest).chain(more));
        command.env("OTHER_TOKEN", "the-other-token");
        let ran = finish(command);
        assert!(home.ledgers().is_empty(), "both ledgers are worked off: {}", ran.stderr);
        ran
    };
    let report =
        || -> Value { serde_json::from_str(&std::fs::read_to_string(home.path().join("r.json")).unwrap()).unwrap() };
    // Without a token of its own the second server gets none, and refuses everything.
    assert!(fuzz(&same, &[]).exits(3).stdout.contains("could not be tested"));
    let ran = fuzz(&same, &["--against-token-env", "OTHER_TOKEN"]);
    // What one of two servers protects is answered 401 there without a token: that, and nothing else, is different.
    assert!(report()["findings"].as_array().unwrap().iter().all(|f| f.to_string().contains("401")), "{}", ran.stdout);
    let ran = fuzz(&other, &[]);
    ran.exits(1);
    assert!(ran.stdout.contains("note INTEROP difference"), "{}", ran.stdout);
    let report = report();
    assert!(support::schema_faults(&report).is_empty(), "{:?}", support::schema_faults(&report));
    assert_eq!(report["clients"]["registered"], report["clients"]["deleted"]);
    assert!(report["clients"]["registered"].as_u64().unwrap() > 100, "both are counted: {}", report["clients"]);
    assert!(report["requirements"].as_array().unwrap().iter().all(|r| r["verdict"] != "broken"), "nobody is accused");
    let files = std::fs::read_dir(home.path().join("found")).unwrap().map(|e| e.unwrap().path());
    let finding = files.into_iter().find(|f| f.to_str().unwrap().contains("differs-members")).expect("a file for it");
    let finding = finding.to_str().unwrap();
    let ask = |more: &[&str]| home.run([&["replay", finding, "--rate", "10000/s"], more].concat());
    assert!(ask(&[]).exits(1).stdout.starts_with("STILL THERE: difference "));
    assert!(ask(&["--against", first.endpoint()]).exits(0).stdout.starts_with("FIXED: difference "));
    assert!(home.run(["promote", finding]).exits(2).stderr.contains("accuses neither"));
}

#[test]
fn the_second_deployment_is_sent_no_credentials_of_the_first() {
    let home = Home::new();
    let first = Served::start(&home, &["--initial-access-token", "hush-of-the-first"]);
    let heads = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = heads.clone();
    let second = support::Canned::start(move |asked, stream| {
        seen.lock().unwrap().push(asked.head.clone());
        let _ = std::io::Write::write_all(stream, &support::json_response("401 Unauthorized", "{}"));
    });
    let second_url = second.url();
    let args = ["fuzz", first.endpoint(), "--against", &second_url, "--token", "hush-of-the-first"];
    let more = ["--header", "X-Key: hush-too", "--i-may-test-this-server", "--count", "20", "--rate", "10000/s"];
    home.run(args.iter().chain(&more)).exits(3);
    let heads = heads.lock().unwrap();
    assert!(!heads.is_empty());
    assert!(heads.iter().all(|head| !head.contains("hush")), "{heads:?}");
}

#[test]
fn what_is_no_finding_is_said() {
    let home = Home::new();
    home.file("x.json", "{}");
    assert!(home.run(["replay", "x.json", "--reference"]).exits(2).stderr.contains("x.json:1:2"));
    assert!(home.run(["promote", "nowhere.json"]).exits(2).stderr.contains("cannot read nowhere.json"));
}
