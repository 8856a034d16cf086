//! What a read shows, held against what the answers before it showed (RFC 7592, 2.1, 3 and A.1).

use serde_json::{Value, json};

use super::{Client, Document, Said, status, text};
use crate::{
    judge::{Objection, coded::is_metadata, memory::is_default, parse::pointer_token},
    wire::Response,
};

pub(super) fn read(client: &mut Client, response: &Response, said: &mut Said) {
    match response.status {
        200 => {}
        found @ 201..=299 => {
            return said.objects(
                "read-is-200",
                status(response, format!("a read was answered {found}; a successful one is answered 200"), "200"),
            );
        }
        403 => return said.holds("forbidden-read-is-403"),
        // After a refused update the token may be dead, which is another matter.
        401 if client.refused.is_some() => return,
        // Whatever is wrong with a client may be wrong with it for every method.
        400 if !client.accepted => return,
        400 | 401 | 404 | 409 | 410 if client.updated && !client.read && !client.spoilt => {
            return said.objects(
                "forbidden-read-is-403",
                status(
                    response,
                    format!("a read was answered {}, though the token works for an update", response.status),
                    "403 where a client may not read, 405 where none may",
                )
                .with(client.shown_in),
            );
        }
        _ => return,
    }
    let Some(document) = record("read-is-200", "a read", response, said) else { return };
    same_client(client, document, said);
    secret_shown(client, document, "a read", said);
    if !client.shared {
        compare(client, document, said);
    }
}

/// The client's record in a 200.
pub(super) fn record<'a>(rule: &str, what: &str, response: &'a Response, said: &mut Said) -> Option<&'a Document> {
    let document = response.object().filter(|o| o.contains_key("client_id") || o.contains_key("redirect_uris"));
    match document {
        Some(document) => {
            said.holds(rule);
            Some(document)
        }
        // Truncation and wrong labels have an entry of their own, and depth is no fault.
        None if response.cut.is_some() || response.parsed().beyond.is_some() => None,
        None => {
            said.objects(
                rule,
                Objection::new("body", format!("{what} was answered 200 without the client's record"))
                    .expected("the client information of section 3"),
            );
            None
        }
    }
}

pub(super) fn same_client(client: &Client, document: &Document, said: &mut Said) {
    let found = document.get("client_id");
    if found.and_then(Value::as_str) == Some(client.client_id.as_str()) {
        return said.holds("client-id-unchanged");
    }
    said.objects(
        "client-id-unchanged",
        Objection::new("/client_id", "the client_id is not the one that was registered")
            .expected(client.client_id.clone())
            .actual(found.unwrap_or(&Value::Null))
            .with(client.shown_in),
    );
}

/// A client that has a secret finds it in each answer.
pub(super) fn secret_shown(client: &Client, document: &Document, what: &str, said: &mut Said) {
    let by_secret = |d: &Document| text(d, "token_endpoint_auth_method").is_none_or(|m| m.starts_with("client_secret"));
    if client.secret().is_none() || !by_secret(document) {
        return;
    }
    let objection = |message: String| {
        Objection::new("/client_secret", message).expected("the client_secret as it stands").with(client.shown_in)
    };
    match text(document, "client_secret") {
        None => said.objects(
            "secret-still-shown",
            objection(format!(
                "{what} of a client with a secret does not show the secret (servers that store a hash of it cannot; section A.1 says MUST all the same)"
            )),
        ),
        Some(secret) if masked(secret) => said.objects(
            "secret-still-shown",
            objection(format!("{what} shows a mask in place of the secret, which a client takes for its new secret")),
        ),
        Some(_) => said.holds("secret-still-shown"),
    }
}

fn masked(secret: &str) -> bool {
    let mask = |c: char| matches!(c, '*' | '•' | '●');
    secret.chars().filter(|c| mask(*c)).count() >= 3 && secret.chars().filter(|c| !mask(*c)).count() < 8
}

