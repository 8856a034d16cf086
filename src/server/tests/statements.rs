use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};

use super::*;

const NOW: i64 = 1_700_000_000;

fn claims() -> Value {
    json!({ "iss": STATEMENT_ISSUER, "exp": NOW + 60, "client_name": "Signed", "scope": "signed", "client_id": "mine" })
}

fn signed(claims: &Value, key: &[u8]) -> String {
    jsonwebtoken::encode(&Header::default(), claims, &EncodingKey::from_secret(key)).unwrap()
}

fn trusted(claims: &Value) -> String {
    signed(claims, statement_key())
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().shift_remove(name);
    claims
}

fn forged() -> String {
    signed(&claims(), b"another key")
}

fn of_a_stranger() -> String {
    signed(&with(claims(), "iss", json!("https://stranger.example")), b"another key")
}

/// Statements that between them bring every defect about them to light.
pub(super) fn probes() -> Vec<String> {
    vec![trusted(&claims()), trusted(&without(claims(), "iss")), forged(), of_a_stranger()]
}

async fn stated(server: &ReferenceServer, statement: &str) -> Answer {
    let metadata =
        with(with(bare(), "client_name", json!("Plain")), "client_uri", json!("https://client.example.org/"));
    post(server, &with(metadata, "software_statement", json!(statement))).await
}

#[tokio::test]
async fn a_trusted_statement_wins_and_comes_back() {
    let server = server(set_up(Configuration::Statement));
    let statement = trusted(&claims());
    let answer = stated(&server, &statement).await;
    assert_eq!(answer.status, 201);
    let client = answer.json();
    assert_eq!((&client["client_name"], &client["scope"]), (&json!("Signed"), &json!("signed")));
    assert_eq!(client["client_uri"], "https://client.example.org/");
    assert_eq!(client["software_statement"], json!(statement));
    assert!(client["client_id"] != "mine" && client.get("iss").is_none());
    assert_eq!(read(&server, &client).await.json(), client);
    let redirects = trusted(&with(claims(), "redirect_uris", json!(["https://signed.example/cb"])));
    let client = post(&server, &json!({ "software_statement": redirects })).await.json();
    assert_eq!(client["redirect_uris"], json!(["https://signed.example/cb"]));
    let bad = trusted(&with(claims(), "client_name", json!(7)));
    assert_eq!(stated(&server, &bad).await.json()["error"], "invalid_client_metadata");
}

#[tokio::test]
async fn what_is_not_trusted_is_refused_by_name() {
    let server = server(set_up(Configuration::Statement));
    let good = trusted(&claims());
    let (signed_part, signature) = good.rsplit_once('.').unwrap();
    let none = "eyJhbGciOiJub25lIn0";
    let payload = good.split('.').nth(1).unwrap();
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","crit":["x"],"x":1}"#);
    let critical = format!("{header}.{payload}");
    let key = EncodingKey::from_secret(statement_key());
    let tag = jsonwebtoken::crypto::sign(critical.as_bytes(), &key, Algorithm::HS256).unwrap();
    let critical = format!("{critical}.{tag}");
    let other_algorithm = Header::new(Algorithm::HS512);
    let other_algorithm = jsonwebtoken::encode(&other_algorithm, &claims(), &key).unwrap();
    let cases = [
        ("garbage".to_owned(), "invalid"),
        (String::new(), "invalid"),
        (format!("{none}.{payload}."), "invalid"),
        (format!("{none}.{payload}.{signature}"), "invalid"),
        (format!("{signed_part}."), "invalid"),
        (format!("{signed_part}.{}", signature.chars().rev().collect::<String>()), "invalid"),
        (format!("{good}.x"), "invalid"),
        (forged(), "invalid"),
        (critical, "invalid"),
        (trusted(&without(claims(), "iss")), "invalid"),
        (trusted(&with(claims(), "iss", json!(1))), "invalid"),
        (trusted(&with(claims(), "exp", json!(NOW))), "invalid"),
        (trusted(&with(claims(), "exp", json!("never"))), "invalid"),
        (trusted(&with(claims(), "nbf", json!(NOW + 1))), "invalid"),
        (of_a_stranger(), "unapproved"),
        (trusted(&with(claims(), "iss", json!("https://stranger.example"))), "unapproved"),
        (other_algorithm, "unapproved"),
    ];
    for (statement, kind) in cases {
        let answer = stated(&server, &statement).await;
        assert_eq!(answer.status, 400, "{statement}");
        assert_eq!(answer.json()["error"], format!("{kind}_software_statement"), "{statement}");
    }
    let answer = post(&server, &with(bare(), "software_statement", json!({}))).await;
    assert_eq!(answer.json()["error"], "invalid_software_statement");
    assert_eq!(post(&server, &with(bare(), "software_statement", json!(null))).await.status, 201);
    assert_eq!(server.client_count(), 1);
}

#[tokio::test]
async fn elsewhere_a_statement_leaves_no_trace() {
    for configuration in [Configuration::Open, Configuration::Protected, Configuration::SharedIds] {
        for statement in [trusted(&claims()), "garbage".to_owned()] {
            let client = stated(&server(set_up(configuration)), &statement).await.json();
            assert_eq!((&client["client_name"], client.get("software_statement")), (&json!("Plain"), None));
        }
    }
}

