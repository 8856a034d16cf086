//! The fuzzer: one generator, oracles that never accuse a server that keeps the specifications, and findings that a
//! person can use.
//!
//! ```text
//!  bytes ──► generate ──► Input ──► render ──► wire ──► exchange ──► judge, oracles ──► faults
//!    ▲           ▲                                         │                              │
//!   seed       mutate ◄──────── novelty ◄──────────────────┘      trial, shrink, replay ◄─┘ ──► Finding
//! ```
//!
//! - [`generate`]: from bytes to a structure, total and stable;
//! - [`mutate`]: neighbours of what brought something new; [`novelty`]: what is new;
//! - [`render`]: from a structure to a request at one target;
//! - [`bench`]: one target under the fuzzer; [`oracles`]: what is wrong beyond the rules of the judge;
//! - [`against`], `beside`: two deployments side by side;
//! - `half`: refused and yet registered; `lost`: a target that refuses everything by now; [`growth`]: time that grows too fast;
//! - `sequence`: the steps of a client's life; [`scenario`]: what has to be sent to see a fault; [`shrink`]: its smallest form;
//! - [`campaign`]: all of it, until an end; [`table`]: what was sent and what came of it;
//! - [`session`], [`differential`]: one target, or the reference server with and without a defect, under a fuzzer that
//!   lives elsewhere, and [`seeds`] for it;
//! - [`finding`], [`replay`], [`promote`]: a cause as a file, again, and as a case of a suite;
//! - [`reach`]: which defects of the reference server it finds, and the proof.

pub mod against;
pub mod bench;
mod beside;
pub mod campaign;
pub mod differential;
pub mod finding;
pub mod generate;
pub mod growth;
mod half;
#[cfg(test)]
mod kept;
mod lost;
pub mod mutate;
pub mod novelty;
pub mod oracles;
pub mod promote;
pub mod reach;
pub mod render;
pub mod replay;
pub mod report;
pub mod scenario;
pub mod seeds;
mod sequence;
pub mod session;
pub mod shrink;
#[cfg(test)]
mod strangers;
pub mod table;
#[cfg(test)]
mod tests;
