//! What is around the metadata: how the JSON is written, the method, header fields, credentials, comparisons.

use super::{
    dice::Dice,
    structure::{Credentials, Envelope, Follow, Input, Label, Node, Shape, Style, Variant, Writing},
    text,
};
use crate::wire::Framing;

const STYLES: [Style; 3] = [Style::Reverse, Style::Spaced, Style::Escaped];

/// Ways to write application/json that mean the same (RFC 9110, 8.3.1; RFC 8259, 11).
const SAME_LABELS: &[&str] = &[
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "Application/JSON",
    "application/json ; charset=\"utf-8\"",
];

const LABELS: &[&str] = &[
    "application/json",
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "application/xml",
    "application/json; charset=utf-16",
    "application/jwt",
    "*/*",
    "application/json, text/plain",
    ";",
];

const METHODS: &[&str] = &["GET", "PUT", "PATCH", "HEAD", "OPTIONS", "DELETE", "REGISTER"];

/// Fields that change nothing about what a registration means. What could (Host, Expect, conditions, codings, overrides
/// of the method, fields of proxies) is left out: an answer to it would be about the field.
const HEADERS: &[(&str, &str)] = &[
    ("accept-language", "de, ja;q=0.5"),
    ("accept", "application/json, */*;q=0.1"),
    ("accept", "*/*"),
    ("user-agent", "dcrspec"),
    ("user-agent", "() { :; }; echo"),
    ("x-dcrspec", "1"),
    ("x-request-id", "${fresh}"),
    ("referer", "https://client.example.org/"),
    ("cookie", "a=b; a=c"),
    ("accept-language", "*"),
    ("cache-control", "no-cache"),
    ("dnt", "1"),
];

/// The writing of a body; plain most of the time.
pub fn writing(dice: &mut Dice) -> Writing {
    let mut writing = Writing::default();
    match dice.below(12) {
        0..=2 => writing.style = dice.pick(&STYLES),
        3 => writing.mark = true,
        4 => {
            let tails = ["\n", " ", "\u{0}", "x", "{}", "}", ",", "\n//", "\u{feff}"];
            writing.tail = dice.pick(&tails).to_owned();
        }
        5 => writing.utf16 = true,
        6 => writing.shape = Shape::InArray,
        7 => writing.shape = Shape::Cut(dice.pick(&[1, 500, 900, 999])),
        8 => writing.shape = Shape::Two,
        9 => writing.shape = Shape::Form,
        10 => writing.shape = if dice.one_in(2) { Shape::InText } else { Shape::Nothing },
        _ => {
            let node = if dice.one_in(3) { text::number(dice).0 } else { text::other_type(dice).0 };
            // An empty object is a proper request with nothing in it.
            writing.shape = Shape::Only(if node == Node::Object(Vec::new()) { Node::Null } else { node });
        }
    }
    writing
}

/// What is around the body.
pub fn envelope(dice: &mut Dice) -> Envelope {
    let mut envelope = Envelope::default();
    match dice.weighted(&[3, 3, 3, 3, 2]) {
        0 => {
            envelope.method = Some(dice.pick(METHODS).to_owned());
            envelope.in_query = dice.one_in(2);
        }
        1 => {
            envelope.label = match dice.weighted(&[2, 6, 1]) {
                0 => Label::Text("application/json".to_owned()),
                1 => Label::Text(dice.pick(LABELS).to_owned()),
                _ => Label::None,
            };
        }
        2 => {
            let (name, value) = dice.pick(HEADERS);
            envelope.headers.push((name.to_owned(), value.to_owned()));
            if dice.one_in(6) {
                let length = dice.pick(&[100, 4000, 9000]);
                envelope.headers.push(("x-dcrspec-long".into(), "a".repeat(length)));
            }
        }
        4 => envelope.framing = Some(dice.pick(&Framing::ALL)),
        _ => envelope.credentials = dice.pick(&[Credentials::None, Credentials::Random, Credentials::Truncated]),
    }
    envelope
}

/// Another form of the same meaning to compare with.
fn variant(dice: &mut Dice) -> Variant {
    match dice.below(5) {
        0 | 1 => Variant::Style(dice.pick(&STYLES)),
        4 => Variant::Chunks,
        2 => Variant::Label(dice.pick(SAME_LABELS).to_owned()),
        _ => {
            let nodes = [
                Node::text("text"),
                Node::Number("1".into()),
                Node::Bool(true),
                Node::Null,
                Node::texts(&["a"]),
                Node::Object(vec![("a".into(), Node::Object(vec![("b".into(), Node::Number("1".into()))]))]),
            ];
            Variant::Unknown(nodes[dice.below(nodes.len())].clone())
        }
    }
}

/// Everything besides the metadata.
pub fn around(dice: &mut Dice, input: &mut Input) {
    match dice.weighted(&[10, 3, 3, 4, 2]) {
        0 => {}
        1 => input.writing = writing(dice),
        2 => input.envelope = envelope(dice),
        3 => input.compare = Some(variant(dice)),
        _ => input.follow.push(if dice.one_in(3) { Follow::ReadEarlier } else { Follow::ReadOwn }),
    }
    // What is around an accepted client can be judged best where the client itself is left as it is.
    let around = !input.is_plain() || input.compare.is_some();
    if around && dice.one_in(3) {
        input.set.clear();
        input.omit.clear();
    }
}
