//! The lines of a ledger file.

use serde::{Deserialize, Serialize};

use super::Registered;
use crate::wire::secret::{Secret, as_it_is};

#[derive(Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Event {
    Intent {
        marker: String,
        endpoint: String,
        /// What the payload says it is, by which the client can be found at the server; most often the marker.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        software_id: Option<String>,
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
        #[serde(default, with = "as_it_is")]
        registration_access_token: Option<Secret>,
    },
    Deleted {
        client_id: String,
    },
    Kept {
        client_id: String,
        why: String,
    },
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
