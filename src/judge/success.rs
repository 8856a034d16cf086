//! The success response as a message: status, media type, bytes, cache headers (RFC 7591, 3.2.1).

use serde_json::Value;

use super::{
    coded::{Coded, DEFINED, holds, is_metadata, objects},
    rule::{Claim, Claims, Context, Evidence, Objection},
};
use crate::{
    spec::Level,
    wire::{Auth, Cut, Exchange, Response},
};

pub(super) const RULES: &[Coded] = &[
    Coded {
        id: "created-is-201",
        requirement: "rfc7591-3.2.1-created-status",
        evidence: Evidence::Passive,
        check: created_status,
    },
    Coded {
        id: "created-is-json",
        requirement: "rfc7591-3.2.1-json-body",
        evidence: Evidence::Passive,
        check: json_body,
    },
    Coded {
        id: "created-is-strict-json",
        requirement: "rfc7591-3.2.1-json-strict",
        evidence: Evidence::Passive,
        check: json_strict,
    },
    Coded { id: "no-store", requirement: "rfc7591-3.2.1-no-store", evidence: Evidence::Passive, check: no_store },
    Coded {
        id: "defined-names-in-place",
        requirement: "rfc7591-1.1-case-sensitive-names",
        evidence: Evidence::Passive,
        check: names_in_place,
    },
    Coded {
        id: "names-not-folded",
        requirement: "rfc7591-1.1-case-sensitive-names",
        evidence: Evidence::Provoked,
        check: names_not_folded,
    },
    Coded {
        id: "open-to-anyone",
        requirement: "rfc7591-3-open-registration",
        evidence: Evidence::Passive,
        check: open_registration,
    },
    Coded {
        id: "takes-initial-access-token",
        requirement: "rfc7591-3-initial-access-token",
        evidence: Evidence::Passive,
        check: initial_access_token,
    },
    Coded {
        id: "values-replaced",
        requirement: "rfc7591-3.2.1-may-replace",
        evidence: Evidence::Passive,
        check: values_replaced,
    },
    Coded {
        id: "defaults-filled-in",
        requirement: "rfc7591-3.1-defaults-for-omitted",
        evidence: Evidence::Passive,
        check: defaults_filled,
    },
    Coded {
        id: "members-beyond",
        requirement: "rfc7591-3.2.1-additional-members",
        evidence: Evidence::Passive,
        check: additional_members,
    },
    Coded {
        id: "scope-by-default",
        requirement: "rfc7591-2-scope-default",
        evidence: Evidence::Passive,
        check: scope_default,
    },
];

fn created_status(exchange: &Exchange, _: &Context) -> Claims {
    match exchange.created() {
        Some(response) if response.client().is_none() => Claims::new(),
        Some(response) if response.status == 201 => holds(),
        Some(response) => objects(
            Objection::new(
                "status",
                format!("a client was created and answered {}; that is 201 Created", response.status),
            )
            .expected("201")
            .actual_text(&response.status.to_string()),
        ),
        None => Claims::new(),
    }
}

fn json_body(exchange: &Exchange, _: &Context) -> Claims {
    exchange.created().map(|response| json_object(response, "the answer to a registration")).unwrap_or_default()
}

/// Whether client information is one JSON object, labelled as JSON, with its parameters at the top level. `what` names the
/// response in messages.
pub(super) fn json_object(response: &Response, what: &str) -> Claims {
    let finding = |place: &str, message: String, actual: &str| {
        objects(
            Objection::new(place, message)
                .expected("application/json with one JSON object, its parameters at the top level")
                .actual_text(actual),
        )
    };
    match &response.cut {
        // Whoever reads no further than its own cap knows nothing about the end.
        Some(Cut::Capped { .. } | Cut::Stalled) => return Claims::new(),
        Some(cut @ (Cut::Truncated | Cut::Broken(_))) => {
            return finding("body", format!("{what} breaks off: {cut}"), "");
        }
        None => {}
    }
    if !response.headers.is_json() {
        let media_type = response.headers.media_type().unwrap_or_default();
        let shown = if media_type.is_empty() { "no media type" } else { &media_type };
        return finding(
            "header:content-type",
            format!("{what} is labelled {shown}; it is application/json"),
            &media_type,
        );
    }
    let text = || String::from_utf8_lossy(&response.body);
    match &response.parsed().value {
        Some(Value::Object(body)) if body.contains_key("client_id") => holds(),
        Some(Value::Object(body)) => {
            let nest = body.iter().find(|(_, v)| v.get("client_id").is_some_and(Value::is_string));
            match nest {
                Some((name, _)) => finding(
                    &format!("/{name}"),
                    format!(
                        "client_id and its companions stand inside {name:?}; every parameter stands at the top level"
                    ),
                    name,
                ),
                None => holds(),
            }
        }
        Some(_) => finding("body", format!("{what} is JSON, but not an object"), &text()),
        None if response.body.is_empty() => finding("body", format!("{what} has no body"), ""),
        None if response.parsed().beyond.is_some() => Claims::new(),
        None => finding(
            "body",
            format!("{what} is not JSON: {}", response.parsed().error.as_deref().unwrap_or("no value")),
            &text(),
        ),
    }
}

