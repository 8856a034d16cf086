//! `${…}` variables in payloads and expectations.
//!
//! - `${fresh.NAME}`: a random word, the same for one NAME throughout a case;
//! - `${base.MEMBER}`: a member of the base client that the target accepts;
//! - `${statement.KIND}`: a software statement, the same for one KIND throughout a case;
//! - `${target.scope}`: scope values that the target names in its metadata, else such as most servers know;
//! - `${steps.ID.response.MEMBER}` and `${control.response.MEMBER}`: a member of an earlier answer.

use serde_json::Value;

/// The names between `${` and `}`.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// Whether a variable can have a value where it stands; `steps` are the ids of the earlier steps.
pub fn check(name: &str, steps: &[&str]) -> Result<(), String> {
    let parts: Vec<&str> = name.split('.').collect();
    match parts.as_slice() {
        ["fresh", _] | ["base", _] => Ok(()),
        ["statement", kind] if crate::target::STATEMENT_KINDS.iter().any(|(k, _)| k == kind) => Ok(()),
        ["statement", kind] => {
            let kinds: Vec<&str> = crate::target::STATEMENT_KINDS.iter().map(|(k, _)| *k).collect();
            Err(format!(
                "${{{name}}}: there is no kind {kind:?} of software statement; write one of {}",
                kinds.join(", ")
            ))
        }
        ["control", "response", _] | ["target", "scope"] => Ok(()),
        ["steps", id, "response", _] if steps.contains(id) => Ok(()),
        ["steps", id, "response", _] => Err(format!("${{{name}}}: no earlier step is called {id:?}")),
        _ => Err(format!(
            "${{{name}}} is no variable; write fresh.NAME, base.MEMBER, control.response.MEMBER or steps.ID.response.MEMBER"
        )),
    }
}

/// Fills in every variable of a text. A text that is nothing but one variable takes the value's own type.
pub fn fill(text: &str, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<Value, String> {
    if let Some(name) = text.strip_prefix("${").and_then(|r| r.strip_suffix('}'))
        && !name.contains("${")
    {
        return lookup(name).ok_or_else(|| format!("${{{name}}} has no value here"));
    }
    Ok(Value::String(fill_text(text, lookup)?))
}

/// Fills in every variable of a text; values that are not strings are written as JSON.
pub fn fill_text(text: &str, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}') else { break };
        out.push_str(&rest[..start]);
        let name = &rest[start + 2..start + end];
        match lookup(name).ok_or_else(|| format!("${{{name}}} has no value here"))? {
            Value::String(s) => out.push_str(&s),
            other => out.push_str(&other.to_string()),
        }
        rest = &rest[start + end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Fills in every variable inside a JSON value.
pub fn fill_value(value: &Value, lookup: &dyn Fn(&str) -> Option<Value>) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => fill(text, lookup)?,
        Value::Array(items) => Value::Array(items.iter().map(|v| fill_value(v, lookup)).collect::<Result<_, _>>()?),
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| Ok((fill_text(k, lookup)?, fill_value(v, lookup)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lookup(name: &str) -> Option<Value> {
        match name {
            "base.redirect_uris" => Some(json!(["https://client.example.org/cb"])),
            "fresh.id" => Some(json!("abc")),
            _ => None,
        }
    }

    #[test]
    fn a_lone_variable_keeps_its_type_and_others_become_text() {
        assert_eq!(fill("${base.redirect_uris}", &lookup).unwrap(), json!(["https://client.example.org/cb"]));
        assert_eq!(fill("x-${fresh.id}-${fresh.id}", &lookup).unwrap(), json!("x-abc-abc"));
        assert_eq!(fill("x-${fresh.id}-${fresh.", &lookup).unwrap(), json!("x-abc-${fresh."));
        assert_eq!(
            fill_value(&json!({"k-${fresh.id}": [null, "${fresh.id}"]}), &lookup).unwrap(),
            json!({"k-abc": [null, "abc"]})
        );
        assert!(fill("${nothing}", &lookup).is_err());
    }

    #[test]
    fn names_are_checked_before_a_run() {
        assert!(check("steps.first.response.client_id", &["first"]).is_ok());
        assert!(check("steps.second.response.client_id", &["first"]).unwrap_err().contains("second"));
        assert!(check("bogus", &[]).is_err());
    }
}
