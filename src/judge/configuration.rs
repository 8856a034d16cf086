//! The client configuration endpoint, one exchange at a time (RFC 7592, 2 and 3): wrong tokens, methods, and the response as
//! a message. What relates several exchanges is in `life`.

use serde_json::Value;

use super::{
    coded::{Coded, holds, objects},
    rule::{Claim, Claims, Context, Evidence, Objection, Rule},
    success::{json_object, kept_out_of_caches},
    token::bearer_challenge,
};
use crate::{
    spec::{Level, Strength},
    target::origin,
    wire::{Auth, Exchange, Kind, Response},
};

const fn rule(
    id: &'static str,
    requirement: &'static str,
    evidence: Evidence,
    check: fn(&Exchange, &Context) -> Claims,
) -> Coded {
    Coded { id, requirement, evidence, check }
}

pub(super) const RULES: &[Coded] = &[
    rule("configuration-needs-token", "rfc7592-2-token-required", Evidence::Provoked, token_required),
    rule("read-with-bad-token", "rfc7592-2.1-read-invalid-token", Evidence::Provoked, |x, _| bad_token(x, Kind::Read)),
    rule("update-with-bad-token", "rfc7592-2.2-update-invalid-token", Evidence::Provoked, |x, _| {
        bad_token(x, Kind::Update)
    }),
    rule("delete-with-bad-token", "rfc7592-2.3-delete-invalid-token", Evidence::Provoked, |x, _| {
        bad_token(x, Kind::Delete)
    }),
    rule("initial-token-reads", "rfc7592-2-initial-token-not-enough", Evidence::Provoked, initial_token),
    rule("other-method", "rfc7592-2-unsupported-method", Evidence::Provoked, other_method),
    rule("managed-is-json", "rfc7592-3-json-body", Evidence::Passive, json_body),
    rule("managed-no-store", "rfc7592-3-no-store", Evidence::Passive, no_store),
    rule("configuration-uri-is-https", "rfc7592-5-client-uri-tls", Evidence::Passive, uri_tls),
    rule("token-syntax", "rfc7592-2-token-is-bearer", Evidence::Provoked, token_syntax),
    rule("configuration-uri-no-template", "rfc7592-B-client-need-not-construct", Evidence::Passive, no_template),
    rule("update-error", "rfc7592-2.2-invalid-value-defaulted-or-error", Evidence::Provoked, update_error),
    rule("update-checks-as-registration", "rfc7592-2.2-same-rules-as-registration", Evidence::Provoked, same_rules),
];

fn status_objection(response: &Response, message: String, expected: &str) -> Objection {
    Objection::new("status", message).expected(expected).actual_text(&response.status.to_string())
}

/// Statuses that say nothing about the token: load, gateways, limits.
pub(super) fn elsewhere(status: u16) -> bool {
    matches!(status, 408 | 413 | 414 | 421 | 425 | 429 | 431 | 451 | 502..=504)
}

fn method_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Read => "a read",
        Kind::Update => "an update",
        Kind::Delete => "a delete",
        _ => "a request",
    }
}

fn managing(exchange: &Exchange) -> bool {
    matches!(exchange.request.kind, Kind::Read | Kind::Update | Kind::Delete)
}

/// Whether a body tells something of a client.
fn shows_client(response: &Response) -> bool {
    let members = ["client_secret", "registration_access_token", "redirect_uris", "client_name"];
    response.object().is_some_and(|o| members.iter().any(|m| o.get(*m).is_some_and(|v| !v.is_null())))
}

fn token_required(exchange: &Exchange, _: &Context) -> Claims {
    if !managing(exchange) || exchange.request.auth != Auth::None {
        return Claims::new();
    }
    let Some(response) = exchange.response() else { return Claims::new() };
    let what = method_word(exchange.request.kind);
    let expected = "401 with a WWW-Authenticate challenge (RFC 6750, 3)";
    let note = |message: String| objects(status_objection(response, message, expected).strength(Strength::Note));
    match response.status {
        200..=299 => objects(status_objection(
            response,
            format!(
                "{what} without a token was answered {}: anyone who knows the URL manages the client",
                response.status
            ),
            expected,
        )),
        _ if shows_client(response) => objects(
            Objection::new("body", format!("{what} without a token was refused, and yet the answer shows the client"))
                .expected("no client metadata"),
        ),
        401 if response.headers.first("www-authenticate").is_none() => objects(
            Objection::new(
                "header:www-authenticate",
                format!("{what} without a token was answered 401 without a challenge"),
            )
            .expected("WWW-Authenticate: Bearer (RFC 6750, 3)"),
        ),
        401 => holds(),
        status @ (400 | 403 | 404) => note(format!("{what} without a token was answered {status}")),
        _ => Claims::new(),
    }
}