/// Names whose repetition decides who the client is: a duplicate is then no mere matter of style.
const CREDENTIALS: &[&str] = &["/client_id", "/client_secret", "/registration_access_token"];

fn json_strict(exchange: &Exchange, _: &Context) -> Claims {
    let Some(response) = exchange.created() else { return Claims::new() };
    let parsed = response.parsed();
    if response.cut.is_some() || parsed.value.is_none() {
        // What does not parse at all is the business of json-body; trailing commas and comments end up there.
        return Claims::new();
    }
    let mut claims = Claims::new();
    let mut add = |place: &str, message: String| {
        claims.push(Claim::objects(Objection::new(place, message).expected("strict JSON (RFC 8259)")));
    };
    if parsed.byte_order_mark {
        add("bytes", "the answer begins with a byte order mark, which no JSON text may carry".into());
    }
    if parsed.invalid_utf8 {
        add("bytes", "the answer holds bytes that are not UTF-8".into());
    }
    if let Some(rest) = &parsed.trailing {
        add("bytes", format!("text follows the JSON object: {rest}"));
    }
    for path in parsed.duplicates.iter().take(5) {
        let mut objection = Objection::new(path.clone(), format!("the member {path} occurs twice in one object"))
            .expected("unique member names (RFC 8259, 4)");
        if !CREDENTIALS.contains(&path.as_str()) {
            objection.level = Some(Level::Should);
        }
        claims.push(Claim::objects(objection));
    }
    if claims.is_empty() { holds() } else { claims }
}

fn no_store(exchange: &Exchange, _: &Context) -> Claims {
    exchange.created().map(kept_out_of_caches).unwrap_or_default()
}

/// Whether a response that holds credentials says no-store.
pub(super) fn kept_out_of_caches(response: &Response) -> Claims {
    let secret = ["client_secret", "registration_access_token"]
        .into_iter()
        .find(|name| response.member(name).is_some_and(|v| !v.is_empty()));
    let Some(secret) = secret else { return Claims::new() };
    let directives: Vec<String> = response.headers.all("cache-control").collect();
    let kept_out = directives.iter().flat_map(|v| v.split(',')).any(|d| d.trim().eq_ignore_ascii_case("no-store"));
    if kept_out {
        return holds();
    }
    let shown = if directives.is_empty() { "no Cache-Control".to_owned() } else { directives.join(", ") };
    objects(
        Objection::new(
            "header:cache-control",
            format!("an answer with {secret} may be kept by caches: it has {shown} (RFC 7591 shows no-store in its examples, RFC 6749, 5.1 demands it of token responses)"),
        )
        .expected("Cache-Control: no-store")
        .actual_text(&directives.join(", ")),
    )
}

/// A name with its letter case and separators taken away.
fn folded(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase())
}

/// Another spelling stands in place of a defined name.
fn names_in_place(exchange: &Exchange, _: &Context) -> Claims {
    let Some(body) = exchange.created().and_then(|r| r.object()) else { return Claims::new() };
    let Some(sent) = exchange.sent_plainly() else { return Claims::new() };
    let mut claims = Claims::new();
    for name in body.keys() {
        if DEFINED.contains(&name.as_str()) || name.contains('#') || sent.contains_key(name) {
            continue;
        }
        let defined = DEFINED.iter().find(|d| folded(d).eq(folded(name)));
        if let Some(defined) = defined
            && !body.contains_key(*defined)
        {
            claims.push(Claim::objects(
                Objection::new(
                    format!("/{name}"),
                    format!("{name:?} stands in place of {defined:?}; names are case-sensitive"),
                )
                .expected(*defined)
                .actual_text(name),
            ));
        }
    }
    if claims.is_empty() && body.contains_key("client_id") { holds() } else { claims }
}

/// A member under another spelling of client_name took effect as client_name.
fn names_not_folded(exchange: &Exchange, _: &Context) -> Claims {
    let Some(body) = exchange.created().and_then(|r| r.object()) else { return Claims::new() };
    let Some(sent) = exchange.sent_plainly() else { return Claims::new() };
    let mut tried = false;
    for (name, value) in sent {
        let Some(defined) = DEFINED.iter().find(|d| *d != name && d.eq_ignore_ascii_case(name)) else { continue };
        tried = true;
        if sent.contains_key(*defined) && sent.get(*defined) != Some(value) && body.get(*defined) == Some(value) {
            return objects(
                Objection::new(
                    format!("/{defined}"),
                    format!("the value of {name:?} was registered as {defined}; names are case-sensitive"),
                )
                .expected("the value of the member that is spelled as defined")
                .actual(value),
            );
        }
    }
    if tried { holds() } else { Claims::new() }
}

