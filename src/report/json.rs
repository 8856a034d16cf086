//! The report as JSON: written, read back, and described by a JSON Schema.

use serde::{Deserialize, Deserializer};

use super::{FORMAT, Report};

/// The report as indented JSON that ends with a newline.
pub fn json(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report has text keys only, so it is always JSON");
    text.push('\n');
    text
}

/// Reads what [`json`] wrote. The error is one sentence, with line and column.
pub fn from_json(text: &str) -> Result<Report, String> {
    // The number first: a report of another format would otherwise be refused for some member that it has or lacks.
    serde_json::from_str::<Head>(text).map_err(sentence)?;
    serde_json::from_str(text).map_err(sentence)
}

fn sentence(e: serde_json::Error) -> String {
    format!("this is no report that can be read: {e}")
}

/// The JSON Schema of the report, as it is kept in `schemas/report.schema.json`.
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Report);
    schema.insert("$id".into(), "urn:dcrspec:schema:report".into());
    schema.insert("title".into(), "dcrspec report".into());
    // The number is a promise to readers, so the schema holds it too.
    if let Some(format) = schema.pointer_mut("/properties/format").and_then(|f| f.as_object_mut()) {
        format.insert("const".into(), FORMAT.into());
    }
    schema.to_value()
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "format", deserialize_with = "known_format")]
    _format: (),
}

fn known_format<'de, D: Deserializer<'de>>(d: D) -> Result<(), D::Error> {
    match u64::deserialize(d)? {
        n if n == u64::from(FORMAT) => Ok(()),
        n => Err(serde::de::Error::custom(format!("it has format {n}, and this version reads format {FORMAT}"))),
    }
}
