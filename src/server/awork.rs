//! What awork's public documentation says of its client applications: where they are registered, listed and deleted, with which
//! members, and within which limits.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{any, get};
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

use super::defects::{Fault, Faults};
use super::issue::Client;
use super::respond::{self, Cause, Refusal};
use super::{BODY_LIMIT, ReferenceServer, body, not_allowed, registration};

pub(super) const REGISTRATION_PATH: &str = "/api/v1/clientapplications/register";
const LIST_PATH: &str = "/api/v1/clientapplications";
const CLIENT_PATH: &str = "/api/v1/clientapplications/{id}";

/// The documented number of requests a minute.
pub(super) const LIMIT: u32 = 1000;

const MINUTE: Duration = Duration::from_secs(60);

/// The documented members of the request, which the answer has as well.
pub(super) const MEMBERS: [&str; 14] = [
    "redirect_uris",
    "client_name",
    "token_endpoint_auth_method",
    "grant_types",
    "response_types",
    "scope",
    "application_type",
    "contacts",
    "logo_uri",
    "client_uri",
    "policy_uri",
    "tos_uri",
    "software_id",
    "software_version",
];

/// Registration and administration, with the limits on every answer.
pub(super) fn router(server: &ReferenceServer) -> Router<ReferenceServer> {
    Router::new()
        .route(REGISTRATION_PATH, any(registration))
        .route(LIST_PATH, get(list))
        .route(CLIENT_PATH, any(one))
        .layer(from_fn_with_state(server.clone(), limited))
}

/// The identifiers in the documentation begin with `dcr_`.
pub(super) fn name(client: &mut Client) {
    client.handle = format!("dcr_{}", client.handle);
    if let Value::String(id) = &client.client_id {
        client.client_id = json!(format!("dcr_{id}"));
    }
}

/// What a registration is refused for here and nowhere else; only defects lead to it.
pub(super) fn check(request: &Map<String, Value>, faults: &Faults) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::new(Cause::Metadata, why));
    if faults.has(Fault::AworkNameRequired) && !request.contains_key("client_name") {
        return refused("client_name is needed.");
    }
    if faults.has(Fault::AworkNullRefused) && request.values().any(Value::is_null) {
        return refused("A member is null.");
    }
    if faults.has(Fault::AworkPublicRefused) && request.get("token_endpoint_auth_method") == Some(&json!("none")) {
        return refused("A client has to authenticate.");
    }
    Ok(())
}

/// The answer to a registration: the documented members, and nothing of RFC 7592.
pub(super) fn shape(document: &mut Map<String, Value>, nulls: bool, faults: &Faults) {
    document.shift_remove("registration_access_token");
    document.shift_remove("registration_client_uri");
    if faults.has(Fault::AworkApplicationTypeDropped) {
        document.shift_remove("application_type");
    }
    if faults.has(Fault::AworkOfflineAccessDropped)
        && let Some(Value::String(scope)) = document.get_mut("scope")
    {
        *scope = scope.split(' ').filter(|word| *word != "offline_access").collect::<Vec<_>>().join(" ");
    }
    if faults.has(Fault::AworkApplicationTypeList)
        && let Some(kind) = document.get_mut("application_type")
    {
        *kind = json!([*kind]);
    }
    if faults.has(Fault::AworkTimesFraction)
        && let Some(issued) = document.get("client_id_issued_at").and_then(Value::as_i64)
    {
        document.insert("client_id_issued_at".into(), json!(issued as f64 - 0.5));
        if let Some(expiry) = document.get_mut("client_secret_expires_at") {
            *expiry = json!(issued as f64 + 86_400.5);
        }
    }
    if nulls || faults.has(Fault::AworkMembersNull) {
        for name in MEMBERS {
            if !document.contains_key(name) {
                document.insert(name.into(), Value::Null);
            }
        }
    }
}

