//! `dcrspec.toml`, the environment and flags, and what `dcrspec config` says of them.

mod support;

use std::io::Write;

use support::{Canned, Home, Ran, finish, json_response};

/// What stands where a secret was planted; it must come out nowhere.
const HUSH: &str = "hush-4f1c";

/// Runs `dcrspec config` with a file, an environment and flags.
fn config(file: &str, environment: &[(&str, &str)], args: &[&str]) -> Ran {
    let home = Home::new();
    home.file("dcrspec.toml", file);
    let mut command = home.command(std::iter::once(&"config").chain(args));
    command.envs(environment.iter().copied());
    let ran = finish(command);
    assert!(!ran.stdout.contains(HUSH) && !ran.stderr.contains(HUSH), "a secret is shown: {ran:?}");
    ran
}

/// Value and origin of a setting, as the table shows them.
#[track_caller]
fn shown(ran: &Ran, key: &str) -> (String, String) {
    let line = ran.stdout.lines().find(|l| l.split(" = ").next().is_some_and(|k| k.trim() == key));
    let line = line.unwrap_or_else(|| panic!("no {key} in\n{}{}", ran.stdout, ran.stderr));
    let (value, origin) = line.split_once(" = ").unwrap().1.rsplit_once("  # ").unwrap();
    (value.trim().to_owned(), origin.to_owned())
}

/// What is said of a file that is wrong; a run refuses it with the same words.
#[track_caller]
fn refused(file: &str) -> String {
    let ran = config(file, &[], &[]);
    assert_eq!(ran.exits(2).stdout, "");
    let home = Home::new();
    home.file("dcrspec.toml", file);
    assert_eq!(home.run(["run", "--reference"]).exits(2).stderr, ran.stderr);
    ran.stderr.trim_end().to_owned()
}

const FILE: &str = r#"
timeout = "5s"
wait = 30
fail-on = ["must"]
token-env = "IAT"
header = ["X-Api-Key: hush-4f1c"]

[profiles.staging]
issuer = "https://staging.example"
timeout = "20s"
suite = ["rfc7591"]
insecure = true

[profiles.production]
url = "https://as.example/register"
token = "hush-4f1c"
rate = "30/m"
"#;

#[test]
fn each_layer_stands_over_the_one_before() {
    let top = config(FILE, &[], &[]);
    let is = |ran: &Ran, key: &str, value: &str, origin: &str| {
        assert_eq!(shown(ran, key), (value.to_owned(), origin.to_owned()), "{key}");
    };
    is(&top, "timeout", "\"5s\"", "dcrspec.toml:2");
    is(&top, "wait", "\"30\"", "dcrspec.toml:3");
    is(&top, "fail-on", "\"must\"", "dcrspec.toml:4");
    is(&top, "exchanges", "\"findings\"", "default");
    is(&top, "header", "[\"X-Api-Key: (hidden)\"]", "dcrspec.toml:6");
    let staging = config(FILE, &[("DCRSPEC_PROFILE", "staging")], &[]);
    assert!(staging.stdout.starts_with("# dcrspec.toml, profile staging\n"), "{}", staging.stdout);
    is(&staging, "timeout", "\"20s\"", "dcrspec.toml:10");
    is(&staging, "insecure", "true", "dcrspec.toml:12");
    is(&staging, "token-env", "\"IAT\"", "dcrspec.toml:5");
    let environment = [("DCRSPEC_TIMEOUT", "7s"), ("DCRSPEC_SUITE", "discovery\nmcp"), ("DCRSPEC_INSECURE", "false")];
    let over = config(FILE, &environment, &["--profile", "staging"]);
    is(&over, "timeout", "\"7s\"", "DCRSPEC_TIMEOUT");
    is(&over, "suite", "[\"discovery\",\"mcp\"]", "DCRSPEC_SUITE");
    is(&over, "insecure", "false", "DCRSPEC_INSECURE");
    let flags = config(FILE, &environment, &["--profile", "staging", "--timeout", "8s", "--suite", "oidc"]);
    is(&flags, "timeout", "\"8s\"", "--timeout");
    is(&flags, "suite", "[\"oidc\"]", "--suite");
    // An alternative hides those below it: another target, another token.
    let production = config(FILE, &[], &["--profile", "production"]);
    is(&production, "token", "\"(hidden)\"", "dcrspec.toml:16");
    assert!(!production.stdout.contains("token-env"), "{}", production.stdout);
    assert!(production.stderr.contains("dcrspec.toml:16: the token stands in the file"), "{}", production.stderr);
    let elsewhere = config(FILE, &[("DCRSPEC_TOKEN", HUSH)], &["--profile", "staging", "https://other.example/r"]);
    is(&elsewhere, "url", "\"https://other.example/r\"", "argument");
    is(&elsewhere, "token", "\"(hidden)\"", "DCRSPEC_TOKEN");
    assert!(!elsewhere.stdout.contains("issuer"), "{}", elsewhere.stdout);
    assert!(elsewhere.stderr.contains("dcrspec.toml:6: header is sent to the target of the command line, too"));
}

