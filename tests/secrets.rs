//! Secrets in hostile places: whatever a server does with them, none gets into anything that is written but the ledger.

mod support;

use std::{
    fmt::Write as _,
    io::Write as _,
    sync::{Arc, Mutex},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use support::{Asked, Canned, Home, Ran, json_response, response};

const TOKEN: &str = "iat-Zk3vQ8rT1mXw7LpB5sYd9HnC2jGf6KaE";
const API_KEY: &str = "key-4Wq9Zt2Rm7Xv1Lp8Bs5Yd3Hn6Cj0Gf";
const SESSION: &str = "sid-8Tr1Mx7Wv3Lq9Zb5Sp2Yk6Dn4Hc0Jg";

/// Every secret that was planted, with what it is.
type Planted = Arc<Mutex<Vec<(String, String)>>>;

/// A new secret of 43 characters.
fn plant(planted: &Planted, what: &str) -> String {
    let mut planted = planted.lock().unwrap();
    let secret = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{what} {}", planted.len())));
    planted.push((what.to_owned(), secret.clone()));
    secret
}

fn unicode(secret: &str) -> String {
    secret.chars().fold(String::new(), |mut out, c| {
        let _ = write!(out, "\\u{:04x}", c as u32);
        out
    })
}

fn percent(secret: &str) -> String {
    secret.bytes().fold(String::new(), |mut out, b| {
        let _ = write!(out, "%{b:02X}");
        out
    })
}

/// An answer that spreads what it gives out, and what it was sent, over every corner.
fn hostile(asked: &Asked, planted: &Planted) -> Vec<u8> {
    let id = format!("client-{}", asked.number);
    let secret = plant(planted, "client_secret");
    let access = plant(planted, "registration_access_token");
    let host = asked.head.lines().find_map(|l| l.strip_prefix("host: ")).unwrap_or("localhost").to_owned();
    let mut document = serde_json::from_slice::<serde_json::Value>(&asked.body).unwrap_or(json!({}));
    if !document.is_object() {
        document = json!({});
    }
    document["client_id"] = json!(id);
    document["client_secret"] = json!(secret);
    document["client_secret_expires_at"] = json!(0);
    document["registration_access_token"] = json!(access);
    document["registration_client_uri"] = json!(format!("http://{host}/register/{id}"));
    let mut headers = vec![("content-type", "application/json".to_owned()), ("cache-control", "no-store".into())];
    let (left, right) = secret.split_at(21);
    match asked.number % 12 {
        0 => document["client_name"] = json!(format!("{secret} and {access} for {TOKEN}")),
        1 => {
            document["a"] = json!(left);
            document["b"] = json!(right);
            document["policy_uri"] = json!(format!("https://{left}.example/{right}?t={TOKEN}"));
        }
        2 => {
            document["client_uri"] = json!(STANDARD.encode(&secret));
            document["tos_uri"] = json!(URL_SAFE_NO_PAD.encode(format!("{id}:{secret}")));
            document["logo_uri"] = json!(format!("https://x.example/?s={}", percent(&secret)));
        }
        3 => {
            headers.push(("x-debug", format!("secret={secret}; token={access}; iat={TOKEN}")));
            headers.push(("x-left", left.into()));
            headers.push(("x-right", right.into()));
            headers.push(("x-client-secret", plant(planted, "only in a header field")));
            headers.push(("set-cookie", format!("s={}", plant(planted, "cookie"))));
            headers.push(("location", format!("http://{host}/register/{id}?{}", percent(&access))));
            headers.push(("warning", format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))));
        }
        4 => {
            let d = plant(planted, "private key");
            document["jwks"] = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": d}]});
            document["software_version"] = json!(format!("key {d}"));
        }
        5 => {
            document["clientSecret"] = json!(plant(planted, "another spelling"));
            document["nested"] = json!({"access_token": plant(planted, "access_token"), "list": [{"password": plant(planted, "password")}]});
            document["text"] = json!(json!({"client_secret": secret, "again": access}).to_string());
        }
        6 => {
            let mut text = document.to_string();
            text = text.replace(&secret, &unicode(&secret)).replace(&access, &unicode(&access));
            return json_response("201 Created", text);
        }
        7 => {
            // Refused, and told in detail.
            let body = json!({
                "error": format!("invalid_client_metadata {secret}"),
                "error_description": format!("the token {TOKEN} ({}) and {left} {right}", STANDARD.encode(TOKEN)),
                "client_secret": secret,
                "error_uri": format!("https://x.example/{}", percent(TOKEN)),
            });
            return json_response("400 Bad Request", body.to_string());
        }
        8 => {
            // Breaks off in the middle of a secret.
            let text = document.to_string();
            let cut = text.find(&secret).map_or(text.len(), |at| at + 30);
            return format!(
                "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
                text.len(),
                &text[..cut]
            )
            .into_bytes();
        }
        9 => {
            let page = format!("<p>{} &amp; {}</p>", secret.replace('-', "&#45;"), TOKEN.replace('-', "&#x2D;"));
            let body = format!("{page}{{\"client_secret\":\"{secret}\"}}");
            return response("500 Internal Server Error", &[("content-type", "text/html")], body);
        }
        10 => {
            let challenge =
                format!("Bearer realm=\"{TOKEN}\", error=\"invalid_token\", error_description=\"{API_KEY}\"");
            let body = json!({"error": "invalid_token", "error_description": asked.head});
            return response(
                "401 Unauthorized",
                &[("www-authenticate", &challenge), ("content-type", "application/json")],
                body.to_string(),
            );
        }
        _ => {
            // Twice, and the first one is what most parsers lose.
            let first = plant(planted, "the first of two");
            let text = document.to_string().replacen('{', &format!("{{\"client_secret\":\"{first}\","), 1);
            return json_response("201 Created", text);
        }
    }
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    response("201 Created", &headers, document.to_string())
}

