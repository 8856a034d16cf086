//! Redirection URIs in what was registered (RFC 7591, 2 and 5; RFC 6749, 3.1.2).
//!
//! URIs are looked at as strings: a parser that normalises would hide the fault, or make one.

use std::net::Ipv4Addr;

use fluent_uri::UriRef;
use serde_json::{Map, Value};

use super::{
    coded::{Coded, holds, objects, strings},
    rule::{Claim, Claims, Context, Evidence, Objection},
};
use crate::{spec::Level, wire::Exchange};

pub(super) const RULES: &[Coded] = &[
    Coded {
        id: "redirect-uris-kept",
        requirement: "rfc7591-2-redirect-uris-supported",
        evidence: Evidence::Provoked,
        check: kept,
    },
    Coded {
        id: "redirect-uris-returned",
        requirement: "rfc7591-3.2.1-return-all-metadata",
        evidence: Evidence::Provoked,
        check: kept_as_metadata,
    },
    Coded {
        id: "redirect-uris-required",
        requirement: "rfc7591-5-redirect-uris-required",
        evidence: Evidence::Provoked,
        check: required,
    },
    Coded {
        id: "redirect-uri-kind",
        requirement: "rfc7591-5-redirect-uri-kinds",
        evidence: Evidence::Provoked,
        check: |x, c| each(x, c, kind),
    },
    Coded {
        id: "redirect-uri-active-scheme",
        requirement: "rfc7591-5-redirect-uri-active-scheme",
        evidence: Evidence::Provoked,
        check: |x, c| each(x, c, active_scheme),
    },
    Coded {
        id: "redirect-uri-absolute",
        requirement: "rfc7591-2-redirect-uri-absolute",
        evidence: Evidence::Provoked,
        check: |x, c| each(x, c, absolute),
    },
    Coded {
        id: "redirect-uri-syntax",
        requirement: "rfc7591-2-redirect-uri-syntax",
        evidence: Evidence::Provoked,
        check: |x, c| each(x, c, syntax),
    },
    Coded {
        id: "redirect-uri-not-split",
        requirement: "rfc7591-2-redirect-uri-syntax",
        evidence: Evidence::Provoked,
        check: not_split,
    },
    Coded {
        id: "redirect-uri-no-fragment",
        requirement: "rfc7591-2-redirect-uri-no-fragment",
        evidence: Evidence::Provoked,
        check: |x, c| each(x, c, no_fragment),
    },
];

/// The scheme of a URI in lower case, when it begins with one.
fn scheme(uri: &str) -> Option<String> {
    let (scheme, _) = uri.split_once(':')?;
    let mut chars = scheme.chars();
    let valid = chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    valid.then(|| scheme.to_ascii_lowercase())
}

/// Whether a grant that redirects is registered: named, or by default because the answer is silent.
fn redirects(body: &Map<String, Value>) -> bool {
    match body.get("grant_types") {
        None | Some(Value::Null) => true,
        Some(_) => strings(body, "grant_types")
            .is_some_and(|g| g.iter().any(|g| matches!(*g, "authorization_code" | "implicit"))),
    }
}

fn has_redirect_uris(body: &Map<String, Value>) -> bool {
    match body.get("redirect_uris") {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => items.iter().any(|i| i.as_str() != Some("")),
        // Of another type: the type's own requirement is broken, not this one.
        Some(_) => true,
    }
}

/// Whether the request named at least one redirection URI; nothing where readers may differ about it.
fn asked_for(exchange: &Exchange) -> Option<bool> {
    Some(match exchange.sent_plainly()?.get("redirect_uris") {
        Some(Value::Array(items)) => items.iter().any(|i| i.as_str().is_some_and(|s| !s.is_empty())),
        Some(Value::String(s)) => !s.is_empty(),
        _ => false,
    })
}

fn missing(exchange: &Exchange, message: &str) -> Claims {
    let Some(body) = exchange.created().and_then(|r| r.object()) else { return Claims::new() };
    // Without a client_id at the top level this is no client information response, and another entry says so.
    if !redirects(body) || !body.contains_key("client_id") {
        return Claims::new();
    }
    if has_redirect_uris(body) {
        return if strings(body, "redirect_uris").is_some() { holds() } else { Claims::new() };
    }
    let objection = Objection::new("/redirect_uris", message)
        .expected("at least one redirection URI, or no grant that redirects")
        .actual(body.get("redirect_uris").unwrap_or(&Value::Null));
    objects(objection)
}