#[test]
fn it_is_shown_as_json_too() {
    let ran = config(FILE, &[("DCRSPEC_WAIT", "1m")], &["--profile", "production", "--json", "--verbose"]);
    let document = ran.exits(0).json();
    assert_eq!((&document["file"], &document["profile"]), (&"dcrspec.toml".into(), &"production".into()));
    let of = |key: &str| {
        document["settings"].as_array().unwrap().iter().find(|s| s["key"] == key).unwrap_or_else(|| panic!("{key}"))
    };
    assert_eq!(of("token")["hidden"], true);
    assert_eq!(
        of("rate")["from"],
        serde_json::json!({"kind": "file", "file": "dcrspec.toml", "line": 17, "column": 1})
    );
    assert_eq!(of("wait")["from"], serde_json::json!({"kind": "environment", "name": "DCRSPEC_WAIT"}));
    assert_eq!(of("verbose")["from"], serde_json::json!({"kind": "flag", "name": "--verbose"}));
    assert_eq!(of("exchanges")["from"], serde_json::json!({"kind": "default"}));
}

#[test]
fn a_file_that_is_wrong_is_refused_at_its_place() {
    assert_eq!(
        refused("timeout = \"5s\"\n\n[profiles.a]\n timeuot = \"5s\"\n"),
        "dcrspec: dcrspec.toml:4:2: no setting is called \"timeuot\" (did you mean timeout?); `dcrspec run --help` \
         names them\n  4 |  timeuot = …\n    |  ^"
    );
    for (file, said) in [
        ("timeout = \"5 parsecs\"", "dcrspec.toml:1:11: \"parsecs\" is no unit of time"),
        ("timeout = true", "dcrspec.toml:1:11: write 10s"),
        ("rate = \"fast\"", "dcrspec.toml:1:8: \"fast\" is no rate; write 10/s or 30/m"),
        ("fail-on = [\"may\"]", "dcrspec.toml:1:11: a MAY can never be broken"),
        ("declare = [\"jkws\"]", "no value of declare is called \"jkws\" (did you mean jwks?)"),
        ("suite = \"rfc7591\"", "dcrspec.toml:1:9: suite is a list: write [\"…\"]; here stands a string"),
        ("insecure = \"yes\"", "dcrspec.toml:1:12: insecure is true or false; here stands a string"),
        ("seed = -1", "dcrspec.toml:1:8: "),
        ("timeout = \"5s\"\ntimeout = \"6s\"", "dcrspec.toml:2:1: duplicate key"),
        ("url = \"https://as.example/register", "dcrspec.toml:1:"),
        ("exchanges = \"some\"", "no value of exchanges is called \"some\"; choose from findings, all"),
        ("token-env = \"A\"\ntoken = \"hush-4f1c\"", "stand in the same table, and only one of them can hold"),
        ("tokn = \"hush-4f1c\"", "dcrspec.toml:1:1: no setting is called \"tokn\" (did you mean token"),
        ("token = hush-4f1c", "dcrspec.toml:1:9: "),
        ("header = \"X: hush-4f1c\"", "dcrspec.toml:1:10: header is a list: write [\"…\"]; here stands a string"),
        ("[cleanup]\ncomand = []", "no setting of cleanup is called \"comand\" (did you mean command?)"),
        ("[profile.a]\nurl = \"x\"", "no setting is called \"profile\" (did you mean profiles?)"),
    ] {
        let all = refused(file);
        assert!(all.contains(said), "{file}: {all}");
    }
}

#[test]
fn a_value_that_cannot_be_used_is_shown_where_it_stands() {
    let home = Home::new();
    home.file("dcrspec.toml", "url = \"ftp://as.example/register\"\n");
    assert_eq!(
        home.run(["run"]).exits(2).stderr,
        "dcrspec: dcrspec.toml:1:1: \"ftp://as.example/register\" is no http or https URL\n  1 | url = \
         \"ftp://as.example/register\"\n    | ^\n"
    );
    home.file("dcrspec.toml", "url = \"http://127.0.0.1:1/register\"\nclient = \"no/such.json\"\n");
    let said = home.run(["run"]).exits(2).stderr.clone();
    assert!(said.starts_with("dcrspec: dcrspec.toml:2:1: cannot read no/such.json: "), "{said}");
    home.file("dcrspec.toml", "statement-key = \"key.pem\"\nurl = \"http://127.0.0.1:1/register\"\n");
    let said = home.run(["run"]).exits(2).stderr.clone();
    assert!(said.contains("dcrspec.toml:1:1: statement-key needs statement-issuer beside it"), "{said}");
}