/// A token that nobody issued, and that no client of this server has.
fn bad_token(exchange: &Exchange, kind: Kind) -> Claims {
    let request = &exchange.request;
    if request.kind != kind || !matches!(request.auth, Auth::Random | Auth::Truncated | Auth::Altered) {
        return Claims::new();
    }
    let Some(response) = exchange.response() else { return Claims::new() };
    let what = match request.auth {
        Auth::Truncated => "a truncated registration access token",
        Auth::Altered => "a registration access token with one character changed",
        _ => "a token that nobody issued",
    };
    let says = format!("{} with {what} was answered {}", method_word(kind), response.status);
    let expected = "401 with error=\"invalid_token\" (RFC 6750, 3.1)";
    let challenged = bearer_challenge(response).is_some();
    match response.status {
        401 if challenged => holds(),
        401 => objects(
            Objection::new("header:www-authenticate", format!("{says} without a challenge that names Bearer"))
                .expected("WWW-Authenticate: Bearer (RFC 6750, 3)"),
        ),
        403 => objects(status_objection(response, says, expected).strength(Strength::Note)),
        405 | 501 => Claims::new(),
        status if elsewhere(status) => Claims::new(),
        // A valid document and a well-formed header: neither is the client's error.
        400..=499 => {
            let objection = status_objection(response, format!("{says}; an invalid token is answered 401"), expected);
            objects(if challenged { objection.level(Level::Should) } else { objection })
        }
        _ => objects(status_objection(response, says, expected)),
    }
}

fn initial_token(exchange: &Exchange, _: &Context) -> Claims {
    if !managing(exchange) || exchange.request.auth != Auth::Initial {
        return Claims::new();
    }
    let Some(response) = exchange.response() else { return Claims::new() };
    match response.status {
        401 | 403 => holds(),
        200..=299 => {
            let objection = status_objection(
                response,
                "the initial access token, which every client has, opens the configuration of another client".into(),
                "401 or 403",
            );
            let read = exchange.request.kind == Kind::Read;
            objects(if read { objection } else { objection.strength(Strength::Note) })
        }
        _ => Claims::new(),
    }
}

/// PATCH and POST at a configuration endpoint.
fn other_method(exchange: &Exchange, _: &Context) -> Claims {
    let request = &exchange.request;
    // HEAD and OPTIONS are as HTTP and CORS define them.
    let defined = matches!(request.method.as_str(), "HEAD" | "OPTIONS");
    if request.kind != Kind::Other || request.auth != Auth::Registration || defined {
        return Claims::new();
    }
    let Some(response) = exchange.response() else { return Claims::new() };
    let method = request.method.as_str();
    let says = format!("{method} at a client configuration endpoint was answered {}", response.status);
    let expected = "405 with Allow, or 501";
    match response.status {
        405 | 501 => holds(),
        400 | 404 => objects(status_objection(response, says, expected).level(Level::Should)),
        status if elsewhere(status) => Claims::new(),
        500..=599 => objects(status_objection(response, says, expected)),
        200..=299 if method != "PATCH" => objects(status_objection(response, says, expected)),
        _ => Claims::new(),
    }
}

fn json_body(exchange: &Exchange, _: &Context) -> Claims {
    let what = if exchange.request.kind == Kind::Read { "the answer to a read" } else { "the answer to an update" };
    exchange.managed().map(|response| json_object(response, what)).unwrap_or_default()
}

fn no_store(exchange: &Exchange, _: &Context) -> Claims {
    exchange.managed().map(kept_out_of_caches).unwrap_or_default()
}

/// The URL of a client's configuration in any answer that shows the client.
fn configuration_uri(exchange: &Exchange) -> Option<&str> {
    exchange.created().or(exchange.managed())?.member("registration_client_uri")
}

fn uri_tls(exchange: &Exchange, _: &Context) -> Claims {
    let Some(uri) = configuration_uri(exchange) else { return Claims::new() };
    let scheme = |url: &str| url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme(uri).as_deref() {
        Some("https") => holds(),
        Some("http") if scheme(&exchange.request.url).as_deref() == Some("https") && !loopback(uri) => objects(
            Objection::new(
                "/registration_client_uri",
                "registration_client_uri is an http URL, though the client was registered over https",
            )
            .expected("an https URL")
            .actual_text(uri),
        ),
        _ => Claims::new(),
    }
}

fn loopback(url: &str) -> bool {
    let host = origin(url).and_then(|o| o.split_once("://").map(|(_, host)| host.to_owned())).unwrap_or_default();
    host.starts_with("localhost") || host.starts_with("127.") || host.starts_with("[::1]")
}

