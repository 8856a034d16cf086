use super::*;

#[tokio::test]
async fn creates_the_base_clients() {
    for configuration in Configuration::ALL {
        let server = server(set_up(configuration));
        for metadata in [confidential(), public(), bare()] {
            let answer = post(&server, &metadata).await;
            assert_eq!(answer.status, 201);
            assert_eq!(answer.headers["content-type"], "application/json");
            assert_eq!(answer.headers["cache-control"], "no-store");
            assert_eq!(answer.headers["pragma"], "no-cache");
            assert_eq!(answer.headers["date"], "Tue, 14 Nov 2023 22:13:20 GMT");
            let client = answer.json();
            for (name, value) in metadata.as_object().unwrap() {
                assert_eq!(&client[name], value);
            }
            let method = client["token_endpoint_auth_method"].as_str().unwrap();
            assert_eq!(client.get("client_secret").is_some(), method != "none");
            assert_eq!(client.get("client_secret_expires_at").is_some(), method != "none");
            assert_eq!(client["client_id_issued_at"], 1_700_000_000);
            match configuration {
                // What those two do differently is tested with the configuration endpoint.
                Configuration::Rotating | Configuration::Forbidding => {}
                // There is no configuration endpoint.
                Configuration::Awork => assert!(client.get("registration_client_uri").is_none()),
                _ => assert_eq!(read(&server, &client).await.json(), client),
            }
        }
        assert_eq!(server.client_count(), 3);
    }
}

#[tokio::test]
async fn refuses_bad_metadata_with_the_defined_codes() {
    let server = server(ServerConfig::open("https://as.example"));
    let cases = [
        ("client_name", json!(["x"]), "invalid_client_metadata"),
        ("client_name#fr", json!(1), "invalid_client_metadata"),
        ("scope", json!(["a"]), "invalid_client_metadata"),
        ("scope", json!(""), "invalid_client_metadata"),
        ("grant_types", json!(["password"]), "invalid_client_metadata"),
        ("grant_types", json!(["client_credentials"]), "invalid_client_metadata"),
        ("response_types", json!([]), "invalid_client_metadata"),
        ("response_types", json!(["token"]), "invalid_client_metadata"),
        ("token_endpoint_auth_method", json!("private_key_jwt"), "invalid_client_metadata"),
        ("client_uri", json!("not a url"), "invalid_client_metadata"),
        ("logo_uri", json!("javascript:void(0)"), "invalid_client_metadata"),
        ("jwks", json!({ "keys": {} }), "invalid_client_metadata"),
        ("jwks", json!({ "keys": [{ "kty": "EC", "d": "x" }] }), "invalid_client_metadata"),
        ("jwks", json!("{}"), "invalid_client_metadata"),
        ("contacts", json!("a@example.org"), "invalid_client_metadata"),
        ("software_version", json!(2), "invalid_client_metadata"),
        ("software_statement", json!({}), "invalid_client_metadata"),
        ("redirect_uris", json!([]), "invalid_redirect_uri"),
        ("redirect_uris", json!(null), "invalid_redirect_uri"),
        ("redirect_uris", json!("https://client.example.org/cb"), "invalid_redirect_uri"),
        ("redirect_uris", json!(["https://client.example.org/cb", "https://\u{fc}.example/"]), "invalid_redirect_uri"),
    ];
    for (name, value, code) in cases {
        let answer = post(&server, &with(confidential(), name, value.clone())).await;
        assert_eq!(answer.status, 400, "{name}: {value}");
        assert_eq!(answer.json()["error"], code, "{name}: {value}");
        assert!(answer.json()["error_description"].as_str().is_some_and(str::is_ascii));
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    assert_eq!(server.client_count(), 0);
}

#[tokio::test]
async fn takes_one_json_object_and_nothing_else() {
    let server = server(ServerConfig::open("https://as.example"));
    let good = bare().to_string();
    let bodies =
        ["", "[]", "null", "\"x\"", "{", "{}{}", &format!("[{good}]"), &format!("{good}x"), &format!("\u{feff}{good}")];
    for body in bodies {
        let answer = post_as(&server, "application/json", body.to_owned()).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some("invalid_client_metadata")), "{body}");
    }
    assert_eq!(post_as(&server, "application/json", b"{\"client_name\":\"\xff\"}".to_vec()).await.status, 400);
    assert_eq!(post_as(&server, "application/json", "x".repeat(BODY_LIMIT + 1)).await.status, 413);
    for media_type in ["Application/JSON", "application/json;charset=UTF-8", "application/json; charset=\"utf-8\""] {
        assert_eq!(post_as(&server, media_type, good.clone()).await.status, 201, "{media_type}");
    }
    for media_type in
        ["text/plain", "application/json; charset=utf-16", "application/x-www-form-urlencoded", "application/jsonx"]
    {
        assert_eq!(post_as(&server, media_type, good.clone()).await.status, 415, "{media_type}");
    }
}

