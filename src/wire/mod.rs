//! How bytes get to a target and back: transports, exchanges, pacing, redaction, and the ledger of registered clients.

mod exchange;

pub use exchange::{Auth, Cut, Exchange, Failure, FailureKind, Headers, Kind, Outcome, Phase, Request, Response};