#[tokio::test]
async fn without_a_key_no_publisher_is_trusted() {
    let config = ServerConfig { statement_key: None, ..set_up(Configuration::Statement) };
    let answer = stated(&server(config), &trusted(&claims())).await;
    assert_eq!(answer.json()["error"], "unapproved_software_statement");
    assert!(TrustedKey::from_pem(STATEMENT_ISSUER, b"no key").is_err());
}

#[tokio::test]
async fn a_public_key_checks_es256() {
    // Of RFC 7515, appendix A.3; the private part is published there.
    let pem = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n\
        6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n\
        -----END PUBLIC KEY-----\n";
    let key = TrustedKey::from_pem("joe", pem.as_bytes()).unwrap();
    let statement = "eyJhbGciOiJFUzI1NiJ9.\
        eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
        DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let config = ServerConfig { statement_key: Some(key), ..set_up(Configuration::Statement) };
    let answer = stated(&server(config.clone()), statement).await.json();
    assert_eq!(answer["error_description"], "The software statement has expired.");
    let server = ReferenceServer::new(ServerConfig { clock: Clock::Fixed(1_300_000_000), ..config });
    assert_eq!(stated(&server, statement).await.status, 201);
}

#[tokio::test]
async fn a_public_key_checks_rs256() {
    // Made once for this test; the private part was thrown away.
    let pem = "-----BEGIN PUBLIC KEY-----\n\
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA3/zlWOQ7z7qakvxq3Uwv\n\
        pOka+ThSlyIIRCSxKkkgB6hcN3kT4wbHSxeDNOUjGcWxyMKkFryuOxRYa+kuOT9e\n\
        k4o1ffNzf8v9OGLexUATK/XU6kWwZz6hHMfBmCmstjjWBfEELfK/dutYEqJWErt+\n\
        MIcv7r00su5QqDjXZrAXi9Oq24h4+H+fXf6ibBKxWmvQlebEnz8O4DlhzaSaB7RW\n\
        0iMYCf/DFg6AHenmdREBA5ZY2bow/y53Mx03q/Y3TTT3cJ5Zkq/5pTMxbjDT5744\n\
        SK9jPpCZYHVDZDCkV8nba7RU8DQfUcLOmEhJWvV2xCYH3ZVNeaUVVye6NwflPMlX\n\
        5QIDAQAB\n\
        -----END PUBLIC KEY-----";
    let signature = "aEwR8iodB6QMYtUutRMAz6wc4PEgHt690_n8yMlhNxiELZMJN5B16WOYY3utPvqi9uMLVimPUoq0x2FfZudFse\
        GL09XKo1-DK9E4X01hTOfAceDdBhDkrplpyy_KfvPFUhDtjxmsn1iHtVbdft_wHp5_x9jo2uG6HZzwc1oLpUsQ\
        LXg_cAojihMi2t-osvYxE_hevtXp9yVG4HbNy3osEiFZTwLe5_bDWysuZ0DLyQslRqLR9dFNrqs4h8eNY7bBNg\
        4pg5RFP0sQttJK83H-DA902jEkIQznJd4u6Bec5tY8NiaCrh8kpV2G3jTUZT0ZZDrAa2qEqkQmabx6GMA9Ag";
    let key = TrustedKey::from_pem("joe", pem.as_bytes()).unwrap();
    let server = server(ServerConfig { statement_key: Some(key), ..set_up(Configuration::Statement) });
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    for (name, status) in [("Signed", 201), ("Altered", 400)] {
        let payload = part(&format!(r#"{{"iss":"joe","client_name":"{name}"}}"#));
        let statement = format!("{}.{payload}.{signature}", part(r#"{"alg":"RS256"}"#));
        assert_eq!(stated(&server, &statement).await.status, status, "{name}");
    }
}

#[tokio::test]
async fn defects_about_statements_show() {
    let statement = trusted(&claims());
    for (id, name, returned) in [
        ("plain-member-wins", json!("Plain"), json!(statement)),
        ("statement-dropped", json!("Signed"), json!(null)),
        ("statement-claims-hidden", json!(null), json!(statement)),
    ] {
        let client = stated(&faulty(id), &statement).await.json();
        assert_eq!((&client["client_name"], &client["software_statement"]), (&name, &returned), "{id}");
    }
    let rewritten = stated(&faulty("statement-rewritten"), &statement).await.json();
    assert!(rewritten["software_statement"].as_str().is_some_and(|text| text != statement));
    for (id, used) in [
        ("statement-signature-unchecked", forged()),
        ("statement-without-issuer-used", trusted(&without(claims(), "iss"))),
    ] {
        assert_eq!(stated(&faulty(id), &used).await.json()["client_name"], "Signed", "{id}");
    }
    for (id, statement, code) in [
        ("statement-invalid-code", forged(), "invalid_request"),
        ("statement-unapproved-code", of_a_stranger(), "invalid_token"),
    ] {
        assert_eq!(stated(&faulty(id), &statement).await.json()["error"], code, "{id}");
    }
}
