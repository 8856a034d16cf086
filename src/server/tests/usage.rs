use base64::{Engine, engine::general_purpose::STANDARD};
use url::form_urlencoded::Serializer;

use super::*;

/// The registered redirection URI of the base clients, and others like it.
pub(super) const REDIRECTS: [&str; 4] = [
    "https://client.example.org/callback",
    "https://client.example.org/callback/../evil",
    "https://client.example.org.attacker.example/callback",
    "https://attacker.example/",
];

async fn token_request(server: &ReferenceServer, basic: Option<String>, form: &[(&str, &str)]) -> Answer {
    let mut request = Request::post("/token").header("content-type", "application/x-www-form-urlencoded");
    if let Some(pair) = basic {
        request = request.header("authorization", format!("Basic {}", STANDARD.encode(pair)));
    }
    let body = Serializer::new(String::new()).extend_pairs(form).finish();
    send(server, request.body(body.into()).unwrap()).await
}

fn text(client: &Value, name: &str) -> String {
    client[name].as_str().unwrap_or_default().to_owned()
}

/// A token request by the registered method, with nonsense for a grant.
pub(super) async fn token(server: &ReferenceServer, client: &Value, grant: &str) -> Answer {
    let (id, secret) = (text(client, "client_id"), text(client, "client_secret"));
    let form = [("grant_type", grant), ("code", "x"), ("refresh_token", "x")];
    match client["token_endpoint_auth_method"].as_str() {
        Some("none") => token_request(server, None, &[&form[..], &[("client_id", &id)]].concat()).await,
        Some("client_secret_post") => {
            let credentials = [("client_id", id.as_str()), ("client_secret", secret.as_str())];
            token_request(server, None, &[&form[..], &credentials].concat()).await
        }
        _ => {
            let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            token_request(server, Some(format!("{}:{}", encode(&id), encode(&secret))), &form).await
        }
    }
}

