//! A conformance and fuzz harness for OAuth 2.0 Dynamic Client Registration endpoints.
//!
//! Every exchange is judged by the same rules, whoever caused it:
//!
//! ```text
//!  suites/*.yaml ──► suite ──► run (plan, execute) ──► wire ──► exchange ──► judge ──► verdicts ──► report
//!                                                       │                      ▲
//!                                                       ▼                      │
//!                           an HTTP endpoint, or a tower Service     schemas/, suites/*/requirements.yaml
//!                           (the reference server is one such Service)
//! ```
//!
//! - [`spec`]: requirements and their catalogue;
//! - [`suite`]: cases as data;
//! - [`target`]: where and how to talk: endpoint, credentials, discovery, capabilities, base clients;
//! - [`wire`]: transports, exchanges, redaction, pacing, and the ledger of registered clients;
//! - [`judge`]: the rules, from `schemas/` and coded;
//! - [`model`]: clients' lives at a configuration endpoint, as sequences of steps;
//! - [`run`]: plan, execute, clean up;
//! - [`fuzz`]: generate, mutate, shrink, replay;
//! - [`report`]: one [`report::Report`] value and everything that is written from it;
//! - [`server`]: the reference authorization server and its defects;
//! - [`selftest`]: the proof that every check can fail.

#![forbid(unsafe_code)]

#[cfg(feature = "cli")]
pub mod cli;
mod conformance;
pub mod fuzz;
pub mod judge;
#[cfg(test)]
mod kept;
pub mod model;
pub mod report;
pub mod run;
pub mod selftest;
pub mod server;
pub mod spec;
pub mod suite;
pub mod target;
pub mod wire;

pub use conformance::{Conformance, ConformanceError, Conformed};
