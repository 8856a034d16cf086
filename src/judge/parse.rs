//! One tolerant parse of a JSON body that also finds what `serde_json` alone loses: duplicate names, a byte order
//! mark, trailing bytes and invalid UTF-8.

use std::{borrow::Cow, cell::RefCell, collections::BTreeMap, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, map::Entry, value::RawValue};

/// What a body is, as JSON.
#[derive(Clone, Debug, Default)]
pub struct ParsedBody {
    /// The value, when there is one: byte order mark skipped, bad UTF-8 and halves of surrogate pairs replaced, trailing
    /// bytes ignored.
    pub value: Option<Value>,
    /// Why there is no value.
    pub error: Option<String>,
    /// Set where the body is JSON by its grammar, and no value here can hold it: arrays in arrays in arrays, a number beyond
    /// every range. Nobody may be accused of that; what a value has to say about is not exercised.
    pub beyond: Option<Beyond>,
    pub byte_order_mark: bool,
    pub invalid_utf8: bool,
    /// Halves of surrogate pairs stood there.
    pub halves: bool,
    /// The bytes after the first value that are not white space.
    pub trailing: Option<String>,
    /// JSON Pointers of members whose name occurs more than once in its object. The last value is kept.
    pub duplicates: Vec<String>,
}

impl ParsedBody {
    /// The value, where a strict reader finds the same.
    pub fn strict(self) -> Option<Value> {
        let loose = self.byte_order_mark || self.invalid_utf8 || self.halves || self.trailing.is_some();
        self.value.filter(|_| !loose)
    }
}

/// What can be told of JSON that no value here can hold.
#[derive(Clone, Debug, Default)]
pub struct Beyond {
    /// The members at the top level that are strings; empty where the text is no object.
    pub head: Map<String, Value>,
}

/// Parses as much as can be made sense of, and says what was wrong.
pub fn tolerant(body: &[u8]) -> ParsedBody {
    let mut parsed = ParsedBody::default();
    let body = match body.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => {
            parsed.byte_order_mark = true;
            rest
        }
        None => body,
    };
    // The check alone is many times faster than the replacement, and few bodies need that.
    let text = std::str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
    parsed.invalid_utf8 = matches!(text, Cow::Owned(_));
    let duplicates = RefCell::new(Vec::new());
    let read = |text: &str| {
        duplicates.borrow_mut().clear();
        let mut reader = serde_json::Deserializer::from_str(text);
        let value = Node { path: None, duplicates: &duplicates }.deserialize(&mut reader)?;
        Ok((value, reader.end().is_err()))
    };
    let value = read(&text).or_else(|error: serde_json::Error| match without_halves(&text) {
        Cow::Owned(whole) => {
            parsed.halves = true;
            read(&whole).map_err(|_| error)
        }
        Cow::Borrowed(_) => Err(error),
    });
    match value {
        Ok((value, more)) => {
            parsed.value = Some(value);
            if more {
                let mut rest = serde_json::Deserializer::from_str(&text).into_iter::<IgnoredAny>();
                rest.next();
                let rest = text[rest.byte_offset()..].trim_matches([' ', '\t', '\r', '\n']);
                parsed.trailing = (!rest.is_empty()).then(|| super::rule::shorten(rest, 80));
            }
        }
        Err(error) => {
            parsed.error = Some(error.to_string());
            // Skipping goes by the grammar alone, whatever the depth, the range or the halves.
            let grammatical = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            parsed.beyond = grammatical.then(|| Beyond { head: head(&text) });
        }
    }
    parsed.duplicates = duplicates.into_inner();
    parsed
}

/// The strings at the top level of an object.
fn head(text: &str) -> Map<String, Value> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
    let string = |raw: &RawValue| serde_json::from_str(raw.get()).ok().map(Value::String);
    members.into_iter().filter_map(|(name, raw)| Some((name, string(raw)?))).collect()
}

/// The text with U+FFFD in place of escapes that are half of a surrogate pair. The grammar of JSON has them, and leaves open
/// what becomes of them (RFC 8259, 8.2).
fn without_halves(text: &str) -> Cow<'_, str> {
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut whole = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(found) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
        let start = at + found;
        at = match (unit(start), unit(start + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => start + 12,
            (Some(0xD800..=0xDFFF), _) => {
                whole.push_str(&text[copied..start]);
                whole.push_str("\\ufffd");
                copied = start + 6;
                copied
            }
            // Whatever is escaped begins nothing; it is one byte of ASCII, or the text is no JSON and fails anyway.
            _ => (start + 1..text.len()).skip(1).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len()),
        };
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    whole.push_str(&text[copied..]);
    Cow::Owned(whole)
}

/// Room for the members of an answer before any is read: most have no more.
const USUAL_MEMBERS: usize = 14;