fn server(planted: &Planted) -> Canned {
    let planted = planted.clone();
    Canned::start(move |asked, stream| {
        let mut reply = match asked.method.as_str() {
            "POST" => hostile(asked, &planted),
            "DELETE" if asked.number % 3 > 0 => response("204 No Content", &[], ""),
            // The status line itself, and what is no HTTP at all.
            "DELETE" => {
                format!("HTTP/1.1 500 {TOKEN}\r\nx: {}\r\ncontent-length: 0\r\n\r\n", asked.head.replace("\r\n", " "))
                    .into_bytes()
            }
            _ => json_response("200 OK", json!({"error_description": asked.head}).to_string()),
        };
        if asked.number % 37 == 36 {
            reply = format!("{TOKEN} is what came: {}\r\n", asked.head).into_bytes();
        }
        let _ = stream.write_all(&reply);
    })
}

/// What must not stand in any output because of a secret: itself, what it is in other alphabets, and either half.
fn forms(secret: &str) -> Vec<String> {
    let (left, right) = secret.split_at(secret.len() / 2);
    let mut forms = vec![
        secret.to_owned(),
        STANDARD.encode(secret).trim_end_matches('=').to_owned(),
        URL_SAFE_NO_PAD.encode(secret),
        percent(secret),
        unicode(secret),
        unicode(secret).replace('\\', "\\\\"),
        secret.replace('-', "&#45;"),
    ];
    forms.extend([left, right].map(str::to_owned));
    forms
}

#[track_caller]
fn none_in(outputs: &[(&str, &str)], secrets: &[(String, String)]) {
    for (name, text) in outputs {
        for (what, secret) in secrets {
            for form in forms(secret) {
                let Some(at) = text.find(&form) else { continue };
                let from = (0..=at.saturating_sub(200)).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0);
                let to = (at + 300..text.len()).find(|n| text.is_char_boundary(*n)).unwrap_or(text.len());
                panic!("{name} holds the {what} {secret} as {form}:\n{}", &text[from..to]);
            }
        }
    }
}

fn outputs(home: &Home, ran: &Ran) -> Vec<(&'static str, String)> {
    let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
    vec![
        ("stdout", ran.stdout.clone()),
        ("stderr", ran.stderr.clone()),
        ("report.json", read("report.json")),
        ("junit.xml", read("junit.xml")),
    ]
}

