//! Texts, words and numbers that readers trip over.

use super::{
    dice::Dice,
    structure::{Mutation, Node},
};

/// Characters that one program keeps and the next one drops, folds, cuts or executes.
const TRAPS: &[&str] = &[
    "größe 東京",
    "caf\u{e9}",
    "cafe\u{301}",
    "\u{0}",
    "a\u{0}b",
    "\u{feff}mark",
    "\u{202e}desrever",
    "\u{2066}isolate\u{2069}",
    "zero\u{200b}width\u{200d}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "\u{1f600}",
    "\u{10ffff}",
    "\u{fffe}\u{ffff}",
    "\u{85}\u{2028}\u{2029}",
    "line\r\nend",
    "\u{1b}[31mred",
    "ﬁ ﬂ ß ẞ ı İ",
    "Ａｄｍｉｎ",
    "аdmin",
    "<script>alert(1)</script>",
    "\"'`;--",
    "${7*7}{{7*7}}#{7*7}",
    "%00%0d%0a",
    "%s%n%x",
    "../../etc/passwd",
    "null",
    "undefined",
    "true",
    "NaN",
    " ",
    "\t",
    " leading and trailing ",
    "ཨོཾ་མ",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
];

/// What stands between quotation marks and is no text: halves of characters, and escapes that are none.
const ESCAPES: &[&str] =
    &["\\ud800", "\\udc00\\ud800", "a\\ud83d", "\\u0000", "\\uD83D\\uDE00", "\\x41", "\\u12", "\\'", "\\"];

/// Bytes that are not UTF-8, in hexadecimal digits.
const BYTES: &[&str] = &["ff", "c0af", "eda080", "6162c3", "f4908080", "80", "fe", "00", "0a", "1f"];

/// Numbers as they are written.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "7",
    "0.5",
    "1.0",
    "1e0",
    "1E+2",
    "2147483647",
    "2147483648",
    "-2147483649",
    "4294967296",
    "9007199254740991",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "123456789012345678901234567890",
    "1e308",
    "1e400",
    "-1e400",
    "1e-400",
    "0.1e1",
    "253402300800",
];

/// Numbers that no JSON text may hold.
const NO_NUMBERS: &[&str] = &["01", "+1", ".5", "1.", "0x10", "NaN", "Infinity", "1_000", "--1", "1e"];

/// A name of a client, a version, an identifier.
pub fn text(dice: &mut Dice) -> (Node, Mutation) {
    match dice.weighted(&[6, 8, 2, 2, 1]) {
        0 => (
            Node::text(dice.pick(&[
                "plain name",
                "a",
                "1.10",
                "2",
                "4NRB1-0XZABZI9E6-5SM3R",
                "dcrspec",
                "client_name",
            ])),
            Mutation::Valid,
        ),
        1 => (Node::text(dice.pick(TRAPS)), Mutation::Unicode),
        2 => (
            Node::Long {
                text: dice.pick(&["a", "ü", "\u{1f600}", "a ", "\u{0}", "e\u{301}"]).to_owned(),
                times: dice.pick(&[255, 256, 257, 1024, 4097, 12_000]),
            },
            Mutation::Long,
        ),
        3 => no_text(dice),
        _ => (Node::text(""), Mutation::Empty),
    }
}

/// A string that is no text.
pub fn no_text(dice: &mut Dice) -> (Node, Mutation) {
    if dice.one_in(2) {
        (Node::Bytes(dice.pick(BYTES).to_owned()), Mutation::Bytes)
    } else {
        (Node::Escaped(dice.pick(ESCAPES).to_owned()), Mutation::Bytes)
    }
}

/// A number, as a number or as something like one.
pub fn number(dice: &mut Dice) -> (Node, Mutation) {
    let node = match dice.weighted(&[8, 2, 1]) {
        0 => Node::Number(dice.pick(NUMBERS).to_owned()),
        1 => Node::text(dice.pick(NUMBERS)),
        _ => Node::Number(dice.pick(NO_NUMBERS).to_owned()),
    };
    (node, Mutation::Number)
}

/// A value of some other JSON type than is wanted.
pub fn other_type(dice: &mut Dice) -> (Node, Mutation) {
    match dice.weighted(&[2, 2, 2, 2, 2, 2, 1, 2]) {
        0 => (Node::Number(dice.pick(&["7", "0", "1.5", "-1", "1e3"]).to_owned()), Mutation::Type),
        1 => (Node::Bool(dice.one_in(2)), Mutation::Type),
        2 => (Node::texts(&["a", "b"]), Mutation::Type),
        3 => (Node::Object(vec![("a".into(), Node::text("b"))]), Mutation::Type),
        4 => (Node::text("text"), Mutation::Type),
        5 => (Node::Null, Mutation::Empty),
        6 => {
            let depth = dice.pick(&[5, 60, 127, 128, 129, 1000]);
            (Node::Deep { objects: dice.one_in(2), depth }, Mutation::Nested)
        }
        _ => {
            let empty = match dice.below(3) {
                0 => Node::Array(Vec::new()),
                1 => Node::Object(Vec::new()),
                _ => Node::text(""),
            };
            (empty, Mutation::Empty)
        }
    }
}

/// An array of texts that is wrong inside.
pub fn odd_items(dice: &mut Dice, good: &str) -> (Node, Mutation) {
    let other = other_type(dice).0;
    let node = match dice.below(5) {
        0 => Node::Array(vec![Node::text(good), other]),
        1 => Node::Array(vec![other]),
        2 => Node::Array(vec![Node::texts(&[good])]),
        3 => Node::Array(vec![Node::text(good), Node::Null]),
        _ => Node::text(good),
    };
    (node, Mutation::Type)
}

/// Scope values (RFC 6749, 3.3).
pub fn scope(dice: &mut Dice) -> (Node, Mutation) {
    const GOOD: &[&str] = &["openid profile", "openid", "a b c", "read,write openid", "urn:example:scope"];
    const ODD: &[&str] = &[
        "openid  profile",
        " openid",
        "openid ",
        "openid\tprofile",
        "openid,profile",
        "a\"b",
        "a\\b",
        "größe",
        "*",
        "openid openid",
    ];
    match dice.weighted(&[4, 4, 1]) {
        0 => (Node::text(dice.pick(GOOD)), Mutation::Valid),
        1 => (Node::text(dice.pick(ODD)), Mutation::Combination),
        _ => (Node::Long { text: "scope ".into(), times: dice.pick(&[50, 500]) }, Mutation::Long),
    }
}

/// Ways to contact the people behind a client.
pub fn contacts(dice: &mut Dice) -> (Node, Mutation) {
    match dice.weighted(&[4, 3, 1, 2]) {
        0 => (Node::texts(&["admin@client.example.org", "second@client.example.org"]), Mutation::Valid),
        1 => (Node::texts(&[dice.pick(TRAPS)]), Mutation::Unicode),
        2 => (Node::texts(&["a@client.example.org\r\nbcc: b@client.example.org"]), Mutation::Combination),
        _ => odd_items(dice, "admin@client.example.org"),
    }
}