/// What the administration shows of a client: no secret, and an `id` by which it is asked for.
fn shown(client: &Client) -> Value {
    let mut document = client.metadata.clone();
    document.insert("id".into(), json!(client.handle));
    document.insert("client_id".into(), client.client_id.clone());
    document.insert("client_id_issued_at".into(), client.issued_at.clone());
    Value::Object(document)
}

async fn list(State(server): State<ReferenceServer>, headers: HeaderMap) -> Response {
    if let Some(response) = server.refuse_token(&headers) {
        return response;
    }
    let clients: Vec<Value> = server.lock().store.clients().map(|client| shown(client)).collect();
    respond::document(&json!(clients))
}

async fn one(State(server): State<ReferenceServer>, Path(id): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(response) = server.refuse_token(&parts.headers) {
        return response;
    }
    let Some(client) = server.lock().store.by_handle(&id).into_iter().next() else {
        return respond::empty(StatusCode::NOT_FOUND);
    };
    match parts.method {
        Method::GET | Method::HEAD => respond::document(&shown(&client)),
        Method::DELETE => {
            server.lock().store.remove(&id);
            respond::empty(StatusCode::NO_CONTENT)
        }
        Method::PUT => {
            let Ok(bytes) = axum::body::to_bytes(body, BODY_LIMIT).await else {
                return server.refuse(&Refusal::new(Cause::TooLarge, "The body is too long."), None);
            };
            let changed =
                body::parse(&bytes, server.faults()).and_then(|request| server.checked(&request, server.faults()));
            match changed {
                Ok(metadata) => {
                    let next = Client { metadata, ..Client::clone(&client) };
                    let next = server.lock().store.replace(&client, next);
                    respond::document(&shown(&next))
                }
                Err(refusal) => server.refuse(&refusal, None),
            }
        }
        _ => not_allowed("GET, HEAD, PUT, DELETE"),
    }
}

/// Counts the requests of one minute after the other.
pub(super) struct Window {
    limit: u32,
    state: Mutex<(Instant, u32)>,
}

/// What is left of a minute.
struct Left {
    remaining: u32,
    /// Whole seconds, rounded up, until the next minute begins.
    reset: u64,
    refused: bool,
}

impl Window {
    pub(super) fn new(limit: u32) -> Self {
        Self { limit, state: Mutex::new((Instant::now(), 0)) }
    }

    fn take(&self) -> Left {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if now.duration_since(state.0) >= MINUTE {
            *state = (now, 0);
        }
        let refused = state.1 >= self.limit;
        state.1 += u32::from(!refused);
        let rest = MINUTE.saturating_sub(now.duration_since(state.0));
        Left { remaining: self.limit - state.1, reset: rest.as_secs() + u64::from(rest.subsec_nanos() > 0), refused }
    }
}

/// Says on every answer what is left, and refuses what goes beyond it.
async fn limited(State(server): State<ReferenceServer>, request: Request, next: Next) -> Response {
    let window = &server.0.window;
    let left = window.take();
    let mut response =
        if left.refused { respond::empty(StatusCode::TOO_MANY_REQUESTS) } else { next.run(request).await };
    let faults = server.faults();
    if faults.has(Fault::AworkLimitsSilent) {
        return response;
    }
    let reset = if faults.has(Fault::AworkResetEpoch) {
        server.0.config.clock.now().unsigned_abs() + left.reset
    } else {
        left.reset
    };
    let mut say = |name: &'static str, value: u64| {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from(value));
    };
    say("ratelimit-limit", window.limit.into());
    say("ratelimit-remaining", left.remaining.into());
    say("ratelimit-reset", reset);
    say("x-ratelimit-limit-minute", window.limit.into());
    say("x-ratelimit-remaining-minute", left.remaining.into());
    say("x-ratelimit-limit-second", window.limit.into());
    say("x-ratelimit-remaining-second", left.remaining.into());
    if left.refused {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(left.reset));
    }
    response
}