#[test]
fn profiles_and_files_that_are_not_there_are_named() {
    let said = |ran: Ran| ran.exits(2).stderr.trim_end().to_owned();
    assert_eq!(
        said(config(FILE, &[], &["--profile", "stagin"])),
        "dcrspec: dcrspec.toml has no profile \"stagin\" (did you mean staging?)"
    );
    assert_eq!(
        said(config(FILE, &[], &["--profile", "qqqqqqqq"])),
        "dcrspec: dcrspec.toml has no profile \"qqqqqqqq\"; it has production, staging"
    );
    assert_eq!(
        said(Home::new().run(["run", "--profile", "qqqqqqqq"])),
        "dcrspec: there is no ./dcrspec.toml to hold the profile \"qqqqqqqq\"; --config FILE names another file, and built in is awork"
    );
    assert!(said(Home::new().run(["run", "--config", "no.toml"])).starts_with("dcrspec: cannot read no.toml: "));
}

#[test]
fn a_variable_that_is_wrong_is_named() {
    for (name, value, said) in [
        ("DCRSPEC_TIMEOUT", "0", "DCRSPEC_TIMEOUT: \"0\" is not between 1ms and a day"),
        ("DCRSPEC_FAIL_ON", "musty", "DCRSPEC_FAIL_ON: \"musty\" is no level"),
        ("DCRSPEC_INSECURE", "maybe", "DCRSPEC_INSECURE: write true or false"),
        ("DCRSPEC_EXCHANGES", "some", "DCRSPEC_EXCHANGES: choose from findings, all"),
        ("DCRSPEC_SEED", "x", "DCRSPEC_SEED: invalid digit"),
    ] {
        let ran = config("", &[(name, value)], &[]);
        assert!(ran.exits(2).stderr.starts_with(&format!("dcrspec: {said}")), "{}", ran.stderr);
    }
    let both = config("", &[("DCRSPEC_TOKEN", HUSH), ("DCRSPEC_TOKEN_FILE", "f")], &[]);
    assert!(both.exits(2).stderr.contains("DCRSPEC_TOKEN and DCRSPEC_TOKEN_FILE are both set"), "{}", both.stderr);
    let slip = config("", &[("DCRSPEC_TIMOUT", HUSH), ("DCRSPEC_MY_OWN_WORD", "1")], &[]);
    assert_eq!(
        slip.exits(0).stderr,
        "dcrspec: DCRSPEC_TIMOUT is no setting and is not read (did you mean DCRSPEC_TIMEOUT?)\n"
    );
}

#[test]
fn a_run_does_as_the_file_says() {
    let (note, noted) = std::sync::mpsc::channel();
    let note = std::sync::Mutex::new(note);
    let server = Canned::start(move |asked, stream| {
        let sent = asked.head.to_ascii_lowercase();
        let right = sent.contains("x-api-key: hush-4f1c") && sent.contains("authorization: bearer hush-4f1c-token");
        let _ = note.lock().unwrap().send(right);
        let _ = stream.write_all(&json_response("418 I'm a teapot", "{}"));
    });
    let home = Home::new();
    std::fs::create_dir(home.path().join("conf")).unwrap();
    home.file("conf/token", &format!("{HUSH}-token\n"));
    let file = format!(
        "header = [\"X-Api-Key: {HUSH}\"]\n[profiles.here]\nurl = {:?}\ntoken-file = \"token\"\njson = \"out/r.json\"\n\
         rate = 1000\nsuite = [\"rfc7591/response\"]\n",
        server.url()
    );
    home.file("conf/dcrspec.toml", &file);
    let ran = home.run(["run", "--config", "conf/dcrspec.toml", "--profile", "here"]);
    ran.exits(3);
    // Paths in a file are relative to it.
    let report = std::fs::read_to_string(home.path().join("conf/out/r.json")).unwrap();
    drop(server);
    let noted: Vec<bool> = noted.iter().collect();
    // Whatever is asked beside the registrations goes without the token.
    assert!(noted.iter().filter(|right| **right).count() >= 3, "{noted:?}");
    assert!(![&ran.stdout, &ran.stderr, &report].iter().any(|text| text.contains(HUSH)));
}

#[test]
fn the_reference_server_is_not_slowed_by_the_rate_of_a_deployment() {
    let home = Home::new();
    home.file("dcrspec.toml", "url = \"http://127.0.0.1:1/register\"\nrate = \"1/m\"\ncase = [\"public-client\"]\n");
    let ran = home.run(["run", "--reference", "--json", "-"]);
    let report = ran.exits(0).json();
    assert!(report["cases"].as_array().unwrap().iter().all(|c| c["id"] == "public-client"), "{report:#}");
}
