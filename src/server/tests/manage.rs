use super::*;

/// A request to a client's configuration endpoint with a JSON body.
pub(super) async fn put(server: &ReferenceServer, client: &Value, token: &str, document: &Value) -> Answer {
    let request = Request::put(client["registration_client_uri"].as_str().unwrap())
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {token}"));
    send(server, request.body(document.to_string().into()).unwrap()).await
}

fn own(client: &Value) -> &str {
    client["registration_access_token"].as_str().unwrap()
}

/// What an update holds of a document (RFC 7592, section 2.2).
fn document(client: &Value) -> Value {
    let mut document = client.clone();
    for name in [
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
        "client_secret",
    ] {
        document.as_object_mut().unwrap().shift_remove(name);
    }
    document
}

/// A client that is given tokens for itself.
fn granted_client() -> Value {
    with(with(confidential(), "grant_types", json!(["client_credentials"])), "response_types", json!([]))
}

/// Everything that can be asked of two clients and after their end, for the defects that show there.
pub(super) async fn life(server: &ReferenceServer) -> Vec<Answer> {
    let mut seen = Vec::new();
    let mut newest = post(server, &with(confidential(), "contacts", json!(["a@example.org"]))).await.read_json();
    let other = post(server, &with(confidential(), "client_name", json!("Other"))).await.read_json();
    if !newest["registration_client_uri"].is_string() || !newest["registration_access_token"].is_string() {
        return seen;
    }
    let first = own(&newest).to_owned();
    for token in [None, Some("initial"), Some(own(&other)), Some(&first[..first.len() - 4])] {
        seen.push(configuration_request(server, "GET", &newest, token).await);
    }
    seen.push(configuration_request(server, "PATCH", &newest, Some(&first)).await);
    let mut documents = vec![document(&newest)];
    for (name, value) in [
        ("client_name", json!("New")),
        ("contacts", json!(["b@example.org"])),
        ("contacts", json!(null)),
        ("client_id", other["client_id"].clone()),
        ("client_secret", json!("mine")),
        ("client_secret", newest["client_secret"].clone()),
        ("client_id_issued_at", json!(1)),
        ("dcrspec-x", json!(1)),
        ("redirect_uris", json!(["http://client.example.org/cb"])),
        ("grant_types", json!(7)),
    ] {
        documents.push(with(document(&newest), name, value));
    }
    let half = with(document(&newest), "client_name", json!("Half"));
    documents.push(with(half, "grant_types", json!(7)));
    let mut shorter = document(&newest);
    shorter.as_object_mut().unwrap().shift_remove("contacts");
    documents.push(shorter);
    for document in documents {
        for reads in [false, true] {
            let answer = match reads {
                false => put(server, &newest, own(&newest), &document).await,
                true => read(server, &newest).await,
            };
            let shown = answer.read_json();
            if shown["registration_access_token"].is_string() && shown["client_id"] == newest["client_id"] {
                newest = with(newest, "registration_access_token", shown["registration_access_token"].clone());
                newest = with(newest, "client_secret", shown["client_secret"].clone());
            }
            seen.push(answer);
        }
    }
    seen.push(configuration_request(server, "GET", &newest, Some(&first)).await);
    seen.push(usage::token(server, &newest, "authorization_code").await);
    seen.push(put(server, &other, "wrong", &document(&other)).await);
    let grantee = post(server, &granted_client()).await.read_json();
    let granted = usage::token(server, &grantee, "client_credentials").await;
    seen.push(configuration_request(server, "DELETE", &newest, Some(own(&newest))).await);
    for token in [own(&newest), &first] {
        seen.push(configuration_request(server, "GET", &newest, Some(token)).await);
    }
    seen.push(usage::token(server, &newest, "authorization_code").await);
    seen.push(usage::authorize(server, &newest, usage::REDIRECTS[0]).await);
    if grantee["registration_client_uri"].is_string() {
        configuration_request(server, "DELETE", &grantee, grantee["registration_access_token"].as_str()).await;
    }
    if let Ok(answer) = serde_json::from_slice::<Value>(&granted.body) {
        seen.push(usage::introspect(server, &other, answer["access_token"].as_str().unwrap_or_default()).await);
    }
    seen.push(configuration_request(server, "DELETE", &other, Some("wrong")).await);
    seen
}

