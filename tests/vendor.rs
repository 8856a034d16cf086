//! Vendor profiles: the built-in one at a server that is like the vendor's, the one of the examples, and new ones.

mod support;

use std::{fs, path::Path};

use serde_json::Value;
use support::{Home, Served, fetch, finish, verdicts};

/// The server of one test, with a limit that no run here comes near.
fn awork(home: &Home, more: &[&str]) -> Served {
    let mut args = vec!["--like", "awork", "--limit", "1000000"];
    args.extend(more);
    Served::start(home, &args)
}

fn clients(server: &Served) -> String {
    fetch("GET", &format!("{}/_clients", server.value("ISSUER")), &[], "").1
}

#[test]
fn a_run_with_the_profile_of_awork_is_clean_and_leaves_no_client() {
    let home = Home::new();
    let server = awork(&home, &[]);
    assert!(server.endpoint().ends_with("/api/v1/clientapplications/register"));
    let token = server.value("INITIAL_ACCESS_TOKEN");
    // An origin alone is completed by the profile.
    for url in [server.endpoint(), server.value("ISSUER")] {
        let ran =
            home.run(["run", url, "--profile", "awork", "--token", token, "--rate", "2000", "--json", "report.json"]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(ran.exits(0).stdout.contains("CLEAN"), "{said}");
        assert!(ran.stdout.contains("none left behind"), "{said}");
        assert!(ran.stderr.contains("pace: at most 2000 requests a second; the server announces its limit"), "{said}");
        assert!(ran.stderr.contains("; 0 refused (429)"), "{said}");
        assert!(!said.contains(token), "{said}");
        assert_eq!(clients(&server), "0");
        let report: Value = serde_json::from_slice(&fs::read(home.path().join("report.json")).unwrap()).unwrap();
        let verdicts = verdicts(&report);
        let mine: Vec<(&String, &String)> = verdicts.iter().filter(|(id, _)| id.starts_with("awork-")).collect();
        assert_eq!(mine.len(), 14);
        let (met, other): (Vec<_>, Vec<_>) = mine.into_iter().partition(|(_, verdict)| *verdict == "met");
        assert_eq!(met.len(), 12, "{other:?}");
        // Nulls are a warning, and so neither met nor broken; no limit is gone into.
        let other: Vec<&str> = other.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(other, ["awork-limit-429", "awork-response-without-null"]);
    }
}

#[test]
fn the_profile_has_no_host_of_its_own_and_a_file_goes_before_it() {
    let home = Home::new();
    let ran = home.run(["run", "--profile", "awork", "--token", "t"]);
    assert!(ran.exits(2).stderr.contains("https://HOST/api/v1/clientapplications/register"), "{}", ran.stderr);
    let ran = home.run(["config", "--profile", "awork"]);
    assert!(ran.exits(0).stdout.contains("built-in profile awork"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("://"), "{}", ran.stdout);
    home.file("dcrspec.toml", "timeout = \"3s\"\n[profiles.awork]\nurl = \"http://127.0.0.1:9/\"\nrate = \"1/s\"\n");
    let ran = home.run(["config", "--profile", "awork"]);
    for line in ["dcrspec.toml:3", "dcrspec.toml:4", "dcrspec.toml:1", "built-in profile awork"] {
        assert!(ran.exits(0).stdout.contains(line), "{}", ran.stdout);
    }
    let ran = home.run(["config", "--profile", "awrok"]);
    assert!(ran.exits(2).stderr.contains("did you mean awork?"), "{}", ran.stderr);
}

#[test]
fn each_defect_against_the_documentation_turns_the_profile_red_at_its_requirement() {
    let home = Home::new();
    let listed = home.run(["list", "defects", "--json"]).json();
    let mut tried = 0;
    for defect in listed.as_array().unwrap() {
        let (id, requirement) = (defect["id"].as_str().unwrap(), defect["requirement"].as_str().unwrap());
        if !requirement.starts_with("awork-") {
            continue;
        }
        tried += 1;
        let report = home.run([
            "run",
            "--reference",
            "--suite",
            "awork",
            "--defect",
            id,
            "--fail-on",
            "must,should,interop",
            "--json",
            "-",
        ]);
        // What the documentation or RFC 7591 allows is warned of. Null members are an INTEROP break of RFC 7591's own entry on
        // URIs, too.
        let warning = ["awork-mcp-client", "awork-application-type-returned"].contains(&requirement);
        let report = report.exits(i32::from(!warning)).json();
        let found = report["findings"].as_array().unwrap().iter().any(|f| {
            let also = f["also"].as_array().unwrap().iter().any(|a| a == requirement);
            f["requirement"] == requirement || also
        });
        assert!(found, "{id} shows at another requirement than {requirement}");
    }
    assert_eq!(tried, 13);
}

#[test]
fn what_a_run_left_at_awork_is_cleaned_up_by_the_ledger_and_the_profile() {
    let home = Home::new();
    let server = awork(&home, &[]);
    let token = server.value("INITIAL_ACCESS_TOKEN").to_owned();
    let args = ["run", server.endpoint(), "--profile", "awork", "--case", "documented-example", "--no-cleanup"];
    let mut command = home.command(args);
    command.args(["--ledger", "left.ledger"]).env("AWORK_TOKEN", &token);
    finish(command).exits(0);
    assert_ne!(clients(&server), "0");
    let mut command = home.command(["cleanup", "left.ledger", "--profile", "awork"]);
    command.env("AWORK_TOKEN", &token);
    let ran = finish(command);
    assert!(ran.exits(0).stdout.contains("deleted through the administration interface"), "{}", ran.stdout);
    assert_eq!(clients(&server), "0");
}

#[test]
fn the_fuzzer_holds_a_target_against_the_profile_too_and_leaves_no_client() {
    let home = Home::new();
    let server = awork(&home, &[]);
    let args = ["fuzz", server.endpoint(), "--profile", "awork", "--token", server.value("INITIAL_ACCESS_TOKEN")];
    let more = ["--i-may-test-this-server", "--rate", "2000", "--seed", "7", "--count", "60", "--json", "-"];
    let ran = home.run(args.iter().chain(&more));
    let report = ran.exits(0).json();
    let found =
        report["findings"].as_array().unwrap().iter().any(|f| f["requirement"] == "awork-response-without-null");
    assert!(found, "{}", ran.stderr);
    assert_eq!(clients(&server), "0");
}

#[test]
fn the_token_of_the_target_is_sent_to_the_origin_of_the_target_alone() {
    let home = Home::new();
    home.file(
        "dcrspec.toml",
        "url = \"http://127.0.0.1:9/register\"\ntoken = \"t\"\n[cleanup]\nurl = \"http://127.0.0.1:8/${client_id}\"\ntarget-token = true\n",
    );
    let ran = home.run(["run"]);
    assert!(ran.exits(2).stderr.contains("to the origin of the target alone"), "{}", ran.stderr);
}

#[test]
fn the_profile_of_the_examples_checks_runs_and_finds_what_is_planted() {
    let home = Home::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/papermill");
    let suites = example.join("suites/papermill");
    let suites = suites.to_str().unwrap();
    home.run(["check", suites]).exits(0);
    let config = example.join("dcrspec.toml");
    let config = config.to_str().unwrap();
    let server = Served::start(&home, &["--initial-access-token", "paper-4711"]);
    let mut command =
        home.command(["run", server.value("ISSUER"), "--config", config, "--profile", "papermill", "--json", "-"]);
    command.args(["--rate", "2000"]).env("PAPERMILL_TOKEN", "paper-4711");
    let report = finish(command);
    let verdicts = verdicts(&report.exits(0).json());
    for id in ["papermill-scope-returned", "papermill-client-id-length", "papermill-contacts-list"] {
        assert_eq!(verdicts[id], "met", "{id}");
    }
    assert!(verdicts.iter().all(|(id, v)| !id.starts_with("awork-") || v == "not-applicable"));
    for (defect, requirement) in
        [("scope-omitted", "papermill-scope-returned"), ("contacts-text", "papermill-contacts-list")]
    {
        let ran =
            home.run(["run", "--reference", "--suite", suites, "--defect", defect, "--fail-on", "must,should,interop"]);
        assert!(ran.exits(1).stdout.contains(requirement), "{}", ran.stdout);
    }
}

#[test]
fn a_new_profile_checks_and_runs_before_anything_is_filled_in() {
    let home = Home::new();
    home.run(["new-profile", "acme-press"]).exits(0);
    let mut command = home.command(["check", "suites/acme-press"]);
    command.current_dir(home.path().join("acme-press"));
    finish(command).exits(0);
    let mut command = home.command(["run", "--reference", "--profile", "acme-press", "--json", "-"]);
    command.current_dir(home.path().join("acme-press"));
    let verdicts = verdicts(&finish(command).exits(0).json());
    assert_eq!((&*verdicts["acme-press-name-returned"], &*verdicts["acme-press-members-typed"]), ("met", "met"));
    let again = home.run(["new-profile", "acme-press"]);
    assert!(again.exits(2).stderr.contains("nothing in it is overwritten"), "{}", again.stderr);
    for name in ["Acme", "../acme", "acme-", "rfc7591", ""] {
        home.run(["new-profile", name]).exits(2);
    }
}

#[test]
fn a_folder_with_a_fault_is_refused_at_its_place() {
    let home = Home::new();
    home.run(["new-profile", "acme"]).exits(0);
    let folder = home.path().join("acme/suites/acme");
    let fault = |name: &str, from: &str, to: &str| {
        let path = folder.join(name);
        let kept = fs::read_to_string(&path).unwrap();
        assert!(kept.contains(from));
        fs::write(&path, kept.replace(from, to)).unwrap();
        let ran = home.run(["check", "acme/suites/acme"]);
        fs::write(&path, kept).unwrap();
        ran.exits(2).stderr.clone()
    };
    let said = fault("spec.yaml", "vendor: true", "vendor: false");
    assert!(said.contains("vendor: true"), "{said}");
    let said = fault("requirements.yaml", "id: acme-name-returned", "id: name-returned");
    assert!(said.contains("begin with the name of the folder"), "{said}");
    let said = fault("requirements.yaml", "level: INTEROP", "level: INTEROPS");
    assert!(said.contains("acme/suites/acme/requirements.yaml:"), "{said}");
    let said = fault("registration.yaml", "[acme-name-returned]", "[acme-name-returns]");
    assert!(said.contains("did you mean acme-name-returned"), "{said}");
    let said = fault("registration-response.schema.json", "acme-members-typed", "acme-members");
    assert!(said.contains("no requirement has the id"), "{said}");
    let said = fault("registration-response.schema.json", "maxLength", "maxLenght");
    assert!(said.contains("did you mean \"maxLength\"?"), "{said}");
}
