//! Relations: two exchanges that must agree.

use serde_json::{Map, Value};

use super::coded::is_metadata;
use crate::wire::Exchange;

/// How a registration came out, as far as two that mean the same have to agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    Created,
    /// 400, or another 4xx that speaks of the request.
    Refused(u16),
    /// 5xx other than 502, 503 and 504.
    Crashed(u16),
    /// Rate limits, redirects, credentials, no answer: nothing can be compared.
    Unclear,
}

/// The outcome class of a registration.
pub fn class(exchange: &Exchange) -> Class {
    let Some(response) = exchange.response() else { return Class::Unclear };
    if response.is_created() {
        // A success that holds no client is broken in itself, and nothing to compare with.
        return if response.client().is_some() { Class::Created } else { Class::Unclear };
    }
    match response.status {
        401 | 403 | 408 | 413 | 414 | 421 | 425 | 429 | 431 | 502 | 503 | 504 => Class::Unclear,
        status @ 400..=499 => Class::Refused(status),
        status @ 500..=599 => Class::Crashed(status),
        _ => Class::Unclear,
    }
}

/// What came of comparing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    Agrees,
    /// One sentence that says how they differ, and the member where they do.
    Differs {
        message: String,
        place: String,
    },
    Unclear(String),
}

/// Whether `variant`, which means the same as `plain`, came out the same: the outcome class, and for created clients
/// every metadata member of the plain answer by value. Identifiers, secrets, tokens and times are always fresh, and
/// arrays that are sets by meaning may come in another order.
pub fn equivalent(plain: &Exchange, variant: &Exchange) -> Agreement {
    match (class(plain), class(variant)) {
        (Class::Unclear, _) => {
            Agreement::Unclear("the plain form was not answered in a way that can be compared".into())
        }
        (_, Class::Unclear) => Agreement::Unclear(match variant.response() {
            Some(r) => format!("the variant was answered {}, which says nothing about its form", r.status),
            None => "the variant was not answered".into(),
        }),
        (Class::Created, Class::Created) => same_metadata(plain, variant),
        (Class::Refused(_), Class::Refused(_)) => Agreement::Agrees,
        (Class::Created, Class::Refused(status)) => Agreement::Differs {
            message: format!(
                "the plain form is accepted and this one is refused with {status}, though it means the same"
            ),
            place: "status".into(),
        },
        (_, Class::Crashed(status)) => Agreement::Differs {
            message: format!("the plain form is answered, and this one, which means the same, with {status}"),
            place: "status".into(),
        },
        (Class::Refused(_) | Class::Crashed(_), _) => Agreement::Unclear("the plain form was refused".into()),
    }
}

fn same_metadata(plain: &Exchange, variant: &Exchange) -> Agreement {
    let empty = Map::new();
    let a = plain.response().and_then(|r| r.object()).unwrap_or(&empty);
    let b = variant.response().and_then(|r| r.object()).unwrap_or(&empty);
    let sent = |x: &'_ Exchange| x.sent_plainly().cloned().unwrap_or_default();
    let (sent_a, sent_b) = (sent(plain), sent(variant));
    for (name, value) in a.iter().filter(|(n, _)| is_metadata(n)) {
        // Only what both requests sent alike and the plain form kept can be told to have changed: a server may replace
        // any value, by another one each time.
        if sent_a.get(name) != sent_b.get(name) || sent_a.get(name) != Some(value) {
            continue;
        }
        let other = b.get(name).unwrap_or(&Value::Null);
        if !same(name, value, other) {
            return Agreement::Differs {
                message: format!(
                    "{name} is {} where the plain form gives {}, though both requests mean the same",
                    super::shorten(&other.to_string(), 80),
                    super::shorten(&value.to_string(), 80)
                ),
                place: format!("/{name}"),
            };
        }
    }
    Agreement::Agrees
}

/// Whether two values of a member mean the same: sets may come in another order.
pub fn same(name: &str, a: &Value, b: &Value) -> bool {
    match (name, a, b) {
        ("scope", Value::String(a), Value::String(b)) => {
            sorted(a.split(' ').map(str::to_owned)) == sorted(b.split(' ').map(str::to_owned))
        }
        ("grant_types" | "response_types" | "redirect_uris" | "contacts", Value::Array(a), Value::Array(b)) => {
            sorted(a.iter().map(Value::to_string)) == sorted(b.iter().map(Value::to_string))
        }
        _ => a == b,
    }
}

fn sorted(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut items: Vec<String> = items.collect();
    items.sort();
    items
}
