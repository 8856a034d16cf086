use super::*;

#[test]
fn what_is_written_is_read_back() {
    let text = json(&hostile());
    assert!(text.ends_with("}\n"));
    assert_eq!(json(&from_json(&text).unwrap()), text);
}

#[test]
fn errors_have_line_and_column() {
    let text = json(&sample());
    let other = text.replacen("\"format\": 1", "\"format\": 2", 1);
    assert_eq!(
        from_json(&other).unwrap_err(),
        "this is no report that can be read: it has format 2, and this version reads format 1 at line 2 column 13"
    );
    for broken in [text.replacen("\"seed\"", "\"sead\"", 1), "{".into(), "[]".into(), "{}".into(), String::new()] {
        let error = from_json(&broken).unwrap_err();
        assert!(error.contains(" at line ") && error.contains(" column "), "{error}");
    }
    assert!(from_json(&format!("{{\"format\":1,\"tool\":{}", "[".repeat(100_000))).is_err(), "deep nesting");
}

#[test]
fn a_report_keeps_to_its_schema() {
    let schema = jsonschema::validator_for(&json_schema()).unwrap();
    for report in [sample(), hostile()] {
        let value = serde_json::to_value(report).unwrap();
        let faults: Vec<String> = schema.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
    let mut value = serde_json::to_value(sample()).unwrap();
    value["format"] = 2.into();
    assert!(!schema.is_valid(&value));
    value["format"] = 1.into();
    value["cases"][0]["outcome"] = "green".into();
    assert!(!schema.is_valid(&value));
}

#[test]
fn the_kept_schema_is_up_to_date() {
    crate::kept::assert_kept("schemas/report.schema.json", &json_schema());
}
