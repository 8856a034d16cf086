//! The members of JSON bodies that hold secrets.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Members that are secrets wherever they stand.
const NAMES: [&str; 6] =
    ["client_secret", "registration_access_token", "access_token", "refresh_token", "id_token", "initial_access_token"];

/// Members that are secrets in a JSON Web Key (RFC 7518, 6): private parts, and the symmetric key.
const KEY_PARTS: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// Further members that no specification here names, and that say themselves what they are; without `_` and `-`.
const OTHERS: [&str; 6] = ["secret", "password", "apikey", "privatekey", "registrationtoken", "clientpassword"];

/// Whether a member is a secret, by its name in any spelling: `clientSecret` is `client_secret`.
pub(super) fn is_secret(name: &str) -> bool {
    if NAMES.contains(&name) {
        return true;
    }
    let bare = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
    let name = bare(name);
    OTHERS.contains(&name.as_str()) || NAMES.iter().any(|n| bare(n) == name)
}

/// Whether a header field is a secret, by its name.
pub(super) fn names_a_secret(header: &str) -> bool {
    let name = header.to_ascii_lowercase();
    ["secret", "token", "password", "api-key", "apikey"].iter().any(|word| name.contains(word))
}

/// A cheap test that spares most bodies a parse: names can be escaped, and all but JWK parts hold `secret` or `token`.
pub(super) fn may_name_a_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["secret", "token", "\"kty\"", "\\u", "password", "key"].iter().any(|word| text.contains(word))
}

fn kind_of(name: &str, in_key: bool) -> Option<String> {
    match name {
        _ if is_secret(name) => Some(name.to_owned()),
        _ if in_key && KEY_PARTS.contains(&name) => Some(format!("JWK {name}")),
        _ => None,
    }
}

/// Calls with the kind and the value of every secret in a body: those in JSON, repeated members too, and those in what
/// only looks like JSON, such as the beginning of a body that broke off.
pub(super) fn each_secret(body: &[u8], found: &mut impl FnMut(&str, &str)) {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}');
    if !may_name_a_secret(text) {
        return;
    }
    // Whatever follows the first value does not spoil it.
    if let Some(Ok(node)) = serde_json::Deserializer::from_str(text).into_iter::<Node>().next() {
        node.each(found);
    }
    for name in NAMES {
        scan(text, name, found);
    }
}

/// Strings that follow `"name":`.
fn scan(text: &str, name: &str, found: &mut impl FnMut(&str, &str)) {
    let quoted = format!("\"{name}\"");
    for (at, _) in text.match_indices(&quoted) {
        let rest = text[at + quoted.len()..].trim_start();
        let Some(value) = rest.strip_prefix(':').map(str::trim_start).and_then(|v| v.strip_prefix('"')) else {
            continue;
        };
        let mut escaped = false;
        let end = value.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let raw = &value[..end.unwrap_or(value.len())];
        let decoded = serde_json::from_str::<String>(&format!("\"{raw}\""));
        found(name, decoded.as_deref().unwrap_or(raw));
    }
}

/// Calls with every value that a member named as secrets are holds directly: a string, a number, or one in an array.
pub(super) fn redact(value: &mut Value, secret: &mut impl FnMut(&str, &mut Value)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, secret)),
        Value::Object(members) => {
            let in_key = members.contains_key("kty");
            for (name, value) in members.iter_mut() {
                match (kind_of(name, in_key), &mut *value) {
                    (Some(kind), Value::String(_) | Value::Number(_)) => secret(&kind, value),
                    (Some(kind), Value::Array(items)) => {
                        for item in items {
                            match item {
                                Value::String(_) | Value::Number(_) => secret(&kind, item),
                                other => redact(other, secret),
                            }
                        }
                    }
                    (_, other) => redact(other, secret),
                }
            }
        }
        _ => {}
    }
}

/// JSON that keeps members which occur more than once: `serde_json::Value` keeps the last alone.
enum Node {
    Other,
    Text(String),
    List(Vec<Node>),
    Members(Vec<(String, Node)>),
}

impl Node {
    fn each(&self, found: &mut impl FnMut(&str, &str)) {
        match self {
            Node::Other | Node::Text(_) => {}
            Node::List(items) => items.iter().for_each(|item| item.each(found)),
            Node::Members(members) => {
                let in_key = members.iter().any(|(name, _)| name == "kty");
                for (name, node) in members {
                    match (kind_of(name, in_key), node) {
                        (Some(kind), Node::Text(text)) => found(&kind, text),
                        (Some(kind), Node::List(items)) => {
                            for item in items {
                                if let Node::Text(text) = item {
                                    found(&kind, text);
                                }
                            }
                            node.each(found);
                        }
                        _ => node.each(found),
                    }
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Node, D::Error> {
        d.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Other)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Other)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Other)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Other)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Other)
    }
    fn visit_str<E>(self, v: &str) -> Result<Node, E> {
        Ok(Node::Text(v.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Members(members))
    }
}
