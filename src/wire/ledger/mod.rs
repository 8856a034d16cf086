//! What this run has registered at a target, written down before anything else happens, so that it can be removed again
//! after a crash.
//!
//! A file of one JSON object a line, only ever appended to. It is the one place where registration access tokens are
//! kept as they are, so its owner alone can read it.

mod event;

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use self::event::{Event, Line, LineRef};
use crate::report::Clients;

/// A client that the target has registered for us.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// What the registration carried, such as a software_id, by which a person finds it at the server.
    pub marker: String,
    /// The registration endpoint.
    pub endpoint: String,
    pub client_id: String,
    pub registration_client_uri: Option<String>,
    pub registration_access_token: Option<String>,
}

/// Does not show the token.
impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered")
            .field("marker", &self.marker)
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .field("registration_client_uri", &self.registration_client_uri)
            .field("has_registration_access_token", &self.registration_access_token.is_some())
            .finish()
    }
}

/// A registration of which nobody knows whether the server holds a client for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub marker: String,
    pub endpoint: String,
    pub why: String,
}

struct Client {
    entry: Registered,
    deleted: bool,
    kept: Option<String>,
    /// More than one registration was answered with it while it was there.
    shared: bool,
    /// From a run before this one.
    earlier: bool,
}

/// Registrations that were sent and not yet answered, or never.
struct Intent {
    marker: String,
    endpoint: String,
    why: Option<String>,
    earlier: bool,
}

/// The register of clients that are ours: only what it holds is ever changed or deleted.
pub struct Ledger {
    path: Option<PathBuf>,
    file: Option<File>,
    /// The file ends in the middle of a line.
    torn: bool,
    clients: Vec<Client>,
    intents: Vec<Intent>,
    /// Clients of this run that were deleted and are no longer held.
    compacted: u64,
}

/// Does not show tokens.
impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger")
            .field("path", &self.path)
            .field("open", &self.open_clients())
            .field("unknown", &self.unknown_details())
            .finish()
    }
}

impl Ledger {
    /// Kept in this process alone.
    pub fn memory() -> Ledger {
        Ledger { path: None, file: None, torn: false, clients: Vec::new(), intents: Vec::new(), compacted: 0 }
    }

    /// A file to write to. What an earlier run has left open in it stays there and is deleted along with the rest, and
    /// is not counted among what this run registered.
    pub fn file(path: impl AsRef<Path>) -> Result<Ledger, String> {
        let path = path.as_ref();
        // A device, such as /dev/null, is written to and never read.
        let mut ledger = if path.is_file() { Ledger::read(path)? } else { Ledger::memory() };
        ledger.clients.iter_mut().for_each(|c| c.earlier = true);
        ledger.intents.iter_mut().for_each(|i| i.earlier = true);
        ledger.open(path)
    }

    /// A file that a run has left behind, to go on with. A last line that the end of that run cut short is passed over.
    pub fn load(path: impl AsRef<Path>) -> Result<Ledger, String> {
        let path = path.as_ref();
        if path.exists() && !path.is_file() {
            return Err(format!("the ledger {} is not a file", path.display()));
        }
        Ledger::read(path)?.open(path)
    }

    fn read(path: &Path) -> Result<Ledger, String> {
        let name = path.display();
        let bytes = std::fs::read(path).map_err(|e| format!("the ledger {name} cannot be read: {e}"))?;
        let mut ledger = Ledger::memory();
        ledger.torn = !bytes.is_empty() && !bytes.ends_with(b"\n");
        let lines: Vec<_> = bytes.split(|b| *b == b'\n').collect();
        let parse = |n: usize| serde_json::from_slice::<Line>(lines[n]);
        for n in (0..lines.len()).filter(|n| !lines[*n].trim_ascii().is_empty()) {
            match parse(n) {
                Ok(line) => ledger.apply(line.event),
                Err(_) if n + 1 == lines.len() => {}
                // Cut short, and the file went on in a later run.
                Err(_) if matches!(parse(n + 1), Ok(Line { event: Event::Reopened, .. })) => {}
                // The line is not shown: it may hold a token.
                Err(e) => {
                    let class = e.classify();
                    return Err(format!(
                        "the ledger {name} is damaged: line {} cannot be read ({class:?} error)",
                        n + 1
                    ));
                }
            }
        }
        Ok(ledger)
    }

