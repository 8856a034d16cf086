//! Initial access tokens: how a bad one is answered (RFC 7591, 3.2.2; RFC 6750, 3 and 3.1).

use super::{
    coded::{Coded, holds, objects},
    rule::{Claims, Context, Evidence, Objection},
};
use crate::{
    spec::Level,
    wire::{Auth, Exchange, Framing, Kind, Response},
};

pub(super) const RULES: &[Coded] = &[
    Coded {
        id: "bad-token-answer",
        requirement: "rfc7591-3.2.2-token-error-by-type",
        evidence: Evidence::Passive,
        check: token_error,
    },
    Coded {
        id: "challenge-names-error",
        requirement: "rfc7591-3.2.2-challenge-error-attribute",
        evidence: Evidence::Passive,
        check: challenge_error,
    },
    Coded { id: "json-post-taken", requirement: "rfc7591-3-post-json", evidence: Evidence::Provoked, check: post_json },
    Coded {
        id: "other-methods-create-nothing",
        requirement: "rfc7591-3-other-methods-do-not-register",
        evidence: Evidence::Provoked,
        check: other_methods,
    },
];

/// A registration with no or an unusable token, at an endpoint that is known to want one.
fn unauthorized<'a>(exchange: &'a Exchange, context: &Context) -> Option<&'a Response> {
    let bad = matches!(exchange.request.auth, Auth::None | Auth::Random | Auth::Truncated);
    (exchange.request.kind == Kind::Register && bad && context.protected).then(|| exchange.response()).flatten()
}

fn token_error(exchange: &Exchange, context: &Context) -> Claims {
    let Some(response) = unauthorized(exchange, context) else { return Claims::new() };
    let which = match exchange.request.auth {
        Auth::None => "no token",
        Auth::Truncated => "a truncated initial access token",
        _ => "a token that nobody issued",
    };
    let status = response.status;
    let status_finding = |message: String| {
        Objection::new("status", message)
            .expected("401 with a WWW-Authenticate challenge")
            .actual_text(&status.to_string())
    };
    let challenged = response.headers.all("www-authenticate").any(|v| !v.trim().is_empty());
    match status {
        401 if challenged => holds(),
        401 => objects(
            Objection::new(
                "header:www-authenticate",
                format!("{which} was answered 401 without a WWW-Authenticate header"),
            )
            .expected("WWW-Authenticate: Bearer (RFC 6750, 3)"),
        ),
        200..=299 => objects(status_finding(format!(
            "a registration with {which} was answered {status}, at an endpoint that refuses registrations without one"
        ))),
        403 | 429 | 502..=504 | 300..=399 => Claims::new(),
        500..=599 => objects(status_finding(format!("{which} was answered {status}"))),
        400 if response.member("error").is_some_and(|e| REGISTRATION_CODES.contains(&e)) => {
            objects(status_finding(format!(
                "{which} was answered 400 with the registration error {:?} in place of an authorization error",
                response.member("error").unwrap_or_default()
            )))
        }
        // RFC 6750, 3.1: invalid_request, for a request that is malformed.
        400 if !blames_credentials(response) => Claims::new(),
        413 | 414 | 415 | 431 => Claims::new(),
        _ => objects(
            status_finding(format!("{which} was answered {status}; an unusable token is answered 401"))
                .level(Level::Should),
        ),
    }
}

/// A 400 that says itself that credentials are at fault: no registration error, and not what RFC 6750 asks for either.
pub(crate) fn blames_credentials(response: &Response) -> bool {
    response.status == 400 && matches!(response.member("error"), Some("access_denied" | "invalid_token"))
}

const REGISTRATION_CODES: &[&str] =
    &["invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement"];

/// The attributes of the Bearer challenge, lower-case names.
pub(super) fn bearer_challenge(response: &Response) -> Option<String> {
    response.headers.all("www-authenticate").find(|v| {
        v.split(',').any(|part| {
            let part = part.trim_start();
            part.get(..6).is_some_and(|s| s.eq_ignore_ascii_case("bearer"))
                && part[6..].chars().next().is_none_or(char::is_whitespace)
        })
    })
}

