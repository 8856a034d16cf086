//! The judge: holds every exchange against every rule that applies to it, whoever caused the exchange.

pub mod parse;
mod rule;

pub use rule::{Claim, Context, Evidence, Judge, Judgement, Objection, Rule};

/// Every embedded rule.
fn all_rules() -> Vec<Box<dyn Rule>> {
    Vec::new()
}

/// What is wrong with a JSON Schema that a suite holds: keywords that do not exist, or values that no schema can have.
pub fn schema_faults(_schema: &serde_json::Value) -> Vec<String> {
    Vec::new()
}
