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

/// The kept schema is the one that the types make. `DCRSPEC_UPDATE=1 cargo test` writes it anew.
#[test]
fn the_kept_schema_is_up_to_date() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/report.schema.json");
    let made = format!("{}\n", serde_json::to_string_pretty(&json_schema()).unwrap());
    if std::env::var_os("DCRSPEC_UPDATE").is_some_and(|v| v == "1") {
        write_file(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "schemas/report.schema.json is not what the types make; DCRSPEC_UPDATE=1 writes it anew");
}
