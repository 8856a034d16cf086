//! A client's life at its configuration endpoint: what one answer says is held against what came before (RFC 7592).
//!
//! ```text
//! registered ──► read ──► updated ──► … ──► deleted
//!     each 201 and 200 hands out the token, the URL and the document that hold from then on
//! ```
//!
//! Which client a request is about is told by its URL and its token, so that a fuzzer's and a replayed exchange are judged
//! like a suite's.

mod after;
mod document;
#[cfg(test)]
mod tests;
mod token;
mod update;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{
    entropy::{self, Samples},
    rule::{Claim, Evidence, Judgement, Objection},
};
use crate::{
    spec::Strength,
    wire::{Exchange, Kind, Response},
};

/// The ids of the rules here, with their requirements.
pub(super) const RULES: &[(&str, &str)] = &[
    ("token-taken", "rfc7592-2-token-is-bearer"),
    ("configuration-token-entropy", "rfc7592-5-token-entropy"),
    ("configuration-token-unique", "rfc7592-5-token-entropy"),
    ("token-of-another", "rfc7592-B-token-matches-client"),
    ("document-complete", "rfc7592-3-return-all-metadata"),
    ("read-as-returned", "rfc7592-2.1-read-is-current"),
    ("refused-update-unseen", "rfc7592-2.2-failed-update-changes-nothing"),
    ("secret-still-shown", "rfc7592-A.1-credentials-returned"),
    ("client-id-unchanged", "rfc7592-2.1-client-id-stable"),
    ("read-is-200", "rfc7592-2.1-read-200"),
    ("update-is-200", "rfc7592-2.2-update-200"),
    ("round-trip", "rfc7592-2.2-update-roundtrip"),
    ("update-replaces", "rfc7592-2.2-replace-not-augment"),
    ("omitted-as-null", "rfc7592-2.2-omitted-means-delete"),
    ("update-by-client-id", "rfc7592-2.2-client-id-in-request"),
    ("secret-not-chosen", "rfc7592-2.2-secret-not-chosen-by-client"),
    ("right-secret-taken", "rfc7592-2.2-secret-must-match"),
    ("excluded-not-adopted", "rfc7592-2.2-excluded-members"),
    ("update-substitutes", "rfc7592-3-may-replace"),
    ("null-ignored", "rfc7592-2.2-may-ignore-null"),
    ("rotates", "rfc7592-5-may-rotate"),
    ("new-token-works", "rfc7592-A.1-new-token-works"),
    ("old-token-dead", "rfc7592-A.1-old-token-discarded"),
    ("token-lives-on", "rfc7592-A.1-rotate-only-on-read-or-update"),
    ("forbidden-read-is-403", "rfc7592-2.1-forbidden-read"),
    ("forbidden-update-is-403", "rfc7592-2.2-forbidden-update"),
    ("forbidden-delete-is-403", "rfc7592-2.3-forbidden-delete"),
    ("delete-is-204", "rfc7592-2.3-delete-204"),
    ("no-delete-is-405", "rfc7592-2.3-delete-unsupported-405"),
    ("token-dies-with-client", "rfc7592-5-delete-invalidates-token"),
    ("unknown-client-is-401", "rfc7592-2-unknown-client-401"),
    ("former-tokens-die-too", "rfc7592-5-delete-invalidates-former-tokens"),
    ("deleted-at-token-endpoint", "rfc7592-2.3-delete-ends-client-at-token-endpoint"),
    ("deleted-at-authorization-endpoint", "rfc7592-2.3-delete-ends-client-at-authorization-endpoint"),
    ("deleted-id-comes-back", "rfc7592-2.3-deleted-id-not-reissued"),
];

