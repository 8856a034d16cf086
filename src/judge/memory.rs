//! Rules over many exchanges: identifiers, secrets and what a read shows that the 201 did not.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, LazyLock},
};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    coded::is_metadata,
    parse::ParsedBody,
    rule::{Claim, Evidence, Judgement, Objection},
};
use crate::{
    spec::Strength,
    wire::{Exchange, Kind},
};

/// What is remembered of the clients that were seen. Secrets are kept as salted hashes only.
#[derive(Default)]
pub struct Memory {
    clients: HashMap<String, Seen>,
    secrets: HashMap<[u8; 32], Known>,
    /// The secrets themselves, for what can only be said over many; they never leave this place.
    samples: super::entropy::Samples,
    life: super::life::Life,
    salt: u64,
    /// The most clients that are remembered; all, where there is none.
    limit: Option<usize>,
    /// What was entered at each registration, oldest first; where there is a limit, the oldest is forgotten.
    order: VecDeque<(String, Option<[u8; 32]>)>,
    /// How many registrations were entered before the first one in `order`.
    forgotten: u64,
    /// Clients that are never forgotten, limit or not.
    pinned: HashSet<String>,
}

/// A memory with a limit remembers the life of so many times more clients: what is asked of a client is asked soon, but not at once.
const LIVES: usize = 2;

/// How many clients are looked at for one that differs.
const NEWEST: usize = 8;

/// The same, in a run of cases, where clients are more of one kind.
const NEWEST_OF_A_RUN: usize = 64;

#[derive(Debug)]
struct Seen {
    exchange: u32,
    sent: Arc<Map<String, Value>>,
    answer: Arc<ParsedBody>,
    /// It was issued again to a different client that had not asked for it.
    reissued: bool,
    /// An update was sent since: what a read shows may come from there.
    updated: bool,
    /// The number of the registration that entered it last.
    entered: u64,
}

impl Seen {
    /// The client information of the 201.
    fn answer(&self) -> &Map<String, Value> {
        static NOTHING: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        self.answer.value.as_ref().and_then(Value::as_object).unwrap_or(&NOTHING)
    }
}

/// Whose a secret is.
struct Known {
    client_id: String,
    exchange: u32,
    /// The number of the registration that entered it last.
    entered: u64,
}

/// The ids of the rules here, with their requirements.
pub(super) const RULES: &[(&str, &str)] = &[
    ("client-id-unique", "rfc7591-3.2.1-client-id-unique"),
    ("client-id-shared", "rfc7591-3.2.1-client-id-shared-by-instances"),
    ("secret-unique", "rfc7591-3.2.1-client-secret-unique"),
    ("read-shows-no-more", "rfc7591-3.2.1-return-all-metadata"),
    ("read-shows-no-more-variants", "rfc7591-2.2-language-variants-returned"),
    ("client-id-not-adopted", "rfc7591-3.1-client-id-server-assigned"),
    ("secret-unique-per-instance", "rfc7591-3.2.1-client-secret-unique-per-instance"),
    ("secret-entropy", "rfc7591-3.2.1-client-secret-entropy"),
    ("secret-not-from-client-id", "rfc7591-3.2.1-client-secret-entropy"),
    ("redirect-only-to-registered", "rfc7591-2-unregistered-redirect-refused"),
    ("client-known-at-authorization", "rfc7591-3.1-client-usable"),
];

impl Memory {
    pub fn new(salt: u64) -> Memory {
        Memory { salt, life: super::life::Life::new(salt), ..Memory::default() }
    }

    /// One that remembers no more than the newest clients, for campaigns that go on for days.
    pub fn bounded(salt: u64, limit: usize) -> Memory {
        let life = super::life::Life::bounded(salt, limit.saturating_mul(LIVES));
        Memory { limit: Some(limit), life, ..Memory::new(salt) }
    }

    /// Never forgets this client: its identifier or secret may be sent again at any time, and what an answer says about
    /// it then must not be taken for something new.
    pub fn pin(&mut self, client_id: &str) {
        self.pinned.insert(client_id.to_owned());
    }

    /// Holds an exchange against all that came before, and remembers it.
    pub fn observe(&mut self, exchange: &Exchange) -> Vec<Judgement> {
        let mut judgements = match exchange.request.kind {
            Kind::Register => self.registered(exchange),
            Kind::Read => self.read(exchange),
            Kind::Update => {
                self.updated(exchange);
                Vec::new()
            }
            Kind::Authorize => self.authorized(exchange),
            _ => Vec::new(),
        };
        judgements.extend(self.life.observe(exchange));
        // The identifier of a deleted client may be issued again, and is known nowhere.
        if let Some(client_id) = self.life.deleted_by(exchange) {
            self.clients.remove(&client_id);
        }
        judgements
    }

