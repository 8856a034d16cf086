//! What this run has registered at a target, written down before anything else happens, so that it can be removed again
//! after a crash.
//!
//! A file of one JSON object a line, only ever appended to. It is the one place where registration access tokens are
//! kept as they are, so its owner alone can read it.

mod event;
mod file;
mod held;

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize};

use self::{
    event::{Event, Line},
    file::{End, Hold, LedgerFile},
    held::Held,
};
use super::secret::{Secret, as_it_is};
use crate::report::Clients;

/// A client that the target has registered for us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// What the registration carried, such as a software_id, by which a person finds it at the server.
    pub marker: String,
    /// The registration endpoint.
    pub endpoint: String,
    pub client_id: String,
    pub registration_client_uri: Option<String>,
    #[serde(default, with = "as_it_is")]
    pub registration_access_token: Option<Secret>,
}

/// A registration of which nobody knows whether the server holds a client for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub marker: String,
    pub endpoint: String,
    /// What the payload said it is; None when it carried no software_id, and only the time can lead to the client.
    pub software_id: Option<String>,
    /// When it was about to be sent: RFC 3339, UTC.
    pub at: String,
    pub why: String,
}

/// Registrations that were sent and not yet answered, or never.
struct Intent {
    marker: String,
    endpoint: String,
    software_id: Option<String>,
    at: String,
    why: Option<String>,
    earlier: bool,
}

/// The register of clients that are ours: only what it holds is ever changed or deleted.
pub struct Ledger {
    file: Option<LedgerFile>,
    clients: Held,
    intents: Vec<Intent>,
    /// Clients of this run that were deleted and are no longer held.
    compacted: u64,
}

/// Does not show tokens.
impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("path", &self.path())
            .field("open", &self.open_clients())
            .field("unknown", &self.unknown_details())
            .finish()
    }
}

impl Ledger {
    /// Kept in this process alone.
    pub fn memory() -> Ledger {
        Ledger { file: None, clients: Held::default(), intents: Vec::new(), compacted: 0 }
    }

    /// A file to write to, which other runs may write to as well. What an earlier run has left open in it stays open
    /// for a clean-up, and is not counted among what this run registered.
    ///
    /// # Errors
    ///
    /// The file cannot be written or read, or a clean-up is working on it.
    pub fn file(path: impl AsRef<Path>) -> Result<Ledger, String> {
        let mut ledger = Ledger::open(path.as_ref(), Hold::Shared)?;
        ledger.clients.all_earlier();
        ledger.intents.iter_mut().for_each(|i| i.earlier = true);
        Ok(ledger)
    }

    /// A file that a run has left behind, to go on with. Lines that the end of a run cut short are passed over.
    ///
    /// # Errors
    ///
    /// There is no such file, it is damaged, or a run still writes to it.
    pub fn load(path: impl AsRef<Path>) -> Result<Ledger, String> {
        let path = path.as_ref();
        match std::fs::metadata(path) {
            Ok(metadata) if !metadata.is_file() => Err(format!("the ledger {} is not a file", path.display())),
            Ok(_) => Ledger::open(path, Hold::Alone),
            // To open it would make it.
            Err(e) => Err(format!("the ledger {} cannot be read: {e}", path.display())),
        }
    }

    fn open(path: &Path, hold: Hold) -> Result<Ledger, String> {
        let mut ledger = Ledger::memory();
        ledger.file = Some(LedgerFile::open(path, hold, |Line { event, at }| ledger.apply(event, at))?);
        Ok(ledger)
    }

