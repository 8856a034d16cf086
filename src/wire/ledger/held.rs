//! The clients of a ledger, found by their `client_id` however many there are.

use std::collections::HashMap;

use super::Registered;

/// A client, and what became of it.
pub(super) struct Client {
    pub(super) entry: Registered,
    pub(super) deleted: bool,
    pub(super) kept: Option<String>,
    /// More than one registration was answered with it while it was there.
    pub(super) shared: bool,
    /// From a run before this one.
    pub(super) earlier: bool,
}

/// Clients in the order of their registration, one for each `client_id`.
#[derive(Default)]
pub(super) struct Held {
    clients: Vec<Client>,
    places: HashMap<String, usize>,
    deleted: usize,
}

impl Held {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Client> {
        self.clients.iter()
    }

    pub(super) fn get(&self, client_id: &str) -> Option<&Client> {
        self.places.get(client_id).map(|place| &self.clients[*place])
    }

    fn get_mut(&mut self, client_id: &str) -> Option<&mut Client> {
        self.places.get(client_id).map(|place| &mut self.clients[*place])
    }

    /// Takes a registration in. Some servers give every registration the same client: it is one, with the newest token.
    pub(super) fn register(&mut self, entry: Registered) {
        let Some(place) = self.places.get(&entry.client_id) else {
            self.places.insert(entry.client_id.clone(), self.clients.len());
            self.clients.push(Client { entry, deleted: false, kept: None, shared: false, earlier: false });
            return;
        };
        let client = &mut self.clients[*place];
        let old = std::mem::replace(&mut client.entry, entry);
        let new = &mut client.entry;
        new.registration_client_uri = new.registration_client_uri.take().or(old.registration_client_uri);
        new.registration_access_token = new.registration_access_token.take().or(old.registration_access_token);
        client.shared |= !client.deleted;
        self.deleted -= usize::from(client.deleted);
        (client.deleted, client.kept, client.earlier) = (false, None, false);
    }

    /// The entry of a client, to change it.
    pub(super) fn entry(&mut self, client_id: &str) -> Option<&mut Registered> {
        self.get_mut(client_id).map(|client| &mut client.entry)
    }

    pub(super) fn delete(&mut self, client_id: &str) {
        let Some(client) = self.get_mut(client_id) else { return };
        let fresh = !std::mem::replace(&mut client.deleted, true);
        client.kept = None;
        self.deleted += usize::from(fresh);
    }

    pub(super) fn keep(&mut self, client_id: &str, why: String) {
        if let Some(client) = self.get_mut(client_id) {
            client.kept = Some(why);
        }
    }

    pub(super) fn all_earlier(&mut self) {
        self.clients.iter_mut().for_each(|c| c.earlier = true);
    }

    pub(super) fn all_deleted(&self) -> bool {
        self.deleted == self.clients.len()
    }

    /// Drops the deleted ones, and says how many of them were of this run.
    pub(super) fn forget_deleted(&mut self) -> u64 {
        if self.deleted == 0 {
            return 0;
        }
        let ours = self.clients.iter().filter(|c| c.deleted && !c.earlier).count() as u64;
        self.clients.retain(|c| !c.deleted);
        self.places = self.clients.iter().enumerate().map(|(n, c)| (c.entry.client_id.clone(), n)).collect();
        self.deleted = 0;
        ours
    }

    /// Drops them only when they are many: then each costs the same, however long it goes on.
    pub(super) fn forget_many_deleted(&mut self) {
        if self.deleted > 1000 && self.deleted * 2 > self.clients.len() {
            self.forget_deleted();
        }
    }
}
