//! Runs that are interrupted: in good order, at once, or by SIGKILL. What is left behind is known, and can be deleted.

#![cfg(unix)]

mod support;

use std::path::Path;

use serde_json::Value;
use support::{Gated, Hold, Home, Ran, Running, schema_faults, with_verdict};

const ASKED: &str = "once more stops at once";

fn report_in(path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn run(home: &Home, server: &Gated, more: &[&str]) -> Running {
    let args = ["run", &server.endpoint(), "--rate", "10000/s", "--timeout", "100s", "--json", "report.json"];
    Running::start(home.command(args.iter().chain(more)))
}

/// Interrupts a run once, while its exchange number `n` is held, and lets it end.
fn interrupted(n: usize, hold: Hold, signal: &str) -> (Home, Gated, Ran, Value) {
    let home = Home::new();
    let server = Gated::start(n, hold);
    let mut running = run(&home, &server, &[]);
    server.reached();
    running.signal(signal);
    running.says(ASKED);
    server.go();
    let ran = running.end();
    ran.exits(130);
    let report = report_in(home.path().join("report.json"));
    assert_eq!(schema_faults(&report), [""; 0]);
    assert_eq!(report["interrupted"], true);
    (home, server, ran, report)
}

#[test]
fn the_first_interrupt_finishes_what_is_under_way_cleans_up_and_reports() {
    for (n, hold, signal) in [(40, Hold::Before, "INT"), (41, Hold::After, "TERM")] {
        let (home, server, ran, report) = interrupted(n, hold, signal);
        assert_eq!(server.server.client_count(), 0, "nothing stays behind");
        assert!(home.ledgers().is_empty(), "the ledger of a clean end is removed");
        assert_eq!(report["clients"]["registered"], report["clients"]["deleted"]);
        assert_eq!(report["clients"]["unknown"], 0);
        assert!(ran.stdout.contains("INTERRUPTED") && ran.stdout.contains("none left behind"), "{}", ran.stdout);
        // What was seen counts, and what was not reached says why.
        assert!(with_verdict(&report, "met", None).len() > 5);
        let rows = report["requirements"].as_array().unwrap();
        let open: Vec<_> = rows.iter().filter(|r| r["verdict"] == "not-exercised").collect();
        assert!(open.len() > 20);
        assert!(open.iter().all(|r| r["reason"].as_str().unwrap().ends_with("the run was interrupted")));
        let cases = report["cases"].as_array().unwrap();
        assert!(cases.iter().any(|c| c["outcome"] == "passed"));
        let skipped = cases.iter().filter(|c| c["reason"] == "the run was interrupted");
        assert!(skipped.clone().all(|c| c["outcome"] == "skipped") && skipped.count() > 20);
        assert!(cases.iter().all(|c| c["outcome"] != "errored" && c["outcome"] != "failed"));
        assert_eq!(with_verdict(&report, "broken", None), [""; 0], "an interrupt accuses nobody");
        // No request of the suites was sent after the interrupt: what came is the clean-up.
        let total = report["totals"]["exchanges"].as_u64().unwrap();
        let alive = report["clients"]["registered"].as_u64().unwrap();
        assert!(total <= n as u64 + 1 + alive, "{total} exchanges");
    }
}

#[test]
fn an_interrupt_before_the_first_case_is_no_accusation_either() {
    for n in [0, 2] {
        let (home, server, _, report) = interrupted(n, Hold::Before, "INT");
        assert_eq!(server.server.client_count(), 0);
        assert!(home.ledgers().is_empty());
        assert_eq!(report["untestable"], Value::Null);
        assert!(report["cases"].as_array().unwrap().iter().all(|c| c["outcome"] == "skipped"));
        assert_eq!(with_verdict(&report, "broken", None), [""; 0]);
    }
}

#[test]
fn the_second_interrupt_stops_at_once_and_says_how_to_clean_up() {
    let home = Home::new();
    let server = Gated::start(40, Hold::After);
    let mut running = run(&home, &server, &[]);
    server.reached();
    running.signal("INT");
    running.says(ASKED);
    running.signal("INT");
    let ran = running.end();
    ran.exits(130);
    assert!(!home.path().join("report.json").exists());
    let ledgers = home.ledgers();
    let [ledger] = ledgers.as_slice() else { panic!("one ledger: {ledgers:?}") };
    assert!(ran.stderr.contains(&format!("dcrspec cleanup {}", ledger.display())), "{}", ran.stderr);
    server.go();
    cleaned(&home, &server);
}

/// A campaign ends like a run: with what was found, after the clean-up.
#[test]
fn an_interrupt_ends_a_campaign_with_its_report_after_the_clean_up() {
    for (n, hold, more) in
        [(60, Hold::Before, &[][..]), (61, Hold::After, &[][..]), (60, Hold::After, &["--stateful"][..])]
    {
        let home = Home::new();
        let server = Gated::start(n, hold);
        let endpoint = server.endpoint();
        // No end of its own within the time of a test: only the interrupt ends it.
        let args = ["fuzz", &endpoint, "--i-may-test-this-server", "--seed", "7", "--count", "100000000"];
        let rest = ["--rate", "10000/s", "--timeout", "100s", "--json", "report.json", "--findings", "found"];
        let mut running = Running::start(home.command(args.iter().chain(&rest).chain(more)));
        server.reached();
        running.signal("INT");
        running.says(ASKED);
        server.go();
        let ran = running.end();
        ran.exits(130);
        assert_eq!(server.server.client_count(), 0, "nothing stays behind");
        assert!(home.ledgers().is_empty(), "the ledger of a clean end is removed");
        let report = report_in(home.path().join("report.json"));
        assert_eq!(schema_faults(&report), [""; 0]);
        assert_eq!(report["interrupted"], true);
        assert_eq!(report["clients"]["registered"], report["clients"]["deleted"]);
        assert_eq!(with_verdict(&report, "broken", None), [""; 0], "an interrupt accuses nobody");
        assert!(ran.stdout.contains(" inputs, "), "what was done is said: {}", ran.stdout);
        // What came after the interrupt is the rest of one input, and the clean-up.
        let total = report["totals"]["exchanges"].as_u64().unwrap();
        let registered = report["clients"]["registered"].as_u64().unwrap();
        assert!(total <= n as u64 + 10 + registered, "{total} exchanges");
    }
}

/// Works off the only ledger of a run, and checks what it says against what the server holds.
fn cleaned(home: &Home, server: &Gated) -> usize {
    let ledgers = home.ledgers();
    let [ledger] = ledgers.as_slice() else {
        // Killed before it had anything to write down, or after it was clean.
        assert!(ledgers.is_empty());
        assert_eq!(server.server.client_count(), 0);
        return 0;
    };
    let ran = home.run(["cleanup".as_ref(), ledger.as_os_str()]);
    ran.exits(0);
    let unknown = ran.stdout.lines().filter(|l| l.starts_with("unknown: ")).count();
    assert!(unknown <= 1, "one registration at a time: {}", ran.stdout);
    assert!(server.server.client_count() <= unknown, "{}", ran.stdout);
    // It can be repeated.
    let again = home.run(["cleanup".as_ref(), ledger.as_os_str()]);
    let said = if unknown > 0 { "unknown: " } else { "nothing is left to delete" };
    assert!(again.exits(0).stdout.starts_with(said), "{}", again.stdout);
    unknown
}

#[test]
fn sigkill_at_any_point_leaves_nothing_that_the_ledger_does_not_know() {
    // Spread over a run, and at each point before and after the server has done what it was asked.
    let mut unknown = 0;
    for point in 0..50 {
        let hold = if point % 2 == 0 { Hold::Before } else { Hold::After };
        let home = Home::new();
        let server = Gated::start(point * 3, hold);
        let running = run(&home, &server, &[]);
        server.reached();
        running.signal("KILL");
        assert_eq!(running.end().code, None, "it was killed");
        unknown += cleaned(&home, &server);
    }
    assert!(unknown > 5, "some were killed in the middle of a registration");
}
