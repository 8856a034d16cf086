//! The registered clients, in memory and bounded.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::issue::Client;

/// The most clients that are kept; the oldest goes when another one comes (RFC 7591, section 5, lets registrations expire).
const LIMIT: usize = 100_000;

/// Clients by age and by handle.
#[derive(Default)]
pub(super) struct Store {
    next: u64,
    by_age: BTreeMap<u64, Arc<Client>>,
    by_handle: HashMap<String, u64>,
}

impl Store {
    pub(super) fn insert(&mut self, client: Client) -> Arc<Client> {
        while self.by_age.len() >= LIMIT {
            if let Some((_, oldest)) = self.by_age.pop_first() {
                self.by_handle.remove(&oldest.handle);
            }
        }
        let client = Arc::new(client);
        self.by_handle.insert(client.handle.clone(), self.next);
        self.by_age.insert(self.next, Arc::clone(&client));
        self.next += 1;
        client
    }

    /// Forgets the newest clients as long as they were registered at `second`.
    pub(super) fn remove_newest_of(&mut self, second: i64) {
        while let Some(newest) = self.by_age.last_entry() {
            if newest.get().registered_at != second {
                return;
            }
            let gone = newest.remove();
            self.by_handle.remove(&gone.handle);
        }
    }

    pub(super) fn get(&self, handle: &str) -> Option<Arc<Client>> {
        let age = self.by_handle.get(handle)?;
        self.by_age.get(age).cloned()
    }

    pub(super) fn remove(&mut self, handle: &str) {
        if let Some(age) = self.by_handle.remove(handle) {
            self.by_age.remove(&age);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_age.len()
    }
}
