//! One tolerant parse of a JSON body that also finds what `serde_json` alone loses: duplicate names, a byte order
//! mark, trailing bytes and invalid UTF-8.

use std::{cell::RefCell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// What a body is, as JSON.
#[derive(Clone, Debug, Default)]
pub struct ParsedBody {
    /// The value, when there is one: byte order mark skipped, bad UTF-8 replaced, trailing bytes ignored.
    pub value: Option<Value>,
    /// Why there is no value.
    pub error: Option<String>,
    pub byte_order_mark: bool,
    pub invalid_utf8: bool,
    /// The bytes after the first value that are not white space.
    pub trailing: Option<String>,
    /// JSON Pointers of members whose name occurs more than once in its object. The last value is kept.
    pub duplicates: Vec<String>,
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
    let text = String::from_utf8_lossy(body);
    parsed.invalid_utf8 = matches!(text, std::borrow::Cow::Owned(_));
    let duplicates = RefCell::new(Vec::new());
    let mut de = serde_json::Deserializer::from_str(&text);
    let seed = Node { path: String::new(), duplicates: &duplicates };
    match seed.deserialize(&mut de) {
        Ok(value) => {
            parsed.value = Some(value);
            let mut rest = serde_json::Deserializer::from_str(&text).into_iter::<serde::de::IgnoredAny>();
            rest.next();
            let rest = text[rest.byte_offset()..].trim_matches([' ', '\t', '\r', '\n']);
            if !rest.is_empty() {
                parsed.trailing = Some(super::rule::shorten(rest, 80));
            }
        }
        Err(error) => parsed.error = Some(error.to_string()),
    }
    parsed.duplicates = duplicates.into_inner();
    parsed
}

/// One token of a JSON Pointer, escaped (RFC 6901).
pub fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

struct Node<'a> {
    path: String,
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
            let path = format!("{}/{}", self.path, items.len());
            match seq.next_element_seed(Node { path, duplicates: self.duplicates })? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let path = format!("{}/{}", self.path, pointer_token(&name));
            let value = map
                .next_value_seed(Node { path: path.clone(), duplicates: self.duplicates })
                .map_err(A::Error::custom)?;
            if members.insert(name, value).is_some() {
                self.duplicates.borrow_mut().push(path);
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
    fn what_is_not_json_has_an_error() {
        for text in ["", "{\"a\":1,}", "{a:1}", "NaN", "// x\n{}", "<html>"] {
            let p = tolerant(text.as_bytes());
            assert!(p.value.is_none() && p.error.is_some(), "{text}");
        }
    }
}
