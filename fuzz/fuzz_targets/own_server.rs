//! A target of a server of one's own, in ten lines. The handler has a planted bug, which a session finds with
//! `-- -len_control=0 -max_len=192`: it counts on `redirect_uris` being no object.
#![no_main]

use axum::{Router, http::StatusCode, response::IntoResponse, routing::post};
use serde_json::{Map, Value, json};

async fn register(body: bytes::Bytes) -> impl IntoResponse {
    let json = [("content-type", "application/json"), ("cache-control", "no-store"), ("pragma", "no-cache")];
    let refused = |code: &str| (StatusCode::BAD_REQUEST, json, json!({ "error": code }).to_string());
    let Ok(client) = serde_json::from_slice::<Map<String, Value>>(&body) else { return refused("invalid_client_metadata") };
    let uris = match client.get("redirect_uris") {
        Some(Value::Array(uris)) if !uris.is_empty() => uris.clone(),
        Some(Value::Object(_)) => return (StatusCode::INTERNAL_SERVER_ERROR, json, "{}".to_owned()),
        _ => return refused("invalid_redirect_uri"),
    };
    if uris.iter().any(|uri| uri != "https://client.example.org/callback") {
        return refused("invalid_redirect_uri");
    }
    let id = format!("{:032x}", std::collections::hash_map::RandomState::new().hash_one(&body));
    let answer = json!({
        "client_id": id, "redirect_uris": uris, "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code"], "response_types": ["code"],
    });
    (StatusCode::CREATED, json, answer.to_string())
}

use std::hash::BuildHasher;

dcrspec::libfuzzer_target!(Router::new().route("/register", post(register)), "/register");
