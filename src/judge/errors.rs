//! Refusals: RFC 7591, 3.2.2.

use serde_json::Value;

use super::{
    clause::at_most_should,
    coded::{Coded, holds, objects},
    rule::{Claim, Claims, Context, Evidence, Objection, shorten},
};
use crate::{
    spec::Level,
    wire::{Auth, Exchange, Framing, Kind, Response},
};

pub(super) const RULES: &[Coded] = &[
    Coded {
        id: "error-status-is-400",
        requirement: "rfc7591-3.2.2-error-status",
        evidence: Evidence::Passive,
        check: error_status,
    },
    Coded {
        id: "error-is-json",
        requirement: "rfc7591-3.2.2-error-json",
        evidence: Evidence::Passive,
        check: error_json,
    },
    Coded {
        id: "no-client-in-error",
        requirement: "rfc7591-3.2.2-no-client-in-error",
        evidence: Evidence::Passive,
        check: no_client_in_error,
    },
    Coded {
        id: "object-body-crash",
        requirement: "rfc7591-3.1-object-body",
        evidence: Evidence::Provoked,
        check: object_body,
    },
    Coded {
        id: "error-members-beyond",
        requirement: "rfc7591-3.2.2-error-additional-members",
        evidence: Evidence::Passive,
        check: additional_members,
    },
    Coded {
        id: "combination-refused",
        requirement: "rfc7591-5-may-limit-combinations",
        evidence: Evidence::Passive,
        check: combination_refused,
    },
    Coded { id: "rate-limited", requirement: "rfc7591-3-rate-limit", evidence: Evidence::Passive, check: rate_limit },
];

/// A registration that was refused with 400, as a refusal of the registration itself.
pub(super) struct RegistrationError<'a> {
    pub response: &'a Response,
    /// The body was one JSON object labelled as JSON; else a gateway or framework may have turned it away before
    /// registration began, and what it says is judged at SHOULD.
    proper_request: bool,
}

impl RegistrationError<'_> {
    /// The level for a finding: the rule's own, made milder for requests that were no JSON objects.
    pub fn mild(&self, requirement: &str, level: Option<Level>) -> Option<Level> {
        if self.proper_request { level } else { at_most_should(requirement, level) }
    }
}

/// The refusal that section 3.2.2 speaks of. A 400 to unusable credentials follows the token type's rules, not these.
pub(super) fn registration_error<'a>(exchange: &'a Exchange, context: &Context) -> Option<RegistrationError<'a>> {
    let response = exchange.response()?;
    let unusable = matches!(exchange.request.auth, Auth::None | Auth::Random | Auth::Truncated);
    let about_token = unusable && (context.protected || super::blames_credentials(response));
    // A front end that knows no transfer codings may say so with 400: then no registration was refused.
    let chunked = exchange.manner.framing == Some(Framing::Chunked);
    let refused = exchange.request.kind == Kind::Register && response.status == 400;
    if !refused || !context.established || about_token || chunked {
        return None;
    }
    Some(RegistrationError { response, proper_request: proper(exchange) })
}

/// Whether the request was one JSON object, labelled as such.
pub(super) fn proper(exchange: &Exchange) -> bool {
    exchange.request.headers.is_json() && exchange.manner.framing != Some(Framing::Chunked) && exchange.sent().is_some()
}

/// Statuses that say something else than "this metadata is refused": they are specified elsewhere, or a front end's.
const OTHERWISE_SPECIFIED: &[u16] = &[
    400, 401, 402, 403, 405, 406, 407, 408, 411, 413, 414, 415, 417, 421, 426, 428, 429, 431, 451, 501, 502, 503, 504,
    505,
];

fn error_status(exchange: &Exchange, context: &Context) -> Claims {
    if exchange.request.kind != Kind::Register || exchange.sent().is_none() || !context.accepted {
        return Claims::new();
    }
    let Some(response) = exchange.response() else { return Claims::new() };
    match response.status {
        400 if proper(exchange) => registration_error(exchange, context).map(|_| Claim::Holds).into_iter().collect(),
        500..=599 if !OTHERWISE_SPECIFIED.contains(&response.status) => objects(
            Objection::new(
                "status",
                format!(
                    "{} was answered {}: what is wrong with a request is the client's fault and is answered 400",
                    if proper(exchange) { "a well-formed registration" } else { "a request that is well-formed HTTP" },
                    response.status
                ),
            )
            .expected("400, or 201 with corrected values")
            .actual_text(&response.status.to_string()),
        ),
        // Whatever turned such a request away may not have taken it for a registration.
        _ if !proper(exchange) => Claims::new(),
        status @ 400..=499 if !OTHERWISE_SPECIFIED.contains(&status) => objects(
            Objection::new(
                "status",
                format!("a registration was refused with {status}; registration errors are answered 400"),
            )
            .expected("400")
            .actual_text(&status.to_string()),
        ),
        status @ 200..=299 if !response.is_created() && response.member("error").is_some() => objects(
            Objection::new(
                "status",
                format!("a registration error was answered {status}, which says that all is well"),
            )
            .expected("400")
            .actual_text(&status.to_string()),
        ),
        _ => Claims::new(),
    }
}

