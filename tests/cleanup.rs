//! Clean-up at a server without RFC 7592: through its administration interface, or by a command.

mod support;

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use support::{Asked, Canned, Home, Ran, json_response, response};

/// The administration's token; it must come out nowhere.
const HUSH: &str = "hush-77d2-administration";

/// A server that registers clients, and deletes them only for its administration.
struct Server {
    canned: Canned,
    /// client_id by software_id; what is still registered.
    clients: Arc<Mutex<BTreeMap<String, String>>>,
}

#[derive(Clone, Copy, Default)]
struct Ways {
    /// The client of this number is registered and its answer never sent.
    mute: Option<usize>,
    /// Every registration is answered with this client_id.
    same: Option<&'static str>,
}

impl Server {
    fn start(ways: Ways) -> Server {
        let clients = Arc::new(Mutex::new(BTreeMap::new()));
        let held = clients.clone();
        let canned = Canned::start(move |asked, stream| {
            let answer = if asked.is_post() { register(asked, &held, ways) } else { administer(asked, &held) };
            let _ = stream.write_all(&answer);
        });
        Server { canned, clients }
    }

    fn left(&self) -> usize {
        self.clients.lock().unwrap().len()
    }

    fn origin(&self) -> String {
        self.canned.url().trim_end_matches("/register").to_owned()
    }

    /// A profile `here`, with these lines in its `[cleanup]`.
    fn file(&self, cleanup: &str) -> String {
        let cleanup = cleanup.replace("ORIGIN", &self.origin());
        format!(
            "rate = 2000\ncase = [\"public-client\"]\njson = \"r.json\"\n[profiles.here]\nurl = {:?}\n\
             [profiles.here.cleanup]\n{cleanup}\n",
            self.canned.url()
        )
    }
}