/// Rules whose requirement the catalogue observes in passing traffic; the others have to be provoked by a case.
const PASSIVE: &[&str] = &[
    "token-taken",
    "configuration-token-entropy",
    "document-complete",
    "read-as-returned",
    "secret-still-shown",
    "client-id-unchanged",
    "read-is-200",
    "update-is-200",
    "round-trip",
    "update-substitutes",
    "null-ignored",
    "rotates",
    "new-token-works",
    "forbidden-read-is-403",
    "forbidden-update-is-403",
    "forbidden-delete-is-403",
    "delete-is-204",
    "no-delete-is-405",
];

/// The most clients that are remembered, where nothing smaller is asked for; the oldest is forgotten.
const REMEMBERED: usize = 4096;

type Document = Map<String, Value>;
type Hash = [u8; 32];

/// One registration.
#[derive(Debug)]
struct Client {
    client_id: String,
    /// Where its configuration is: the newest registration_client_uri.
    uri: String,
    /// Salted hashes of the tokens, the newest last.
    tokens: Vec<Hash>,
    /// What the server last returned, and in which exchange.
    shown: Document,
    shown_in: u32,
    /// What updates that were under way at once were answered: one of them is what a read shows.
    either: Vec<Document>,
    /// What a refused update asked for, since then.
    refused: Option<(Document, u32)>,
    /// Methods that the newest token has worked for: read, update.
    read: bool,
    updated: bool,
    /// An update was answered 200.
    accepted: bool,
    /// The newest update that was taken without the client_secret.
    without_secret: Option<Document>,
    /// Another registration got the same client_id (RFC 7591, 3.2.1): what is done to one may show in the other.
    shared: bool,
    /// The unchanged document was refused in this form: with the secret, or without it.
    refused_form: Option<bool>,
    /// A token of the client was presented where it does not belong, or after its time: some servers then revoke.
    spoilt: bool,
    /// The status of the delete that was answered with success, and its exchange.
    deleted: Option<(u16, u32)>,
    /// What became of a member that an update left out, or set to null: whether its value was kept.
    omitted: HashMap<String, (bool, u32)>,
    nulled: HashMap<String, (bool, u32)>,
}

impl Client {
    fn rotated(&self) -> bool {
        self.tokens.len() > 1
    }

    /// The secret that was last returned.
    fn secret(&self) -> Option<&str> {
        text(&self.shown, "client_secret")
    }
}

/// What is remembered of the clients of a run.
#[derive(Default)]
pub(super) struct Life {
    /// By the exchange that registered them.
    clients: BTreeMap<u32, Client>,
    by_token: HashMap<Hash, u32>,
    by_uri: HashMap<String, Vec<u32>>,
    /// The registrations of a client_id, the oldest first: looked at for every new one, however many clients there are.
    by_id: HashMap<String, Vec<u32>>,
    samples: Samples,
    salt: u64,
    /// The most clients that are remembered.
    limit: usize,
}

/// What a request presents: whose token, and whether it is the newest one.
enum Bearer {
    Newest(u32),
    Former(u32),
    Unknown,
}

impl Life {
    pub fn new(salt: u64) -> Life {
        Life { salt, limit: REMEMBERED, ..Life::default() }
    }

    /// One that remembers no more than so many clients.
    pub fn bounded(salt: u64, limit: usize) -> Life {
        Life { limit: limit.min(REMEMBERED), ..Life::new(salt) }
    }

    /// Holds an exchange against all that came before, and remembers it.
    pub fn observe(&mut self, exchange: &Exchange) -> Vec<Judgement> {
        let mut said = Said::default();
        match exchange.request.kind {
            Kind::Register => self.registered(exchange, &mut said),
            Kind::Read | Kind::Update | Kind::Delete => self.managed(exchange, &mut said),
            Kind::Token => self.token_request(exchange, &mut said),
            Kind::Authorize => self.authorized(exchange, &mut said),
            _ => {}
        }
        said.0
    }

