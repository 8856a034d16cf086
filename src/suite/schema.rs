//! The JSON Schema of suite files, for editors: it checks and completes what a person writes. `dcrspec check` knows more.

use super::SuiteFile;

/// The JSON Schema of a suite file, as it is kept in `schemas/suite.schema.json`.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(SuiteFile);
    schema.insert("$id".into(), "urn:dcrspec:schema:suite".into());
    schema.insert("title".into(), "dcrspec suite".into());
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::suite::{SUITES, embedded, yaml};

    #[test]
    fn the_kept_schema_is_up_to_date() {
        crate::kept::assert_kept("schemas/suite.schema.json", &json_schema());
    }

    #[test]
    fn every_embedded_suite_keeps_to_the_schema() {
        let schema = jsonschema::validator_for(&json_schema()).unwrap();
        assert!(!embedded().is_empty());
        for suite in embedded() {
            let file = SUITES.get_file(suite.file.trim_start_matches("suites/")).unwrap();
            let value: Value = yaml::parse(&suite.file, file.contents_utf8().unwrap()).unwrap();
            let faults: Vec<String> =
                schema.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
            assert!(faults.is_empty(), "{}: {faults:#?}", suite.file);
        }
    }

    #[test]
    fn an_editor_shows_the_common_faults() {
        let schema = jsonschema::validator_for(&json_schema()).unwrap();
        let suite = |step: Value| json!({"suite": "a/b", "title": "t", "cases": [{"id": "c", "title": "t", "requirements": ["r"], "steps": [step]}]});
        assert!(schema.is_valid(&suite(json!({"register": {}, "expect": {"created": {}}}))));
        for step in [
            json!({"regsiter": {}}),
            json!({}),
            json!({"register": {}, "read": {"client": "x"}}),
            json!({"register": {"trasnform": "escape"}}),
            json!({"register": {"transform": "upside-down"}}),
            json!({"register": {}, "expect": {}}),
            json!({"register": {}, "expect": {"created": {}, "rejected": {}}}),
            json!({"register": {}, "expect": {"any-of": []}}),
        ] {
            assert!(!schema.is_valid(&suite(step.clone())), "{step}");
        }
        let mut empty = suite(json!({"register": {}}));
        empty["cases"][0]["steps"] = json!([]);
        assert!(!schema.is_valid(&empty));
        empty["cases"] = json!([]);
        assert!(!schema.is_valid(&empty));
    }
}
