//! Key sets (RFC 7517) and software statements (RFC 7591, 2.3).
//!
//! The keys are made up for this purpose. Their private members are no secrets of anybody: they are the numbers of the
//! examples in RFC 7517 and RFC 8037, or plain nonsense.

use super::{
    dice::Dice,
    structure::{Mutation, Node},
};
use crate::target::STATEMENT_KINDS;

fn object(members: &[(&str, &str)]) -> Node {
    Node::Object(members.iter().map(|(k, v)| ((*k).to_owned(), Node::text(*v))).collect())
}

const EC: &[(&str, &str)] = &[
    ("kty", "EC"),
    ("crv", "P-256"),
    ("kid", "dcrspec"),
    ("x", "JAozW4uYI4bdjCGs5JMpRqmDn3RzecbI4tD1RC-wsSE"),
    ("y", "2DXe1GWuGGI6jR6B-EipZNZla85-VdF5tbPbjwGkvp8"),
];
const ED: &[(&str, &str)] = &[("kty", "OKP"), ("crv", "Ed25519"), ("x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")];

/// One key, and whether it is right.
fn key(dice: &mut Dice) -> (Node, bool) {
    match dice.below(12) {
        0 => (object(EC), true),
        1 => (object(ED), true),
        2 => (with(EC, "d", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"), false),
        3 => (with(ED, "d", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"), false),
        4 => (object(&[("kty", "oct"), ("k", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")]), false),
        5 => (object(&[("crv", "P-256"), ("x", "AA"), ("y", "AA")]), false),
        6 => (Node::Object(vec![("kty".into(), Node::Number("1".into()))]), false),
        7 => (with(EC, "crv", "P-0"), false),
        8 => (object(&[("kty", "RSA"), ("n", ""), ("e", "AQAB")]), false),
        9 => (
            Node::Object(vec![
                ("kty".into(), Node::text("RSA")),
                ("n".into(), Node::Long { text: "AAAA".into(), times: 2000 }),
                ("e".into(), Node::text("AQAB")),
            ]),
            false,
        ),
        10 => (object(&[("kty", "EC"), ("crv", "P-256"), ("x", "****"), ("y", "\u{0}")]), false),
        _ => (Node::text("key"), false),
    }
}

fn with(members: &[(&str, &str)], name: &str, value: &str) -> Node {
    let kept = members.iter().filter(|(k, _)| *k != name).copied();
    let all: Vec<(&str, &str)> = kept.chain([(name, value)]).collect();
    object(&all)
}

/// A value for `jwks`.
pub fn jwks(dice: &mut Dice) -> (Node, Mutation) {
    let set = |keys: Node| Node::Object(vec![("keys".into(), keys)]);
    match dice.weighted(&[6, 2, 1, 1, 1, 1]) {
        0 => {
            let (key, right) = key(dice);
            (set(Node::Array(vec![key])), if right { Mutation::Valid } else { Mutation::Key })
        }
        1 => (set(Node::Object(vec![("0".into(), object(EC))])), Mutation::Key),
        2 => (set(Node::Array(Vec::new())), Mutation::Empty),
        3 => (Node::text(r#"{"keys":[]}"#), Mutation::Type),
        4 => (Node::Array(vec![object(EC)]), Mutation::Type),
        _ => {
            let count = dice.pick(&[2, 50]);
            (set(Node::Array(vec![object(EC); count])), Mutation::Long)
        }
    }
}

/// A value for `software_statement`: a statement that the tool makes when the request is sent, or none at all.
pub fn statement(dice: &mut Dice) -> (Node, Mutation) {
    const NONE: &[&str] = &["", "a.b.c", "..", "eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.bm90IGpzb24.AAAA"];
    if dice.one_in(5) {
        return (Node::text(dice.pick(NONE)), Mutation::Statement);
    }
    let (kind, _) = STATEMENT_KINDS[dice.below(STATEMENT_KINDS.len())];
    (Node::Text(format!("${{statement.{kind}}}")), Mutation::Statement)
}