fn kept(exchange: &Exchange, _: &Context) -> Claims {
    if asked_for(exchange) != Some(true) {
        return Claims::new();
    }
    missing(exchange, "the client was registered for a grant that redirects, and the answer has no redirect_uris")
}

fn kept_as_metadata(exchange: &Exchange, _: &Context) -> Claims {
    if asked_for(exchange) != Some(true) {
        return Claims::new();
    }
    // The read after the registration is what meets this entry; here it can only be broken.
    missing(exchange, "redirect_uris were registered for a grant that redirects, and the answer does not list them")
        .into_iter()
        .filter(|c| matches!(c, Claim::Objects(_)))
        .collect()
}

fn required(exchange: &Exchange, context: &Context) -> Claims {
    if asked_for(exchange) != Some(false) {
        return Claims::new();
    }
    let mut claims = missing(
        exchange,
        "the client may use a grant that redirects and has no redirection URI, so none can be checked later",
    );
    // RFC 9126, 2.4 lets authenticated clients push redirection URIs that are not registered.
    let public =
        exchange.response().and_then(|r| r.member("token_endpoint_auth_method")).is_some_and(|method| method == "none");
    for claim in &mut claims {
        if let Claim::Objects(objection) = claim
            && context.pushed_requests
            && !public
        {
            objection.level = Some(Level::Should);
        }
    }
    claims
}

/// Holds every registered redirection URI against `check`, which says what is wrong with it.
fn each(exchange: &Exchange, context: &Context, check: fn(&str, &Context) -> Option<Fault>) -> Claims {
    let Some(items) = exchange.created().and_then(|r| r.object()).and_then(|b| b.get("redirect_uris")?.as_array())
    else {
        return Claims::new();
    };
    let mut claims = Claims::new();
    for (index, uri) in items.iter().enumerate().filter_map(|(i, v)| Some((i, v.as_str()?))) {
        if let Some(fault) = check(uri, context) {
            let mut objection = Objection::new(format!("/redirect_uris/{index}"), fault.message)
                .expected(fault.expected)
                .actual_text(uri);
            objection.level = fault.level;
            claims.push(Claim::objects(objection));
        }
    }
    if claims.is_empty() && !items.is_empty() { holds() } else { claims }
}

struct Fault {
    message: String,
    expected: &'static str,
    level: Option<Level>,
}

fn fault(expected: &'static str, message: impl Into<String>) -> Option<Fault> {
    Some(Fault { message: message.into(), expected, level: None })
}

/// The host of a URI with an authority, in lower case and without brackets, user information and port.
fn host(uri: &str) -> Option<String> {
    let rest = uri.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host_port = authority.rsplit('@').next()?;
    let host = match host_port.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host_port.split(':').next()?,
    };
    Some(host.trim_end_matches('.').to_ascii_lowercase())
}

