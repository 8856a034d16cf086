//! What a connection shows before any message is looked at: TLS and its versions (RFC 7591, 3 and 5).

use super::{
    coded::{Coded, holds, objects},
    rule::{Claims, Context, Evidence, Objection},
};
use crate::wire::{Exchange, FailureKind, Kind, Outcome, TlsVersion};

pub(super) const RULES: &[Coded] = &[
    Coded {
        id: "tls12-handshake",
        requirement: "rfc7591-5-tls12-supported",
        evidence: Evidence::Provoked,
        check: tls12_handshake,
    },
    Coded {
        id: "plaintext-registration",
        requirement: "rfc7591-3-tls-required",
        evidence: Evidence::Provoked,
        check: plaintext_registration,
    },
];

/// Whether a handshake that offered TLS 1.2 alone led to an answer. Only a server that says that it is the version counts
/// as a refusal: certificates, names and ciphers have alerts of their own.
fn tls12_handshake(exchange: &Exchange, context: &Context) -> Claims {
    if exchange.manner.tls != Some(TlsVersion::V1_2) {
        return Claims::new();
    }
    match &exchange.outcome {
        Outcome::Response(_) => holds(),
        // A base client was accepted over the same port, so there is another version that the server does speak.
        Outcome::Failure(failure) if failure.kind == FailureKind::TlsVersion && context.accepted => objects(
            Objection::new(
                "tls",
                "the server refuses TLS 1.2 and speaks a newer version alone, which breaks the letter and harms nobody",
            )
            .expected("a handshake with TLS 1.2")
            .actual_text("alert protocol_version"),
        ),
        Outcome::Failure(_) => Claims::new(),
    }
}

/// Codes that only a server which processed the registration gives (RFC 7591, 3.2.2); frameworks put other words there.
const CODES: [&str; 4] =
    ["invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement"];

/// A registration that went over plain http was processed: a client, or an error of registration. What a front end says in
/// its place is all right; whatever could be either says nothing.
fn plaintext_registration(exchange: &Exchange, _: &Context) -> Claims {
    if exchange.request.kind != Kind::Plaintext {
        return Claims::new();
    }
    let response = match &exchange.outcome {
        Outcome::Response(response) => response,
        Outcome::Failure(failure) => {
            let closed = matches!(failure.kind, FailureKind::Refused | FailureKind::Reset | FailureKind::ClosedEarly);
            return if closed { holds() } else { Claims::new() };
        }
    };
    let code = response.member("error").filter(|code| CODES.contains(code));
    let processed = match response.status {
        400 => code.map(|code| format!("was refused with {code}")),
        _ if response.client().is_some() => Some(format!("was answered {} with a client", response.status)),
        _ => None,
    };
    if let Some(how) = processed {
        let message = format!("a registration over plain http {how}: the endpoint is reachable without TLS");
        return objects(
            Objection::new("status", message)
                .expected("no connection, a redirection to https, or a refusal that did not process the registration")
                .actual_text(&response.status.to_string()),
        );
    }
    let to_https = || response.headers.first("location").is_some_and(|l| l.to_ascii_lowercase().starts_with("https:"));
    match response.status {
        300..=399 if to_https() => holds(),
        400 | 403 | 404 | 421 | 426 => holds(),
        _ => Claims::new(),
    }
}
