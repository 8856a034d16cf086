//! From the bytes of a registration request to one JSON object (RFC 7591, sections 3 and 3.1).

use http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::{Map, Value};

use super::defects::{Fault, Faults};
use super::respond::{Cause, Refusal};

/// Accepts `application/json` in any letter case, alone or with `charset=utf-8`.
pub(super) fn check_media_type(headers: &HeaderMap, faults: &Faults) -> Result<(), Refusal> {
    let refusal = || Refusal::new(Cause::MediaType, "The request must be of the media type application/json.");
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    if headers.get(CONTENT_TYPE).is_none() && faults.has(Fault::MediaTypeMissingCrash) {
        return Err(Refusal::new(Cause::Crash, "Internal error."));
    }
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(refusal());
    };
    let value = value.to_str().map_err(|_| refusal())?;
    let mut parts = value.split(';');
    let essence = parts.next().unwrap_or_default().trim();
    let parameters: Vec<&str> = parts.map(str::trim).filter(|parameter| !parameter.is_empty()).collect();
    let charsets = parameters.iter().filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    let same_type = if faults.has(Fault::MediaTypeCaseSensitive) {
        essence == "application/json"
    } else {
        essence.eq_ignore_ascii_case("application/json")
    };
    let refused = !same_type
        || charsets.clone().any(|charset| !charset.eq_ignore_ascii_case("utf-8"))
        || (faults.has(Fault::MediaTypeParametersRefused) && !parameters.is_empty())
        || (faults.has(Fault::MediaTypeNeedsCharset) && charsets.count() == 0);
    if refused { Err(refusal()) } else { Ok(()) }
}

/// Reads the request object. The reader is strict: UTF-8 without a byte order mark, one JSON text and nothing after it.
pub(super) fn parse(bytes: &[u8], faults: &Faults) -> Result<Map<String, Value>, Refusal> {
    let value = serde_json::from_slice(bytes)
        .map_err(|_| Refusal::new(Cause::Body, "The body must be one JSON object in UTF-8."))?;
    let mut object = match value {
        Value::Object(object) => object,
        Value::Array(items) if faults.has(Fault::ArrayUnwrapped) => wrapped_object(items)?,
        _ if faults.has(Fault::NonObjectCrash) => {
            return Err(Refusal::new(Cause::Crash, "Internal error."));
        }
        _ => return Err(not_an_object()),
    };
    misread(&mut object, bytes, faults)?;
    Ok(object)
}

fn not_an_object() -> Refusal {
    Refusal::new(Cause::Body, "The body must be a JSON object.")
}

fn wrapped_object(items: Vec<Value>) -> Result<Map<String, Value>, Refusal> {
    let mut items = items.into_iter();
    match (items.next(), items.next()) {
        (Some(Value::Object(object)), None) => Ok(object),
        _ => Err(not_an_object()),
    }
}

/// The defects that read a proper object as something else.
fn misread(object: &mut Map<String, Value>, bytes: &[u8], faults: &Faults) -> Result<(), Refusal> {
    if faults.has(Fault::EscapesKept)
        && let Ok(raw) = serde_json::from_slice::<Map<String, Value>>(&keep_escapes(bytes))
        // The name itself may be written in escapes, so the member is found by its position.
        && let Some(position) = object.keys().position(|key| key == "client_name")
        && let (Some(name), Some(raw)) = (object.get_mut("client_name"), raw.values().nth(position))
    {
        *name = raw.clone();
    }
    if faults.has(Fault::OrderMatters) {
        let position = |name: &str| object.keys().position(|key| key == name);
        if let (Some(grants), Some(uris)) = (position("grant_types"), position("redirect_uris"))
            && grants < uris
        {
            return Err(Refusal::new(Cause::RedirectUri, "The grant types need redirect_uris, which are missing."));
        }
    }
    if faults.has(Fault::NamesIgnoreCase) {
        let other = object.iter().find(|(name, _)| *name != "client_name" && name.eq_ignore_ascii_case("client_name"));
        if let Some(value) = other.map(|(_, value)| value.clone()) {
            object.insert("client_name".into(), value);
        }
    }
    if faults.has(Fault::NameMojibake)
        && let Some(Value::String(name)) = object.get_mut("client_name")
    {
        *name = name.bytes().map(char::from).collect();
    }
    Ok(())
}

/// Doubles the backslash of every `\uXXXX`, so that the escape stands for itself.
fn keep_escapes(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(byte) = rest.next() {
        kept.push(byte);
        if byte == b'\\'
            && let Some(escaped) = rest.next()
        {
            if escaped == b'u' {
                kept.push(b'\\');
            }
            kept.push(escaped);
        }
    }
    kept
}

/// Metadata as query parameters, for the defect that registers on GET.
pub(super) fn from_query(query: &str) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let list = matches!(&*name, "redirect_uris" | "grant_types" | "response_types" | "contacts");
        match object.get_mut(&*name) {
            Some(Value::Array(items)) if list => items.push(value.into()),
            _ => {
                let parsed =
                    serde_json::from_str(&value).ok().filter(|parsed: &Value| parsed.is_array() || parsed.is_object());
                let single = if list { Value::Array(vec![value.clone().into()]) } else { value.clone().into() };
                object.insert(name.into_owned(), parsed.unwrap_or(single));
            }
        }
    }
    object
}