    /// The client_id of the client that this exchange deleted.
    pub fn deleted_by(&self, exchange: &Exchange) -> Option<String> {
        if exchange.request.kind != Kind::Delete {
            return None;
        }
        let here = self.by_uri.get(&exchange.request.url)?;
        let gone = |c: &&Client| c.deleted.is_some_and(|(_, id)| id == exchange.id);
        here.iter().filter_map(|k| self.clients.get(k)).find(gone).map(|c| c.client_id.clone())
    }

    fn registered(&mut self, exchange: &Exchange, said: &mut Said) {
        let Some(document) = exchange.created().and_then(Response::object) else { return };
        let Some(client_id) = text(document, "client_id") else { return };
        self.reissued(client_id, exchange, said);
        let (uri, token) = (text(document, "registration_client_uri"), text(document, "registration_access_token"));
        let hash = token.map(|token| self.hash(token));
        if let (Some(token), Some(hash)) = (token, hash) {
            if let Some(other) = self.by_token.get(&hash) {
                said.objects(
                    "configuration-token-unique",
                    Objection::new("/registration_access_token", "two registrations were given the same token")
                        .expected("a token of its own for every registration")
                        .with(*other),
                );
            }
            self.judge_token(token, client_id, said);
        }
        let (Some(uri), Some(hash)) = (uri, hash) else { return };
        let client = Client {
            client_id: client_id.to_owned(),
            uri: uri.to_owned(),
            tokens: vec![hash],
            shown: document.clone(),
            shown_in: exchange.id,
            either: Vec::new(),
            refused: None,
            read: false,
            updated: false,
            accepted: false,
            without_secret: None,
            shared: self.share(client_id),
            refused_form: None,
            spoilt: false,
            deleted: None,
            omitted: HashMap::new(),
            nulled: HashMap::new(),
        };
        self.by_token.insert(hash, exchange.id);
        self.by_uri.entry(client.uri.clone()).or_default().push(exchange.id);
        self.by_id.entry(client.client_id.clone()).or_default().push(exchange.id);
        self.clients.insert(exchange.id, client);
        while self.clients.len() > self.limit {
            self.forget_oldest();
        }
    }

    /// Marks the living registrations of a client_id as sharing it; says whether there are any.
    fn share(&mut self, client_id: &str) -> bool {
        let mut any = false;
        for key in self.by_id.get(client_id).into_iter().flatten() {
            if let Some(client) = self.clients.get_mut(key).filter(|c| c.deleted.is_none()) {
                client.shared = true;
                any = true;
            }
        }
        any
    }

    /// The registrations of a client_id that are remembered, the oldest first.
    fn registrations(&self, client_id: &str) -> impl DoubleEndedIterator<Item = &Client> {
        self.by_id.get(client_id).into_iter().flatten().filter_map(|key| self.clients.get(key))
    }

    fn forget_oldest(&mut self) {
        let Some((key, client)) = self.clients.pop_first() else { return };
        for token in &client.tokens {
            if self.by_token.get(token) == Some(&key) {
                self.by_token.remove(token);
            }
        }
        for (index, name) in [(&mut self.by_uri, &client.uri), (&mut self.by_id, &client.client_id)] {
            if let Some(keys) = index.get_mut(name) {
                keys.retain(|k| *k != key);
                if keys.is_empty() {
                    index.remove(name);
                }
            }
        }
    }

    /// How hard the token is to guess, as far as answers can show. A signed token's secret part is its signature.
    fn judge_token(&mut self, token: &str, client_id: &str, said: &mut Said) {
        let at = |claim: Claim| match claim {
            Claim::Objects(mut objection) => {
                objection.instance_path = "/registration_access_token".into();
                objection.message = objection.message.replace("client_secret", "registration_access_token");
                Claim::Objects(objection)
            }
            holds => holds,
        };
        if token.split('.').count() == 3 && token.starts_with("ey") {
            return;
        }
        if let Some(claim) = self.samples.add(token) {
            said.claim("configuration-token-entropy", at(claim));
        }
        if let Some(claim) = entropy::derived(token, client_id) {
            said.claim("configuration-token-entropy", at(claim));
        }
    }

