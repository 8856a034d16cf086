//! The registered clients, in memory and bounded.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::issue::Client;

/// The most clients that are kept; the oldest goes when another one comes (RFC 7591, section 5, lets registrations expire).
const LIMIT: usize = 1_024;

/// Clients by age, by handle and by `client_id`. Instances of one client share the latter two (RFC 7591, section 3.2.1).
#[derive(Default)]
pub(super) struct Store {
    next: u64,
    by_age: BTreeMap<u64, Arc<Client>>,
    by_handle: HashMap<String, BTreeSet<u64>>,
    by_id: HashMap<String, BTreeSet<u64>>,
    by_token: HashMap<String, u64>,
}

impl Store {
    pub(super) fn insert(&mut self, client: Client) -> Arc<Client> {
        while self.by_age.len() >= LIMIT {
            if let Some(oldest) = self.by_age.first_key_value().map(|(age, _)| *age) {
                self.forget(oldest);
            }
        }
        let client = Arc::new(client);
        self.by_handle.entry(client.handle.clone()).or_default().insert(self.next);
        self.by_id.entry(client.id_text()).or_default().insert(self.next);
        self.by_token.insert(client.access_token.clone(), self.next);
        self.by_age.insert(self.next, Arc::clone(&client));
        self.next += 1;
        client
    }

    fn forget(&mut self, age: u64) {
        let Some(client) = self.by_age.remove(&age) else { return };
        self.by_token.remove(&client.access_token);
        for (index, key) in [(&mut self.by_handle, client.handle.clone()), (&mut self.by_id, client.id_text())] {
            if let Some(ages) = index.get_mut(&key) {
                ages.remove(&age);
                if ages.is_empty() {
                    index.remove(&key);
                }
            }
        }
    }

    /// Forgets the newest clients as long as they were registered at `second`.
    pub(super) fn remove_newest_of(&mut self, second: i64) {
        while let Some((age, newest)) = self.by_age.last_key_value() {
            if newest.registered_at != second {
                return;
            }
            self.forget(*age);
        }
    }

    /// The instances of a client by the last segment of their `registration_client_uri`.
    pub(super) fn by_handle(&self, handle: &str) -> Vec<Arc<Client>> {
        self.all(self.by_handle.get(handle))
    }

    /// The instances of a client by its `client_id`.
    pub(super) fn by_id(&self, client_id: &str) -> Vec<Arc<Client>> {
        self.all(self.by_id.get(client_id))
    }

    fn all(&self, ages: Option<&BTreeSet<u64>>) -> Vec<Arc<Client>> {
        ages.into_iter().flatten().filter_map(|age| self.by_age.get(age).cloned()).collect()
    }

    /// The client with this registration access token.
    pub(super) fn by_token(&self, token: &str) -> Option<Arc<Client>> {
        self.by_token.get(token).and_then(|age| self.by_age.get(age)).cloned()
    }

    /// Puts a client in the place of an earlier state of it. Its handle and identifier stay.
    pub(super) fn replace(&mut self, old: &Arc<Client>, new: Client) -> Arc<Client> {
        let new = Arc::new(new);
        // A state that is no longer the newest was overtaken by another request, and the later one wins.
        if let Some(age) = self.by_token.remove(&old.access_token) {
            self.by_token.insert(new.access_token.clone(), age);
            self.by_age.insert(age, Arc::clone(&new));
        }
        new
    }

    /// Removes every instance of a client.
    pub(super) fn remove(&mut self, handle: &str) {
        for age in self.by_handle.get(handle).cloned().unwrap_or_default() {
            self.forget(age);
        }
    }

    /// Every client, the oldest first.
    pub(super) fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.by_age.values()
    }

    pub(super) fn len(&self) -> usize {
        self.by_age.len()
    }
}
