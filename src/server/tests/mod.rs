use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;

mod clean;
mod faulty;
mod manage;
mod statements;
mod usage;

fn server(config: ServerConfig) -> ReferenceServer {
    ReferenceServer::new(ServerConfig { seed: Some(7), clock: Clock::Fixed(1_700_000_000), ..config })
}

fn faulty(id: &str) -> ReferenceServer {
    let defect = defect(id).unwrap();
    server(set_up(defect.configuration).with_defect(defect))
}

fn set_up(configuration: Configuration) -> ServerConfig {
    match configuration {
        Configuration::Open => ServerConfig::open("https://as.example"),
        Configuration::Protected => ServerConfig::protected("https://as.example", "initial"),
        Configuration::SharedIds => ServerConfig::shared_ids("https://as.example"),
        Configuration::Statement => ServerConfig::statement("https://as.example"),
        Configuration::Awork => ServerConfig { nulls: false, ..ServerConfig::awork("https://as.example", "initial") },
        other => ServerConfig::plain(other, "https://as.example"),
    }
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The body of a server that may write anything; null where it is no JSON.
    fn read_json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

async fn send(server: &ReferenceServer, request: Request<Body>) -> Answer {
    answer_of(server.router(), request).await
}

async fn answer_of(router: Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn post_as(server: &ReferenceServer, media_type: &str, body: impl Into<Body>) -> Answer {
    let request = Request::post(server.0.config.configuration.registration_path())
        .header("content-type", media_type)
        .header("authorization", "Bearer initial");
    send(server, request.body(body.into()).unwrap()).await
}

async fn post(server: &ReferenceServer, metadata: &Value) -> Answer {
    post_as(server, "application/json", metadata.to_string()).await
}

async fn configuration_request(server: &ReferenceServer, method: &str, client: &Value, token: Option<&str>) -> Answer {
    let uri = client["registration_client_uri"].as_str().unwrap();
    let mut request = Request::builder().method(method).uri(uri);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    send(server, request.body(Body::empty()).unwrap()).await
}

async fn read(server: &ReferenceServer, client: &Value) -> Answer {
    configuration_request(server, "GET", client, client["registration_access_token"].as_str()).await
}

fn confidential() -> Value {
    json!({
        "client_name": "Example \u{65e5}\u{672c}",
        "redirect_uris": ["https://client.example.org/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": "read write",
        "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        "software_version": "2.0",
    })
}

fn public() -> Value {
    json!({
        "client_name": "Native",
        "redirect_uris": ["http://127.0.0.1:33418/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    })
}

fn bare() -> Value {
    json!({ "redirect_uris": ["https://client.example.org/callback"] })
}

fn with(mut metadata: Value, name: &str, value: Value) -> Value {
    metadata.as_object_mut().unwrap().insert(name.into(), value);
    metadata
}