    fn registered(&mut self, exchange: &Exchange) -> Vec<Judgement> {
        let Some(response) = exchange.created() else { return Vec::new() };
        let Some(answer) = response.object() else { return Vec::new() };
        let Some(client_id) = answer.get("client_id").and_then(Value::as_str).filter(|s| !s.is_empty()) else {
            return Vec::new();
        };
        let sent = exchange.shared_sent();
        let mut judgements = Vec::new();
        judgements.extend(self.adopted(client_id, &sent));
        match self.clients.get(client_id) {
            Some(earlier) if different(&earlier.sent, &sent) => judgements.push(judgement(
                0,
                Evidence::Passive,
                Claim::objects(
                    Objection::new(
                        "/client_id",
                        "a client_id was issued again to a client that differs in name, redirection URIs and software",
                    )
                    .expected("an identifier that is valid for one client")
                    .actual_text(client_id)
                    .with(earlier.exchange),
                ),
            )),
            Some(_) => judgements.push(judgement(1, Evidence::Passive, Claim::Holds)),
            None if self.knows_another(&sent) => {
                judgements.push(judgement(0, Evidence::Passive, Claim::Holds));
            }
            None => {}
        }
        let entered = self.forgotten + self.order.len() as u64;
        let mut secret_hash = None;
        if let Some(secret) = answer.get("client_secret").and_then(Value::as_str).filter(|s| !s.is_empty()) {
            let hash = self.hash(secret);
            match self.secrets.get(&hash) {
                Some(known) if known.client_id != client_id => judgements.push(judgement(
                    2,
                    Evidence::Passive,
                    Claim::objects(
                        Objection::new("/client_secret", "two clients were given the same client_secret")
                            .expected("a secret of its own for every client_id")
                            .with(known.exchange),
                    ),
                )),
                // The same bytes sent again may be a retry that the server recognises, which is a note at most.
                Some(known) => judgements.push(judgement(
                    6,
                    Evidence::Passive,
                    Claim::objects({
                        let objection = Objection::new(
                            "/client_secret",
                            "two instances that share a client_id were given the same client_secret",
                        )
                        .expected("a secret of its own for every instance")
                        .with(known.exchange);
                        let retry = self.clients.get(client_id).is_some_and(|earlier| earlier.sent == sent);
                        if retry { objection.strength(Strength::Note) } else { objection }
                    }),
                )),
                None if self.clients.contains_key(client_id) => {
                    judgements.push(judgement(6, Evidence::Passive, Claim::Holds))
                }
                None if !self.secrets.is_empty() => judgements.push(judgement(2, Evidence::Passive, Claim::Holds)),
                None => {}
            }
            let known = Known { client_id: client_id.to_owned(), exchange: exchange.id, entered };
            self.secrets.insert(hash, known);
            secret_hash = Some(hash);
            judgements.extend(self.samples.add(secret).map(|claim| judgement(7, Evidence::Passive, claim)));
            if let Some(claim) = super::entropy::derived(secret, client_id) {
                judgements.push(judgement(8, Evidence::Passive, claim));
            }
        }
        let asked = sent.get("client_id").and_then(Value::as_str) == Some(client_id);
        let reissued = self.clients.get(client_id).is_some_and(|e| e.reissued || (!asked && different(&e.sent, &sent)));
        let seen =
            Seen { exchange: exchange.id, sent, answer: response.shared_parse(), reissued, updated: false, entered };
        self.clients.insert(client_id.to_owned(), seen);
        self.make_room(client_id, secret_hash);
        judgements
    }

    /// Whether a client of other metadata is known, so that its identifier might have come back. In a campaign most clients
    /// share a name, and it is enough that this is seen now and then; a case that asks for it registers both one after the other. So
    /// the newest few are looked at, however many there are.
    fn knows_another(&self, sent: &Map<String, Value>) -> bool {
        let newest = self.order.iter().rev().take(if self.limit.is_some() { NEWEST } else { NEWEST_OF_A_RUN });
        newest.filter_map(|(id, _)| self.clients.get(id)).any(|seen| different(&seen.sent, sent))
    }

    /// Forgets the oldest clients, where there is a limit. One that was seen again since stays.
    fn make_room(&mut self, client_id: &str, secret: Option<[u8; 32]>) {
        self.order.push_back((client_id.to_owned(), secret));
        let Some(limit) = self.limit else { return };
        while self.order.len() > limit {
            let Some((oldest, secret)) = self.order.pop_front() else { return };
            let number = self.forgotten;
            self.forgotten += 1;
            if self.pinned.contains(&oldest) {
                continue;
            }
            if self.clients.get(&oldest).is_some_and(|seen| seen.entered == number) {
                self.clients.remove(&oldest);
            }
            if let Some(secret) = secret.filter(|s| self.secrets.get(s).is_some_and(|known| known.entered == number)) {
                self.secrets.remove(&secret);
            }
        }
    }

