//! Reports: pure functions of one [`Report`] value.

mod model;

pub use model::*;
