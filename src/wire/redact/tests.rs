use std::time::Duration;

use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::wire::{Kind, Request, Response};

const SECRET: &str = "s3cr3t/with+\"all\" kinds\\of=characters";

/// The ways of writing a secret that a text may hold it in.
fn written(secret: &str, id: &str) -> Vec<String> {
    let json = serde_json::to_string(secret).unwrap();
    let json = json[1..json.len() - 1].to_owned();
    let escapes = |upper| -> String {
        let digits = |u: u16| if upper { format!("\\u{u:04X}") } else { format!("\\u{u:04x}") };
        secret.encode_utf16().map(digits).collect()
    };
    let nested = serde_json::to_string(&json).unwrap();
    let percent: String = secret.bytes().map(|b| format!("%{b:02X}")).collect();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&#34;").replace('/', "&#x2F;");
    vec![
        secret.to_owned(),
        json.replace('/', "\\/"),
        json,
        nested[1..nested.len() - 1].to_owned(),
        escapes(true),
        escapes(false),
        escapes(false).replace('\\', "\\\\"),
        percent.to_lowercase(),
        percent.replace('%', "%25"),
        percent,
        html,
        STANDARD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        STANDARD.encode(format!("{id}:{secret}")),
        URL_SAFE_NO_PAD.encode(format!("{id}:{secret}")),
        STANDARD.encode(format!("{id}:{form}")),
        STANDARD.encode(format!("{id}:{form}")).replace('/', "\\/"),
        form,
    ]
}

fn redactor(secrets: &[&str]) -> Redactor {
    let r = Redactor::new();
    secrets.iter().for_each(|s| r.learn("client_secret", s));
    r
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_learned_secret_never_survives(
        secret in prop_oneof![
            "[A-Za-z0-9_-]{12,60}", "[ -~]{8,40}", "[\\\\\"/%&+ nu0-5]{8,12}", "\\PC{8,20}", "[a-f0-9]{32}",
        ],
        id in "[a-z0-9-]{0,12}",
        before in "[ -~]{0,20}",
        after in "[ -~]{0,20}",
    ) {
        let r = redactor(&[&secret]);
        // What the property is about: values that nobody could mistake for words of the report.
        prop_assume!(r.text(&secret) != secret);
        for form in written(&secret, &id) {
            let out = r.text(&format!("{before}{form}{after}"));
            prop_assert!(out.contains("[client_secret: "), "{form} is not replaced: {out}");
            prop_assert!(!out.contains(&form), "{form} survives in {out}");
        }
    }

    #[test]
    fn nothing_panics(secret in "\\PC{0,12}", text in "(\\\\|%|&|u|25|2F|#x|;|\\PC|d83d|\\\\ude00){0,40}") {
        let r = redactor(&[&secret, "\\\\\\\\\\\\\\", "%%25%25", "&amp;&amp;"]);
        r.text(&text);
        r.body(text.as_bytes());
    }
}

#[test]
fn a_secret_is_described() {
    let r = redactor(&["abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNO_"]);
    let text = r.text("x=abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNO_;");
    let hash = text.split('#').nth(1).unwrap().split(']').next().unwrap();
    assert_eq!(text, format!("x=[client_secret: 43 characters, base64url, #{hash}];"));
    assert_eq!(hash.len(), 6);
    // Another run has another salt.
    assert_ne!(
        text,
        redactor(&["abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNO_"])
            .text(&text.replace(&text, "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNO_"))
    );
    assert!(is_marker(&text[2..text.len() - 1]));
}

#[test]
fn basic_credentials_go_as_a_whole() {
    let r = redactor(&[SECRET]);
    for id in ["", "a", "ab", "abc", "a-longer-client-id"] {
        let blob = STANDARD.encode(format!("{id}:{SECRET}"));
        let text = r.text(&format!("\"Basic {blob}\""));
        assert!(text.starts_with("\"Basic [client_secret: ") && text.ends_with("]\""), "{text}");
    }
}

#[test]
fn a_secret_within_another_leaves_no_ends() {
    let r = redactor(&["abcdef-middle-ghijkl", "-middle-", "ghijkl-tail"]);
    assert_eq!(r.text("<abcdef-middle-ghijkl>").matches('[').count(), 1);
    let text = r.text("<abcdef-middle-ghijkl-tail>");
    assert!(text.starts_with("<[client_secret: 20 characters") && text.ends_with("]>"), "{text}");
}

