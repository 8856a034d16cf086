//! The client metadata that the reference server understands, checks and registers (RFC 7591, section 2).

use fluent_uri::Uri;
use serde_json::{Map, Value, json};

use super::defects::{Fault, Faults};
use super::respond::{Cause, Refusal};
use super::statement::{self, Stated};
use super::{jwks, redirect};

/// Grant types that can be registered (RFC 7591, section 2), with the RFC 8628 one.
pub(super) const GRANT_TYPES: [&str; 6] = [
    "authorization_code",
    "implicit",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
];
pub(super) const RESPONSE_TYPES: [&str; 2] = ["code", "token"];
/// The methods that the token endpoint takes; no other one is registered.
pub(super) const AUTH_METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];

/// Members that the server assigns. In a request they are ignored (RFC 7591, section 3.1).
const SERVER_ASSIGNED: [&str; 6] = [
    "client_id",
    "client_secret",
    "client_id_issued_at",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
];

/// What a metadata member has to look like.
#[derive(Clone, Copy)]
enum Shape {
    RedirectUris,
    Texts,
    OneOf(&'static [&'static str]),
    SomeOf(&'static [&'static str]),
    Text,
    Scope,
    WebUri,
    Jwks,
    Statement,
}

const MEMBERS: [(&str, Shape); 16] = [
    ("redirect_uris", Shape::RedirectUris),
    ("token_endpoint_auth_method", Shape::OneOf(&AUTH_METHODS)),
    ("grant_types", Shape::SomeOf(&GRANT_TYPES)),
    ("response_types", Shape::SomeOf(&RESPONSE_TYPES)),
    ("client_name", Shape::Text),
    ("client_uri", Shape::WebUri),
    ("logo_uri", Shape::WebUri),
    ("scope", Shape::Scope),
    ("contacts", Shape::Texts),
    ("tos_uri", Shape::WebUri),
    ("policy_uri", Shape::WebUri),
    ("jwks_uri", Shape::WebUri),
    ("jwks", Shape::Jwks),
    ("software_id", Shape::Text),
    ("software_version", Shape::Text),
    ("software_statement", Shape::Statement),
];

/// The members that awork documents: without keys, statements and languages, and with the one of OpenID Connect Registration.
fn awork_shape(name: &str) -> Option<(&'static str, Shape)> {
    const APPLICATION_TYPE: (&str, Shape) = ("application_type", Shape::OneOf(&["web", "native"]));
    let documented = |name: &str| super::awork::MEMBERS.contains(&name);
    std::iter::once(APPLICATION_TYPE).chain(MEMBERS).find(|(known, _)| *known == name && documented(name))
}

/// Members that may come in several languages (RFC 7591, section 2.2).
const HUMAN_READABLE: [&str; 5] = ["client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"];

/// Checks a request and returns what is registered: the members understood and the defaults for those left out. Of a statement that
/// is believed, every claim counts before the plain member of its name (RFC 7591, section 3.1.1).
pub(super) fn register(
    request: &Map<String, Value>,
    stated: Option<&Stated>,
    awork: bool,
    faults: &Faults,
) -> Result<Map<String, Value>, Refusal> {
    let known = |name: &str| if awork { awork_shape(name) } else { shape_of(name) };
    let none = Map::new();
    let claims = stated.map_or(&none, |stated| &stated.claims);
    let given = |members: &Map<String, Value>, name: &str| members.get(name).is_some_and(|value| !value.is_null());
    let (weak, strong) = if faults.has(Fault::StatementPlainWins) { (claims, request) } else { (request, claims) };
    let mut metadata = Map::new();
    for (name, value) in weak.iter().filter(|(name, _)| !given(strong, name)).chain(strong) {
        // The statement itself has been read already.
        if stated.is_some() && name == "software_statement" {
            continue;
        }
        if let Some((base, shape)) = known(name) {
            // A null says nothing; the member counts as left out.
            if !value.is_null()
                && let Some(kept) = check(name, base, shape, value, faults)?
            {
                metadata.insert(name.clone(), kept);
            }
        } else if !SERVER_ASSIGNED.contains(&name.as_str()) {
            check_unknown(value, faults)?;
        }
    }
    if let Some(stated) = stated
        && !faults.has(Fault::StatementDropped)
    {
        let rewritten = faults.has(Fault::StatementRewritten).then(|| statement::rewritten(stated));
        metadata.insert("software_statement".into(), json!(rewritten.as_ref().unwrap_or(&stated.text)));
    }
    complete(&mut metadata, faults)?;
    if faults.has(Fault::GrantDefaultMissing) && !given(request, "grant_types") {
        metadata.shift_remove("grant_types");
    }
    if faults.has(Fault::StatementClaimsHidden) {
        metadata.retain(|name, _| !claims.contains_key(name));
    }
    Ok(metadata)
}

