//! Reports: pure functions of one [`Report`] value. They show verdicts and never compute any.

mod campaign;
mod exit;
mod gather;
mod json;
mod junit;
mod merge;
mod model;
mod story;
mod terminal;
pub mod text;
mod write;

#[cfg(test)]
mod tests;

pub use campaign::{DIFFERENCE, comparison_case, finding_case};
pub use exit::{Exit, exit, fails};
pub use gather::gather;
pub use json::{from_json, json, json_schema};
pub use junit::junit;
pub use merge::{merge, totals};
pub use model::*;
pub use terminal::{Style, terminal};
pub use write::write_file;