    /// A deleted client_id was given to another client: an observation.
    fn reissued(&self, client_id: &str, exchange: &Exchange, said: &mut Said) {
        let gone = self.registrations(client_id).rev().find(|c| c.deleted.is_some());
        if let Some(gone) = gone
            && gone.shown.get("redirect_uris") != exchange.sent().and_then(|sent| sent.get("redirect_uris"))
        {
            said.objects(
                "deleted-id-comes-back",
                Objection::new("/client_id", "the client_id of a deleted client was given to another one")
                    .strength(Strength::Note)
                    .with(gone.shown_in),
            );
        }
    }

    /// A read, update or delete: which client it is about, and with whose token.
    fn managed(&mut self, exchange: &Exchange, said: &mut Said) {
        let Some(response) = exchange.response() else { return };
        let here = self.by_uri.get(&exchange.request.url).cloned().unwrap_or_default();
        if here.is_empty() || super::configuration::elsewhere(response.status) {
            return;
        }
        if exchange.beside.is_some() {
            return self.raced(&here, exchange, response);
        }
        match self.bearer(exchange) {
            Bearer::Newest(key) if here.contains(&key) => self.own(key, exchange, response, said),
            Bearer::Newest(key) => self.of_another(key, &here, exchange, response, said),
            Bearer::Former(key) if here.contains(&key) => self.former(key, exchange, response, said),
            Bearer::Former(key) => self.spoil(key),
            // Whoever got in without a token of ours may have changed or ended the client.
            Bearer::Unknown if (200..300).contains(&response.status) && exchange.request.kind != Kind::Read => {
                here.iter().for_each(|key| self.upset(*key));
            }
            Bearer::Unknown => {}
        }
    }

    /// One of two requests that were under way at once: in which order the server took them is not known, so nothing is held
    /// against it, and what may hold from here on is remembered.
    fn raced(&mut self, here: &[u32], exchange: &Exchange, response: &Response) {
        let (Bearer::Newest(key) | Bearer::Former(key)) = self.bearer(exchange) else { return };
        if !here.contains(&key) {
            return self.spoil(key);
        }
        let document = response.object().filter(|_| response.status == 200).cloned();
        let token = document.as_ref().and_then(|d| text(d, "registration_access_token")).map(|t| self.hash(t));
        let Some(client) = self.clients.get_mut(&key) else { return };
        client.refused = None;
        match (exchange.request.kind, response.status, document) {
            (Kind::Delete, found @ 200..=299, _) => client.deleted = Some((found, exchange.id)),
            (Kind::Update, 200, Some(document)) => {
                client.either.push(document);
                client.shown_in = exchange.id;
            }
            _ => {}
        }
        if let Some(token) = token.filter(|t| !client.tokens.contains(t)) {
            // Of two new tokens it is not known which is the newest.
            client.spoilt |= client.either.len() > 1;
            client.tokens.push(token);
            self.by_token.insert(token, key);
        }
    }

    /// Someone else's request was carried out on the client.
    fn upset(&mut self, key: u32) {
        if let Some(client) = self.clients.get_mut(&key) {
            client.spoilt = true;
            client.shown.clear();
            client.refused = None;
        }
    }

    fn bearer(&self, exchange: &Exchange) -> Bearer {
        let value = exchange.request.headers.first("authorization").unwrap_or_default();
        let Some(token) = value.strip_prefix("Bearer ") else { return Bearer::Unknown };
        let hash = self.hash(token);
        match self.by_token.get(&hash) {
            Some(key) => match self.clients.get(key) {
                Some(client) if client.tokens.last() == Some(&hash) => Bearer::Newest(*key),
                Some(_) => Bearer::Former(*key),
                None => Bearer::Unknown,
            },
            None => Bearer::Unknown,
        }
    }

    fn spoil(&mut self, key: u32) {
        if let Some(client) = self.clients.get_mut(&key) {
            client.spoilt = true;
        }
    }