fn register(asked: &Asked, held: &Mutex<BTreeMap<String, String>>, ways: Ways) -> Vec<u8> {
    let Ok(Value::Object(mut metadata)) = serde_json::from_slice(&asked.body) else {
        return json_response("400 Bad Request", r#"{"error":"invalid_client_metadata"}"#);
    };
    let id = ways.same.map_or_else(|| format!("client/{}?é", asked.number), str::to_owned);
    let mark = metadata.get("software_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut held = held.lock().unwrap();
    held.insert(mark, id.clone());
    if ways.mute == Some(held.len()) {
        return Vec::new();
    }
    metadata.insert("client_id".into(), id.into());
    json_response("201 Created", Value::Object(metadata).to_string())
}

fn administer(asked: &Asked, held: &Mutex<BTreeMap<String, String>>) -> Vec<u8> {
    if !asked.path.starts_with("/admin/") {
        return support::not_found();
    }
    if !asked.head.to_ascii_lowercase().contains(&format!("authorization: bearer {HUSH}")) {
        return response("401 Unauthorized", &[], "");
    }
    let mut held = held.lock().unwrap();
    if asked.method == "GET" {
        let list: Vec<Value> = held.iter().map(|(mark, id)| json!({"client_id": id, "software_id": mark})).collect();
        return json_response("200 OK", json!({"items": list}).to_string());
    }
    let id = asked.path.trim_start_matches("/admin/clients/").to_owned();
    let before = held.len();
    held.retain(|_, client| client.replace('/', "%2F").replace('?', "%3F").replace('é', "%C3%A9") != id);
    if held.len() < before { response("204 No Content", &[], "") } else { support::not_found() }
}

/// A home with a settings file and the administration's token.
fn home(file: &str) -> Home {
    let home = Home::new();
    home.file("dcrspec.toml", file);
    home.file("token", HUSH);
    home
}

fn run(home: &Home, args: &[&str]) -> Ran {
    let ran = home.run(args);
    assert!(!ran.stdout.contains(HUSH) && !ran.stderr.contains(HUSH), "a secret is shown: {ran:?}");
    ran
}

fn clients(home: &Home) -> Value {
    let text = std::fs::read_to_string(home.path().join("r.json")).unwrap();
    assert!(!text.contains(HUSH));
    serde_json::from_str::<Value>(&text).unwrap()["clients"].take()
}

const REQUEST: &str = "url = \"ORIGIN/admin/clients/${client_id}\"\ntoken-file = \"token\"";
const RUN: [&str; 3] = ["run", "--profile", "here"];

#[test]
fn without_it_the_report_names_each_client_that_is_left() {
    let server = Server::start(Ways::default());
    let home = Home::new();
    let url = server.canned.url();
    run(&home, &["run", &url, "--rate", "2000", "--case", "public-client", "--json", "r.json"]);
    let clients = clients(&home);
    let left = clients["left"].as_array().unwrap();
    assert!(left.len() > 1 && left.len() == server.left(), "{clients}");
    assert_eq!(home.ledgers().len(), 1);
}

#[test]
fn a_run_deletes_through_the_administration_interface() {
    let server = Server::start(Ways::default());
    let home = home(&server.file(REQUEST));
    let ran = run(&home, &RUN);
    let clients = clients(&home);
    assert!(clients["registered"].as_u64().unwrap() > 1, "{clients}");
    assert_eq!((&clients["left"], server.left()), (&json!([]), 0), "{}", ran.stderr);
    assert!(home.ledgers().is_empty(), "{}", ran.stderr);
    // What is switched off is off.
    run(&home, &["run", "--profile", "here", "--no-cleanup"]);
    assert!(server.left() > 0);
}

#[test]
fn cleanup_takes_up_the_ledger_and_is_safe_to_repeat() {
    let server = Server::start(Ways::default());
    let home = home(&server.file(REQUEST));
    run(&home, &["run", "--profile", "here", "--no-cleanup", "--ledger", "my.ledger"]);
    let left = server.left();
    assert!(left > 1);
    // A ledger of another server is not measured by what this one knows: there, every client would be "gone".
    let other = Server::start(Ways::default());
    home.file("other.toml", &other.file(REQUEST));
    let wrong = run(&home, &["cleanup", "my.ledger", "--config", "other.toml", "--profile", "here"]);
    assert!(wrong.exits(1).stdout.contains("which the settings do not name: is another --profile meant?"));
    let without = run(&home, &["cleanup", "my.ledger"]);
    assert_eq!(
        without.exits(1).stdout.matches("still there: the server gave no registration_client_uri").count(),
        left
    );
    let done = run(&home, &["cleanup", "my.ledger", "--profile", "here"]);
    assert_eq!(done.exits(0).stdout.matches(": deleted through the administration interface\n").count(), left);
    assert_eq!(server.left(), 0);
    for _ in 0..2 {
        let again = run(&home, &["cleanup", "my.ledger", "--profile", "here"]);
        assert_eq!(again.exits(0).stdout, "nothing is left to delete\n");
    }
    // A run that was given the ledger by name leaves it in the same state.
    run(&home, &["run", "--profile", "here", "--ledger", "named.ledger"]);
    assert_eq!(run(&home, &["cleanup", "named.ledger"]).exits(0).stdout, "nothing is left to delete\n");
}

#[test]
fn a_refusal_is_told_with_what_to_look_at() {
    let server = Server::start(Ways::default());
    let home = home(&server.file(&REQUEST.replace("\"token\"", "\"wrong\"")));
    home.file("wrong", "another-token");
    let ran = run(&home, &RUN);
    assert!(ran.stderr.contains("answered DELETE with 401: does it take the token of [cleanup]?"), "{}", ran.stderr);
    assert_eq!(clients(&home)["left"].as_array().unwrap().len(), server.left());
    // A wrong path: 404 to everything must not look as if everything were gone.
    home.file("token", HUSH);
    home.file("dcrspec.toml", &server.file(&REQUEST.replace("/admin/clients", "/admin/klients")));
    let ran = run(&home, &RUN);
    assert!(ran.stderr.contains("answered 404 to every client: is the url of [cleanup] right?"), "{}", ran.stderr);
    assert!(!clients(&home)["left"].as_array().unwrap().is_empty());
}

#[test]
fn a_client_whose_answer_was_never_read_is_found_by_its_mark() {
    let server = Server::start(Ways { mute: Some(3), ..Ways::default() });
    let list = "find = \"ORIGIN/admin/clients\"";
    let home = home(&server.file(REQUEST));
    run(&home, &["run", "--profile", "here", "--ledger", "my.ledger"]);
    assert_eq!((server.left(), clients(&home)["unknown"].as_u64()), (1, Some(1)));
    home.file("dcrspec.toml", &server.file(&format!("{REQUEST}\n{list}")));
    let ran = run(&home, &["cleanup", "my.ledger", "--profile", "here"]);
    assert!(ran.exits(0).stdout.contains(": found in the list of clients\n"), "{}", ran.stdout);
    assert_eq!(server.left(), 0);
    assert_eq!(run(&home, &["cleanup", "my.ledger"]).exits(0).stdout, "nothing is left to delete\n");
}

#[test]
fn a_client_that_everybody_is_given_is_never_deleted() {
    let server = Server::start(Ways { same: Some("everybody"), ..Ways::default() });
    let home = home(&server.file(REQUEST));
    let ran = run(&home, &RUN);
    assert!(ran.stderr.contains("may be in use elsewhere"), "{}", ran.stderr);
    assert!(server.left() > 0);
}

#[cfg(unix)]
#[test]
fn a_command_deletes_each_client() {
    let server = Server::start(Ways::default());
    let home = home(&server.file("command = [\"sh\", \"-c\", \"echo \\\"$1 $DCRSPEC_CLIENT_ID\\\" >> deleted; echo out\", \"sh\", \"${client_id}\"]"));
    let ran = run(&home, &RUN);
    let clients = clients(&home);
    assert_eq!(clients["left"], json!([]), "{}", ran.stderr);
    assert!(!ran.stdout.contains("out\n"));
    let deleted = std::fs::read_to_string(home.path().join("deleted")).unwrap();
    assert_eq!(deleted.lines().count(), server.left());
    for id in server.clients.lock().unwrap().values() {
        assert!(deleted.contains(&format!("{id} {id}\n")), "{id} in {deleted}");
    }
    home.file("dcrspec.toml", &server.file("command = [\"sh\", \"-c\", \"exit 7\"]"));
    let ran = run(&home, &RUN);
    assert!(ran.stderr.contains("the command \"sh\" failed (exit status: 7)"), "{}", ran.stderr);
}

#[cfg(unix)]
#[test]
fn the_token_comes_from_a_command_when_it_is_needed() {
    let server = Server::start(Ways::default());
    let file =
        REQUEST.replace("token-file = \"token\"", "token-command = [\"sh\", \"-c\", \"echo x >> asked; cat token\"]");
    let home = home(&server.file(&file));
    let ran = run(&home, &RUN);
    assert_eq!((&clients(&home)["left"], server.left()), (&json!([]), 0), "{}", ran.stderr);
    assert_eq!(std::fs::read_to_string(home.path().join("asked")).unwrap(), "x\n");
    let shown = run(&home, &["config", "--profile", "here"]);
    assert!(shown.exits(0).stdout.contains("cleanup.token-command = \"(hidden)\""), "{}", shown.stdout);
}

#[test]
fn a_table_that_cannot_work_is_refused_where_it_stands() {
    let server = Server::start(Ways::default());
    for (cleanup, said) in [
        ("", "[cleanup]: it needs url or command"),
        ("url = \"ORIGIN/admin\"", "does not hold ${client_id}"),
        ("url = \"ORIGIN/${client_id}\"\ncommand = [\"true\"]", "url and command are both there"),
        ("url = \"ORIGIN/${client_id}\"\ntoken-env = \"NOT_SET_HERE\"", "NOT_SET_HERE of token-env is not set"),
        ("url = \"ORIGIN/${client_id}\"\ntoken = \"hush-77d2-administration two\"", "holds a character that no"),
        ("url = \"ORIGIN/${client_id}\"\nheader = [\"hush-77d2-administration\"]", "a header field without a colon"),
        ("command = [\"true\"]\nmethod = \"POST\"", "method goes with url"),
    ] {
        let home = home(&server.file(cleanup));
        let ran = run(&home, &RUN);
        assert!(ran.exits(2).stderr.starts_with("dcrspec: dcrspec.toml:6:"), "{}", ran.stderr);
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    assert_eq!(server.canned.requests(), 0, "nothing is sent before the settings are right");
    let home = home(&server.file(&format!("{REQUEST}\nheader = [\"X-Realm: {HUSH}\"]")));
    let shown = run(&home, &["config", "--profile", "here"]);
    assert!(shown.exits(0).stdout.contains("[\"X-Realm: (hidden)\"]"), "{}", shown.stdout);
}