fn invalid(name: &str, rule: &str, value: &Value) -> Refusal {
    Refusal::quoting(Cause::Metadata, &format!("{name} {rule}."), value)
}

fn shape_of(name: &str) -> Option<(&'static str, Shape)> {
    let plain = |wanted: &str| MEMBERS.iter().find(|(known, _)| *known == wanted).copied();
    match name.split_once('#') {
        None => plain(name),
        Some((base, tag)) if HUMAN_READABLE.contains(&base) && is_language_tag(tag) => plain(base),
        Some(_) => None,
    }
}

/// The form of a language tag (RFC 5646, section 2.1): subtags of one to eight letters and digits, the first of letters alone.
fn is_language_tag(tag: &str) -> bool {
    let subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag.split('-').all(subtag)
        && tag.split('-').next().is_some_and(|first| first.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// RFC 7591, section 2: metadata that the server does not understand is ignored.
fn check_unknown(value: &Value, faults: &Faults) -> Result<(), Refusal> {
    let refused = faults.has(Fault::UnknownRefused) || (faults.has(Fault::UnknownObjectRefused) && value.is_object());
    if refused {
        return Err(Refusal::new(Cause::Metadata, "The request holds a member that is not known."));
    }
    if faults.has(Fault::UnknownNullCrash) && value.is_null() {
        return Err(Refusal::new(Cause::Crash, "Internal error."));
    }
    Ok(())
}

/// Checks one member. `None`: it is well formed and not registered.
fn check(name: &str, base: &str, shape: Shape, value: &Value, faults: &Faults) -> Result<Option<Value>, Refusal> {
    let kept = match shape {
        Shape::RedirectUris => return redirect_uris(value, faults),
        Shape::Texts => strings(name, value)?.into(),
        Shape::SomeOf(known) => {
            let values = strings(name, value)?;
            if let Some(other) = values.iter().find(|value| !known.contains(&value.as_str())) {
                return Err(invalid(name, "has a value that this server does not support", &json!(other)));
            }
            values.into()
        }
        Shape::OneOf(known) => {
            if !known.contains(&text(name, value)?) {
                return Err(invalid(name, "has a value that this server does not support", value));
            }
            value.clone()
        }
        Shape::Text => {
            if base == "client_name" && !value.is_string() {
                if faults.has(Fault::NameAnyType) {
                    return Ok(Some(value.clone()));
                }
                if faults.has(Fault::NameTypeCrash) {
                    return Err(Refusal::new(Cause::Crash, "Internal error."));
                }
            }
            text(name, value)?;
            value.clone()
        }
        Shape::Scope => {
            if !is_scope(text(name, value)?) {
                return Err(invalid(name, "must be scope values separated by single spaces", value));
            }
            value.clone()
        }
        Shape::WebUri => {
            let uri = text(name, value)?;
            let lenient = (base == "client_uri" && faults.has(Fault::ClientUriUnchecked))
                || (base == "logo_uri" && faults.has(Fault::LogoUriScheme) && Uri::parse(uri).is_ok());
            if !lenient && !is_web_uri(uri) {
                return Err(invalid(name, "must be an absolute URI with the scheme https or http", value));
            }
            value.clone()
        }
        Shape::Jwks => {
            jwks::check(value, faults).map_err(|reason| Refusal::new(Cause::Metadata, reason))?;
            value.clone()
        }
        // RFC 7591, section 3.1.1: a server without support for software statements ignores them.
        Shape::Statement => {
            text(name, value)?;
            return Ok(None);
        }
    };
    Ok(Some(kept))
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, Refusal> {
    value.as_str().ok_or_else(|| invalid(name, "must be a string", value))
}

fn strings(name: &str, value: &Value) -> Result<Vec<String>, Refusal> {
    value
        .as_array()
        .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect())
        .ok_or_else(|| invalid(name, "must be an array of strings", value))
}

fn redirect_uris(value: &Value, faults: &Faults) -> Result<Option<Value>, Refusal> {
    let mut uris = strings("redirect_uris", value)
        .map_err(|_| Refusal::quoting(Cause::RedirectUri, "redirect_uris must be an array of strings.", value))?;
    if faults.has(Fault::RedirectSplitAtSpace) {
        uris = uris.iter().flat_map(|uri| uri.split(' ')).map(str::to_owned).collect();
    }
    for uri in &uris {
        redirect::check(uri, faults).map_err(|reason| Refusal::quoting(Cause::RedirectUri, reason, &json!(uri)))?;
    }
    // An empty array registers nothing.
    Ok((!uris.is_empty()).then(|| uris.into()))
}

/// The grammar of RFC 6749, section 3.3.
fn is_scope(scope: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    scope.split(' ').all(|token| !token.is_empty() && token.bytes().all(allowed))
}

fn is_web_uri(text: &str) -> bool {
    Uri::parse(text).is_ok_and(|uri| {
        let scheme = uri.scheme().as_str();
        (scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http"))
            && uri.authority().is_some_and(|authority| !authority.host().is_empty())
    })
}

/// Fills in the defaults of RFC 7591, section 2, and checks what holds between members.
fn complete(metadata: &mut Map<String, Value>, faults: &Faults) -> Result<(), Refusal> {
    if !metadata.contains_key("token_endpoint_auth_method") && !faults.has(Fault::AuthMethodSilent) {
        metadata.insert("token_endpoint_auth_method".into(), json!("client_secret_basic"));
    }
    if !metadata.contains_key("grant_types") {
        metadata.insert("grant_types".into(), json!(["authorization_code"]));
    }
    let (code, implicit) =
        (has(metadata, "grant_types", "authorization_code"), has(metadata, "grant_types", "implicit"));
    if !metadata.contains_key("response_types") {
        let types: Vec<&str> =
            [(code, "code"), (implicit, "token")].iter().filter(|(on, _)| *on).map(|(_, t)| *t).collect();
        metadata.insert("response_types".into(), json!(types));
    }
    let consistent =
        has(metadata, "response_types", "code") == code && has(metadata, "response_types", "token") == implicit;
    if !consistent && !faults.has(Fault::TypesInconsistent) {
        return Err(Refusal::new(Cause::Metadata, "grant_types and response_types contradict each other."));
    }
    if (code || implicit) && !metadata.contains_key("redirect_uris") && !faults.has(Fault::RedirectUrisNotRequired) {
        return Err(Refusal::new(Cause::RedirectUri, "The grant types need at least one redirection URI."));
    }
    let keys = (metadata.contains_key("jwks"), metadata.contains_key("jwks_uri"));
    if keys == (true, true) && !faults.has(Fault::JwksBothKept) {
        return Err(Refusal::new(Cause::Metadata, "jwks and jwks_uri must not stand together."));
    }
    match metadata.get("token_endpoint_auth_method").and_then(Value::as_str) {
        // RFC 6749, section 4.4: this grant is for confidential clients.
        Some("none") if has(metadata, "grant_types", "client_credentials") => {
            Err(Refusal::new(Cause::Metadata, "client_credentials needs a client that authenticates."))
        }
        _ => Ok(()),
    }
}

/// Whether a registered array holds a value.
pub(super) fn has(metadata: &Map<String, Value>, name: &str, wanted: &str) -> bool {
    metadata.get(name).and_then(Value::as_array).is_some_and(|items| items.iter().any(|item| item == wanted))
}

/// The strings of a registered array.
pub(super) fn texts<'a>(metadata: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    metadata.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