fn challenge_error(exchange: &Exchange, context: &Context) -> Claims {
    // Without credentials RFC 6750 advises to leave error= out.
    if exchange.request.auth == Auth::None {
        return Claims::new();
    }
    let Some(response) = unauthorized(exchange, context).filter(|r| r.status == 401) else { return Claims::new() };
    let Some(challenge) = bearer_challenge(response) else { return Claims::new() };
    let named = challenge.split([',', ' ']).any(|part| {
        part.split_once('=').is_some_and(|(name, value)| {
            name.trim().eq_ignore_ascii_case("error") && !value.trim().trim_matches('"').is_empty()
        })
    });
    if named {
        return holds();
    }
    objects(
        Objection::new(
            "header:www-authenticate",
            "the challenge to a token that was presented does not say what is wrong with it",
        )
        .expected("error=\"invalid_token\" (RFC 6750, 3.1)")
        .actual_text(&challenge),
    )
}

/// Metadata and credentials that were accepted before are turned away for method or media type.
fn post_json(exchange: &Exchange, context: &Context) -> Claims {
    let plain = exchange.request.headers.first("content-type").as_deref() == Some("application/json");
    // A server may insist on Content-Length (411), or know no transfer codings (501).
    let plain = plain && exchange.manner.framing != Some(Framing::Chunked);
    if exchange.request.kind != Kind::Register || !plain || !context.repeats_accepted {
        return Claims::new();
    }
    let Some(response) = exchange.response() else { return Claims::new() };
    match response.status {
        404 | 405 | 406 | 411 | 415 | 501 => objects(
            Objection::new(
                "status",
                format!(
                    "a POST of JSON labelled application/json was answered {}, though this metadata is accepted",
                    response.status
                ),
            )
            .expected("201")
            .actual_text(&response.status.to_string()),
        ),
        _ if response.client().is_some() => holds(),
        _ => Claims::new(),
    }
}

fn other_methods(exchange: &Exchange, _: &Context) -> Claims {
    if exchange.request.kind != Kind::Probe || exchange.request.method == "POST" {
        return Claims::new();
    }
    let Some(response) = exchange.response() else { return Claims::new() };
    if (200..300).contains(&response.status) && response.object().is_some_and(|o| o.contains_key("client_id")) {
        return objects(
            Objection::new(
                "status",
                format!(
                    "{} on the registration endpoint issued a client_id; only POST registers",
                    exchange.request.method
                ),
            )
            .expected("no client")
            .actual_text(&response.status.to_string()),
        );
    }
    holds()
}

#[cfg(test)]
mod tests {
    use super::{super::rule::Claim, *};
    use crate::wire::{Headers, Outcome, Request};

    fn refused(auth: Auth, error: &str) -> Exchange {
        let request = Request {
            kind: Kind::Register,
            method: "POST".into(),
            url: "https://as.example/register".into(),
            headers: Headers(vec![("content-type".into(), b"application/json".to_vec())]),
            body: r#"{"redirect_uris":["https://client.example.org/callback"]}"#.into(),
            auth,
        };
        let mut headers = Headers::default();
        headers.push("content-type", "application/json");
        let response = Response::new(400, "HTTP/1.1", headers, format!(r#"{{"error":"{error}"}}"#).into(), None);
        Exchange::new(1, jiff::Timestamp::UNIX_EPOCH, request, Outcome::Response(response), std::time::Duration::ZERO)
    }

    #[test]
    fn a_400_that_blames_the_credentials_is_no_challenge_and_no_registration_error() {
        let known = Context { established: true, accepted: true, protected: true, ..Context::default() };
        for auth in [Auth::None, Auth::Random, Auth::Truncated] {
            let exchange = refused(auth, "access_denied");
            let [Claim::Objects(objection)] = &token_error(&exchange, &known)[..] else { panic!("{auth:?}") };
            assert_eq!(objection.level, Some(Level::Should));
            assert!(token_error(&refused(auth, "invalid_request"), &known).is_empty());
            // Without an accepted client it may as well be a policy: it is held against nobody, and shows nothing.
            let unknown = Context { established: true, ..Context::default() };
            assert!(token_error(&exchange, &unknown).is_empty());
            assert!(super::super::errors::registration_error(&exchange, &unknown).is_none());
        }
        let with_token = refused(Auth::Initial, "access_denied");
        assert!(super::super::errors::registration_error(&with_token, &known).is_some());
    }
}