fn error_json(exchange: &Exchange, context: &Context) -> Claims {
    let Some(error) = registration_error(exchange, context) else { return Claims::new() };
    let level = error.mild("rfc7591-3.2.2-error-json", None);
    let finding = |place: &str, message: String, actual: &str| {
        let mut objection =
            Objection::new(place, message).expected("application/json with one JSON object").actual_text(actual);
        objection.level = level;
        objects(objection)
    };
    if error.response.body.is_empty() {
        return finding("body", "a registration error has no body; it is one JSON object with `error`".into(), "");
    }
    if !error.response.headers.is_json() {
        let media_type = error.response.headers.media_type().unwrap_or_default();
        let shown = if media_type.is_empty() { "no media type" } else { &media_type };
        return finding(
            "header:content-type",
            format!("a registration error is labelled {shown}; it is application/json"),
            &media_type,
        );
    }
    let text = || String::from_utf8_lossy(&error.response.body);
    match &error.response.parsed().value {
        Some(Value::Object(_)) => holds(),
        Some(_) => finding("body", "a registration error is JSON, but not an object".into(), &text()),
        None if error.response.parsed().beyond.is_some() => Claims::new(),
        None => finding("body", "a registration error is labelled application/json and is not JSON".into(), &text()),
    }
}

fn no_client_in_error(exchange: &Exchange, context: &Context) -> Claims {
    let Some(response) = exchange.response() else { return Claims::new() };
    if exchange.request.kind != Kind::Register || !(400..600).contains(&response.status) || !context.established {
        return Claims::new();
    }
    let Some(body) = response.object() else { return Claims::new() };
    // Metadata that is quoted back is allowed, so only values that the client did not send count; what is no plain
    // object may have been read as anything.
    let Some(sent) = exchange.sent_plainly() else { return Claims::new() };
    let issued = |name: &str| {
        body.get(name).filter(|v| v.as_str().is_some_and(|s| !s.is_empty()) && sent.get(name) != Some(v)).is_some()
    };
    if issued("client_id") && issued("client_secret") {
        return objects(
            Objection::new("/client_secret", format!("an answer with status {} carries credentials", response.status))
                .expected("no client_id and client_secret in an error"),
        );
    }
    if registration_error(exchange, context).is_some() { holds() } else { Claims::new() }
}

/// A server error for a body that is no object: a break at SHOULD, by this entry's own text.
fn object_body(exchange: &Exchange, context: &Context) -> Claims {
    if exchange.request.kind != Kind::Register || !context.accepted || exchange.sent().is_some() {
        return Claims::new();
    }
    let Some(response) = exchange.response() else { return Claims::new() };
    if !exchange.request.headers.is_json() {
        return Claims::new();
    }
    let sent = shorten(&String::from_utf8_lossy(&exchange.request.body), 60);
    match response.status {
        500..=599 if !OTHERWISE_SPECIFIED.contains(&response.status) => objects(
            Objection::new(
                "status",
                format!("the body `{sent}` is no JSON object and was answered {}", response.status),
            )
            .expected("400")
            .actual_text(&response.status.to_string()),
        ),
        _ if response.is_created() && !is_surely_no_object(&exchange.request.body) => Claims::new(),
        _ if response.is_created() => objects(
            Objection::new("status", format!("the body `{sent}` is no JSON object, and yet a client was created"))
                .expected("400")
                .actual_text(&response.status.to_string()),
        ),
        400..=499 => holds(),
        _ => Claims::new(),
    }
}

fn additional_members(exchange: &Exchange, context: &Context) -> Claims {
    let Some(error) = registration_error(exchange, context) else { return Claims::new() };
    match error.response.object() {
        Some(body) if body.keys().any(|k| k != "error" && k != "error_description") => holds(),
        _ => Claims::new(),
    }
}

/// Grants that a server may want registered apart, or a public client, refused as metadata.
fn combination_refused(exchange: &Exchange, context: &Context) -> Claims {
    if !context.accepted || registration_error(exchange, context).is_none() {
        return Claims::new();
    }
    let code = exchange.response().and_then(|r| r.member("error"));
    let Some(sent) = exchange.sent_plainly() else { return Claims::new() };
    let grants = super::coded::strings(sent, "grant_types").unwrap_or_default();
    let together = |other: &str| grants.contains(&"authorization_code") && grants.contains(&other);
    let public = sent.get("token_endpoint_auth_method").and_then(Value::as_str) == Some("none");
    if code == Some("invalid_client_metadata") && (together("implicit") || together("client_credentials") || public) {
        return holds();
    }
    Claims::new()
}

fn rate_limit(exchange: &Exchange, _: &Context) -> Claims {
    match exchange.response() {
        Some(response) if exchange.request.kind == Kind::Register && response.status == 429 => holds(),
        _ => Claims::new(),
    }
}

/// Whether no reader can find one JSON object in a body: it is another value, it breaks off, or something follows the
/// object. What this harness alone cannot read (numbers beyond its range, halves of surrogate pairs, depth, UTF-16), and
/// what lenient readers pass over, a server may well understand.
fn is_surely_no_object(body: &[u8]) -> bool {
    let parsed = super::parse::tolerant(body);
    match &parsed.value {
        Some(Value::Object(_)) => parsed.trailing.as_ref().is_some_and(|rest| rest.starts_with('{')),
        Some(_) => true,
        None => parsed.error.as_ref().is_some_and(|e| e.starts_with("EOF while parsing")),
    }
}

#[cfg(test)]
mod tests {
    use super::is_surely_no_object;

    #[test]
    fn what_a_server_may_well_understand_is_not_called_no_object() {
        for body in [&b"[{}]"[..], b"null", b"\"x\"", b"", b"{\"a\":1", b"{}{}", b"{} {\"a\":1}"] {
            assert!(is_surely_no_object(body), "{}", String::from_utf8_lossy(body));
        }
        for body in [
            &b"\xef\xbb\xbf{\"a\":1}"[..],
            b"{\"a\":1e400}",
            b"{\"a\":\"\\ud800\"}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":1,}",
            b"{\"a\":1} // text",
            b"{\x00\"\x00a\x00\"\x00:\x001\x00}\x00",
        ] {
            assert!(!is_surely_no_object(body), "{}", String::from_utf8_lossy(body));
        }
    }
}