/// Holds a read against the last answer.
fn compare(client: &Client, document: &Document, said: &mut Said) {
    // Nothing is known of the client any more.
    if client.shown.is_empty() {
        return;
    }
    let (mut complete, mut current, mut unseen) = (true, true, true);
    let known: Vec<&String> = client.shown.keys().filter(|n| is_metadata(n)).collect();
    let fresh = document.keys().filter(|n| is_metadata(n) && !client.shown.contains_key(*n));
    for name in known.into_iter().chain(fresh) {
        let (was, is) = (client.shown.get(name), document.get(name));
        if alike(name, was, is) {
            continue;
        }
        // The letter case of a language tag means nothing.
        let elsewhere =
            |d: &Document| name.contains('#') && d.keys().any(|k| k != name && k.eq_ignore_ascii_case(name));
        if elsewhere(document) || elsewhere(&client.shown) {
            continue;
        }
        let place = format!("/{}", pointer_token(name));
        let objection = |message: String| {
            Objection::new(place.clone(), message)
                .expected(was.map_or("no such member".to_owned(), Value::to_string))
                .actual(is.unwrap_or(&Value::Null))
                .with(client.shown_in)
        };
        let wanted = client.refused.as_ref().filter(|(sent, _)| is.is_some() && sent.get(name) == is);
        if let Some((_, refused_in)) = wanted {
            unseen = false;
            said.objects(
                "refused-update-unseen",
                objection(format!("{name} is what a refused update asked for")).with(*refused_in),
            );
        } else if empty(is) {
            complete = false;
            said.objects(
                "document-complete",
                objection(format!("{name} stood in the last answer, and a read right after it does not show it")),
            );
        } else if empty(was) {
            if is.is_some_and(|v| is_default(name, v)) {
                continue;
            }
            complete = false;
            said.objects(
                "document-complete",
                objection(format!("a read shows {name}, which the last answer did not list")),
            );
        } else {
            current = false;
            said.objects(
                "read-as-returned",
                objection(format!("{name} differs from what the last answer showed, and nothing was updated since")),
            );
        }
    }
    for (rule, held) in [("document-complete", complete), ("read-as-returned", current)] {
        if held {
            said.holds(rule);
        }
    }
    if unseen && client.refused.is_some() {
        said.holds("refused-update-unseen");
    }
}

/// After two updates at once: the answer that the read agrees with. A read that shows parts of both shows what neither was
/// answered.
pub(super) fn one_of(client: &Client, either: Vec<Document>, found: &Document, said: &mut Said) -> Document {
    let agrees = |answer: &Document| {
        let names = answer.keys().chain(found.keys()).filter(|n| is_metadata(n));
        names.into_iter().all(|n| alike(n, answer.get(n), found.get(n)))
    };
    match either.into_iter().find(agrees) {
        Some(answer) => answer,
        None => {
            said.objects(
                "read-as-returned",
                Objection::new("/", "after two updates at once a read shows what neither of them was answered")
                    .expected("the metadata of one of the two answers as a whole")
                    .with(client.shown_in),
            );
            Document::new()
        }
    }
}

/// Null and empty values stand for an absent member.
pub(super) fn empty(value: Option<&Value>) -> bool {
    value.is_none_or(|v| v.is_null() || *v == json!("") || *v == json!([]) || *v == json!({}))
}

/// Whether two values mean the same: absence in any form, arrays of strings and scope in any order.
pub(super) fn alike(name: &str, a: Option<&Value>, b: Option<&Value>) -> bool {
    if empty(a) && empty(b) {
        return true;
    }
    let (Some(a), Some(b)) = (a, b) else { return false };
    if a == b {
        return true;
    }
    let set = |value: &Value| -> Option<Vec<String>> {
        let mut words: Vec<String> = match value {
            Value::Array(items) => items.iter().map(|i| i.as_str().map(str::to_owned)).collect::<Option<_>>()?,
            Value::String(words) if name == "scope" => words.split(' ').map(str::to_owned).collect(),
            _ => return None,
        };
        words.sort_unstable();
        words.dedup();
        Some(words)
    };
    matches!((set(a), set(b)), (Some(a), Some(b)) if a == b)
}