    fn open(mut self, path: &Path) -> Result<Ledger, String> {
        let name = path.display();
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|e| format!("the ledger {name} cannot be written: {e}"))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let metadata = file.metadata().map_err(|e| format!("the ledger {name}: {e}"))?;
            // A file from elsewhere may be open to all. Devices keep their mode: /dev/null has to.
            if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
                file.set_permissions(std::fs::Permissions::from_mode(0o600))
                    .map_err(|e| format!("the ledger {name} cannot be kept from other users: {e}"))?;
            }
        }
        self.path = Some(path.to_owned());
        self.file = Some(file);
        Ok(self)
    }

    /// Where it is kept, if in a file.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Before a registration is sent.
    pub fn intent(&mut self, marker: &str, endpoint: &str) -> Result<(), String> {
        self.write(Event::Intent { marker: marker.to_owned(), endpoint: endpoint.to_owned() })
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
    pub fn rotated(&mut self, client_id: &str, uri: Option<String>, token: Option<String>) -> Result<(), String> {
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
        self.clients.iter().find(|c| !c.deleted && c.entry.client_id == client_id).map(|c| &c.entry)
    }

    /// Whether the ledger has ever held a client of this id, deleted or not.
    pub fn knows(&self, client_id: &str) -> bool {
        self.clients.iter().any(|c| c.entry.client_id == client_id)
    }

    /// Whether several registrations were answered with this client: then it may be more than ours.
    pub fn is_shared(&self, client_id: &str) -> bool {
        self.clients.iter().any(|c| c.entry.client_id == client_id && c.shared)
    }

    /// Why a client was left at the server, where that was said.
    pub fn why_kept(&self, client_id: &str) -> Option<&str> {
        self.clients.iter().find(|c| c.entry.client_id == client_id)?.kept.as_deref()
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

    /// Drops what is done with, from memory and from the file, so that neither grows for as long as a campaign goes on.
    /// The counts stay.
    pub fn compact(&mut self) -> Result<(), String> {
        let gone = self.clients.iter().filter(|c| c.deleted && !c.earlier).count() as u64;
        if !self.clients.iter().any(|c| c.deleted) {
            return Ok(());
        }
        self.clients.retain(|c| !c.deleted);
        self.compacted += gone;
        let Some(path) = self.path.clone().filter(|p| p.is_file()) else { return Ok(()) };
        // Beside it first: at no moment is there no ledger.
        let beside = path.with_extension("ledger-new");
        let _ = std::fs::remove_file(&beside);
        let mut fresh = Ledger::memory().open(&beside)?;
        for intent in &self.intents {
            fresh.append(&Event::Intent { marker: intent.marker.clone(), endpoint: intent.endpoint.clone() })?;
            if let Some(why) = &intent.why {
                fresh.append(&Event::Unknown { marker: intent.marker.clone(), why: why.clone() })?;
            }
        }
        for client in &self.clients {
            fresh.append(&Event::Registered(client.entry.clone()))?;
            if let Some(why) = &client.kept {
                fresh.append(&Event::Kept { client_id: client.entry.client_id.clone(), why: why.clone() })?;
            }
        }
        std::fs::rename(&beside, &path)
            .map_err(|e| format!("the ledger {} cannot be replaced: {e}", path.display()))?;
        (self.file, self.torn) = (fresh.file, false);
        Ok(())
    }

    /// Deletes the file when nothing is left at the server and nothing is unknown. Says whether it did.
    pub fn remove_if_clean(&mut self) -> Result<bool, String> {
        let Some(path) = self.finished_file()? else { return Ok(false) };
        std::fs::remove_file(&path).map_err(|e| format!("the ledger {} cannot be removed: {e}", path.display()))?;
        (self.file, self.path) = (None, None);
        Ok(true)
    }

    /// As [`Ledger::remove_if_clean`], with the file left in its place, emptied but for a line that says so: whoever comes
    /// back to it learns that there is nothing to do.
    pub fn close_if_clean(&mut self) -> Result<bool, String> {
        let Some(path) = self.finished_file()? else { return Ok(false) };
        if let Some(file) = &self.file {
            file.set_len(0).map_err(|e| format!("the ledger {} cannot be emptied: {e}", path.display()))?;
            self.torn = false;
            self.append(&Event::Done)?;
        }
        Ok(true)
    }

    /// The file, where neither this process nor another that has written to it left anything open.
    fn finished_file(&self) -> Result<Option<PathBuf>, String> {
        let Some(path) = self.path.as_ref().filter(|p| p.is_file() && self.is_clean()) else { return Ok(None) };
        Ok(Ledger::read(path)?.is_clean().then(|| path.clone()))
    }

    fn is_clean(&self) -> bool {
        self.intents.is_empty() && self.clients.iter().all(|c| c.deleted)
    }

    fn write(&mut self, event: Event) -> Result<(), String> {
        let written = self.append(&event);
        // A registration is not sent when its intent cannot be written down. What the server did is true all the same,
        // and this process can still clean it up.
        if written.is_ok() || !matches!(event, Event::Intent { .. }) {
            self.apply(event);
        }
        written
    }

    fn append(&mut self, event: &Event) -> Result<(), String> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut lines = String::new();
        let reopened = self.torn.then_some(&Event::Reopened);
        if self.torn {
            lines.push('\n');
        }
        let at = jiff::Timestamp::now().to_string();
        for event in reopened.into_iter().chain([event]) {
            lines += &serde_json::to_string(&LineRef { at: &at, event }).map_err(|e| e.to_string())?;
            lines.push('\n');
        }
        // One call, so that another process that appends to the same file does not come in between.
        file.write_all(lines.as_bytes()).and_then(|()| file.flush()).map_err(|e| {
            // Part of it may be there.
            self.torn = true;
            let path = self.path.as_deref().unwrap_or(Path::new(""));
            format!("the ledger {} cannot be written: {e}", path.display())
        })?;
        self.torn = false;
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Intent { marker, endpoint } => {
                self.intents.push(Intent { marker, endpoint, why: None, earlier: false });
            }
            Event::Registered(entry) => {
                self.answered(&entry.marker);
                match self.clients.iter_mut().find(|c| c.entry.client_id == entry.client_id) {
                    // Some servers give every registration the same client: it is one, with the newest token.
                    Some(client) => {
                        let old = std::mem::replace(&mut client.entry, entry);
                        let new = &mut client.entry;
                        new.registration_client_uri =
                            new.registration_client_uri.take().or(old.registration_client_uri);
                        new.registration_access_token =
                            new.registration_access_token.take().or(old.registration_access_token);
                        client.shared |= !client.deleted;
                        (client.deleted, client.kept, client.earlier) = (false, None, false);
                    }
                    None => {
                        self.clients.push(Client { entry, deleted: false, kept: None, shared: false, earlier: false });
                    }
                }
            }
            Event::Rejected { marker } => self.answered(&marker),
            Event::Unknown { marker, why } => {
                match self.intents.iter_mut().find(|i| i.marker == marker && i.why.is_none()) {
                    Some(intent) => intent.why = Some(why),
                    None => {
                        let endpoint = String::new();
                        self.intents.push(Intent { marker, endpoint, why: Some(why), earlier: false });
                    }
                }
            }
            Event::Rotated { client_id, registration_client_uri, registration_access_token } => {
                if let Some(client) = self.client(&client_id) {
                    let entry = &mut client.entry;
                    entry.registration_client_uri = registration_client_uri.or(entry.registration_client_uri.take());
                    entry.registration_access_token =
                        registration_access_token.or(entry.registration_access_token.take());
                }
            }
            Event::Deleted { client_id } => {
                if let Some(client) = self.client(&client_id) {
                    (client.deleted, client.kept) = (true, None);
                }
            }
            Event::Kept { client_id, why } => {
                if let Some(client) = self.client(&client_id) {
                    client.kept = Some(why);
                }
            }
            Event::Reopened | Event::Done => {}
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

    fn client(&mut self, client_id: &str) -> Option<&mut Client> {
        self.clients.iter_mut().find(|c| c.entry.client_id == client_id)
    }
}

#[cfg(test)]
mod tests;
