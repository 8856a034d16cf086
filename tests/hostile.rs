//! Servers that answer badly, oddly or not at all, over real sockets: the right verdicts or "not tested", within the
//! limits, and never a panic.

mod support;

use std::{
    io::Write,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use axum::{extract::Request, middleware, response::IntoResponse};
use dcrspec::server::{ReferenceServer, ServerConfig};
use serde_json::Value;
use support::{Canned, Home, Hosted, Ran, json_response, not_found, response, schema_faults, until_gone, with_verdict};

const CLIENT_ID: &str = "rfc7591-3.2.1-client-id";
const TOKEN_ERROR: &str = "rfc7591-3.2.2-token-error-by-type";

/// A run against one of these servers, and its report.
struct Judged {
    home: Home,
    ran: Ran,
    report: Value,
}

impl Judged {
    fn of(url: &str) -> Judged {
        Judged::with(url, &[])
    }

    fn with(url: &str, more: &[&str]) -> Judged {
        let home = Home::new();
        let base = ["run", url, "--timeout", "1s", "--rate", "1000/s", "--json", "report.json", "--junit", "junit.xml"];
        let ran = home.run(base.iter().chain(more));
        ran.code();
        let text = std::fs::read_to_string(home.path().join("report.json")).unwrap_or_else(|e| panic!("{e}: {ran:?}"));
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(schema_faults(&report), [""; 0]);
        assert!(ran.took < Duration::from_secs(30), "took {:?}", ran.took);
        Judged { home, ran, report }
    }

    #[track_caller]
    fn exits(&self, code: i32) -> &Judged {
        self.ran.exits(code);
        self
    }

    fn verdict(&self, requirement: &str) -> &str {
        let rows = self.report["requirements"].as_array().unwrap();
        rows.iter().find(|r| r["id"] == requirement).unwrap()["verdict"].as_str().unwrap()
    }

    fn all(&self, verdict: &str) -> Vec<String> {
        with_verdict(&self.report, verdict, None)
    }

    /// Nothing could be tested: exit 3, and the reason in words in the report and for the person.
    #[track_caller]
    fn not_tested(&self, words: &[&str]) -> &Judged {
        self.exits(3);
        let why = self.report["untestable"].as_str().expect("the report says why");
        for word in words {
            assert!(why.contains(word), "{word:?} is not in {why:?}");
        }
        assert!(self.ran.stdout.contains("NOT TESTED"), "{}", self.ran.stdout);
        assert_eq!(self.report["cases"], serde_json::json!([]), "nothing ran");
        self
    }

    /// Every rung of the ladder was refused, and each says what came back and what to try.
    #[track_caller]
    fn refused_on_every_rung(&self, answer: &str, hint: &str) -> &Judged {
        let rungs = self.report["target"]["ladder"].as_array().unwrap();
        assert!(!rungs.is_empty());
        for rung in rungs {
            assert_eq!(rung["accepted"], false, "{rung}");
            assert!(rung["answer"].as_str().unwrap().contains(answer), "{rung}");
            assert!(rung["hint"].as_str().is_some_and(|h| h.contains(hint)), "{rung}");
        }
        self
    }

    /// The server holds no client of ours, and the run knows it.
    #[track_caller]
    fn nothing_left(&self) -> &Judged {
        assert_eq!(self.report["clients"]["left"], serde_json::json!([]));
        assert_eq!(self.report["clients"]["unknown"], 0);
        assert!(self.home.ledgers().is_empty(), "the ledger of a clean run is removed");
        self
    }
}

#[test]
fn created_with_an_empty_object_lacks_a_client_id_and_proves_nothing_else() {
    let judged = Judged::of(&Canned::posts(json_response("201 Created", "{}")).url());
    judged.exits(1);
    assert_eq!(with_verdict(&judged.report, "broken", Some("MUST")), [CLIENT_ID]);
    assert_eq!(with_verdict(&judged.report, "broken", Some("MUST-NOT")), [""; 0]);
    // No client ever existed, so nothing that a refusal or a created client would show was seen.
    assert_eq!(judged.all("met"), ["rfc7591-3.2.1-json-body", "rfc7591-3.2.1-json-strict"]);
    assert!(judged.report["clients"]["unknown"].as_u64().unwrap() > 0, "each 201 may have created a client");
    assert_eq!(judged.home.ledgers().len(), 1, "what may be left is on record");
}

#[test]
fn a_server_that_fails_every_request_is_not_tested() {
    let judged = Judged::of(&Canned::posts(response("500 Internal Server Error", &[], "")).url());
    judged
        .not_tested(&["no base client was accepted"])
        .refused_on_every_rung("500", "its log knows why")
        .nothing_left();
    assert_eq!(judged.all("met"), [""; 0]);
}

#[test]
fn a_page_for_people_is_no_registration_endpoint() {
    let page = response("200 OK", &[("content-type", "text/html")], "<!doctype html><title>Welcome</title>");
    let judged = Judged::of(&Canned::posts(page).url());
    judged
        .not_tested(&["no base client was accepted"])
        .refused_on_every_rung("200, text/html", "is this the registration endpoint?")
        .nothing_left();
    assert_eq!(judged.all("broken"), [""; 0]);
}

#[test]
fn created_with_a_page_for_people_breaks_the_body() {
    let page = response("201 Created", &[("content-type", "text/html")], "<!doctype html><title>Done</title>");
    let judged = Judged::of(&Canned::posts(page).url());
    judged.exits(1);
    assert_eq!(judged.verdict("rfc7591-3.2.1-json-body"), "broken");
    assert_eq!(with_verdict(&judged.report, "met", Some("MUST-NOT")), [""; 0]);
}

#[test]
fn a_server_that_hangs_costs_one_time_limit_for_each_of_a_few_requests() {
    let server = Canned::start(|_, stream| until_gone(stream));
    let judged = Judged::of(&server.url());
    judged.not_tested(&["sent no complete response head within"]);
    assert!(judged.ran.took < Duration::from_secs(10), "took {:?}", judged.ran.took);
    assert!(server.requests() <= 4, "{} requests", server.requests());
    assert_eq!(judged.report["clients"]["unknown"], 1, "the registration may have been taken");
    assert_eq!(judged.home.ledgers().len(), 1);
}

#[test]
fn a_server_that_never_stops_sending_is_cut_off() {
    let server = Canned::start(|asked, stream| {
        if !asked.is_post() {
            let _ = stream.write_all(&not_found());
            return;
        }
        let head = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\n\r\n{\"client_id\":\"";
        let mut going = stream.write_all(head).is_ok();
        while going {
            going = stream.write_all(&[b'a'; 65536]).is_ok();
        }
    });
    let judged = Judged::of(&server.url());
    judged.not_tested(&[]);
    assert!(judged.ran.took < Duration::from_secs(10), "took {:?}", judged.ran.took);
    let size = std::fs::metadata(judged.home.path().join("report.json")).unwrap().len();
    assert!(size < 2_000_000, "the report holds {size} bytes");
}

#[test]
fn a_body_that_drips_is_cut_off() {
    let server = Canned::start(|asked, stream| {
        if !asked.is_post() {
            let _ = stream.write_all(&not_found());
            return;
        }
        let _ =
            stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{");
        until_gone(stream);
    });
    let judged = Judged::of(&server.url());
    judged.not_tested(&[]);
    assert!(judged.ran.took < Duration::from_secs(10), "took {:?}", judged.ran.took);
}

#[test]
fn a_body_that_is_announced_and_does_not_come_is_no_json_object() {
    let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 200\r\n\r\n";
    let judged = Judged::of(&Canned::posts(head).url());
    judged.exits(1);
    assert_eq!(judged.verdict("rfc7591-3.2.1-json-body"), "broken");
}

#[test]
fn what_is_not_http_is_told_as_that() {
    let judged = Judged::of(&Canned::posts("220 mail.example ESMTP\r\n").url());
    judged.not_tested(&["HTTP"]);
    // Closed without a word.
    let judged = Judged::of(&Canned::start(|_, _| ()).url());
    judged.not_tested(&["127.0.0.1"]);
    assert_eq!(judged.all("met"), [""; 0]);
}

#[test]
fn nobody_listening_leaves_nothing_behind() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let judged = Judged::of(&format!("http://{gone}/register"));
    judged.not_tested(&["nothing listens at", "connection refused"]).nothing_left();
    let home = Home::new();
    let ran = home.run(["run", "--issuer", &format!("http://{gone}"), "--timeout", "1s"]);
    assert!(ran.exits(3).stdout.contains("nothing listens at"), "{}", ran.stdout);
    assert!(home.ledgers().is_empty());
}

#[test]
fn redirects_are_told_and_not_followed() {
    let elsewhere = Canned::posts(json_response("201 Created", "{}"));
    let reply = response("307 Temporary Redirect", &[("location", &elsewhere.url())], "");
    let server = Canned::start(move |_, stream| {
        let _ = stream.write_all(&reply);
    });
    let judged = Judged::of(&server.url());
    judged
        .not_tested(&["no base client was accepted"])
        .refused_on_every_rung("307", "redirects are not followed")
        .nothing_left();
    assert_eq!(elsewhere.requests(), 0);
    assert_eq!(judged.all("broken"), [""; 0]);
}

#[test]
fn a_401_without_a_challenge_is_judged_though_nothing_else_can_be() {
    let judged = Judged::of(&Canned::posts(response("401 Unauthorized", &[], "")).url());
    judged.not_tested(&["wants an initial access token"]).nothing_left();
    judged.refused_on_every_rung("401", "--token-env");
    assert_eq!(judged.all("broken"), [TOKEN_ERROR]);
    assert_eq!(judged.all("met"), [""; 0]);
}

#[test]
fn a_401_with_a_challenge_is_met_and_nothing_is_that_was_not_seen() {
    let server = Canned::start(|asked, stream| {
        let challenge = match asked.head.to_ascii_lowercase().contains("authorization:") {
            true => "Bearer realm=\"as\", error=\"invalid_token\"",
            false => "Bearer realm=\"as\"",
        };
        let reply = response("401 Unauthorized", &[("www-authenticate", challenge)], "");
        let _ = stream.write_all(if asked.is_post() {
            &reply
        } else {
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
        });
    });
    let judged = Judged::of(&server.url());
    judged.not_tested(&["wants an initial access token"]).nothing_left();
    assert_eq!(with_verdict(&judged.report, "met", Some("MUST")), [TOKEN_ERROR]);
    assert_eq!(with_verdict(&judged.report, "met", Some("MUST-NOT")), [""; 0]);
    assert_eq!(judged.verdict("rfc7591-3.2.2-challenge-error-attribute"), "met");
    assert_eq!(judged.all("broken"), [""; 0]);
    // A token that is refused is another matter for the person than none.
    let judged = Judged::with(&server.url(), &["--token", "spent-token"]);
    judged.exits(3).refused_on_every_rung("401", "is it spent, expired, or for another server?");
    assert!(!judged.ran.stdout.contains("spent-token") && !judged.report.to_string().contains("spent-token"));
}

#[test]
fn rate_limits_are_waited_out() {
    static REFUSED: AtomicUsize = AtomicUsize::new(0);
    async fn limited(request: Request, next: middleware::Next) -> axum::response::Response {
        let post = request.method() == "POST";
        if post && REFUSED.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| (n < 3).then_some(n + 1)).is_ok() {
            return (http::StatusCode::TOO_MANY_REQUESTS, [("retry-after", "0")]).into_response();
        }
        next.run(request).await
    }
    let hosted = Hosted::start(|origin| {
        ReferenceServer::new(ServerConfig::open(origin)).router().layer(middleware::from_fn(limited))
    });
    let judged = Judged::of(&format!("{}/register", hosted.origin()));
    judged.exits(0).nothing_left();
    assert_eq!(REFUSED.load(Ordering::SeqCst), 3);
    assert_eq!(judged.all("broken"), [""; 0]);
    assert!(judged.all("met").len() >= 60, "{}", judged.ran.stdout);
    assert_eq!(judged.report["clients"]["registered"], judged.report["clients"]["deleted"]);
}

#[test]
fn a_server_that_limits_for_ever_is_not_tested_and_never_broken() {
    let judged = Judged::with(
        &Canned::posts(response("429 Too Many Requests", &[("retry-after", "3600")], "")).url(),
        &["--wait", "1s"],
    );
    judged.not_tested(&[]).refused_on_every_rung("429", "wait, or lower --rate").nothing_left();
    assert_eq!(judged.all("broken"), [""; 0]);
    assert!(judged.ran.took < Duration::from_secs(10), "took {:?}", judged.ran.took);
}

/// What the JUnit reader of another world finds, or None where there is no Python.
fn read_by_python(path: &std::path::Path) -> Option<String> {
    let script = "import sys, xml.etree.ElementTree as e\n\
                  r = e.parse(sys.argv[1]).getroot()\n\
                  print(r.tag, len(list(r.iter('testcase'))), len(list(r.iter('failure'))), len(list(r.iter('error'))))";
    let output = Command::new("python3").args(["-c", script]).arg(path).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn text_that_would_break_a_terminal_or_a_parser_is_harmless_everywhere() {
    const NASTY: &str = r#""a\u0000b\u001b[31mred\u001b]0;title\u0007\uffff]]>\u202ecba\u0085<&>\ud800""#;
    for (status, description) in [("400 Bad Request", NASTY), ("201 Created", NASTY)] {
        let body = format!(
            r#"{{"client_id":{description},"error":{description},"error_description":{description},"redirect_uris":{description}}}"#
        );
        // And once more as raw bytes.
        let raw = "{\"error\":\"a\u{0}b\u{1b}[31m\u{ffff}]]>\u{202e}\",\"client_id\":\"\u{1b}[2J\"}";
        for body in [body.as_str(), raw] {
            let judged = Judged::of(&Canned::posts(json_response(status, body)).url());
            assert_eq!(judged.ran.code(), if status.starts_with("201") { 1 } else { 3 }, "{}", judged.ran.stdout);
            for (name, text) in [("stdout", &judged.ran.stdout), ("stderr", &judged.ran.stderr)] {
                let bad = text.chars().find(|c| c.is_control() && *c != '\n' || ['\u{202e}', '\u{ffff}'].contains(c));
                assert_eq!(bad, None, "{name}: {text}");
            }
            let path = judged.home.path().join("junit.xml");
            let junit = std::fs::read_to_string(&path).unwrap();
            let mut reader = quick_xml::Reader::from_str(&junit);
            reader.config_mut().check_end_names = true;
            let mut cases = 0;
            loop {
                match reader.read_event().unwrap_or_else(|e| panic!("{e}\n{junit}")) {
                    quick_xml::events::Event::Eof => break,
                    quick_xml::events::Event::Start(e) | quick_xml::events::Event::Empty(e) => {
                        e.attributes().for_each(|a| drop(a.unwrap()));
                        cases += usize::from(e.name().as_ref() == "testcase");
                    }
                    _ => {}
                }
            }
            assert!(cases > 0, "{junit}");
            if let Some(found) = read_by_python(&path) {
                assert!(found.starts_with(&format!("testsuites {cases} ")), "{found}");
            }
        }
    }
}

#[test]
fn a_report_on_stdout_stays_one_json_document_whatever_comes() {
    for reply in [
        json_response("201 Created", "{}"),
        response("500 Internal Server Error", &[], "\u{1b}[31m"),
        Vec::new(),
        b"HTTP/1.1 201 Created\r\nx: \xff\xfe\r\ncontent-length: 3\r\n\r\n\xff\xfe\xfd".to_vec(),
    ] {
        let server = Canned::posts(reply);
        let ran = Home::new().run([
            "run",
            &server.url(),
            "--timeout",
            "1s",
            "--rate",
            "1000/s",
            "--json",
            "-",
            "--exchanges",
            "all",
        ]);
        assert!([1, 3].contains(&ran.code()), "{ran:?}");
        assert_eq!(schema_faults(&ran.json()), [""; 0]);
    }
}
