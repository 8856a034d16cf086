//! The command line as a person and a script meet it: what is said, where, and with which exit code.

mod support;

use insta::{assert_snapshot, internals::SettingsBindDropGuard};
use serde_json::Value;
use support::{Home, dcrspec, schema_faults, verdicts, with_verdict};

/// Until the end of the test, what differs from run to run is a word in snapshots.
fn steady() -> SettingsBindDropGuard {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    for (pattern, word) in [
        (r"in \d+\.\d s, seed \d+", "in [time], seed [seed]"),
        (r"\b1[789]\d{8}000\b", "[milliseconds]"),
        (r"\b1[789]\d{8}\b", "[seconds]"),
        (r"\b[A-Za-z0-9]{32}\b", "[client_id]"),
        (r"#[0-9a-f]{6}\b", "#[hash]"),
        // These grow with the suites.
        (
            r"\d+ met, (\d+) broken, \d+ not exercised, \d+ not applicable",
            "[n] met, $1 broken, [n] not exercised, [n] not applicable",
        ),
        (r"\d+ passed", "[n] passed"),
        (r"exchanges     \d+", "exchanges     [n]"),
        (r"\d+ registered, \d+ deleted", "[n] registered, [n] deleted"),
        (r"seen \d+ times", "seen [n] times"),
    ] {
        settings.add_filter(pattern, word);
    }
    settings.bind_to_scope()
}

/// A mistake: exit 2, nothing on stdout, and what stderr says.
#[track_caller]
fn mistake(args: &[&str]) -> String {
    let ran = dcrspec(args);
    ran.exits(2);
    assert_eq!(ran.stdout, "", "stdout is for what was asked for");
    ran.stderr
}

/// A mistake that is told in one sentence on one line; that sentence.
#[track_caller]
fn sentence(args: &[&str]) -> String {
    let said = mistake(args);
    assert_eq!(said.lines().count(), 1, "{said}");
    let said = said.strip_prefix("dcrspec: ").unwrap_or_else(|| panic!("{said}"));
    said.trim_end().to_owned()
}

/// A mistake that the parser of arguments tells; its first line.
#[track_caller]
fn refusal(args: &[&str]) -> String {
    let said = mistake(args);
    said.lines().next().unwrap_or_default().to_owned()
}

const NOWHERE: &str = "http://127.0.0.1:1/register";

#[test]
fn help_names_every_command_and_exit_code() {
    let _filters = steady();
    let ran = dcrspec(&["--help"]);
    ran.exits(0);
    assert_eq!(ran.stderr, "");
    assert_snapshot!("help", ran.stdout);
    assert_eq!(dcrspec(&["-h"]).exits(0).stdout, ran.stdout);
}

#[test]
fn every_command_has_its_help() {
    for command in [
        "run", "fuzz", "replay", "promote", "report", "serve", "selftest", "list", "explain", "check", "cleanup",
        "config",
    ] {
        let ran = dcrspec(&[command, "--help"]);
        ran.exits(0);
        assert!(ran.stdout.contains(&format!("Usage: dcrspec {command}")), "{}", ran.stdout);
    }
}

#[test]
fn no_command_and_an_unknown_one_are_mistakes() {
    assert!(mistake(&[]).contains("Usage: dcrspec <COMMAND>"));
    assert_eq!(refusal(&["frobnicate"]), "error: unrecognized subcommand 'frobnicate'");
    assert_eq!(refusal(&["run", "--nonsense"]), "error: unexpected argument '--nonsense' found");
    // A defect is the reference server's alone, and never silently forgotten.
    assert_eq!(
        refusal(&["run", NOWHERE, "--defect", "expires-at-missing"]),
        "error: the argument '[URL]' cannot be used with '--defect <ID>'"
    );
    assert_eq!(
        refusal(&["run", "--defect", "expires-at-missing"]),
        "error: the following required arguments were not provided:"
    );
    assert_eq!(
        refusal(&["run", "--reference", NOWHERE]),
        "error: the argument '--reference' cannot be used with '[URL]'"
    );
}