    /// The client's own newest token at its own URL.
    fn own(&mut self, key: u32, exchange: &Exchange, response: &Response, said: &mut Said) {
        let Some(client) = self.clients.get_mut(&key) else { return };
        if client.deleted.is_some() {
            return after::gone(client, exchange, response, said);
        }
        let either = std::mem::take(&mut client.either);
        if !either.is_empty() {
            client.shown = match response.object() {
                Some(found) if exchange.request.kind == Kind::Read => document::one_of(client, either, found, said),
                _ => Document::new(),
            };
        }
        match exchange.request.kind {
            Kind::Read => document::read(client, response, said),
            Kind::Update => update::update(client, exchange, response, said),
            Kind::Delete => after::delete(client, exchange, response, said),
            _ => {}
        }
        token::used(client, exchange, response, said);
        if client.shared && client.deleted.is_some() {
            // Whether the others went as well is the server's choice.
            for other in self.by_id.get(&client.client_id).cloned().unwrap_or_default() {
                if let Some(other) = self.clients.get_mut(&other).filter(|c| c.deleted.is_none()) {
                    other.spoilt = true;
                }
            }
        }
        if exchange.managed().is_some() {
            self.take_over(key, exchange, response, said);
        }
    }

    /// The token, the URL and the document that hold from this answer on.
    fn take_over(&mut self, key: u32, exchange: &Exchange, response: &Response, said: &mut Said) {
        let own = self.clients.get(&key).map(|c| c.client_id.clone());
        let Some(document) = response.object().filter(|o| text(o, "client_id") == own.as_deref()) else { return };
        let token = text(document, "registration_access_token").map(str::to_owned);
        let hash = token.as_deref().map(|t| self.hash(t));
        let uri = text(document, "registration_client_uri").map(str::to_owned);
        let Some(client) = self.clients.get_mut(&key) else { return };
        let mut rotated = text(document, "client_secret").is_some_and(|s| client.secret().is_some_and(|old| old != s));
        if let Some(hash) = hash.filter(|h| client.tokens.last() != Some(h)) {
            client.tokens.push(hash);
            // A new token has its own record.
            (client.read, client.updated) = (false, false);
            rotated = true;
            self.by_token.insert(hash, key);
        }
        if rotated {
            said.holds("rotates");
        }
        if let Some(uri) = uri.filter(|u| *u != client.uri) {
            if let Some(keys) = self.by_uri.get_mut(&client.uri) {
                keys.retain(|k| *k != key);
            }
            client.uri = uri.clone();
            self.by_uri.entry(uri).or_default().push(key);
        }
        client.shown = document.clone();
        client.shown_in = exchange.id;
        client.refused = None;
    }

    fn hash(&self, secret: &str) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(self.salt.to_le_bytes());
        hasher.update(secret.as_bytes());
        hasher.finalize().into()
    }
}

/// What the rules say of one exchange.
#[derive(Default)]
pub(super) struct Said(Vec<Judgement>);

impl Said {
    fn claim(&mut self, rule: &str, claim: Claim) {
        let (rule, requirement) =
            *RULES.iter().find(|(id, _)| *id == rule).expect("a rule is listed before it says anything");
        let evidence = if PASSIVE.contains(&rule) { Evidence::Passive } else { Evidence::Provoked };
        self.0.push(Judgement { requirement, rule, evidence, claim });
    }

    fn holds(&mut self, rule: &str) {
        self.claim(rule, Claim::Holds);
    }

    fn objects(&mut self, rule: &str, objection: Objection) {
        self.claim(rule, Claim::objects(objection));
    }
}

/// A string member that is not empty.
fn text<'a>(document: &'a Document, name: &str) -> Option<&'a str> {
    document.get(name)?.as_str().filter(|s| !s.is_empty())
}

fn status(response: &Response, message: String, expected: &str) -> Objection {
    Objection::new("status", message).expected(expected).actual_text(&response.status.to_string())
}
