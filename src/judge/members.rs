//! Rules that relate a member of the answer to what was asked for (RFC 7591, 2, 2.1, 2.2, 2.3 and 3.1).

use fluent_uri::Uri;
use serde_json::{Map, Value, json};

use super::{
    coded::{Coded, holds, objects, strings},
    rule::{Claim, Claims, Context, Evidence, Objection},
};
use crate::{
    spec::{Level, Strength},
    wire::Exchange,
};

pub(super) const RULES: &[Coded] = &[
    Coded {
        id: "assigned-not-adopted",
        requirement: "rfc7591-3.1-server-assigned-members",
        evidence: Evidence::Provoked,
        check: assigned_not_adopted,
    },
    Coded {
        id: "default-method-has-secret",
        requirement: "rfc7591-2-auth-method-default",
        evidence: Evidence::Provoked,
        check: default_method,
    },
    Coded {
        id: "types-agree",
        requirement: "rfc7591-2.1-consistent-types",
        evidence: Evidence::Provoked,
        check: types_agree,
    },
    Coded {
        id: "scope-separated-by-spaces",
        requirement: "rfc7591-2-scope-type",
        evidence: Evidence::Provoked,
        check: scope_separator,
    },
    Coded {
        id: "uri-members-absolute",
        requirement: "rfc7591-2-uri-members-type",
        evidence: Evidence::Provoked,
        check: uri_members_absolute,
    },
    Coded {
        id: "uri-members-possible",
        requirement: "rfc7591-2-uri-members-valid",
        evidence: Evidence::Provoked,
        check: uri_members_possible,
    },
    Coded {
        id: "display-uris-other-host",
        requirement: "rfc7591-5-display-uris-same-host",
        evidence: Evidence::Provoked,
        check: display_uris,
    },
    Coded {
        id: "names-not-garbled",
        requirement: "rfc7591-2.2-untagged-as-is",
        evidence: Evidence::Provoked,
        check: not_garbled,
    },
    Coded {
        id: "variant-tag-in-capitals",
        requirement: "rfc7591-2.2-tag-case-insensitive",
        evidence: Evidence::Provoked,
        check: variant_in_capitals,
    },
    Coded {
        id: "unsigned-statement-unused",
        requirement: "rfc7591-2.3-statement-signed",
        evidence: Evidence::Provoked,
        check: unsigned_statement,
    },
];

type Members = Map<String, Value>;

/// What was registered, and what was asked for, where no two readers can differ about that.
fn created(exchange: &Exchange) -> Option<(&Members, &Members)> {
    Some((exchange.created()?.object()?, exchange.sent_plainly()?))
}

fn assigned_not_adopted(exchange: &Exchange, _: &Context) -> Claims {
    let Some((body, sent)) = created(exchange) else { return Claims::new() };
    let mut tried = false;
    let mut claims = Claims::new();
    for name in ["client_secret", "client_secret_expires_at", "client_id_issued_at"] {
        let Some(chosen) = sent.get(name).filter(|v| !v.is_null() && **v != json!("") && **v != json!(0)) else {
            continue;
        };
        tried = true;
        if body.get(name) == Some(chosen) {
            claims.push(Claim::objects(
                Objection::new(
                    format!("/{name}"),
                    format!("the client chose its own {name} and the server took it over"),
                )
                .expected("a value that the server assigns, or a refusal"),
            ));
        }
    }
    if tried && claims.is_empty() { holds() } else { claims }
}

/// The request left the method out and the answer is silent too: then client_secret_basic holds, and needs a secret.
fn default_method(exchange: &Exchange, _: &Context) -> Claims {
    let Some((body, sent)) = created(exchange) else { return Claims::new() };
    let silent = |map: &Map<String, Value>| map.get("token_endpoint_auth_method").is_none_or(Value::is_null);
    let only_implicit =
        strings(body, "grant_types").is_some_and(|g| !g.is_empty() && g.iter().all(|g| *g == "implicit"));
    if !silent(sent) || only_implicit || !body.contains_key("client_id") {
        return Claims::new();
    }
    // A method that the answer states counts, whatever it is.
    let secret = body.get("client_secret").is_some_and(|s| !s.is_null() && *s != json!(""));
    if !body.contains_key("token_endpoint_auth_method") && !secret {
        return objects(
            Objection::new(
                "/token_endpoint_auth_method",
                "neither request nor answer names a method, so client_secret_basic holds, and yet there is no client_secret",
            )
            .expected("a client_secret, or the method that holds instead"),
        );
    }
    holds()
}

