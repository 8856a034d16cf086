//! The lines of a ledger file.

use serde::{Deserialize, Serialize};

use super::Registered;

#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Event {
    Intent {
        marker: String,
        endpoint: String,
    },
    Registered(Registered),
    Rejected {
        marker: String,
    },
    Unknown {
        marker: String,
        why: String,
    },
    Rotated {
        client_id: String,
        registration_client_uri: Option<String>,
        registration_access_token: Option<String>,
    },
    Deleted {
        client_id: String,
    },
    Kept {
        client_id: String,
        why: String,
    },
    /// The file was opened again after its last line had been left without an end.
    Reopened,
    /// Nothing was left at the server; what the file held before was dropped.
    Done,
}

/// An event and the time at which it was written.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) at: String,
    #[serde(flatten)]
    pub(super) event: Event,
}

/// The same, to write.
#[derive(Serialize)]
pub(super) struct LineRef<'a> {
    pub(super) at: &'a str,
    #[serde(flatten)]
    pub(super) event: &'a Event,
}
