use std::collections::HashSet;

use super::*;

#[tokio::test]
async fn every_defect_leaves_the_base_clients_creatable() {
    for defect in defects() {
        // This one is the refusal of the plain media type.
        let media_type =
            if defect.id == "json-needs-charset" { "application/json; charset=utf-8" } else { "application/json" };
        let server = faulty(defect.id);
        for metadata in [confidential(), public(), bare()] {
            // These refuse one of the three on purpose.
            if ["awork-public-refused", "awork-name-needed"].contains(&defect.id) && metadata != confidential() {
                continue;
            }
            let answer = post_as(&server, media_type, metadata.to_string()).await;
            let wanted = if defect.id == "created-as-200" { 200 } else { 201 };
            assert_eq!(answer.status, wanted, "{}", defect.id);
        }
    }
}

#[test]
fn defects_are_named_once_and_have_a_requirement() {
    let kebab =
        |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let mut ids = HashSet::new();
    let mut faults = HashSet::new();
    for found in defects() {
        assert!(kebab(found.id) && ids.insert(found.id), "{}", found.id);
        assert!(faults.insert((found.which, found.configuration)), "{}", found.id);
        assert!(["rfc7591-", "rfc7592-", "awork-"].iter().any(|f| found.requirement.starts_with(f)), "{}", found.id);
        assert!(found.says.ends_with('.'), "{}", found.id);
        assert!(found.also.iter().all(|(other, why)| *other != found.requirement && !why.is_empty()), "{}", found.id);
        assert_eq!(defect(found.id).map(|d| d.which), Some(found.which));
    }
}

#[tokio::test]
async fn defects_show() {
    let utf8 = post(&faulty("invalid-utf-8"), &confidential()).await;
    assert!(String::from_utf8(utf8.body).is_err());

    let escaped = r#"{"client_name":"\u65e5","redirect_uris":["https://client.example.org/cb"]}"#;
    let client = post_as(&faulty("escapes-kept"), "application/json", escaped).await.json();
    assert_eq!(client["client_name"], "\\u65e5");

    let reordered = r#"{"grant_types":["authorization_code"],"redirect_uris":["https://client.example.org/cb"]}"#;
    assert_eq!(post_as(&faulty("member-order-matters"), "application/json", reordered).await.status, 400);

    let uri = "/register?client_name=x&redirect_uris=https%3A%2F%2Fclient.example.org%2Fcb";
    let registered = send(&faulty("get-registers"), Request::get(uri).body(Body::empty()).unwrap()).await;
    assert_eq!(registered.status, 201);

    let replacing = faulty("same-second-replaces");
    let first = post(&replacing, &confidential()).await.json();
    let second = post(&replacing, &public()).await.json();
    assert_eq!((read(&replacing, &first).await.status, read(&replacing, &second).await.status), (401, 200));

    // {"alg":"none"} and {"client_name":"Stated"}
    let statement = "eyJhbGciOiJub25lIn0.eyJjbGllbnRfbmFtZSI6IlN0YXRlZCJ9.";
    let stated = with(confidential(), "software_statement", json!(statement));
    let client = post(&faulty("unsigned-statement-used"), &stated).await.json();
    assert_eq!((&client["client_name"], &client["software_statement"]), (&json!("Stated"), &json!(statement)));

    let splitting = with(bare(), "redirect_uris", json!(["https://a.example/cb https://b.example/cb"]));
    let client = post(&faulty("redirect-split"), &splitting).await.json();
    assert_eq!(client["redirect_uris"], json!(["https://a.example/cb", "https://b.example/cb"]));
    let client = post(&faulty("redirect-white-space"), &splitting).await.json();
    assert_eq!(client["redirect_uris"], splitting["redirect_uris"]);

    let bad = with(confidential(), "redirect_uris", json!(["https://\u{fc}.example/"]));
    let description = post(&faulty("description-quotes"), &bad).await.json()["error_description"].to_string();
    assert!(description.contains('\u{fc}') && description.contains('\u{65e5}'));

    let secret = post(&faulty("secret-hashed"), &confidential()).await.json()["client_secret"].to_string();
    assert!(secret.starts_with("\"$2b$12$") && secret.len() == 62);
}