/// A question about an access token, with the credentials of a client of client_secret_basic.
pub(super) async fn introspect(server: &ReferenceServer, asker: &Value, token: &str) -> Answer {
    let encode = |name: &str| url::form_urlencoded::byte_serialize(text(asker, name).as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", encode("client_id"), encode("client_secret")));
    let request = Request::post("/introspect")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", format!("Basic {pair}"));
    let body = Serializer::new(String::new()).append_pair("token", token).finish();
    send(server, request.body(body.into()).unwrap()).await
}

pub(super) async fn authorize(server: &ReferenceServer, client: &Value, redirect_uri: &str) -> Answer {
    let query = [
        ("response_type", "code"),
        ("client_id", client["client_id"].as_str().unwrap_or_default()),
        ("redirect_uri", redirect_uri),
        ("state", "a b"),
    ];
    authorize_with(server, &query).await
}

async fn authorize_with(server: &ReferenceServer, query: &[(&str, &str)]) -> Answer {
    let query = Serializer::new(String::new()).extend_pairs(query).finish();
    send(server, Request::get(format!("/authorize?{query}")).body(Body::empty()).unwrap()).await
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, text(&answer.json(), "error"))
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn the_token_endpoint_knows_clients_by_their_method() {
    let server = server(ServerConfig::open("https://as.example"));
    for method in ["none", "client_secret_basic", "client_secret_post"] {
        let client = post(&server, &with(confidential(), "token_endpoint_auth_method", json!(method))).await.json();
        for grant in ["authorization_code", "refresh_token"] {
            assert_eq!(code(&token(&server, &client, grant).await), refusal(400, "invalid_grant"), "{method}");
        }
        assert_eq!(code(&token(&server, &client, "client_credentials").await), refusal(400, "unauthorized_client"));
        assert_eq!(code(&token(&server, &client, "password").await), refusal(400, "unsupported_grant_type"));
        assert_eq!(code(&token(&server, &client, "implicit").await), refusal(400, "unsupported_grant_type"));
        for other in ["none", "client_secret_basic", "client_secret_post"]
            .into_iter()
            .filter(|m| *m != method && method != "none")
        {
            let changed = with(client.clone(), "token_endpoint_auth_method", json!(other));
            let answer = token(&server, &changed, "authorization_code").await;
            assert_eq!(code(&answer), refusal(401, "invalid_client"), "{method} {other}");
            assert_eq!(answer.headers["www-authenticate"], "Basic realm=\"token\"");
        }
        let wrong = with(client.clone(), "client_secret", json!("wrong"));
        let wanted = if method == "none" { refusal(400, "invalid_grant") } else { refusal(401, "invalid_client") };
        assert_eq!(code(&token(&server, &wrong, "authorization_code").await), wanted);
        assert_eq!(
            configuration_request(&server, "DELETE", &client, Some(&text(&client, "registration_access_token")))
                .await
                .status,
            204
        );
        assert_eq!(code(&token(&server, &client, "authorization_code").await), refusal(401, "invalid_client"));
    }
}

#[tokio::test]
async fn client_credentials_are_answered_with_a_token() {
    let server = server(ServerConfig::open("https://as.example"));
    let metadata = json!({ "grant_types": ["client_credentials"], "response_types": [], "scope": "read write" });
    let client = post(&server, &metadata).await.json();
    let answer = token(&server, &client, "client_credentials").await;
    assert_eq!((answer.status, answer.headers["cache-control"].to_str().unwrap()), (200, "no-store"));
    let issued = answer.json();
    assert!(issued["access_token"].is_string() && issued["token_type"] == "Bearer" && issued["scope"] == "read write");
    assert_eq!(code(&token(&server, &client, "authorization_code").await), refusal(400, "unauthorized_client"));
    let pair = format!("{}:{}", text(&client, "client_id"), text(&client, "client_secret"));
    for (scope, wanted) in [("read", 200), ("read admin", 400)] {
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        assert_eq!(token_request(&server, Some(pair.clone()), &form).await.status, wanted);
    }
}

#[tokio::test]
async fn the_token_endpoint_wants_a_proper_form() {
    let server = server(ServerConfig::open("https://as.example"));
    let client = post(&server, &bare()).await.json();
    let (id, secret) = (text(&client, "client_id"), text(&client, "client_secret"));
    let pair = || Some(format!("{id}:{secret}"));
    let grant = ("grant_type", "authorization_code");
    for form in [
        vec![],
        vec![("grant_type", "")],
        vec![grant],
        vec![grant, grant],
        vec![grant, ("client_secret", secret.as_str())],
        vec![grant, ("client_id", "other")],
    ] {
        assert_eq!(code(&token_request(&server, pair(), &form).await), refusal(400, "invalid_request"), "{form:?}");
    }
    assert_eq!(code(&token_request(&server, None, &[grant]).await), refusal(401, "invalid_client"));
    assert_eq!(code(&token_request(&server, Some("no colon".into()), &[grant]).await), refusal(401, "invalid_client"));
    let json = Request::post("/token").header("content-type", "application/json").body(Body::from("{}")).unwrap();
    assert_eq!(code(&send(&server, json).await), refusal(400, "invalid_request"));
}

#[tokio::test]
async fn the_authorization_endpoint_redirects_to_registered_uris_alone() {
    let server = server(ServerConfig::open("https://as.example"));
    let client = post(&server, &bare()).await.json();
    for (uri, status) in REDIRECTS.into_iter().zip([302, 400, 400, 400]) {
        let answer = authorize(&server, &client, uri).await;
        assert_eq!(answer.status, status, "{uri}");
        let location = answer.headers.get("location").map(|value| value.to_str().unwrap());
        let wanted = format!("{uri}?error=access_denied&state=a+b");
        assert_eq!(location, (status == 302).then_some(wanted.as_str()));
        if status == 400 {
            assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
        }
    }
    let id = text(&client, "client_id");
    let known = ("client_id", id.as_str());
    for (query, wanted) in [
        (vec![known], Some("?error=invalid_request")),
        (vec![known, ("response_type", "id_token")], Some("?error=unsupported_response_type")),
        (vec![known, ("response_type", "token")], Some("#error=unauthorized_client")),
        (vec![known, known], None),
        (vec![("client_id", "unknown"), ("redirect_uri", REDIRECTS[0])], None),
        (vec![("redirect_uri", REDIRECTS[0])], None),
    ] {
        let answer = authorize_with(&server, &query).await;
        let location = answer.headers.get("location").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(location, wanted.map(|rest| format!("{}{rest}", REDIRECTS[0])), "{query:?}");
        assert_eq!(answer.status, if wanted.is_some() { 302 } else { 400 });
    }
    let two = with(bare(), "redirect_uris", json!(["https://a.example/cb?x=1", "https://b.example/cb"]));
    let two = post(&server, &two).await.json();
    assert_eq!(authorize_with(&server, &[("client_id", &text(&two, "client_id"))]).await.status, 400);
    let answer = authorize(&server, &two, "https://a.example/cb?x=1").await;
    assert_eq!(answer.headers["location"], "https://a.example/cb?x=1&error=access_denied&state=a+b");
}

#[tokio::test]
async fn a_loopback_uri_fits_with_any_port() {
    let server = server(ServerConfig::open("https://as.example"));
    let client = post(&server, &public()).await.json();
    for (uri, status) in [
        ("http://127.0.0.1:33418/callback", 302),
        ("http://127.0.0.1:50000/callback", 302),
        ("http://127.0.0.1/callback", 302),
        ("http://127.0.0.1:50000/other", 400),
        ("http://127.0.0.1:50000/callback?x=1", 400),
        ("http://127.0.0.1:50000/callback#x", 400),
        ("http://127.0.0.1:99999/callback", 400),
        ("http://x@127.0.0.1:50000/callback", 400),
        ("http://127.0.0.2:33418/callback", 400),
        ("http://localhost:33418/callback", 400),
        ("https://127.0.0.1:33418/callback", 400),
    ] {
        assert_eq!(authorize(&server, &client, uri).await.status, status, "{uri}");
    }
}

#[tokio::test]
async fn instances_share_the_identifier_and_nothing_else() {
    let server = server(ServerConfig::shared_ids("https://as.example"));
    let first = post(&server, &confidential()).await.json();
    let mut reversed: Vec<_> = confidential().as_object().unwrap().clone().into_iter().collect();
    reversed.reverse();
    let second = post(&server, &Value::Object(reversed.into_iter().collect())).await.json();
    let other = post(&server, &bare()).await.json();
    assert_eq!(first["client_id"], second["client_id"]);
    assert_ne!(first["client_id"], other["client_id"]);
    for name in ["client_secret", "registration_access_token"] {
        assert_ne!(first[name], second[name]);
    }
    for client in [&first, &second] {
        assert_eq!(&read(&server, client).await.json(), client);
        assert_eq!(code(&token(&server, client, "authorization_code").await), refusal(400, "invalid_grant"));
        assert_eq!(authorize(&server, client, REDIRECTS[0]).await.status, 302);
    }
    let token = text(&first, "registration_access_token");
    assert_eq!(configuration_request(&server, "DELETE", &first, Some(&token)).await.status, 204);
    assert_eq!(read(&server, &second).await.status, 401);
    assert_eq!(server.client_count(), 1);

    let faulty = faulty("secret-per-client-id");
    let (first, second) = (post(&faulty, &bare()).await.json(), post(&faulty, &bare()).await.json());
    assert_eq!((&first["client_id"], &first["client_secret"]), (&second["client_id"], &second["client_secret"]));
}