/// One token of a JSON Pointer, escaped (RFC 6901).
pub fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// One step of the way to a value; the whole way is written out only for what occurs twice.
struct Step<'a> {
    before: Option<&'a Step<'a>>,
    token: Token<'a>,
}

enum Token<'a> {
    Name(&'a str),
    Index(usize),
}

impl Step<'_> {
    fn pointer(&self) -> String {
        let before = self.before.map(Step::pointer).unwrap_or_default();
        match self.token {
            Token::Name(name) => format!("{before}/{}", pointer_token(name)),
            Token::Index(index) => format!("{before}/{index}"),
        }
    }
}

struct Node<'a> {
    path: Option<&'a Step<'a>>,
    duplicates: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_f64<E: serde::de::Error>(self, v: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(v).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let step = Step { before: self.path, token: Token::Index(items.len()) };
            match seq.next_element_seed(Node { path: Some(&step), duplicates: self.duplicates })? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        // Only at the top: a hostile answer can hold a million empty objects.
        let mut members = Map::with_capacity(if self.path.is_none() { USUAL_MEMBERS } else { 0 });
        while let Some(name) = map.next_key::<String>()? {
            let step = Step { before: self.path, token: Token::Name(&name) };
            let value = map
                .next_value_seed(Node { path: Some(&step), duplicates: self.duplicates })
                .map_err(A::Error::custom)?;
            match members.entry(name) {
                Entry::Vacant(slot) => {
                    slot.insert(value);
                }
                Entry::Occupied(mut slot) => {
                    let step = Step { before: self.path, token: Token::Name(slot.key()) };
                    self.duplicates.borrow_mut().push(step.pointer());
                    slot.insert(value);
                }
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_object_has_nothing_wrong() {
        let p = tolerant(b" {\"a\": [1, {\"b\": null}]}\r\n");
        assert_eq!(p.value.unwrap()["a"][1]["b"], Value::Null);
        assert!(p.trailing.is_none() && p.duplicates.is_empty() && !p.byte_order_mark && !p.invalid_utf8);
    }

    #[test]
    fn every_looseness_is_found() {
        let p = tolerant(b"\xef\xbb\xbf{\"a\":1,\"a\":{\"b/c\":1,\"b/c\":2},\"n\":\"\xff\"} x");
        assert!(p.byte_order_mark && p.invalid_utf8);
        assert_eq!(p.duplicates, ["/a/b~1c", "/a"]);
        assert_eq!(p.trailing.as_deref(), Some("x"));
    }

    #[test]
    fn halves_of_surrogate_pairs_are_read_as_replaced() {
        for (text, name) in [
            (r#"{"a":"\ud800"}"#, "\u{fffd}"),
            (r#"{"a":"\udc00\ud800"}"#, "\u{fffd}\u{fffd}"),
            (r#"{"a":"\uD83D\uDE00\ud800"}"#, "\u{1f600}\u{fffd}"),
            (r#"{"a":"\\ud800\udfffx"}"#, "\\ud800\u{fffd}x"),
            (r#"{"a":"\ud800é\\"}"#, "\u{fffd}é\\"),
        ] {
            let p = tolerant(text.as_bytes());
            assert_eq!(p.value.as_ref().and_then(|v| v["a"].as_str()), Some(name), "{text}");
            assert!(p.error.is_none() && p.beyond.is_none() && p.trailing.is_none());
        }
        assert!(tolerant(br#"{"a":"\ud800",}"#).value.is_none());
    }

    /// Valid JSON that nothing here can hold is told apart from what is no JSON, and its head is read.
    #[test]
    fn what_no_value_can_hold_is_json_all_the_same() {
        let deep = format!(r#"{{"client_id":"c\ud800-1","n":{}{},"x":1}}"#, "[".repeat(20_000), "]".repeat(20_000));
        for text in [deep.as_str(), r#"{"client_id":"c","n":1e400,"\ud800":"s"}"#] {
            let p = tolerant(text.as_bytes());
            assert!(p.value.is_none() && p.error.is_some());
            assert!(p.beyond.is_some(), "{:?}", p.error);
        }
        let head = tolerant(br#"{"client_id":"c","n":1e400,"x":[1]}"#).beyond.unwrap().head;
        assert_eq!(Value::Object(head), serde_json::json!({"client_id": "c"}));
        for text in ["[".repeat(20_000), "{\"n\":1e400".to_owned(), "{\"a\":\"\\ud800\"} x,".to_owned()] {
            assert!(tolerant(text.as_bytes()).beyond.is_none());
        }
    }

    #[test]
    fn what_is_not_json_has_an_error() {
        for text in ["", "{\"a\":1,}", "{a:1}", "NaN", "// x\n{}", "<html>"] {
            let p = tolerant(text.as_bytes());
            assert!(p.value.is_none() && p.error.is_some(), "{text}");
        }
    }
}