fn open_registration(exchange: &Exchange, _: &Context) -> Claims {
    match exchange.created().and_then(|r| r.client()) {
        Some(_) if exchange.request.auth == Auth::None => holds(),
        _ => Claims::new(),
    }
}

fn initial_access_token(exchange: &Exchange, context: &Context) -> Claims {
    match exchange.created().and_then(|r| r.client()) {
        Some(_) if exchange.request.auth == Auth::Initial && context.protected => holds(),
        _ => Claims::new(),
    }
}

fn values_replaced(exchange: &Exchange, _: &Context) -> Claims {
    let Some(body) = exchange.created().and_then(|r| r.object()) else { return Claims::new() };
    let Some(sent) = exchange.sent_plainly() else { return Claims::new() };
    let replaced = sent.iter().any(|(k, v)| is_metadata(k) && body.get(k).is_some_and(|b| b != v));
    if replaced { holds() } else { Claims::new() }
}

fn defaults_filled(exchange: &Exchange, _: &Context) -> Claims {
    let Some(body) = exchange.created().and_then(|r| r.object()) else { return Claims::new() };
    let Some(sent) = exchange.sent_plainly() else { return Claims::new() };
    if body.iter().any(|(k, v)| is_metadata(k) && !v.is_null() && !sent.contains_key(k)) {
        holds()
    } else {
        Claims::new()
    }
}

fn additional_members(exchange: &Exchange, _: &Context) -> Claims {
    let Some(body) = exchange.created().and_then(|r| r.object()) else { return Claims::new() };
    let beyond = body.keys().any(|k| !is_metadata(k) && !DEFINED.contains(&k.as_str()));
    if beyond { holds() } else { Claims::new() }
}

fn scope_default(exchange: &Exchange, _: &Context) -> Claims {
    let Some(response) = exchange.created() else { return Claims::new() };
    let given = response.member("scope").is_some_and(|s| !s.is_empty());
    if given && exchange.sent_plainly().is_some_and(|sent| !sent.contains_key("scope")) {
        holds()
    } else {
        Claims::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        judge::{Judge, Judgement},
        target::registration,
        wire::{Headers, Outcome},
    };

    /// What the judge says of a 201 with these members beside the credentials.
    fn said(members: &str) -> Vec<String> {
        let body = format!(
            r#"{{"client_id":"client-one","client_secret":"kq3v9X2mPz7LrT5wBn8cYd4sHg6jFa1uEo0iRx",
            "client_secret_expires_at":0,"redirect_uris":["https://client.example.org/callback"],
            "grant_types":["authorization_code"],"response_types":["code"],{members}}}"#
        );
        let mut headers = Headers::default();
        headers.push("content-type", "application/json");
        headers.push("cache-control", "no-store");
        let response = Response::new(201, "HTTP/1.1", headers, body.into(), None);
        let sent = r#"{"redirect_uris":["https://client.example.org/callback"]}"#;
        let request = registration("https://as.example/register", Some("application/json"), sent);
        let now = jiff::Timestamp::now();
        let exchange = Exchange::new(1, now, request, Outcome::Response(response), Default::default());
        let context = Context { accepted: true, established: true, ..Context::default() };
        let objects = |j: Judgement| match j.claim {
            Claim::Objects(objection) if objection.strength.is_none() => Some(j.rule.to_owned()),
            _ => None,
        };
        Judge::embedded().judge(&exchange, &context).into_iter().filter_map(objects).collect()
    }

    #[test]
    fn json_that_is_hard_to_read_is_json() {
        let deep = format!(
            r#""token_endpoint_auth_method":"client_secret_basic","x":{}1{}"#,
            "[".repeat(300),
            "]".repeat(300)
        );
        for members in [
            r#""token_endpoint_auth_method":"client_secret_basic","client_name":"\udc00\ud800""#,
            r#""token_endpoint_auth_method":"client_secret_basic","x":1e400"#,
            &deep,
        ] {
            assert_eq!(said(members), Vec::<String>::new(), "{members}");
        }
        assert_eq!(said(r#""x":1,"#), ["created-is-json"]);
    }

    /// OpenID Connect Core 1.0, 10: symmetric keys come from the client_secret, which such a client therefore has.
    #[test]
    fn a_public_client_with_a_symmetric_algorithm_has_a_secret() {
        let none = r#""token_endpoint_auth_method":"none""#;
        assert_eq!(said(none), ["none-has-no-secret"]);
        for (name, algorithm, accused) in [
            ("id_token_signed_response_alg", "HS256", false),
            ("userinfo_encrypted_response_alg", "A128GCMKW", false),
            ("introspection_encrypted_response_alg", "dir", false),
            ("id_token_signed_response_alg", "RS256", true),
            ("introspection_encrypted_response_alg", "A", true),
        ] {
            let found = said(&format!(r#"{none},"{name}":"{algorithm}""#));
            assert_eq!(found.is_empty(), !accused, "{algorithm}: {found:?}");
        }
    }
}