#[tokio::test]
async fn ignores_what_it_does_not_understand_or_assigns_itself() {
    let server = server(ServerConfig::open("https://as.example"));
    let mut metadata = with(confidential(), "x-unknown", json!({ "a": [null] }));
    for (name, value) in [
        ("client_name#ja-Jpan-JP", json!("\u{30af}")),
        ("client_name#", json!(1)),
        ("client_id", json!("mine")),
        ("client_secret", json!("mine")),
        ("client_id_issued_at", json!(1)),
        ("software_statement", json!("garbage")),
        ("tos_uri", json!(null)),
    ] {
        metadata = with(metadata, name, value);
    }
    let client = post(&server, &metadata).await.json();
    assert_eq!(client["client_name#ja-Jpan-JP"], "\u{30af}");
    assert!(client["client_id"] != "mine" && client["client_secret"] != "mine" && client["client_id_issued_at"] != 1);
    for absent in ["x-unknown", "client_name#", "software_statement", "tos_uri"] {
        assert!(client.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn derives_response_types_from_the_grants() {
    let server = server(ServerConfig::open("https://as.example"));
    for (grants, types) in [
        (json!(["implicit"]), json!(["token"])),
        (json!(["authorization_code", "implicit"]), json!(["code", "token"])),
        (json!(["client_credentials"]), json!([])),
    ] {
        let client = post(&server, &with(bare(), "grant_types", grants)).await.json();
        assert_eq!(client["response_types"], types);
    }
}

#[tokio::test]
async fn reads_and_deletes_with_the_token_of_the_client() {
    let server = server(ServerConfig::open("https://as.example"));
    let client = post(&server, &confidential()).await.json();
    let missing = configuration_request(&server, "GET", &client, None).await;
    assert_eq!(
        (missing.status, missing.headers["www-authenticate"].to_str().unwrap()),
        (401, "Bearer realm=\"registration\"")
    );
    let wrong = configuration_request(&server, "GET", &client, Some("wrong")).await;
    assert_eq!(wrong.status, 401);
    assert!(wrong.headers["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));
    assert_eq!(configuration_request(&server, "DELETE", &client, Some("wrong")).await.status, 401);
    let token = client["registration_access_token"].as_str();
    assert_eq!(configuration_request(&server, "DELETE", &client, token).await.status, 204);
    assert_eq!(read(&server, &client).await.status, 401);
    assert_eq!(server.client_count(), 0);
}

#[tokio::test]
async fn asks_for_the_initial_access_token() {
    let server = server(ServerConfig::protected("https://as.example", "other"));
    let refused = post(&server, &bare()).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.headers["www-authenticate"], "Bearer realm=\"registration\", error=\"invalid_token\"");
    let request = Request::post("/register").header("content-type", "application/json").body(Body::empty()).unwrap();
    let refused = send(&server, request).await;
    assert_eq!((refused.status, refused.body.len()), (401, 0));
}

#[tokio::test]
async fn publishes_metadata_and_knows_no_other_path() {
    let server = server(ServerConfig::open("https://as.example"));
    for (path, status) in [
        ("/.well-known/oauth-authorization-server", 200),
        ("/.well-known/openid-configuration", 404),
        ("/register", 405),
        ("/token", 405),
        ("/authorize", 400),
        ("/other", 404),
    ] {
        let answer = send(&server, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{path}");
        if status == 200 {
            assert_eq!(answer.json()["registration_endpoint"], "https://as.example/register");
            assert_eq!(answer.json()["authorization_endpoint"], "https://as.example/authorize");
            assert_eq!(answer.json()["token_endpoint"], "https://as.example/token");
        }
    }
}

#[tokio::test]
async fn a_seed_makes_runs_alike_and_clients_differ() {
    let run = async || {
        let server = server(ServerConfig::open("https://as.example"));
        (post(&server, &bare()).await.json(), post(&server, &bare()).await.json())
    };
    let (first, second) = run().await;
    assert_eq!((first.clone(), second.clone()), run().await);
    assert!(first["client_id"] != second["client_id"] && first["client_secret"] != second["client_secret"]);
    let unseeded = ReferenceServer::new(ServerConfig::open("https://as.example"));
    assert_ne!(post(&unseeded, &bare()).await.json()["client_id"], first["client_id"]);
}

#[tokio::test]
async fn plain_http_beside_tls_is_redirected_and_nothing_else() {
    let server = server(ServerConfig::tls("https://as.example"));
    for method in ["GET", "POST", "DELETE"] {
        let request = Request::builder().method(method).uri("/register?a=b").body(bare().to_string().into()).unwrap();
        let answer = answer_of(server.plaintext_router(), request).await;
        assert_eq!(
            (answer.status, &answer.headers["location"]),
            (308, &HeaderValue::from_static("https://as.example/register?a=b"))
        );
    }
    assert_eq!(server.client_count(), 0);
}