fn is_local(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "::1"
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

/// Addresses and names of which it can be argued that they are the client's own machine or network.
fn is_grey(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
        || !host.contains('.')
        || host.ends_with(".local")
        || host.ends_with(".test")
}

fn kind(uri: &str, context: &Context) -> Option<Fault> {
    if scheme(uri).as_deref() != Some("http") {
        return None;
    }
    let host = host(uri)?;
    if is_local(&host) || is_grey(&host) {
        return None;
    }
    let mut fault = fault(
        "https, http on the local machine, or a scheme private to the application",
        format!("http is registered for {host}, which is not the local machine: codes would travel in the clear"),
    )?;
    if context.openid_only {
        // OpenID Connect Registration lets a web client that uses the code flow alone have http.
        fault.level = Some(Level::Should);
    }
    Some(fault)
}

const ACTIVE_SCHEMES: &[&str] = &["javascript", "data", "vbscript", "blob", "about", "file"];

fn active_scheme(uri: &str, _: &Context) -> Option<Fault> {
    // Browsers skip leading white space and control characters before a scheme.
    let trimmed = uri.trim_start_matches(|c: char| c <= ' ');
    let scheme = scheme(trimmed)?;
    if !ACTIVE_SCHEMES.contains(&scheme.as_str()) {
        return None;
    }
    fault(
        "no scheme that a browser executes",
        format!("{scheme}: is registered as a redirection URI, and belongs to no application"),
    )
}

fn absolute(uri: &str, _: &Context) -> Option<Fault> {
    if scheme(uri).is_some() || uri.contains([' ', '\t', '\r', '\n']) {
        return None;
    }
    // `client.example.org/cb` and the empty string are relative references; so is whatever has no scheme.
    if uri.is_empty() || UriRef::parse(uri).is_ok() {
        return fault(
            "an absolute URI (RFC 6749, 3.1.2)",
            format!("{uri:?} is a relative reference, and is registered as a redirection URI"),
        );
    }
    None
}

fn syntax(uri: &str, _: &Context) -> Option<Fault> {
    let bad = uri.chars().find(|c| c.is_ascii_control() || *c == ' ')?;
    fault(
        "a URI (RFC 3986)",
        format!("the registered redirection URI holds the character U+{:04X}, which no URI can hold", bad as u32),
    )
}

fn no_fragment(uri: &str, _: &Context) -> Option<Fault> {
    match uri.split_once('#') {
        // An empty fragment is lost by many parsers; only the other form is reported.
        Some((_, fragment)) if !fragment.is_empty() => fault(
            "a URI without a fragment (RFC 6749, 3.1.2)",
            format!("the fragment #{fragment} is registered as part of a redirection URI"),
        ),
        _ => None,
    }
}

/// One string with a space in it was registered as two URIs.
fn not_split(exchange: &Exchange, _: &Context) -> Claims {
    let Some(sent) = exchange.sent_plainly() else { return Claims::new() };
    let (Some(sent), Some(body)) = (strings(sent, "redirect_uris"), exchange.created().and_then(|r| r.object())) else {
        return Claims::new();
    };
    let Some(listed) = strings(body, "redirect_uris") else { return Claims::new() };
    let mut tried = false;
    for uri in sent.iter().filter(|u| u.contains(' ')) {
        tried = true;
        let parts: Vec<&str> = uri.split_ascii_whitespace().collect();
        if parts.len() > 1 && parts.iter().all(|p| listed.contains(p) && !sent.contains(p)) {
            let objection = Objection::new(
                "/redirect_uris",
                format!("the one string {uri:?} was registered as {} redirection URIs", parts.len()),
            )
            .expected("a refusal, or no URI made from it")
            .actual_text(&listed.join(", "));
            return objects(objection);
        }
    }
    if tried { holds() } else { Claims::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context::default()
    }

    #[test]
    fn http_is_for_the_local_machine() {
        for uri in ["http://client.example.org/cb", "HTTP://client.example.org", "http://localhost@client.example.org/"]
        {
            assert!(kind(uri, &context()).is_some(), "{uri}");
        }
        for uri in [
            "http://localhost:1/cb",
            "http://127.0.0.53/cb",
            "http://[::1]:8080/cb",
            "https://client.example.org/cb",
            "com.example.app:/cb",
            "http://192.168.0.1/cb",
            "http://printer.local/cb",
        ] {
            assert!(kind(uri, &context()).is_none(), "{uri}");
        }
    }

    #[test]
    fn relative_references_and_active_schemes_are_seen() {
        for uri in ["/callback", "client.example.org/cb", "//client.example.org/cb", ""] {
            assert!(absolute(uri, &context()).is_some(), "{uri:?}");
        }
        assert!(absolute("com.example.app:/cb", &context()).is_none());
        assert!(active_scheme("JaVaScRiPt:void(0)", &context()).is_some());
        assert!(active_scheme("com.example.data:/cb", &context()).is_none());
    }

    #[test]
    fn only_a_fragment_with_text_is_reported() {
        assert!(no_fragment("https://client.example.org/cb#frag", &context()).is_some());
        assert!(no_fragment("https://client.example.org/cb#", &context()).is_none());
    }
}