#[test]
fn a_run_needs_a_target_that_is_one() {
    assert_eq!(sentence(&["run"]), "no target: give the registration endpoint's URL, --issuer URL, or --reference");
    assert_eq!(
        sentence(&["run", "as.example/register"]),
        "\"as.example/register\" is no URL (relative URL without a base); write https://host/path"
    );
    assert_eq!(
        sentence(&["run", "ftp://as.example/register"]),
        "\"ftp://as.example/register\" is no http or https URL"
    );
    assert_eq!(
        sentence(&["run", "https://user:hush@as.example/register"]),
        "the URL holds a user name or password; give credentials with --header or --token-env"
    );
    assert_eq!(
        sentence(&["run", "--issuer", "https://as.example/?tenant=1"]),
        "an issuer has no query and no fragment (RFC 8414, 2): \"https://as.example/?tenant=1\""
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let missing = "No such file or directory (os error 2)";
    for flag in ["--client", "--token-file", "--ca"] {
        let said = sentence(&["run", NOWHERE, flag, "no/such/file"]);
        assert_eq!(said, format!("cannot read no/such/file: {missing}"));
    }
    assert_eq!(
        sentence(&["cleanup", "no/ledger"]),
        format!(
            "the ledger no/ledger cannot be read: {missing}; a run that left nothing behind has removed it, unless --ledger gave it its name"
        )
    );
    assert_eq!(sentence(&["check", "no/suite.yaml"]), format!("no/suite.yaml: {missing}"));
}

#[test]
fn a_client_file_is_one_json_object() {
    let home = Home::new();
    home.file("torn.json", "{\"client_name\":\n \"x\"");
    home.file("list.json", "[]");
    let said = |file: &str| home.run(["run", NOWHERE, "--client", file]).exits(2).stderr.clone();
    assert_eq!(said("torn.json"), "dcrspec: torn.json:2:4: EOF while parsing an object at line 2 column 4\n");
    assert_eq!(said("list.json"), "dcrspec: list.json: client metadata is one JSON object\n");
}

#[test]
fn a_token_that_cannot_be_sent_is_refused_and_never_shown() {
    assert_eq!(
        sentence(&["run", NOWHERE, "--token-env", "DCRSPEC_NOT_SET"]),
        "the environment variable DCRSPEC_NOT_SET of --token-env is not set, or is not text"
    );
    let home = Home::new();
    home.file("token", "hush hush");
    for args in [["--token", "hush\nhush"], ["--token-file", "token"], ["--token", " "]] {
        let ran = home.run(["run", NOWHERE].into_iter().chain(args));
        ran.exits(2);
        assert!(ran.stderr.contains("the initial access token is empty, or holds a character"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("hush"), "{}", ran.stderr);
    }
    assert_eq!(
        refusal(&["run", NOWHERE, "--token", "a", "--token-env", "B"]),
        "error: the argument '--token <TOKEN>' cannot be used with '--token-env <VAR>'"
    );
}

#[test]
fn a_command_for_the_token_that_yields_none_is_told_in_a_sentence_without_it() {
    let said = |command: &str| sentence(&["run", NOWHERE, "--token-command", command]);
    assert_eq!(
        said("echo hush; exit 7"),
        "the command of --token-command failed (exit status: 7); run it by hand to see why"
    );
    let nothing = "the command of --token-command printed nothing; it has to print the initial access token";
    assert_eq!(said("true"), nothing);
    assert_eq!(said("echo"), nothing);
    assert_eq!(said("printf '\\377'"), "what the command of --token-command printed is not text");
    assert_eq!(
        said("printf 'hush hush'"),
        "the initial access token is empty, or holds a character that no Authorization header can carry"
    );
    assert_eq!(
        refusal(&["run", NOWHERE, "--token", "a", "--token-command", "echo b"]),
        "error: the argument '--token <TOKEN>' cannot be used with '--token-command <COMMAND>'"
    );
}

#[test]
fn a_client_certificate_needs_its_key_and_both_are_read_before_anything_is_sent() {
    assert_eq!(sentence(&["run", NOWHERE, "--cert", "c.pem"]), "cert needs key beside it");
    assert_eq!(sentence(&["run", NOWHERE, "--key", "c.key"]), "key needs cert beside it");
    let missing = "No such file or directory (os error 2)";
    assert_eq!(
        sentence(&["run", NOWHERE, "--cert", "no/c.pem", "--key", "no/c.key"]),
        format!("cannot read no/c.pem: {missing}")
    );
    let home = Home::new();
    home.file("c.pem", "no certificate");
    home.file("c.key", "no key");
    let ran = home.run(["run", NOWHERE, "--cert", "c.pem", "--key", "c.key"]);
    assert!(ran.exits(2).stderr.starts_with("dcrspec: the client certificate or its key: "), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

#[test]
fn an_address_for_a_name_is_written_as_curl_writes_it() {
    let example = "write HOST:PORT:ADDRESS, such as as.example:443:127.0.0.1";
    for (entry, what) in [
        ("as.example", "there are not three parts"),
        (":443:127.0.0.1", "there is no host"),
        ("as.example:https:127.0.0.1", "there is no port"),
        ("as.example:443:localhost", "there is no IP address"),
    ] {
        assert_eq!(sentence(&["run", NOWHERE, "--resolve", entry]), format!("{what} in {entry:?}; {example}"));
    }
    let url = "http://as.example:8080/register";
    assert_eq!(
        sentence(&["run", url, "--resolve", "as.example:443:127.0.0.1"]),
        "resolve names port 443 of as.example, and the target is at port 8080"
    );
    assert_eq!(
        sentence(&["run", url, "--resolve", "b.example:1:127.0.0.1", "--resolve", "b.example:1:[::1]"]),
        "resolve gives two addresses for b.example, 127.0.0.1 and ::1; one can be used"
    );
}

#[test]
fn a_mistyped_name_is_answered_with_the_nearest() {
    assert_eq!(
        sentence(&["run", "--reference", "--suite", "rfc7591/redirect"]),
        "no suite is called \"rfc7591/redirect\" (did you mean rfc7591/redirect-uris?), and no file; \
         `dcrspec list suites` lists the suites"
    );
    assert_eq!(
        sentence(&["run", "--reference", "--defect", "expires-at-string-"]),
        "no defect has the id \"expires-at-string-\" (did you mean expires-at-string or \
         expires-at-missing?); `dcrspec list defects` lists them"
    );
    assert!(sentence(&["serve", "--defect", "expires-at-strin"]).contains("did you mean expires-at-string"));
    assert_eq!(
        sentence(&["explain", "rfc7591-3.2.1-client-secret-expires"]),
        "nothing has the id \"rfc7591-3.2.1-client-secret-expires\" (did you mean \
         rfc7591-3.2.1-client-secret-expires-at or rfc7591-3.2.1-client-secret-entropy or \
         rfc7591-3.2.1-client-secret-string?); `dcrspec list requirements` lists them"
    );
    for args in [["run", "--reference", "--case", "none-such"], ["run", NOWHERE, "--case", "none-such"]] {
        assert_eq!(sentence(&args), "no case fits \"none-such\"; `dcrspec list cases` lists them");
    }
}

#[test]
fn values_that_no_flag_takes_are_refused_with_what_it_takes() {
    for (args, words) in [
        (["--fail-on", "may"], "a MAY can never be broken; choose from must, should, security, interop"),
        (["--fail-on", "musty"], "\"musty\" is no level; choose from must, should, security, interop"),
        (["--declare", "nonsense"], "\"nonsense\" is no capability; `dcrspec list capabilities` names them"),
        (["--timeout", "0"], "\"0\" is not between 1ms and a day"),
        (["--rate", "fast"], "\"fast\" is no rate; write 10/s or 30/m"),
        (["--exchanges", "some"], "'some'"),
    ] {
        let said = refusal(&["run", NOWHERE, args[0], args[1]]);
        assert!(said.starts_with("error: invalid value") && said.contains(words), "{said}");
    }
    assert_eq!(
        sentence(&["run", NOWHERE, "--header", "no colon"]),
        "a header field without a colon; write 'Name: value'"
    );
}

#[test]
fn one_report_goes_to_stdout() {
    assert_eq!(
        sentence(&["run", "--reference", "--json", "-", "--junit", "-"]),
        "only one report can go to stdout (-)"
    );
    let home = Home::new();
    let ran = home.run(["run", "--reference", "--json", "."]);
    assert_eq!(ran.exits(2).stderr, "dcrspec: . is a folder; name a file for the report\n");
}

const GOOD: &str = "\
suite: mine/good
title: A suite that is right
cases:
  - id: a-client-is-created
    title: a plain registration is answered 201
    requirements: [rfc7591-3.2.1-created-status]
    steps:
      - register: {}
        expect: { created: { body: { required: [client_id] } } }
";

/// What `check` says of the good suite with one text in it replaced.
#[track_caller]
fn checked(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is not in the good suite");
    let home = Home::new();
    home.file("suite.yaml", &GOOD.replacen(from, to, 1));
    let ran = home.run(["check", "suite.yaml"]);
    ran.exits(2);
    assert_eq!(ran.stdout, "");
    // A suite that does not load does not run either, and for the same reason.
    let run = home.run(["run", "--reference", "--suite", "suite.yaml"]);
    assert_eq!(run.exits(2).stderr, ran.stderr);
    ran.stderr
}

#[test]
fn a_suite_that_is_right_is_said_to_be_and_runs() {
    let home = Home::new();
    home.file("suite.yaml", GOOD);
    assert_eq!(home.run(["check", "suite.yaml"]).exits(0).stdout, "suite.yaml: 1 case, nothing wrong\n");
    let ran = home.run(["run", "--reference", "--suite", "suite.yaml", "--json", "-"]);
    let report = ran.exits(0).json();
    assert_eq!(report["cases"].as_array().unwrap().len(), 1);
    assert_eq!(report["cases"][0]["suite"], "mine/good");
    assert_eq!(report["cases"][0]["outcome"], "passed");
}

#[test]
fn a_suite_of_ones_own_finds_a_planted_fault() {
    let home = Home::new();
    let suite = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/suites/names.yaml");
    home.run(["check", suite]).exits(0);
    home.run(["run", "--reference", "--suite", suite]).exits(0);
    let ran = home.run(["run", "--reference", "--defect", "scope-omitted", "--suite", suite, "--json", "-"]);
    let report = ran.exits(1).json();
    let finding = report["findings"].as_array().unwrap().iter().find(|f| f["case"] == "acme/names/scope-is-told");
    let finding = finding.unwrap_or_else(|| panic!("the case found nothing: {report:#}"));
    assert_eq!(finding["requirement"], "rfc7591-3.2.1-return-all-metadata");
    assert!(finding["message"].as_str().unwrap().starts_with("Acme's devices read their scope from the response"));
}

#[test]
fn every_fault_of_a_suite_is_shown_at_its_place() {
    let _filters = steady();
    let faults = [
        ("an unknown key", checked("title: a plain", "titel: a plain")),
        ("an unknown key of an expectation", checked("created:", "craeted:")),
        ("an unknown requirement", checked("created-status]", "created-statsu]")),
        ("a misspelt keyword of JSON Schema", checked("required:", "requird:")),
        ("a keyword with a value that it cannot have", checked("[client_id]", "client_id")),
        ("a word where a list is due", checked("[rfc7591-3.2.1-created-status]", "rfc7591-3.2.1-created-status")),
        (
            "a case id that stands twice",
            checked(
                "      - register: {}\n        expect",
                "      - register: {}\n  - id: a-client-is-created\n    title: again\n    requirements: [rfc7591-3.2.1-created-status]\n    steps:\n      - register: {}\n        expect",
            ),
        ),
        ("an unknown variable", checked("register: {}", "register: { with: { client_name: \"${fersh.name}\" } }")),
        (
            "a variable of no earlier step",
            checked("register: {}", "register: { with: { client_name: \"${steps.first.response.client_id}\" } }"),
        ),
        ("two actions in one step", checked("register: {}", "register: {}\n        request: { method: GET }")),
        ("no action in a step", checked("register: {}\n        expect", "expect")),
        ("two words in one expectation", checked("created: {", "rejected: {}, created: {")),
        ("a key twice", checked("    steps:", "    title: again\n    steps:")),
        ("an unknown capability", checked("    steps:", "    needs: [jkws]\n    steps:")),
        ("a bracket that is not closed", checked("[client_id]", "[client_id")),
        ("no cases", checked(&GOOD[GOOD.find("cases:").unwrap()..], "cases: []\n")),
    ];
    let mut page = String::new();
    for (name, said) in faults {
        let place = said.strip_prefix("dcrspec: suite.yaml:").unwrap_or_else(|| panic!("{name}: no place in {said}"));
        let numbers: Vec<usize> = place.splitn(3, ':').take(2).map(|n| n.parse().unwrap()).collect();
        let (line, column) = (numbers[0], numbers[1]);
        let shown: Vec<&str> = said.lines().collect();
        assert_eq!(shown.len(), 3, "{name}: place and sentence, the line, the mark: {said}");
        assert!(shown[1].trim_start().starts_with(&format!("{line} | ")), "{name}: {said}");
        let code = shown[1].find("| ").unwrap() + 2;
        assert_eq!(shown[2].find('^'), Some(code + column - 1), "{name}: the mark is under the column: {said}");
        page.push_str(&format!("# {name}\n{said}\n"));
    }
    assert_snapshot!("faults_of_suites", page);
}

#[test]
fn explain_says_all_there_is_to_a_requirement() {
    let _filters = steady();
    assert_snapshot!(
        "explain_requirement",
        dcrspec(&["explain", "rfc7591-3.2.1-client-secret-expires-at"]).exits(0).stdout
    );
    assert_snapshot!("explain_defect", dcrspec(&["explain", "client-id-missing"]).exits(0).stdout);
    assert_snapshot!("explain_case", dcrspec(&["explain", "rfc7591/response/public-client"]).exits(0).stdout);
}

#[test]
fn everything_that_is_listed_can_be_explained() {
    for (what, key) in [("requirements", "id"), ("defects", "id")] {
        let rows = dcrspec(&["list", what, "--json"]).exits(0).json();
        for row in [rows.as_array().unwrap().first().unwrap(), rows.as_array().unwrap().last().unwrap()] {
            let id = row[key].as_str().unwrap();
            assert!(dcrspec(&["explain", id]).exits(0).stdout.starts_with(id));
        }
    }
    let cases = dcrspec(&["list", "cases", "--json"]).exits(0).json();
    let case = &cases.as_array().unwrap()[0];
    let name = format!("{}/{}", case["suite"].as_str().unwrap(), case["id"].as_str().unwrap());
    assert!(dcrspec(&["explain", &name]).exits(0).stdout.starts_with(&name));
}

#[test]
fn lists_are_arrays_of_objects_with_the_promised_members() {
    let list = |what: &str| -> Vec<Value> {
        let ran = dcrspec(&["list", what, "--json"]);
        let rows = ran.exits(0).json().as_array().unwrap().clone();
        let plain = dcrspec(&["list", what]);
        assert_eq!(plain.exits(0).stdout.lines().count(), rows.len(), "a line for each of {what}");
        rows
    };
    let requirements = list("requirements");
    let of_7591 = requirements.iter().filter(|r| r["id"].as_str().unwrap().starts_with("rfc7591-"));
    assert_eq!(of_7591.count(), 101);
    for r in &requirements {
        assert!(r["level"].is_string() && r["says"].is_string() && r["section"].is_string(), "{r}");
    }
    let defects = list("defects");
    assert!(defects.len() >= 35, "{} defects", defects.len());
    for d in &defects {
        for key in ["id", "requirement", "says"] {
            assert!(d[key].as_str().is_some_and(|s| !s.is_empty()), "{key} of {d}");
        }
        assert!(requirements.iter().any(|r| r["id"] == d["requirement"]), "{d}");
    }
    for what in ["suites", "cases", "capabilities", "schemas"] {
        assert!(!list(what).is_empty(), "{what}");
    }
}

#[test]
fn the_reference_server_is_clean_and_the_report_keeps_its_schema() {
    let ran = dcrspec(&["run", "--reference", "--json", "-"]);
    let report = ran.exits(0).json();
    assert_eq!(schema_faults(&report), [""; 0]);
    let verdicts = verdicts(&report);
    let listed = dcrspec(&["list", "requirements", "--json"]).json();
    let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
    let reported: Vec<&str> =
        report["requirements"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert_eq!(reported, ids, "every requirement, in catalogue order");
    assert_eq!(verdicts.len(), ids.len(), "each of them once");
    assert!(with_verdict(&report, "met", None).len() >= 60, "{}", ran.stderr);
    assert_eq!(with_verdict(&report, "broken", None), [""; 0]);
    for r in report["requirements"].as_array().unwrap() {
        assert!(r["reason"].as_str().is_some_and(|s| !s.is_empty()), "a verdict without a reason: {r}");
    }
    let totals = &report["totals"]["requirements"];
    assert_eq!(totals["met"], with_verdict(&report, "met", None).len());
    assert_eq!(totals["not-exercised"], with_verdict(&report, "not-exercised", None).len());
    // Some of its configurations do not delete; those clients end with their server.
    assert!(report["clients"]["deleted"].as_u64() > Some(300), "{}", report["clients"]);
    assert_eq!(report["clients"]["left"], serde_json::json!([]));
    // The text report stands aside.
    assert!(ran.stderr.contains("\nCLEAN: "), "{}", ran.stderr);
}

#[test]
fn reports_go_into_files_and_the_text_to_stdout() {
    let home = Home::new();
    let ran = home.run(["run", "--reference", "--json", "r/report.json", "--junit", "r/junit.xml"]);
    ran.exits(0);
    assert!(ran.stdout.contains("CLEAN: "), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
    let report: Value = serde_json::from_str(&read("r/report.json")).unwrap();
    assert_eq!(schema_faults(&report), [""; 0]);
    assert!(read("r/junit.xml").starts_with("<?xml"));
    assert!(home.ledgers().is_empty(), "in-process there is no ledger");
}

#[test]
fn the_same_seed_sends_the_same() {
    let sent = || -> Vec<Value> {
        let ran = dcrspec(&["run", "--reference", "--seed", "7", "--exchanges", "all", "--json", "-"]);
        let report = ran.exits(0).json();
        assert_eq!(report["seed"], 7);
        let exchanges = report["exchanges"].as_array().unwrap();
        assert_eq!(exchanges.len() as u64, report["totals"]["exchanges"].as_u64().unwrap());
        exchanges.iter().map(|x| x["request"]["url"].clone()).collect()
    };
    assert_eq!(sent(), sent());
}

#[test]
fn a_defect_is_found_and_told_with_what_it_looks_like() {
    let _filters = steady();
    let ran = dcrspec(&["run", "--reference", "--defect", "expires-at-milliseconds"]);
    ran.exits(1);
    assert!(ran.stdout.contains("rfc7591-3.2.1-client-secret-expires-at-value"));
    assert!(ran.stdout.contains("looks like milliseconds"));
    assert_eq!(
        ran.stderr,
        "dcrspec: the reference server ran in this process; `dcrspec serve --defect expires-at-milliseconds` puts it on a \
         port\n"
    );
    assert!(!ran.stdout.contains("curl"), "nothing listens where a curl line would point to");
    assert_snapshot!("report_of_a_defect", ran.stdout);
}

#[test]
fn a_clean_run_is_told_in_ten_lines() {
    let _filters = steady();
    let ran = dcrspec(&["run", "--reference"]);
    assert_snapshot!("report_of_the_clean_server", ran.exits(0).stdout);
}

#[test]
fn what_is_no_must_fails_the_run_only_when_asked_to() {
    let run = |fail_on: &str| {
        dcrspec(&["run", "--reference", "--defect", "challenge-without-error", "--fail-on", fail_on]).code()
    };
    assert_eq!(run("must,security"), 0);
    assert_eq!(run("should"), 1);
}

#[test]
fn colours_are_only_for_those_who_ask() {
    let escapes = |name: &str, value: &str| {
        let home = Home::new();
        let mut command = home.command(["run", "--reference"]);
        command.env("TERM", "xterm").env(name, value);
        support::finish(command).exits(0).stdout.contains('\u{1b}')
    };
    assert!(!escapes("UNRELATED", "1"), "stdout is no terminal");
    assert!(escapes("CLICOLOR_FORCE", "1"));
    assert!(!escapes("CLICOLOR_FORCE", "0"));
    let home = Home::new();
    let mut command = home.command(["run", "--reference"]);
    command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    assert!(!support::finish(command).exits(0).stdout.contains('\u{1b}'), "NO_COLOR comes first");
}