#[test]
fn words_and_short_values_stay_in_text_and_go_in_members() {
    let r = redactor(&["secret", "abc", "client_secret"]);
    assert_eq!(r.text("the client_secret is a secret, abc"), "the client_secret is a secret, abc");
    let body = r.body(br#"{"client_secret":"secret","a":[{"access_token":"abc","n":1}],"refresh_token":12345}"#);
    assert!(body.starts_with(r#"{"client_secret":"[client_secret: 6 characters, letters and digits, #"#), "{body}");
    assert!(body.contains(r#""access_token":"[access_token: 3 characters, hex, #"#), "{body}");
    assert!(body.contains(r#""n":1"#) && !body.contains("12345"), "{body}");
}

#[test]
fn a_body_without_secrets_keeps_its_bytes() {
    let r = redactor(&[SECRET]);
    let body = "{ \"client_id\" : \"a\",\"client_secret_expires_at\":0, \"id_token_signed_response_alg\":\"none\",\"client_secret\":null}";
    assert_eq!(r.body(body.as_bytes()), body);
    assert_eq!(r.body(b"a\xffb"), "a\u{fffd}b");
}

#[test]
fn private_keys_and_not_public_ones() {
    let r = Redactor::new();
    let body = br#"{"jwks":{"keys":[{"kty":"EC","crv":"P-256","x":"public","d":"private-part"},{"kty":"oct","k":"sh"}]},"d":"kept"}"#;
    members::each_secret(body, &mut |kind, secret| r.learn(kind, secret));
    let text = r.body(body);
    assert!(text.contains(r#""x":"public""#) && text.contains(r#""d":"kept""#), "{text}");
    assert!(text.contains("[JWK d: 12 characters") && text.contains("[JWK k: 2 characters"), "{text}");
}

fn exchange(headers: &[(&str, &str)], request: &str, response: &[u8]) -> Exchange {
    let headers = Headers(headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect());
    let mut answer = Headers::default();
    answer.push("Set-Cookie", "session=abcdefgh; HttpOnly");
    answer.push("Location", "https://as.example/c?t=response-token");
    let request = Request {
        kind: Kind::Register,
        method: "POST".into(),
        url: "https://as.example/register?token=initial-token".into(),
        headers,
        body: request.to_owned().into(),
        auth: Auth::Initial,
    };
    let outcome = Outcome::Response(Response::new(201, "HTTP/1.1", answer, response.to_vec().into(), None));
    Exchange::new(7, jiff::Timestamp::UNIX_EPOCH, request, outcome, Duration::from_millis(1500))
}

#[test]
fn an_exchange_teaches_and_its_record_shows_nothing() {
    let r = Redactor::new();
    let basic = format!("Basic {}", STANDARD.encode("id:a%2Fbasic+secret"));
    let e = exchange(
        &[("Authorization", "Bearer initial-token"), ("Proxy-Authorization", &basic), ("Cookie", "c=chocolate")],
        r#"{"a":{"client_secret":"wished-secret"},"software_statement":"eyJ.public.x"}"#,
        br#"{"registration_access_token":"response-token","client_secret":"first-secret","client_secret":"second-secret"}"#,
    );
    r.learn_from(&e);
    let record = r.record(&e);
    let text = serde_json::to_string(&record).unwrap();
    let secrets = [
        "initial-token",
        "a%2Fbasic+secret",
        "a/basic secret",
        "wished-secret",
        "response-token",
        "first-secret",
        "second-secret",
        "chocolate",
        "abcdefgh",
    ];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} in {text}");
        assert!(
            ["chocolate", "abcdefgh"].contains(&secret) || r.text(secret).starts_with('['),
            "{secret} is not learned"
        );
    }
    assert!(text.contains("eyJ.public.x"), "{text}");
    assert!(text.contains("Bearer [initial_access_token: 13 characters, base64url, #"), "{text}");
    assert!(text.contains("t=[registration_access_token: 14 characters"), "{text}");
    assert!(text.contains("[cookie: "), "{text}");
    assert_eq!((record.id.as_str(), record.at.as_str(), record.seconds), ("x7", "1970-01-01T00:00:00Z", 1.5));
    assert!(!format!("{r:?}").contains("token"));
}

#[test]
fn what_broke_off_teaches_too() {
    for body in [
        r#"{"client_secret" : "half-a-secr"#,
        r#"{"client_secret":"half-a-secr","x":}"#,
        r#"{"client\u005fsecret":"half-a-secr"} x"#,
    ] {
        let r = Redactor::new();
        let e = exchange(&[], "", body.as_bytes());
        r.learn_from(&e);
        assert!(r.record(&e).response.unwrap().body.contains("[client_secret: 11"), "{body}");
    }
    let r = Redactor::new();
    r.learn_from(&exchange(
        &[("content-type", "application/x-www-form-urlencoded")],
        "a=b&refresh_token=some%2Ftoken",
        b"",
    ));
    assert!(r.text("some/token").starts_with("[refresh_token: 10"));
}

#[test]
fn a_long_body_is_cut_with_a_mark() {
    let r = redactor(&[SECRET]);
    let body = format!("{}{SECRET}", "é".repeat(BODY_LIMIT / 2 - 5));
    let e = exchange(&[], &body, b"");
    let record = r.record(&e).request.body;
    assert!(record.ends_with(&format!("[cut here: {} bytes in all]", body.len())), "{}", &record[record.len() - 80..]);
    assert!(!record.contains("s3c"));
}

#[test]
fn hostile_texts_take_no_time() {
    let start = std::time::Instant::now();
    let r = redactor(&["AAAAAAAA", &"A".repeat(100_000), "\\\\\\\\\\\\\\\\", "%%%%%%%%"]);
    for unit in ["A", "\\", "%25", "&amp;", "\\u005c"] {
        r.text(&unit.repeat(60_000 / unit.len()));
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