    /// The client chose an identifier. One that was issued before may come back to an instance of the same client.
    fn adopted(&self, client_id: &str, sent: &Map<String, Value>) -> Option<Judgement> {
        let chosen = sent.get("client_id").and_then(Value::as_str).filter(|s| !s.is_empty())?;
        if chosen != client_id {
            return Some(judgement(5, Evidence::Provoked, Claim::Holds));
        }
        let earlier = self.clients.get(chosen);
        // Nor does a server that gives everyone the same identifier adopt anything: that is client-id-unique's matter.
        if earlier.is_some_and(|earlier| earlier.reissued || !different(&earlier.sent, sent)) {
            return None;
        }
        let mut objection =
            Objection::new("/client_id", "the client chose its own client_id and the server took it over")
                .expected("an identifier that the server makes up, or a refusal")
                .actual_text(chosen);
        if let Some(earlier) = earlier {
            objection = objection.with(earlier.exchange);
        }
        Some(judgement(5, Evidence::Provoked, Claim::objects(objection)))
    }

    /// Whichever client an update was about, by its document or by its answer, and however it was answered.
    fn updated(&mut self, exchange: &Exchange) {
        let shown = exchange.response().and_then(|r| r.member("client_id"));
        let named = exchange.sent().and_then(|s| s.get("client_id")?.as_str());
        for id in shown.into_iter().chain(named) {
            if let Some(seen) = self.clients.get_mut(id) {
                seen.updated = true;
            }
        }
    }

    /// A read that shows a member which was asked for and which the 201 left out proves that it was registered.
    fn read(&self, exchange: &Exchange) -> Vec<Judgement> {
        let Some(shown) = exchange.response().filter(|r| r.status == 200).and_then(|r| r.object()) else {
            return Vec::new();
        };
        let Some(seen) = shown.get("client_id").and_then(Value::as_str).and_then(|id| self.clients.get(id)) else {
            return Vec::new();
        };
        if seen.updated {
            return Vec::new();
        }
        let mut judgements = Vec::new();
        let mut variants = false;
        let mut hidden = false;
        for (name, value) in shown.iter().filter(|(n, v)| is_metadata(n) && !v.is_null()) {
            let tagged = name.contains('#');
            variants |= tagged && seen.answer().contains_key(name);
            if !seen.sent.contains_key(name) || seen.answer().contains_key(name) || is_default(name, value) {
                continue;
            }
            // The tag may come back in another letter case or form.
            if tagged && seen.answer().keys().any(|k| k.eq_ignore_ascii_case(name)) {
                continue;
            }
            hidden = true;
            let objection = Objection::new(
                format!("/{}", super::parse::pointer_token(name)),
                format!("{name} was registered, as a read shows, and the answer to the registration did not list it"),
            )
            .expected("all registered metadata in the 201")
            .actual(value)
            .with(seen.exchange);
            if tagged {
                judgements.push(judgement(4, Evidence::Passive, Claim::objects(objection.clone())));
            }
            judgements.push(judgement(3, Evidence::Passive, Claim::objects(objection)));
        }
        if !hidden {
            judgements.push(judgement(3, Evidence::Passive, Claim::Holds));
            if variants {
                judgements.push(judgement(4, Evidence::Passive, Claim::Holds));
            }
        }
        judgements
    }