/// RFC 6750, 2.1: b64token.
fn token_syntax(exchange: &Exchange, _: &Context) -> Claims {
    let response = exchange.created().or(exchange.managed());
    let Some(token) = response.and_then(|r| r.member("registration_access_token")).filter(|t| !t.is_empty()) else {
        return Claims::new();
    };
    let body = token.trim_end_matches('=');
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    match body.chars().find(|c| !fits(*c)) {
        None if !body.is_empty() => Claims::new(),
        odd => objects(
            Objection::new(
                "/registration_access_token",
                format!(
                    "registration_access_token holds {}, so it does not fit an Authorization header",
                    odd.map_or("nothing but =".to_owned(), |c| format!("{c:?}"))
                ),
            )
            .expected("letters, digits and -._~+/ with = at the end (RFC 6750, 2.1)"),
        ),
    }
}

fn no_template(exchange: &Exchange, _: &Context) -> Claims {
    let Some(response) = exchange.created().or(exchange.managed()) else { return Claims::new() };
    let token = response.member("registration_access_token").is_some_and(|t| !t.is_empty());
    let uri = response.object().and_then(|o| o.get("registration_client_uri")).filter(|v| !v.is_null());
    match uri.and_then(Value::as_str) {
        Some(uri) if uri.contains(['{', '}']) => objects(
            Objection::new(
                "/registration_client_uri",
                "registration_client_uri is a template that the client has to fill",
            )
            .expected("the URL of this client's configuration, as it is")
            .actual_text(uri),
        ),
        None if uri.is_none() && token && exchange.created().is_some() => objects(
            Objection::new(
                "/registration_client_uri",
                "there is a registration access token and no URL where it can be used, so the client has to guess one",
            )
            .expected("registration_client_uri"),
        ),
        // As it was given it led to the client's record.
        Some(_) if exchange.managed().is_some() => holds(),
        _ => Claims::new(),
    }
}

/// A refused update is a registration error, and so 400.
fn update_error(exchange: &Exchange, _: &Context) -> Claims {
    let request = &exchange.request;
    if request.kind != Kind::Update || request.auth != Auth::Registration {
        return Claims::new();
    }
    let Some(response) = exchange.response() else { return Claims::new() };
    match response.status {
        400 | 200 => holds(),
        status if elsewhere(status) => Claims::new(),
        // What says that this client may not update, or not at all, has entries of its own.
        401 | 403 | 404 | 405 | 406 | 415 | 501 => Claims::new(),
        status @ 402..=599 => objects(status_objection(
            response,
            format!("an update was refused with {status}; bad metadata is answered 400, or replaced"),
            "400 with an error of RFC 7591, 3.2.2, or 200 with other values",
        )),
        _ => Claims::new(),
    }
}

/// What the rules of registration say of the metadata that an update left behind.
fn same_rules(exchange: &Exchange, context: &Context) -> Claims {
    let Some(response) = exchange.managed().filter(|_| exchange.request.kind == Kind::Update) else {
        let refused = exchange.request.kind == Kind::Update
            && exchange.request.auth == Auth::Registration
            && exchange.response().is_some_and(|r| r.status == 400);
        return if refused { holds() } else { Claims::new() };
    };
    let mut as_registration = exchange.clone();
    as_registration.request.kind = Kind::Register;
    as_registration.outcome = crate::wire::Outcome::Response(Response::new(
        201,
        response.version.clone(),
        response.headers.clone(),
        response.body.clone(),
        response.cut.clone(),
    ));
    let mut claims = Claims::new();
    let coded = super::redirects::RULES.iter().chain(super::members::RULES);
    let rules = coded.map(|rule| Box::new(rule) as Box<dyn Rule>).chain(super::clause::rules());
    for rule in rules.filter(|r| CARRIED_OVER.contains(&r.id())) {
        let (level, _) = crate::spec::Catalogue::known().weigh(rule.requirement(), None, None);
        for claim in rule.check(&as_registration, context) {
            claims.push(match claim {
                Claim::Holds => Claim::Holds,
                Claim::Objects(mut objection) => {
                    objection.message = format!("after an update: {}", objection.message);
                    objection.level = objection.level.or(Some(level));
                    Claim::Objects(objection)
                }
            });
        }
    }
    claims
}

/// Rules on registered metadata that hold for an update as well.
const CARRIED_OVER: &[&str] = &[
    "redirect-uris-required",
    "redirect-uri-kind",
    "redirect-uri-active-scheme",
    "redirect-uri-absolute",
    "redirect-uri-no-fragment",
    "types-agree",
    "jwks-or-jwks-uri",
];
