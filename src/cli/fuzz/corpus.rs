//! A corpus on disk: structures as JSON, or raw bytes that the generator reads, such as those of libFuzzer.

use std::{collections::HashSet, path::Path};

use super::super::{Stop, usage};
use crate::{fuzz::generate::Input, report::write_file};

/// The inputs of a folder, in the order of their names; `made` is what bytes stand for. A folder that is not there yet is
/// empty.
pub fn read(folder: &Path, made: fn(&[u8]) -> Input) -> Result<Vec<Input>, Stop> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(usage(format!("cannot read the corpus {}: {e}", folder.display()))),
    };
    let mut files: Vec<_> = entries.filter_map(Result::ok).map(|e| e.path()).filter(|p| p.is_file()).collect();
    files.sort();
    let mut inputs = Vec::new();
    for file in files {
        let bytes = std::fs::read(&file).map_err(|e| usage(format!("cannot read {}: {e}", file.display())))?;
        if file.extension().is_some_and(|e| e == "json") {
            inputs.push(serde_json::from_slice(&bytes).map_err(|e| {
                usage(format!("{}:{}:{}: no input of the fuzzer: {e}", file.display(), e.line(), e.column()))
            })?);
        } else {
            inputs.push(made(&bytes));
        }
    }
    Ok(inputs)
}

/// Writes inputs that are not there yet.
pub fn write<'i>(folder: &Path, inputs: impl Iterator<Item = &'i Input>) -> Result<(), String> {
    use sha2::{Digest, Sha256};
    let mut seen = HashSet::new();
    for input in inputs {
        let text = serde_json::to_string_pretty(input).map_err(|e| e.to_string())? + "\n";
        let digest = Sha256::digest(&text);
        let name: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
        let path = folder.join(format!("{name}.json"));
        if seen.insert(name) && !path.exists() {
            write_file(&path, &text)?;
        }
    }
    Ok(())
}