/// The table of section 2.1, only where both members were sent and both came back.
fn types_agree(exchange: &Exchange, _: &Context) -> Claims {
    let Some((body, sent)) = created(exchange) else { return Claims::new() };
    if !sent.contains_key("grant_types") || !sent.contains_key("response_types") {
        return Claims::new();
    }
    let (Some(grants), Some(responses)) = (strings(body, "grant_types"), strings(body, "response_types")) else {
        return Claims::new();
    };
    // A value in another letter case has an entry of its own; here it counts as the value that is meant.
    let grant = |name: &str| grants.iter().any(|g| g.eq_ignore_ascii_case(name));
    let response = |name: &str| responses.iter().any(|r| r.eq_ignore_ascii_case(name));
    // Hybrid types such as "code id_token" and extension values are outside the table, so any of them leaves it open
    // whether a grant has its response type.
    let open = responses.iter().any(|r| !r.eq_ignore_ascii_case("code") && !r.eq_ignore_ascii_case("token"));
    let contradiction = if response("code") && !grant("authorization_code") {
        Some("the response type code without the grant authorization_code")
    } else if response("token") && !grant("implicit") {
        Some("the response type token without the grant implicit")
    } else if grant("authorization_code") && !response("code") && !open {
        Some("the grant authorization_code without the response type code")
    } else if grant("implicit") && !response("token") && !open {
        Some("the grant implicit without the response type token")
    } else {
        None
    };
    match contradiction {
        Some(what) => objects(
            Objection::new("/response_types", format!("grant types and response types contradict each other: {what}"))
                .expected("a pair that agrees with the table of section 2.1, or a refusal")
                .actual(&json!({"grant_types": grants, "response_types": responses})),
        ),
        None => holds(),
    }
}

fn scope_separator(exchange: &Exchange, _: &Context) -> Claims {
    let Some((body, sent)) = created(exchange) else { return Claims::new() };
    let (Some(asked), Some(given)) =
        (sent.get("scope").and_then(Value::as_str), body.get("scope").and_then(Value::as_str))
    else {
        return Claims::new();
    };
    let tokens: Vec<&str> = asked.split(' ').filter(|t| !t.is_empty()).collect();
    if tokens.len() < 2 {
        return Claims::new();
    }
    // A comma is a lawful character of a scope token, so only the asked-for tokens themselves, joined, are a fault.
    let by_comma: Vec<&str> = given.split(',').map(str::trim).collect();
    if by_comma.len() > 1 && by_comma.iter().all(|t| tokens.contains(t)) {
        return objects(
            Objection::new("/scope", format!("the scope values are separated by commas: {given:?}"))
                .expected("values separated by spaces (RFC 6749, 3.3)")
                .actual_text(given),
        );
    }
    holds()
}

const URI_MEMBERS: &[&str] = &["client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks_uri"];

/// A URI that nobody asked for in that form is no absolute URI.
fn uri_members_absolute(exchange: &Exchange, _: &Context) -> Claims {
    let Some((body, sent)) = created(exchange) else { return Claims::new() };
    let is_absolute = |text: &str| {
        text.split_once(':').is_some_and(|(s, _)| {
            s.starts_with(|c: char| c.is_ascii_alphabetic())
                && s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        })
    };
    let mut seen = false;
    for name in URI_MEMBERS {
        let Some(given) = body.get(*name).and_then(Value::as_str).filter(|s| !s.is_empty()) else { continue };
        let lawful = match sent.get(*name) {
            None | Some(Value::Null) => true,
            Some(value) => value.as_str().is_some_and(is_absolute),
        };
        if !lawful {
            continue;
        }
        seen = true;
        if !is_absolute(given) {
            return objects(
                Objection::new(
                    format!("/{name}"),
                    format!("{name} is {given:?}, which is no absolute URI and not what was sent"),
                )
                .expected("an absolute URI, or no such member")
                .actual_text(given),
            );
        }
    }
    if seen { holds() } else { Claims::new() }
}

/// An impossible URL that was sent was registered as it is.
fn uri_members_possible(exchange: &Exchange, _: &Context) -> Claims {
    let Some((body, sent)) = created(exchange) else { return Claims::new() };
    let mut tried = false;
    let mut claims = Claims::new();
    for name in URI_MEMBERS {
        let Some(asked) = sent.get(*name).and_then(Value::as_str).filter(|s| !s.is_empty()) else { continue };
        let script = ["javascript:", "vbscript:", "data:"].iter().any(|s| asked.to_ascii_lowercase().starts_with(s));
        let impossible = Uri::parse(asked).is_err() && asked.is_ascii();
        if !script && !impossible {
            continue;
        }
        tried = true;
        if body.get(*name).and_then(Value::as_str) != Some(asked) {
            continue;
        }
        let (what, level) = if script {
            ("is executed by browsers that follow it", Level::Security)
        } else {
            ("is no URL (RFC 3986)", Level::Should)
        };
        claims.push(Claim::objects(
            Objection::new(format!("/{name}"), format!("{name} was registered as {asked:?}, which {what}"))
                .expected("a refusal, or another value")
                .actual_text(asked)
                .level(level),
        ));
    }
    if tried && claims.is_empty() { holds() } else { claims }
}

