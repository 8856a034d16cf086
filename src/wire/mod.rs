//! How bytes get to a target and back: transports, exchanges, pacing, redaction, and the ledger of registered clients.

mod announced;
mod exchange;
mod failure;
mod ledger;
mod manner;
mod pacing;
mod pipe;
mod raw;
mod redact;
mod secret;
mod service;
mod tls;
mod transport;

pub use announced::{Announced, announced};
pub use exchange::{Auth, Cut, Exchange, Failure, FailureKind, Headers, Kind, Outcome, Phase, Request, Response};
pub use ledger::{Ledger, Registered, Unknown};
pub use manner::{Framing, Manner, TlsVersion};
pub use pacing::{Pace, Pacer, WaitBudget, retry_delay};
pub use redact::Redactor;
pub use secret::Secret;
pub use transport::{HttpSettings, Transport};
