//! The JSON Schema of `dcrspec.toml`, for editors: made from the settings, kept in `schemas/`.

use std::{collections::BTreeMap, sync::OnceLock};

use serde_json::{Value, json};

use crate::cli::settings::Settings;

/// The JSON Schema of `dcrspec.toml`, as it is kept in `schemas/config.schema.json`.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(Settings).to_value();
    without_null(&mut schema);
    let Some(object) = schema.as_object_mut() else { return schema };
    object.insert("$id".into(), "urn:dcrspec:schema:config".into());
    object.insert("title".into(), "dcrspec.toml".into());
    object.insert(
        "description".into(),
        "Settings for every run at the top, those of one deployment in its profile".into(),
    );
    let settings = json!({
        "type": "object",
        "properties": object["properties"],
        "additionalProperties": false,
    });
    let profiles = json!({
        "description": "What differs from the settings at the top, by deployment: --profile NAME",
        "type": "object",
        "additionalProperties": { "$ref": "#/$defs/Profile" },
    });
    let definitions = object.entry("$defs").or_insert_with(|| json!({}));
    definitions["Profile"] = settings;
    object["properties"]["profiles"] = profiles;
    schema
}

/// TOML has no null: what is not set is left out.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.retain(|key, value| key != "default" || !value.is_null());
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|t| t != "null");
                if let [only] = types.as_slice() {
                    map["type"] = only.clone();
                }
            }
            if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                choices.retain(|c| c["type"] != "null");
            }
            map.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// The keys of a table, and of `[cleanup]`, each with whether its value is a secret.
pub fn keys_by_secrecy() -> &'static BTreeMap<String, bool> {
    static KEYS: OnceLock<BTreeMap<String, bool>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let schema = schemars::schema_for!(Settings).to_value();
        let tables = std::iter::once(&schema).chain(schema["$defs"].as_object().into_iter().flat_map(|d| d.values()));
        let mut keys = BTreeMap::new();
        for (key, value) in tables.filter_map(|t| t["properties"].as_object()).flatten() {
            let table = key == "cleanup";
            *keys.entry(key.clone()).or_insert(false) |= table || value["writeOnly"] == true;
        }
        keys
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_schema_is_up_to_date() {
        crate::kept::assert_kept("schemas/config.schema.json", &json_schema());
    }

    #[test]
    fn an_editor_shows_the_common_faults() {
        let schema = jsonschema::validator_for(&json_schema()).unwrap();
        let good = json!({
            "timeout": "5s", "wait": 30, "suite": ["rfc7591"], "fail-on": ["must"],
            "profiles": { "a": { "url": "https://a.example/register", "declare": ["jwks"], "cleanup": { "url": "https://a.example/${client_id}" } } },
        });
        assert!(schema.is_valid(&good), "{:?}", schema.iter_errors(&good).map(|e| e.to_string()).collect::<Vec<_>>());
        for bad in [
            json!({ "timeuot": "5s" }),
            json!({ "timeout": true }),
            json!({ "suite": "rfc7591" }),
            json!({ "insecure": "yes" }),
            json!({ "declare": ["jkws"] }),
            json!({ "profiles": { "a": { "profiles": {} } } }),
            json!({ "profiles": { "a": { "ur": "https://a.example" } } }),
            json!({ "cleanup": { "ur": "https://a.example" } }),
        ] {
            assert!(!schema.is_valid(&bad), "{bad}");
        }
    }

    #[test]
    fn tokens_and_header_fields_are_the_secrets() {
        let secret: Vec<&str> = keys_by_secrecy().iter().filter(|(_, s)| **s).map(|(k, _)| k.as_str()).collect();
        assert_eq!(secret, ["cleanup", "header", "token", "token-command"]);
    }
}