#[tokio::test]
async fn an_update_replaces_the_metadata_and_keeps_the_credentials() {
    let server = server(ServerConfig::open("https://as.example"));
    let client = post(&server, &with(confidential(), "contacts", json!(["a@example.org"]))).await.json();
    let mut wanted = with(document(&client), "client_name", json!("New"));
    wanted.as_object_mut().unwrap().shift_remove("contacts");
    let answer = put(&server, &client, own(&client), &wanted).await;
    assert_eq!(answer.status, 200);
    let updated = answer.json();
    assert_eq!((&updated["client_name"], updated.get("contacts")), (&json!("New"), None));
    for name in ["client_id", "client_secret", "registration_access_token", "registration_client_uri"] {
        assert_eq!(updated[name], client[name], "{name}");
    }
    assert_eq!(read(&server, &client).await.json(), updated);
    assert_eq!(server.client_count(), 1);
}

#[tokio::test]
async fn an_update_is_refused_where_it_names_what_it_must_not() {
    let server = server(ServerConfig::open("https://as.example"));
    let client = post(&server, &confidential()).await.json();
    let before = read(&server, &client).await.json();
    for (name, value) in [
        ("client_id", json!("another")),
        ("client_id", json!(null)),
        ("client_secret", json!("mine")),
        ("client_id_issued_at", json!(1)),
        ("registration_access_token", json!("mine")),
        ("redirect_uris", json!(["http://client.example.org/cb"])),
        ("grant_types", json!("x")),
    ] {
        let answer = put(&server, &client, own(&client), &with(document(&client), name, value)).await;
        assert_eq!(answer.status, 400, "{name}");
        assert_eq!(read(&server, &client).await.json(), before, "{name}");
    }
    assert_eq!(put(&server, &client, "wrong", &document(&client)).await.status, 401);
    let with_secret = with(document(&client), "client_secret", client["client_secret"].clone());
    assert_eq!(put(&server, &client, own(&client), &with_secret).await.status, 200);
}

#[tokio::test]
async fn rotation_hands_out_new_credentials_and_ends_the_old_ones() {
    let server = server(ServerConfig::plain(Configuration::Rotating, "https://as.example"));
    let client = post(&server, &confidential()).await.json();
    let shown = read(&server, &client).await.json();
    assert_ne!(shown["registration_access_token"], client["registration_access_token"]);
    assert_ne!(shown["client_secret"], client["client_secret"]);
    assert_eq!(read(&server, &client).await.status, 401);
    let code = |answer: &Answer| answer.json()["error"].as_str().map(str::to_owned);
    assert_eq!(code(&usage::token(&server, &shown, "authorization_code").await).as_deref(), Some("invalid_grant"));
    assert_eq!(code(&usage::token(&server, &client, "authorization_code").await).as_deref(), Some("invalid_client"));
    assert_eq!(configuration_request(&server, "DELETE", &client, Some(own(&shown))).await.status, 204);
}

#[tokio::test]
async fn methods_are_as_the_configuration_says() {
    for (configuration, method, wanted) in [
        (Configuration::NoUpdate, "PUT", 405),
        (Configuration::NoDelete, "DELETE", 405),
        (Configuration::Forbidding, "DELETE", 403),
        (Configuration::Open, "PATCH", 405),
        (Configuration::Open, "POST", 405),
        (Configuration::OneUrl, "DELETE", 204),
    ] {
        let server = server(ServerConfig::plain(configuration, "https://as.example"));
        let client = post(&server, &confidential()).await.json();
        let answer = configuration_request(&server, method, &client, Some(own(&client))).await;
        assert_eq!(answer.status, wanted, "{configuration:?} {method}");
        assert_eq!(answer.headers.contains_key("allow"), wanted == 405);
        let one = client["registration_client_uri"] == "https://as.example/register";
        assert_eq!(one, configuration == Configuration::OneUrl);
    }
}

#[tokio::test]
async fn a_token_is_good_while_its_client_is_registered() {
    let server = server(ServerConfig::open("https://as.example"));
    let client = post(&server, &granted_client()).await.json();
    let asker = post(&server, &confidential()).await.json();
    let token = usage::token(&server, &client, "client_credentials").await.json();
    let token = token["access_token"].as_str().unwrap();
    assert_eq!(usage::introspect(&server, &asker, token).await.json(), json!({ "active": true }));
    assert_eq!(usage::introspect(&server, &asker, "other").await.json(), json!({ "active": false }));
    configuration_request(&server, "DELETE", &client, Some(own(&client))).await;
    assert_eq!(usage::introspect(&server, &asker, token).await.json(), json!({ "active": false }));
}
