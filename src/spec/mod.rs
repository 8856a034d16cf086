//! What the specifications demand: requirements, their levels and strengths, and the catalogue that holds them.

mod catalogue;
mod requirement;

pub use catalogue::{Catalogue, CatalogueError, SpecInfo};
pub use requirement::{Basis, Binds, Capability, DecidedBy, FailOn, Level, Requirement, Strength, Verified};
