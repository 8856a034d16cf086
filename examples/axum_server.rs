//! Holds an `axum` server against the suites without a socket, as a unit test would: `cargo run --example axum_server`.
//!
//! The server below registers whatever it is sent, as a first version does, and hears what is wrong with that.

use axum::{Router, http::StatusCode, response::IntoResponse, routing::post};
use dcrspec::{Conformance, ConformanceError, report, spec::Catalogue};
use serde_json::{Map, Value, json};

async fn register(body: String) -> impl IntoResponse {
    use std::sync::atomic::{AtomicU32, Ordering};
    static CLIENTS: AtomicU32 = AtomicU32::new(1);
    let json = [("content-type", "application/json"), ("cache-control", "no-store")];
    let Ok(mut client) = serde_json::from_str::<Map<String, Value>>(&body) else {
        return (StatusCode::BAD_REQUEST, json, json!({"error": "invalid_client_metadata"}).to_string());
    };
    let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
    client.insert("client_id".into(), json!(format!("client-{number}")));
    if client.get("token_endpoint_auth_method") != Some(&json!("none")) {
        // No client_secret_expires_at, and a secret that can be guessed, or that the client may choose.
        client.entry("client_secret").or_insert_with(|| json!(format!("secret-{number}")));
    }
    (StatusCode::CREATED, json, Value::Object(client).to_string())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), ConformanceError> {
    let conformed = Conformance::new(Router::new().route("/register", post(register))).run().await?;
    print!("{}", report::terminal(conformed.report(), report::Style::default(), Catalogue::embedded()));

    // A test ends with `conformed.assert_clean()`. Here it is the findings that are wanted.
    let broken: Vec<&str> = conformed.findings().iter().map(|f| f.requirement.as_str()).collect();
    assert!(broken.contains(&"rfc7591-3.2.1-client-secret-expires-at"));
    assert!(broken.contains(&"rfc7591-3.1-server-assigned-members"));
    Ok(())
}