#[test]
fn no_secret_survives_a_hostile_server() {
    let planted = Planted::default();
    let server = server(&planted);
    let home = Home::new();
    let ran = home.run([
        "run",
        &server.url(),
        "--token",
        TOKEN,
        "--header",
        &format!("X-Api-Key: {API_KEY}"),
        "--header",
        &format!("Cookie: session={SESSION}"),
        "--rate",
        "10000/s",
        "--timeout",
        "2s",
        "--exchanges",
        "all",
        "--verbose",
        "--unsafe",
        "--json",
        "report.json",
        "--junit",
        "junit.xml",
    ]);
    assert!([1, 3].contains(&ran.code()), "{}", ran.stderr);
    let mut secrets = planted.lock().unwrap().clone();
    let kinds: std::collections::BTreeSet<&String> = secrets.iter().map(|(what, _)| what).collect();
    assert!(kinds.len() >= 9 && secrets.len() > 40, "{} secrets of {kinds:?}", secrets.len());
    secrets.extend([("token", TOKEN), ("API key", API_KEY), ("session", SESSION)].map(|(w, s)| (w.into(), s.into())));
    let written = outputs(&home, &ran);
    let written: Vec<(&str, &str)> = written.iter().map(|(name, text)| (*name, text.as_str())).collect();
    none_in(&written, &secrets);
    assert!(written[2].1.contains("[client_secret: 43 characters, base64url, #"), "it can still be followed");

    // The ledger has what a clean-up needs, and the clean-up does not show it.
    let ledgers = home.ledgers();
    let [ledger] = ledgers.as_slice() else { panic!("one ledger: {ledgers:?}") };
    let cleaned = home.run(["cleanup".as_ref(), ledger.as_os_str()]);
    cleaned.code();
    none_in(&[("stdout", &cleaned.stdout), ("stderr", &cleaned.stderr)], &secrets);
}

#[test]
fn a_mistake_on_the_command_line_repeats_no_secret() {
    let home = Home::new();
    home.file("empty", "");
    home.file("token", &format!("{TOKEN}\nsecond line {API_KEY}\n"));
    let url = "http://127.0.0.1:1/register";
    let secrets = [("token".to_owned(), TOKEN.to_owned()), ("API key".to_owned(), API_KEY.to_owned())];
    let with_space = format!("{TOKEN} {API_KEY}");
    let key = format!("-----BEGIN PRIVATE KEY-----\n{TOKEN}\n{API_KEY}\n-----END PRIVATE KEY-----\n");
    home.file("key.pem", &key);
    home.file("client.json", &format!("{{\"client_secret\": \"{TOKEN}\" \"{API_KEY}\"}}"));
    let header = format!("X-Api-Key {API_KEY}");
    let bad_value = format!("X-Api-Key: {API_KEY}\u{1}");
    for args in [
        vec!["run", url, "--token", &with_space],
        vec!["run", url, "--token-file", "token"],
        vec!["run", url, "--header", &header],
        vec!["run", url, "--header", &bad_value],
        vec!["run", url, "--statement-key", "key.pem", "--statement-issuer", "me"],
        vec!["run", url, "--client", "client.json"],
        vec!["run", &format!("http://user:{API_KEY}@127.0.0.1:1/register")],
        vec!["run", &format!("http://user:{API_KEY}@127.0.0.1:port/register")],
        vec!["run", "--issuer", &format!("http://user:{API_KEY}@127.0.0.1:1/")],
        vec!["cleanup", "key.pem"],
    ] {
        let ran = home.run(&args);
        ran.exits(2);
        none_in(&[("stdout", &ran.stdout), ("stderr", &ran.stderr)], &secrets);
    }
    // Where all is right but the server.
    let ran = home.run(["run", url, "--token", TOKEN, "--header", &format!("X-Api-Key: {API_KEY}"), "--dry-run"]);
    none_in(&[("stdout", &ran.exits(0).stdout), ("stderr", &ran.stderr)], &secrets);
}
