//! The token endpoint (RFC 6749, section 3.2), as far as it shows what a registration brought about: it issues no codes and no
//! refresh tokens, so that only `client_credentials` is answered with a token.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::defects::Fault;
use super::issue::Client;
use super::respond::{self, JSON};
use super::{ReferenceServer, metadata};

/// The longest request body that is read, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// The most access tokens that are remembered; then all are forgotten, which ends them.
const GRANTED: usize = 10_000;

/// How long a token is good for, in seconds. Nothing takes it.
const LIFETIME: u32 = 600;

/// An error code of RFC 6749, section 5.2, and what is wrong.
type TokenError = (&'static str, &'static str);

type Form = HashMap<String, String>;

pub(super) async fn token(State(server): State<ReferenceServer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return refused(("invalid_request", "The body is too long."));
    };
    answer(&server, &parts.headers, &bytes).unwrap_or_else(refused)
}

/// Whether an access token is good (RFC 7662, section 2): while its client is registered. Any client that authenticates may ask.
pub(super) async fn introspection(State(server): State<ReferenceServer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return refused(("invalid_request", "The body is too long."));
    };
    let asked = read_form(&parts.headers, &bytes).and_then(|form| {
        authenticate(&server, &parts.headers, &form)?;
        form.get("token").cloned().ok_or(("invalid_request", "token is missing."))
    });
    let token = match asked {
        Ok(token) => token,
        Err(error) => return refused(error),
    };
    let state = server.lock();
    let active = state.granted.get(&token).is_some_and(|client_id| {
        !state.store.by_id(client_id).is_empty() || server.faults().has(Fault::GrantsOutliveClient)
    });
    respond::document(&json!({ "active": active }))
}

fn answer(server: &ReferenceServer, headers: &HeaderMap, body: &[u8]) -> Result<Response, TokenError> {
    let form = read_form(headers, body)?;
    let client = authenticate(server, headers, &form)?;
    let needs = |name: &str| match form.contains_key(name) {
        true => Err(("invalid_grant", "The grant is not known here.")),
        false => Err(("invalid_request", "A parameter that the grant needs is missing.")),
    };
    let grant = form.get("grant_type").ok_or(("invalid_request", "grant_type is missing."))?;
    // The implicit grant is no business of this endpoint (RFC 6749, section 4.2).
    if grant == "implicit" || !metadata::GRANT_TYPES.contains(&grant.as_str()) {
        return Err(("unsupported_grant_type", "This server does not support the grant type."));
    }
    let unchecked = grant == "client_credentials" && server.faults().has(Fault::GrantsUnchecked);
    if !unchecked && !metadata::has(&client.metadata, "grant_types", grant) {
        return Err(("unauthorized_client", "The client is not registered for the grant type."));
    }
    match grant.as_str() {
        "authorization_code" => needs("code"),
        "refresh_token" => needs("refresh_token"),
        "client_credentials" => issue(server, &client, &form),
        "urn:ietf:params:oauth:grant-type:device_code" => needs("device_code"),
        _ => needs("assertion"),
    }
}

/// RFC 6749, section 3.2: no parameter twice, and one without a value counts as left out.
fn read_form(headers: &HeaderMap, body: &[u8]) -> Result<Form, TokenError> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(("invalid_request", "The request must be of the media type application/x-www-form-urlencoded."));
    }
    unique(body).ok_or(("invalid_request", "A parameter must not stand twice."))
}

/// Parameters in form encoding, those without a value left out; `None` when one of them stands twice.
pub(super) fn unique(encoded: &[u8]) -> Option<Form> {
    let mut form = Form::new();
    for (name, value) in url::form_urlencoded::parse(encoded) {
        if !value.is_empty() && form.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    Some(form)
}

/// The client, by the method that it is registered for (RFC 6749, section 2.3; RFC 7591, section 2).
fn authenticate(server: &ReferenceServer, headers: &HeaderMap, form: &Form) -> Result<Arc<Client>, TokenError> {
    const FAILED: TokenError =
        ("invalid_client", "The client is unknown, or did not authenticate as it registered to.");
    let (id, secret) = (form.get("client_id"), form.get("client_secret"));
    let (method, id, secret) = match (headers.get(AUTHORIZATION), id, secret) {
        (Some(_), _, Some(_)) => return Err(("invalid_request", "The client authenticates in two ways.")),
        (Some(value), id, None) => {
            let (user, password) = basic(value).ok_or(FAILED)?;
            if id.is_some_and(|id| *id != user) {
                return Err(("invalid_request", "There are two client_ids in the request."));
            }
            ("client_secret_basic", user, Some(password))
        }
        (None, Some(id), Some(secret)) => ("client_secret_post", id.clone(), Some(secret.clone())),
        (None, Some(id), None) => ("none", id.clone(), None),
        (None, None, _) => return Err(FAILED),
    };
    let faults = server.faults();
    if faults.has(Fault::TokenUnknownClient) || (method == "client_secret_post" && faults.has(Fault::PostAuthRefused)) {
        return Err(FAILED);
    }
    let fits = |client: &Arc<Client>| {
        let registered = client.metadata.get("token_endpoint_auth_method").and_then(Value::as_str);
        registered.unwrap_or("client_secret_basic") == method && (method == "none" || client.secret_text() == secret)
    };
    let state = server.lock();
    let mut instances = state.store.by_id(&id);
    if faults.has(Fault::DeletedAuthenticates) {
        instances.extend(state.gone.values().filter(|client| client.id_text() == id).cloned());
    }
    drop(state);
    instances.into_iter().find(fits).ok_or(FAILED)
}

/// The credentials of the scheme Basic; both are form-encoded before they are joined (RFC 6749, section 2.3.1).
fn basic(value: &HeaderValue) -> Option<(String, String)> {
    let (scheme, credentials) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (user, password) = pair.split_once(':')?;
    Some((form_decoded(user), form_decoded(password)))
}

fn form_decoded(text: &str) -> String {
    // As the value of a parameter; an ampersand that was not encoded would end it.
    let pair = format!("x={}", text.replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// A token for the client itself (RFC 6749, section 4.4.3), with no more scope than was registered.
fn issue(server: &ReferenceServer, client: &Client, form: &Form) -> Result<Response, TokenError> {
    let registered = client.metadata.get("scope").and_then(Value::as_str);
    let wanted = form.get("scope").map(String::as_str);
    let known = |value: &str| registered.is_some_and(|scope| scope.split(' ').any(|item| item == value));
    if wanted.is_some_and(|wanted| !wanted.split(' ').all(known)) {
        return Err(("invalid_scope", "The client is not registered for the scope."));
    }
    let mut answer = Map::new();
    let mut state = server.lock();
    let token = state.mint.secret();
    if state.granted.len() >= GRANTED {
        state.granted.clear();
    }
    state.granted.insert(token.clone(), client.id_text());
    drop(state);
    answer.insert("access_token".into(), json!(token));
    answer.insert("token_type".into(), json!("Bearer"));
    answer.insert("expires_in".into(), json!(LIFETIME));
    if let Some(scope) = wanted.or(registered) {
        answer.insert("scope".into(), json!(scope));
    }
    Ok(respond::document(&Value::Object(answer)))
}

/// The error response of RFC 6749, section 5.2.
fn refused((error, description): TokenError) -> Response {
    let body = json!({ "error": error, "error_description": description }).to_string();
    if error != "invalid_client" {
        return respond::response(StatusCode::BAD_REQUEST, JSON, body);
    }
    let mut response = respond::response(StatusCode::UNAUTHORIZED, JSON, body);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"token\""));
    response
}
