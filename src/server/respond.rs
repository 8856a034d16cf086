//! What the reference server answers (RFC 7591, sections 3.2.1 and 3.2.2; RFC 7592, section 3).

use axum::body::Body;
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use super::defects::{Fault, Faults};
use super::issue::{Client, Mint};

pub(super) const JSON: &str = "application/json";

/// Why a registration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    MediaType,
    TooLarge,
    /// Not one JSON object.
    Body,
    Metadata,
    RedirectUri,
    /// A software statement that is broken in itself.
    StatementInvalid,
    /// A software statement that may be right, of a publisher or key that is not trusted.
    StatementUnapproved,
    /// An internal error; only defects lead to it.
    Crash,
}

/// A refusal, and what the client had sent.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) cause: Cause,
    /// ASCII, and nothing of the request is quoted in it.
    pub(super) description: String,
    /// For the defect that quotes it.
    pub(super) value: Option<Value>,
}

impl Refusal {
    pub(super) fn new(cause: Cause, description: &str) -> Self {
        Self { cause, description: description.to_owned(), value: None }
    }

    pub(super) fn quoting(cause: Cause, description: &str, value: &Value) -> Self {
        Self { value: Some(value.clone()), ..Self::new(cause, description) }
    }
}

/// A response with a body that no cache may keep.
pub(super) fn response(status: StatusCode, media_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// JSON text. By the serializer itself: by way of `Display` each character group passes a formatter.
fn written(value: &Value) -> String {
    serde_json::to_string(value).expect("a value can be written")
}

/// A JSON response with the status 200, for documents of any kind.
pub(super) fn document(value: &Value) -> Response {
    response(StatusCode::OK, JSON, written(value))
}

/// A response without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// How `registration_client_uri` is made.
pub(super) enum ConfigurationUrl {
    /// One below this URL for each client.
    Each(String),
    /// This one for all (RFC 7592, appendix B).
    One(String),
}

impl ConfigurationUrl {
    fn of(&self, client: &Client, faults: &Faults) -> String {
        match self {
            Self::Each(base) if faults.has(Fault::ConfigurationUriRelative) => {
                let path = base.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
                format!("{}/{}", path.unwrap_or_default(), client.handle)
            }
            Self::Each(base) if faults.has(Fault::ConfigurationUriPlaintext) => {
                format!("{}/{}", base.replacen("https://", "http://", 1), client.handle)
            }
            Self::Each(base) => format!("{base}/{}", client.handle),
            Self::One(url) => url.clone(),
        }
    }
}

/// The client information response to a read or an update (RFC 7592, section 3).
pub(super) fn managed(status: StatusCode, mut document: Map<String, Value>, faults: &Faults) -> Response {
    if faults.has(Fault::ManagedWithoutUri) {
        document.shift_remove("registration_client_uri");
    }
    if faults.has(Fault::ManagedWithoutToken) {
        document.shift_remove("registration_access_token");
    }
    if faults.has(Fault::ManagedWithoutSecret) {
        document.shift_remove("client_secret");
        document.shift_remove("client_secret_expires_at");
    }
    if faults.has(Fault::ManagedSecretMasked)
        && let Some(secret) = document.get_mut("client_secret")
    {
        *secret = json!("************");
    }
    if faults.has(Fault::ManagedWithoutExpiry) {
        document.shift_remove("client_secret_expires_at");
    }
    let media_type = if faults.has(Fault::ManagedHtml) { "text/html; charset=utf-8" } else { JSON };
    let mut response = response(status, media_type, written(&Value::Object(document)));
    if faults.has(Fault::ManagedCacheable) {
        response.headers_mut().remove(CACHE_CONTROL);
        response.headers_mut().remove(PRAGMA);
    }
    response
}

/// The client information of RFC 7591, section 3.2.1, with the two members of RFC 7592, section 3.
pub(super) fn client_information(client: &Client, url: &ConfigurationUrl, faults: &Faults) -> Map<String, Value> {
    let mut document = Map::new();
    document.insert("client_id".into(), client.client_id.clone());
    document.insert("client_id_issued_at".into(), client.issued_at.clone());
    if let Some(secret) = client.shown_secret.as_ref().or(client.secret.as_ref()) {
        document.insert("client_secret".into(), secret.clone());
    }
    if let Some(expiry) = &client.secret_expires_at {
        document.insert("client_secret_expires_at".into(), expiry.clone());
    }
    if !faults.has(Fault::TokenMissing) {
        document.insert("registration_access_token".into(), json!(client.access_token));
    }
    if !faults.has(Fault::ConfigurationUriMissing) {
        document.insert("registration_client_uri".into(), json!(url.of(client, faults)));
    }
    document.extend(client.metadata.clone());
    distort(&mut document, faults);
    document
}

/// The defects that give a registered member another type or spelling, in every response.
fn distort(document: &mut Map<String, Value>, faults: &Faults) {
    let mut change = |fault: Fault, name: &str, how: &dyn Fn(&Value) -> Value| {
        if faults.has(fault)
            && let Some(value) = document.get_mut(name)
        {
            *value = how(value);
        }
    };
    change(Fault::RedirectUrisSingle, "redirect_uris", &|uris| match uris.as_array().map(Vec::as_slice) {
        Some([only]) => only.clone(),
        _ => uris.clone(),
    });
    change(Fault::AuthMethodArray, "token_endpoint_auth_method", &|method| json!([method]));
    change(Fault::GrantTypesText, "grant_types", &|types| joined(types, " "));
    change(Fault::GrantTypesUpperCase, "grant_types", &|types| upper(types, "authorization_code"));
    change(Fault::ResponseTypesText, "response_types", &|types| joined(types, " "));
    change(Fault::ResponseTypesUpperCase, "response_types", &|types| upper(types, "code"));
    change(Fault::ClientUriRelative, "client_uri", &|_| json!("/about"));
    change(Fault::NameArray, "client_name", &|name| json!([name]));
    change(Fault::ClientUriObject, "client_uri", &|uri| json!({ "url": uri }));
    change(Fault::ScopeArray, "scope", &|scope| {
        json!(scope.as_str().unwrap_or_default().split(' ').collect::<Vec<_>>())
    });
    change(Fault::ScopeCommas, "scope", &|scope| json!(scope.as_str().unwrap_or_default().replace(' ', ",")));
    change(Fault::ContactsText, "contacts", &|contacts| joined(contacts, ", "));
    change(Fault::JwksText, "jwks", &|jwks| json!(jwks.to_string()));
    change(Fault::VersionNumber, "software_version", &|version| {
        let number = version.as_str().and_then(|text| serde_json::from_str::<serde_json::Number>(text).ok());
        number.map_or_else(|| version.clone(), Value::Number)
    });
    if faults.has(Fault::NameNull) && !document.contains_key("client_name") {
        document.insert("client_name".into(), Value::Null);
    }
    if faults.has(Fault::ClientUriNull) && !document.contains_key("client_uri") {
        document.insert("client_uri".into(), Value::Null);
    }
    if faults.has(Fault::RedirectUrisOmitted) {
        document.shift_remove("redirect_uris");
    }
    if faults.has(Fault::CamelCase)
        && let Some(types) = document.shift_remove("grant_types")
    {
        document.insert("grantTypes".into(), types);
    }
}

fn joined(items: &Value, separator: &str) -> Value {
    let items: Vec<&str> = items.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    json!(items.join(separator))
}

fn upper(items: &Value, which: &str) -> Value {
    let items = items.as_array().into_iter().flatten();
    items.map(|item| if item == which { json!(which.to_ascii_uppercase()) } else { item.clone() }).collect()
}

/// 201 with the client information (RFC 7591, section 3.2.1).
pub(super) fn created(mut document: Map<String, Value>, faults: &Faults) -> Response {
    if faults.has(Fault::ClientIdMissing) {
        document.shift_remove("client_id");
    }
    if faults.has(Fault::ScopeOmitted) {
        document.shift_remove("scope");
    }
    if faults.has(Fault::VariantsOmitted) {
        document.retain(|name, _| !name.contains('#'));
    }
    let status = if faults.has(Fault::Status200) { StatusCode::OK } else { StatusCode::CREATED };
    let media_type = if faults.has(Fault::SuccessHtml) {
        "text/html; charset=utf-8"
    } else if faults.has(Fault::SuccessHal) {
        "application/hal+json"
    } else {
        JSON
    };
    let mut response = response(status, media_type, encode(document, faults));
    if faults.has(Fault::CacheAllowed) {
        response.headers_mut().remove(CACHE_CONTROL);
        response.headers_mut().remove(PRAGMA);
    }
    response
}

/// The bytes of the success body.
fn encode(document: Map<String, Value>, faults: &Faults) -> Vec<u8> {
    let name = document.get("client_name").map(Value::to_string);
    let client_id = document.get("client_id").map(Value::to_string);
    let value = Value::Object(document);
    let text = if faults.has(Fault::SuccessNested) { written(&json!({ "data": value })) } else { written(&value) };
    if faults.has(Fault::ByteOrderMark) {
        return format!("\u{feff}{text}").into_bytes();
    }
    if faults.has(Fault::TrailingText) {
        return format!("{text}\nOK").into_bytes();
    }
    if faults.has(Fault::ClientIdTwice)
        && let (Some(id), Some(rest)) = (client_id, text.strip_prefix('{'))
    {
        return format!("{{\"client_id\":{id},{rest}").into_bytes();
    }
    if faults.has(Fault::InvalidUtf8)
        && let Some(name) = name
        && let Some(start) = text.find(&format!("\"client_name\":{name}"))
    {
        return cut_character(text, start, name.len());
    }
    text.into_bytes()
}

/// Cuts the last non-ASCII character of the client's name in two, as a limit in bytes does.
fn cut_character(text: String, start: usize, name_length: usize) -> Vec<u8> {
    let end = start + "\"client_name\":".len() + name_length;
    let mut bytes = text.into_bytes();
    if let Some(last) = (start..end).rev().find(|index| bytes.get(*index).is_some_and(|byte| !byte.is_ascii())) {
        bytes.remove(last);
    }
    bytes
}

/// 401 as RFC 6750, section 3, prescribes: the challenge names the error only when a token was presented.
pub(super) fn unauthorized(presented: bool, with_challenge: bool, with_error: bool) -> Response {
    let mut response = if presented {
        let body = json!({ "error": "invalid_token", "error_description": "The access token is not valid here." });
        response(StatusCode::UNAUTHORIZED, JSON, written(&body))
    } else {
        empty(StatusCode::UNAUTHORIZED)
    };
    if with_challenge {
        let challenge = if presented && with_error {
            "Bearer realm=\"registration\", error=\"invalid_token\""
        } else {
            "Bearer realm=\"registration\""
        };
        response.headers_mut().insert(http::header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    response
}

/// The error response of RFC 7591, section 3.2.2. `client_name` is what the request held under that name, for the defect that
/// quotes it.
pub(super) fn refused(refusal: &Refusal, client_name: Option<&str>, faults: &Faults, mint: &mut Mint) -> Response {
    let about_metadata = matches!(refusal.cause, Cause::Metadata | Cause::RedirectUri);
    let status = match refusal.cause {
        Cause::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Cause::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Cause::Crash => StatusCode::INTERNAL_SERVER_ERROR,
        _ if about_metadata && faults.has(Fault::Error422) => StatusCode::UNPROCESSABLE_ENTITY,
        _ if about_metadata && faults.has(Fault::Error200) => StatusCode::OK,
        _ => StatusCode::BAD_REQUEST,
    };
    let mut error = Map::new();
    error.insert("error".into(), json!(error_code(refusal.cause, faults)));
    error.insert("error_description".into(), description(refusal, client_name, faults));
    if about_metadata {
        if faults.has(Fault::ErrorMissing) {
            error.shift_remove("error");
        }
        if faults.has(Fault::ErrorWithClient) {
            error.insert("client_id".into(), json!(mint.client_id()));
            error.insert("client_secret".into(), json!(mint.secret()));
        }
        if faults.has(Fault::ErrorText) {
            return response(status, "text/plain; charset=utf-8", refusal.description.clone());
        }
    }
    let problem = about_metadata && faults.has(Fault::ErrorProblem);
    let media_type = if problem { "application/problem+json" } else { JSON };
    response(status, media_type, written(&Value::Object(error)))
}

fn error_code(cause: Cause, faults: &Faults) -> &'static str {
    match cause {
        Cause::MediaType | Cause::TooLarge => "invalid_request",
        Cause::Crash => "server_error",
        Cause::Metadata | Cause::RedirectUri if faults.has(Fault::ErrorPhrase) => "Bad Request",
        Cause::Metadata if faults.has(Fault::ErrorCodeUnknown) => "validation_failed",
        Cause::RedirectUri if faults.has(Fault::RedirectErrorCode) => "invalid_uri",
        Cause::RedirectUri => "invalid_redirect_uri",
        Cause::StatementInvalid if faults.has(Fault::StatementInvalidCode) => "invalid_request",
        Cause::StatementInvalid => "invalid_software_statement",
        Cause::StatementUnapproved if faults.has(Fault::StatementUnapprovedCode) => "invalid_token",
        Cause::StatementUnapproved => "unapproved_software_statement",
        Cause::Body | Cause::Metadata => "invalid_client_metadata",
    }
}

fn description(refusal: &Refusal, client_name: Option<&str>, faults: &Faults) -> Value {
    let about_metadata = matches!(refusal.cause, Cause::Metadata | Cause::RedirectUri);
    if about_metadata && faults.has(Fault::DescriptionArray) {
        return json!([refusal.description]);
    }
    if about_metadata && faults.has(Fault::DescriptionControl) {
        return json!(format!("{}\0", refusal.description));
    }
    if about_metadata && faults.has(Fault::DescriptionQuotes) {
        let value = refusal.value.as_ref().map(|value| format!(" Value: {value}.")).unwrap_or_default();
        let name = client_name.map(|name| format!(" Client: {name}.")).unwrap_or_default();
        return json!(format!("{}{value}{name}", refusal.description));
    }
    json!(refusal.description)
}
