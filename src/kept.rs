//! Files that are made from the code and kept beside it, for readers who do not run it.

use std::path::Path;

/// Fails when the kept file is not what the code makes. `DCRSPEC_UPDATE=1 cargo test` writes it anew.
pub fn assert_kept(file: &str, made: &serde_json::Value) {
    assert_kept_text(file, &format!("{}\n", serde_json::to_string_pretty(made).unwrap()));
}

/// As [`assert_kept`], for a file that is no JSON.
pub fn assert_kept_text(file: &str, made: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("DCRSPEC_UPDATE").is_some_and(|v| v == "1") {
        crate::report::write_file(&path, made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == made, "{file} is not what the code makes; DCRSPEC_UPDATE=1 cargo test writes it anew");
}