fn host_of(uri: &str) -> Option<&str> {
    uri.split_once("://")?.1.split(['/', '?', '#', ':']).next()
}

fn display_uris(exchange: &Exchange, _: &Context) -> Claims {
    let Some((body, _)) = created(exchange) else { return Claims::new() };
    let Some(redirects) = strings(body, "redirect_uris") else { return Claims::new() };
    let hosts: Vec<&str> = redirects.iter().filter_map(|u| host_of(u)).collect();
    for name in ["client_uri", "logo_uri", "tos_uri", "policy_uri"] {
        let host = body.get(name).and_then(Value::as_str).and_then(host_of);
        if let Some(host) = host
            && !hosts.is_empty()
            && !hosts.contains(&host)
        {
            return objects(
                Objection::new(
                    format!("/{name}"),
                    format!("{name} was registered on {host}, where no redirection URI is; the check may come later"),
                )
                .strength(Strength::Note),
            );
        }
    }
    Claims::new()
}

/// The corruptions of a text that are known for what they are; any other change is a substitution, which is allowed.
fn not_garbled(exchange: &Exchange, _: &Context) -> Claims {
    let Some((body, sent)) = created(exchange) else { return Claims::new() };
    let (Some(asked), Some(given)) =
        (sent.get("client_name").and_then(Value::as_str), body.get("client_name").and_then(Value::as_str))
    else {
        return Claims::new();
    };
    if asked.is_ascii() {
        return Claims::new();
    }
    let latin1: String = asked.bytes().map(char::from).collect();
    let marks = |mark: char| asked.chars().map(|c| if c.is_ascii() { c } else { mark }).collect::<String>();
    let entities: String =
        asked.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("&#{};", c as u32) }).collect();
    let garbled = if given == latin1 {
        Some("its UTF-8 was read as Latin-1")
    } else if given == marks('?') {
        Some("every character beyond ASCII became a question mark")
    } else if given == marks('\u{fffd}') {
        Some("every character beyond ASCII became U+FFFD")
    } else if given.eq_ignore_ascii_case(&entities) {
        Some("every character beyond ASCII became an HTML entity")
    } else {
        None
    };
    match garbled {
        Some(how) => objects(
            Objection::new("/client_name", format!("client_name came back garbled: {how}"))
                .expected("the same characters, in any JSON escaping")
                .actual_text(given),
        ),
        None => holds(),
    }
}

/// A language variant whose tag is written in capitals is kept, in either spelling. Dropping it is lawful.
fn variant_in_capitals(exchange: &Exchange, _: &Context) -> Claims {
    let Some((body, sent)) = created(exchange) else { return Claims::new() };
    let capitals =
        |name: &&String| name.split_once('#').is_some_and(|(_, tag)| tag.bytes().any(|b| b.is_ascii_uppercase()));
    let kept =
        |name: &String| body.iter().any(|(n, value)| n.eq_ignore_ascii_case(name) && Some(value) == sent.get(name));
    if sent.keys().filter(capitals).any(kept) { holds() } else { Claims::new() }
}

/// A software statement that nobody signed shows an effect.
fn unsigned_statement(exchange: &Exchange, _: &Context) -> Claims {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let Some((body, sent)) = created(exchange) else { return Claims::new() };
    let Some(statement) = sent.get("software_statement").and_then(Value::as_str) else { return Claims::new() };
    let part = |i: usize| -> Option<Map<String, Value>> {
        let bytes = URL_SAFE_NO_PAD.decode(statement.split('.').nth(i)?).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let unsigned =
        part(0).is_some_and(|h| h.get("alg").and_then(Value::as_str).is_some_and(|a| a.eq_ignore_ascii_case("none")));
    if !unsigned {
        return Claims::new();
    }
    let claims = part(1).unwrap_or_default();
    let effect = claims.iter().find(|(name, value)| {
        super::coded::is_metadata(name) && body.get(*name) == Some(value) && sent.get(*name) != Some(value)
    });
    match effect {
        Some((name, value)) => objects(
            Objection::new(
                format!("/{name}"),
                format!("{name} was taken from a software statement with the algorithm none"),
            )
            .expected("a refusal, or a 201 without any trace of the statement")
            .actual(value),
        ),
        None if body.get("software_statement").and_then(Value::as_str) == Some(statement) => objects(
            Objection::new(
                "/software_statement",
                "an unsigned software statement is echoed, though no claim of it took effect",
            )
            .strength(Strength::Note),
        ),
        None => holds(),
    }
}