    /// Where the user agent is sent, and whether the client is known.
    fn authorized(&self, exchange: &Exchange) -> Vec<Judgement> {
        let Some(response) = exchange.response() else { return Vec::new() };
        let query: HashMap<String, String> = exchange
            .request
            .url
            .split_once('?')
            .map(|(_, q)| url::form_urlencoded::parse(q.as_bytes()).into_owned().collect())
            .unwrap_or_default();
        let (Some(client_id), Some(wanted)) = (query.get("client_id"), query.get("redirect_uri")) else {
            return Vec::new();
        };
        let Some(registered) =
            self.clients.get(client_id).and_then(|c| super::coded::strings(c.answer(), "redirect_uris"))
        else {
            return Vec::new();
        };
        let location = response.headers.first("location").unwrap_or_default();
        let sent_there = (300..400).contains(&response.status)
            && location
                .strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['?', '&', '#']));
        if !registered.contains(&wanted.as_str()) {
            let claim = if sent_there {
                Claim::objects(
                    Objection::new(
                        "header:location",
                        format!("the user agent is sent to {wanted}, which the client did not register"),
                    )
                    .expected("an error page, and no redirect")
                    .actual_text(&location),
                )
            } else if (400..500).contains(&response.status) || response.status == 200 {
                Claim::Holds
            } else {
                return Vec::new();
            };
            return vec![judgement(9, Evidence::Provoked, claim)];
        }
        // A login page, a consent page and an error that is sent to the client all show that the client is known.
        if (300..400).contains(&response.status) || response.status == 200 {
            return vec![judgement(10, Evidence::Provoked, Claim::Holds)];
        }
        let text = String::from_utf8_lossy(&response.body).to_ascii_lowercase();
        let unknown = ["invalid_client", "unknown client", "client not found", "invalid client", "client is unknown"];
        match unknown.iter().find(|words| text.contains(*words)) {
            Some(words) if matches!(response.status, 400 | 401 | 403 | 404) => {
                let objection = Objection::new(
                    "status",
                    format!(
                        "the authorization endpoint does not know a client that was registered: {} with {words:?}",
                        response.status
                    ),
                )
                .expected("a login page, a consent page, or an error that is sent to the client");
                vec![judgement(10, Evidence::Provoked, Claim::objects(objection))]
            }
            _ => Vec::new(),
        }
    }

    fn hash(&self, secret: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.salt.to_le_bytes());
        hasher.update(secret.as_bytes());
        hasher.finalize().into()
    }
}

fn judgement(rule: usize, evidence: Evidence, claim: Claim) -> Judgement {
    let (rule, requirement) = RULES[rule];
    Judgement { requirement, rule, evidence, claim }
}

/// Two requests that cannot be instances of one client: name, redirection URIs and software all differ.
fn different(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    ["client_name", "redirect_uris", "software_id"].iter().all(|name| match (a.get(*name), b.get(*name)) {
        (Some(a), Some(b)) => a != b,
        _ => false,
    })
}

/// Members that only hold a default may be left out of the 201.
pub(super) fn is_default(name: &str, value: &Value) -> bool {
    match name {
        "grant_types" => *value == json!(["authorization_code"]),
        "response_types" => *value == json!(["code"]),
        "token_endpoint_auth_method" => *value == json!("client_secret_basic"),
        _ => *value == json!([]) || *value == json!(""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        target::registration,
        wire::{Headers, Outcome, Response},
    };

    fn registered(id: u32, client_id: &str) -> Exchange {
        let request = registration("https://as.example/register", Some("application/json"), "{}");
        let body = json!({"client_id": client_id, "client_secret": format!("secret-of-{client_id}")}).to_string();
        let response = Response::new(201, "HTTP/1.1", Headers::default(), body.into(), None);
        Exchange::new(id, jiff::Timestamp::UNIX_EPOCH, request, Outcome::Response(response), Default::default())
    }

    /// The registration asked for contacts and got none; whether a read may show some depends on what came in between.
    #[test]
    fn what_an_update_has_brought_is_not_held_against_the_registration() {
        let exchange = |id, kind, sent: Value, status, answer: Value| {
            let mut request = registration("https://as.example/register", Some("application/json"), sent.to_string());
            request.kind = kind;
            let response = Response::new(status, "HTTP/1.1", Headers::default(), answer.to_string().into(), None);
            Exchange::new(id, jiff::Timestamp::UNIX_EPOCH, request, Outcome::Response(response), Default::default())
        };
        let shown = json!({"client_id": "one", "contacts": ["b@client.example.org"]});
        let asked = json!({"contacts": ["a@client.example.org"]});
        for updated in [false, true] {
            let mut memory = Memory::new(1);
            memory.observe(&exchange(1, Kind::Register, asked.clone(), 201, json!({"client_id": "one"})));
            if updated {
                memory.observe(&exchange(2, Kind::Update, shown.clone(), 200, shown.clone()));
            }
            let said = memory.observe(&exchange(3, Kind::Read, json!({}), 200, shown.clone()));
            assert_eq!(said.iter().any(|j| matches!(j.claim, Claim::Objects(_))), !updated);
        }
    }

    #[test]
    fn a_bounded_memory_stays_small_and_keeps_what_is_pinned() {
        let mut memory = Memory::bounded(1, 8);
        memory.pin("client-3");
        for number in 0..1000 {
            memory.observe(&registered(number + 1, &format!("client-{number}")));
        }
        assert_eq!((memory.clients.len(), memory.secrets.len(), memory.order.len()), (9, 9, 8));
        assert!(memory.clients.contains_key("client-3") && memory.clients.contains_key("client-999"));
    }
}