    /// Where it is kept, if in a file.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().map(LedgerFile::path)
    }

    /// Before a registration is sent. `software_id` is what the payload says it is, where it does.
    ///
    /// # Errors
    ///
    /// It could not be written down; then the registration must not be sent.
    pub fn intent(&mut self, marker: &str, endpoint: &str, software_id: Option<&str>) -> Result<(), String> {
        self.write(Event::Intent {
            marker: marker.to_owned(),
            endpoint: endpoint.to_owned(),
            software_id: software_id.map(str::to_owned),
        })
    }

    /// As soon as an answer with a client is read.
    pub fn registered(&mut self, entry: Registered) -> Result<(), String> {
        self.write(Event::Registered(entry))
    }

    /// The registration was answered, and not with a client.
    pub fn rejected(&mut self, marker: &str) -> Result<(), String> {
        self.write(Event::Rejected { marker: marker.to_owned() })
    }

    /// The answer never came or could not be read.
    pub fn unknown(&mut self, marker: &str, why: &str) -> Result<(), String> {
        self.write(Event::Unknown { marker: marker.to_owned(), why: why.to_owned() })
    }

    /// The server gave the client another URI or token; None leaves what was there.
    pub fn rotated(&mut self, client_id: &str, uri: Option<String>, token: Option<Secret>) -> Result<(), String> {
        let client_id = client_id.to_owned();
        self.write(Event::Rotated { client_id, registration_client_uri: uri, registration_access_token: token })
    }

    /// The server holds the client no longer.
    pub fn deleted(&mut self, client_id: &str) -> Result<(), String> {
        self.write(Event::Deleted { client_id: client_id.to_owned() })
    }

    /// The client stays at the server, for this reason. It remains open: a later clean-up tries again.
    pub fn kept(&mut self, client_id: &str, why: &str) -> Result<(), String> {
        self.write(Event::Kept { client_id: client_id.to_owned(), why: why.to_owned() })
    }

    /// The clients that are not deleted, in the order of their registration.
    pub fn open_clients(&self) -> Vec<Registered> {
        self.clients.iter().filter(|c| !c.deleted).map(|c| c.entry.clone()).collect()
    }

    /// The client of this id, unless it is deleted.
    pub fn open_client(&self, client_id: &str) -> Option<&Registered> {
        self.clients.get(client_id).filter(|c| !c.deleted).map(|c| &c.entry)
    }

    /// Whether the ledger has ever held a client of this id, deleted or not.
    pub fn knows(&self, client_id: &str) -> bool {
        self.clients.get(client_id).is_some()
    }

    /// Whether several registrations were answered with this client: then it may be more than ours.
    pub fn is_shared(&self, client_id: &str) -> bool {
        self.clients.get(client_id).is_some_and(|c| c.shared)
    }

    /// Why a client was left at the server, where that was said.
    pub fn why_kept(&self, client_id: &str) -> Option<&str> {
        self.clients.get(client_id)?.kept.as_deref()
    }

    /// The markers of registrations whose answer was never read.
    pub fn unknowns(&self) -> Vec<String> {
        self.intents.iter().map(|i| i.marker.clone()).collect()
    }

    /// The same, with endpoint and reason.
    pub fn unknown_details(&self) -> Vec<Unknown> {
        self.intents
            .iter()
            .map(|i| Unknown {
                marker: i.marker.clone(),
                endpoint: i.endpoint.clone(),
                software_id: i.software_id.clone(),
                at: i.at.clone(),
                why: i.why.clone().unwrap_or_else(|| "the run ended before an answer was read".to_owned()),
            })
            .collect()
    }

    /// What became of the clients of this run; after [`Ledger::load`], of all.
    pub fn clients(&self) -> Clients {
        let ours = || self.clients.iter().filter(|c| !c.earlier);
        Clients {
            registered: self.compacted + ours().count() as u64,
            deleted: self.compacted + ours().filter(|c| c.deleted).count() as u64,
            left: ours().filter(|c| !c.deleted).map(|c| c.entry.client_id.clone()).collect(),
            unknown: self.intents.iter().filter(|i| !i.earlier).count() as u64,
        }
    }

    /// Drops what is done with from memory, so that it does not grow for as long as a campaign goes on. The counts stay, and
    /// so does the file, which other runs may be using.
    pub fn compact(&mut self) {
        self.compacted += self.clients.forget_deleted();
    }

    /// Deletes the file when nothing is left at the server and nothing is unknown, of other runs neither, and no other
    /// run is using it. Says whether it did.
    ///
    /// # Errors
    ///
    /// The file cannot be read or removed.
    pub fn remove_if_clean(&mut self) -> Result<bool, String> {
        self.end_if_clean(End::Remove)
    }

    /// As [`Ledger::remove_if_clean`], with the file left in its place, emptied but for a line that says so: whoever comes
    /// back to it learns that there is nothing to do.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written.
    pub fn close_if_clean(&mut self) -> Result<bool, String> {
        self.end_if_clean(End::Empty)
    }

    fn end_if_clean(&mut self, end: End) -> Result<bool, String> {
        if !self.is_clean() {
            return Ok(false);
        }
        let Some(file) = self.file.take() else { return Ok(false) };
        // Another run may have written to it since this one read it.
        let (file, ended) = file.end_if(end, |file| {
            let mut all = Ledger::memory();
            file.each_line(|Line { event, at }| {
                all.apply(event, at);
                all.clients.forget_many_deleted();
            })?;
            Ok(all.is_clean())
        });
        self.file = file;
        ended
    }

    fn is_clean(&self) -> bool {
        self.intents.is_empty() && self.clients.all_deleted()
    }

    fn write(&mut self, event: Event) -> Result<(), String> {
        let written = self.file.as_mut().map_or(Ok(()), |file| file.append(&event));
        // A registration is not sent when its intent cannot be written down. What the server did is true all the same,
        // and this process can still clean it up.
        if written.is_ok() || !matches!(event, Event::Intent { .. }) {
            self.apply(event, jiff::Timestamp::now().to_string());
        }
        written
    }

    fn apply(&mut self, event: Event, at: String) {
        match event {
            Event::Intent { marker, endpoint, software_id } => {
                self.intents.push(Intent { marker, endpoint, software_id, at, why: None, earlier: false });
            }
            Event::Registered(entry) => {
                self.answered(&entry.marker);
                self.clients.register(entry);
            }
            Event::Rejected { marker } => self.answered(&marker),
            Event::Unknown { marker, why } => {
                match self.intents.iter_mut().find(|i| i.marker == marker && i.why.is_none()) {
                    Some(intent) => intent.why = Some(why),
                    None => {
                        let (endpoint, software_id, why) = (String::new(), Some(marker.clone()), Some(why));
                        self.intents.push(Intent { marker, endpoint, software_id, at, why, earlier: false });
                    }
                }
            }
            Event::Rotated { client_id, registration_client_uri, registration_access_token } => {
                if let Some(entry) = self.clients.entry(&client_id) {
                    entry.registration_client_uri = registration_client_uri.or(entry.registration_client_uri.take());
                    entry.registration_access_token =
                        registration_access_token.or(entry.registration_access_token.take());
                }
            }
            Event::Deleted { client_id } => self.clients.delete(&client_id),
            Event::Kept { client_id, why } => self.clients.keep(&client_id, why),
            Event::Done => {}
        }
    }

    /// One registration with this marker is no longer open: one that is still waited for, else one given up on.
    fn answered(&mut self, marker: &str) {
        let matching = |i: &Intent| i.marker == marker;
        let waiting = self.intents.iter().position(|i| matching(i) && i.why.is_none() && !i.earlier);
        if let Some(n) = waiting.or_else(|| self.intents.iter().position(matching)) {
            self.intents.remove(n);
        }
    }
}

#[cfg(test)]
mod tests;
