//! The ladder: metadata that real servers accept, tried in turn until one of each kind is registered.
//!
//! Servers differ: some take only loopback redirect URIs on http, some only https, some insist on both grants, on a
//! scope or on application_type.

use serde_json::{Map, Value, json};

/// One attempt.
#[derive(Clone, Debug)]
pub struct Rung {
    pub name: &'static str,
    pub metadata: Map<String, Value>,
}

fn rung(name: &'static str, metadata: Value) -> Rung {
    let Value::Object(metadata) = metadata else { unreachable!("rungs are written as objects") };
    Rung { name, metadata }
}

fn with(base: &Rung, name: &'static str, changes: Value) -> Rung {
    let mut metadata = base.metadata.clone();
    if let Value::Object(changes) = changes {
        metadata.extend(changes);
    }
    Rung { name, metadata }
}

/// Public clients, as MCP clients send them: a loopback redirect URI and no secret.
pub fn public_rungs(scope: &str) -> Vec<Rung> {
    let native = rung(
        "public native client",
        json!({
            "client_name": "dcrspec test client",
            "redirect_uris": ["http://127.0.0.1:33418/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }),
    );
    vec![
        native.clone(),
        with(&native, "public native client that says so", json!({"application_type": "native"})),
        with(&native, "public web client", json!({"redirect_uris": ["https://client.example.org/callback"]})),
        with(&native, "public native client with a scope", json!({"scope": scope})),
        with(&native, "public native client with one grant", json!({"grant_types": ["authorization_code"]})),
    ]
}

/// Confidential web clients with a secret.
pub fn confidential_rungs(scope: &str) -> Vec<Rung> {
    let web = rung(
        "confidential web client",
        json!({
            "client_name": "dcrspec test client",
            "redirect_uris": ["https://client.example.org/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
        }),
    );
    vec![
        web.clone(),
        with(
            &web,
            "confidential client with client_secret_post",
            json!({"token_endpoint_auth_method": "client_secret_post"}),
        ),
        with(&web, "confidential web client with a scope", json!({"scope": scope})),
        with(&web, "confidential web client that says so", json!({"application_type": "web"})),
        with(&web, "confidential client with one grant", json!({"grant_types": ["authorization_code"]})),
        with(&web, "confidential loopback client", json!({"redirect_uris": ["http://127.0.0.1:33418/callback"]})),
    ]
}

/// The least that RFC 7591 asks for.
pub fn smallest_rungs() -> Vec<Rung> {
    vec![
        rung("nothing but an https redirect URI", json!({"redirect_uris": ["https://client.example.org/callback"]})),
        rung("nothing but a loopback redirect URI", json!({"redirect_uris": ["http://127.0.0.1:33418/callback"]})),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rung_keeps_the_request_schema() {
        let text = crate::judge::SCHEMAS[0].1;
        let schema = crate::judge::compile(&serde_json::from_str(text).unwrap()).unwrap();
        let rungs = [public_rungs("openid"), confidential_rungs("openid"), smallest_rungs()].concat();
        for rung in rungs {
            assert!(schema.is_valid(&Value::Object(rung.metadata)), "{}", rung.name);
        }
    }
}