/// Requests that between them bring every defect to light.
fn probes() -> Vec<(&'static str, String)> {
    let key = json!({ "kty": "EC", "crv": "P-256", "x": "AQ", "y": "Ag" });
    let jwks = json!({ "keys": [key] });
    let changes = [
        ("client_name", json!(["x"])),
        ("client_name#fr", json!("Nom")),
        ("client_uri", json!("https://client.example.org/")),
        ("client_uri", json!("not a url")),
        ("logo_uri", json!("javascript:void(0)")),
        ("contacts", json!(["a@example.org", "b@example.org"])),
        ("jwks", jwks.clone()),
        ("jwks", json!({ "keys": {} })),
        ("jwks", json!({ "keys": [with(key, "d", json!("Aw"))] })),
        ("x-unknown", json!("x")),
        ("x-unknown", json!({})),
        ("x-unknown", json!(null)),
        ("client_id", json!("mine")),
        ("client_secret", json!("mine")),
        ("client_id_issued_at", json!(1)),
        ("Client_Name", json!("Other")),
        ("scope", json!(1)),
        ("response_types", json!([])),
        ("redirect_uris", json!([])),
        ("redirect_uris", json!(["http://client.example.org/cb"])),
        ("redirect_uris", json!(["JavaScript:void(0)"])),
        ("redirect_uris", json!(["/cb"])),
        ("redirect_uris", json!(["https://a.example/cb https://b.example/cb"])),
        ("redirect_uris", json!(["https://a.example/cb#x"])),
        ("token_endpoint_auth_method", json!("client_secret_post")),
        ("software_statement", json!("eyJhbGciOiJub25lIn0.eyJjbGllbnRfbmFtZSI6IlN0YXRlZCJ9.")),
    ];
    let mut bodies: Vec<String> = vec![confidential().to_string(), public().to_string(), bare().to_string()];
    bodies.extend(changes.into_iter().map(|(name, value)| with(confidential(), name, value).to_string()));
    let both = with(confidential(), "jwks_uri", json!("https://client.example.org/jwks"));
    bodies.push(with(both, "jwks", jwks).to_string());
    bodies.push("1".to_owned());
    bodies.push(format!("[{}]", bare()));
    bodies.push(r#"{"client_name":"\u65e5","redirect_uris":["https://a.example/cb"]}"#.to_owned());
    bodies.push(r#"{"grant_types":["authorization_code"],"redirect_uris":["https://a.example/cb"]}"#.to_owned());
    let mut probes: Vec<(&str, String)> = bodies.into_iter().map(|body| ("application/json", body)).collect();
    probes.push(("Application/JSON", bare().to_string()));
    probes.push(("application/json; charset=utf-8", bare().to_string()));
    probes
}

/// Everything that a server answers to the probes, and to reads of the clients it made.
async fn behaviour(server: &ReferenceServer) -> Vec<String> {
    let shown = |answer: &Answer| {
        let body = String::from_utf8_lossy(&answer.body);
        format!("{} {:?} {body}", answer.status, answer.headers)
    };
    let mut seen = Vec::new();
    let mut clients = Vec::new();
    for (media_type, body) in probes() {
        let answer = post_as(server, media_type, body).await;
        seen.push(shown(&answer));
        clients.extend(serde_json::from_slice::<Value>(&answer.body).ok());
    }
    for statement in statements::probes() {
        seen.push(shown(&post(server, &with(bare(), "software_statement", json!(statement))).await));
    }
    for client in clients.iter().filter(|client| client["client_id"].is_string()) {
        for grant in ["authorization_code", "client_credentials"] {
            seen.push(shown(&usage::token(server, client, grant).await));
        }
        for uri in usage::REDIRECTS {
            seen.push(shown(&usage::authorize(server, client, uri).await));
        }
    }
    for client in clients.iter().filter(|client| client["registration_client_uri"].is_string()) {
        seen.push(shown(&read(server, client).await));
    }
    seen.extend(manage::life(server).await.iter().map(shown));
    let bare_post = || Request::post("/register").header("authorization", "Bearer initial");
    let untyped = bare_post().body(bare().to_string().into()).unwrap();
    seen.push(shown(&send(server, untyped).await));
    let chunked = bare_post().header("content-type", "application/json").header("transfer-encoding", "chunked");
    seen.push(shown(&send(server, chunked.body(bare().to_string().into()).unwrap()).await));
    let plaintext = bare_post().header("content-type", "application/json").body(bare().to_string().into()).unwrap();
    seen.push(shown(&answer_of(server.plaintext_router(), plaintext).await));
    let uri = "/register?client_name=x&redirect_uris=https%3A%2F%2Fclient.example.org%2Fcb";
    for token in ["initial", "wrong"] {
        let get = Request::get(uri).header("authorization", format!("Bearer {token}"));
        seen.push(shown(&send(server, get.body(Body::empty()).unwrap()).await));
        let post = Request::post("/register").header("content-type", "application/json");
        let post = post.header("authorization", format!("Bearer {token}"));
        seen.push(shown(&send(server, post.body(bare().to_string().into()).unwrap()).await));
    }
    seen
}

#[tokio::test]
async fn every_defect_shows() {
    // The ways of awork's are other ones; that each of its defects shows is said by the self-test.
    for configuration in Configuration::ALL.into_iter().filter(|c| c.vendor().is_none()) {
        let clean = behaviour(&server(set_up(configuration))).await;
        for defect in defects().iter().filter(|defect| defect.configuration == configuration) {
            assert!(behaviour(&faulty(defect.id)).await != clean, "{} does not show", defect.id);
        }
    }
}
