//! Sends requests to one target and has every exchange judged: what suites, clean-up and later the fuzzer share.

use std::time::Instant;

use serde_json::{Map, Value};

use super::{Options, evidence::Evidence, restraint::Shared};
use crate::{
    judge::{Context, Judge, Memory},
    report::CapabilityState,
    spec::{Capability, Catalogue},
    target::{Ground, Target, registration},
    wire::{
        Auth, Exchange, Failure, FailureKind, Kind, Ledger, Manner, Outcome, Pace, Pacer, Phase, Redactor, Registered,
        Request, Secret, WaitBudget,
    },
};

/// Header fields that a target's owner may add and that say nothing secret.
const PUBLIC_HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "content-type",
    "forwarded",
    "from",
    "host",
    "origin",
    "referer",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// The fields that the target's owner adds and that may be secrets: an API key, as far as anyone can know.
pub fn secret_headers(target: &Target) -> impl Iterator<Item = (&str, &str)> {
    let public = |name: &str| PUBLIC_HEADERS.contains(&name.to_ascii_lowercase().as_str());
    target.headers.iter().filter(move |(name, _)| !public(name)).map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Whether a server may create a client for this request.
fn creates(request: &Request) -> bool {
    matches!(request.kind, Kind::Register | Kind::Probe | Kind::Plaintext | Kind::Malformed)
}

/// A client of this run that may still exist.
#[derive(Clone)]
pub struct Client {
    /// Index of the registration among the exchanges.
    pub exchange: usize,
    pub client_id: String,
    pub uri: Option<String>,
    /// The newest registration access token.
    pub token: Option<Secret>,
    /// Those that rotations replaced, the oldest first.
    pub former: Vec<Secret>,
    /// What the server last returned of the client.
    pub document: Map<String, Value>,
}

/// Does not show what only its owner may know.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members: Vec<&String> = self.document.keys().collect();
        f.debug_struct("Client")
            .field("exchange", &self.exchange)
            .field("client_id", &self.client_id)
            .field("uri", &self.uri)
            .field("members", &members)
            .finish()
    }
}

/// One target under test, and everything that was seen of it.
pub struct Harness<'a> {
    pub target: &'a Target,
    pub options: &'a Options,
    pub judge: &'static Judge,
    pub ground: Ground,
    pub context: Context,
    pub evidence: Evidence,
    pub exchanges: Vec<Exchange>,
    pub ledger: Ledger,
    pub redactor: Redactor,
    /// Clients that the current case registered, to be deleted after it.
    pub clients: Vec<Client>,
    /// `suite/case` while a case runs.
    pub case: String,
    /// Problems with the ledger or the clean-up, for stderr.
    pub complaints: Vec<String>,
    /// What is sent removes clients: it is sent even when the run was asked to stop.
    cleaning: bool,
    /// How many clients were registered, or may have been.
    pub created: u64,
    pub shared: Vec<Shared>,
    memory: Memory,
    pacer: Pacer,
    budget: WaitBudget,
    /// What tests have waited for must not leave clients behind.
    clean_up_budget: WaitBudget,
    random: rand_chacha::ChaCha8Rng,
    judged: usize,
}

impl<'a> Harness<'a> {
    pub fn new(target: &'a Target, options: &'a Options, ledger: Ledger) -> Harness<'a> {
        use rand_chacha::rand_core::SeedableRng;
        let redactor = Redactor::new();
        if let Some(token) = &target.token {
            redactor.learn("initial_access_token", token.expose());
        }
        for (name, value) in secret_headers(target) {
            redactor.learn(name, value);
        }
        let rate = options.rate.or(if target.own { None } else { Some(10.0) });
        Harness {
            target,
            options,
            judge: Judge::of(&target.vendors),
            ground: Ground::default(),
            context: Context::default(),
            evidence: Evidence::default(),
            exchanges: Vec::new(),
            ledger,
            redactor,
            clients: Vec::new(),
            case: String::new(),
            complaints: Vec::new(),
            cleaning: false,
            created: 0,
            shared: Vec::new(),
            memory: Memory::new(options.seed),
            pacer: Pacer::new(rate),
            budget: WaitBudget::new(options.wait_budget),
            clean_up_budget: WaitBudget::new(options.wait_budget),
            random: rand_chacha::ChaCha8Rng::seed_from_u64(options.seed),
            judged: 0,
        }
    }

    /// A word of 24 hexadecimal digits from the run's seed.
    pub fn fresh(&mut self) -> String {
        use rand_chacha::rand_core::Rng;
        let mut bytes = [0_u8; 12];
        self.random.fill_bytes(&mut bytes);
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Sends a request as it is, waits out rate limits within the budget, and records the exchange. A registration is
    /// in the ledger before it is sent, and its client as soon as the answer is read.
    pub async fn send(&mut self, request: Request, marker: &str) -> usize {
        self.send_as(request, Manner::default(), marker).await
    }

    /// As [`Harness::send`], put on the wire in a manner of its own.
    pub async fn send_as(&mut self, mut request: Request, manner: Manner, marker: &str) -> usize {
        use FailureKind::{NotSent, Withheld};
        if self.stopped() {
            return self.kept_back(request, Withheld, "nothing was sent, since the run was interrupted".into());
        }
        if let Some(why) = self.full().filter(|_| creates(&request)) {
            return self.kept_back(request, Withheld, why);
        }
        if let Err(why) = self.await_limit(request.kind).await {
            return self.kept_back(request, Withheld, why);
        }
        for (name, value) in &self.target.headers {
            // Anyone on the way can read plain http: whatever may be secret stays out of it.
            if request.kind == Kind::Plaintext && !PUBLIC_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                continue;
            }
            request.headers.push(name.clone(), value.as_bytes().to_vec());
        }
        if creates(&request) {
            // What cannot be written down could be forgotten, so it is not sent.
            let software = request.object().and_then(|o| o.get("software_id")?.as_str().map(str::to_owned));
            if let Err(why) = self.ledger.intent(marker, &request.url, software.as_deref()) {
                let why = format!("nothing was sent, since the ledger cannot be written: {why}");
                self.note(Err(why.clone()));
                return self.kept_back(request, NotSent, why);
            }
        }
        loop {
            self.rest(self.pacer.turn()).await;
            let at = jiff::Timestamp::now();
            let started = Instant::now();
            let (outcome, took) = self.target.transport.send_as(&request, manner).await;
            let took = if took.is_zero() { started.elapsed() } else { took };
            let id = self.exchanges.len() as u32 + 1;
            let mut exchange = Exchange::new(id, at, request.clone(), outcome, took);
            exchange.manner = manner;
            self.redactor.learn_from(&exchange);
            // In-process nothing limits rates but on purpose, so no time is lost there.
            let delay = match exchange.response() {
                Some(response) if !self.target.own => self.pacer.learn(request.kind, response),
                _ => None,
            };
            self.exchanges.push(exchange);
            let index = self.exchanges.len() - 1;
            match delay {
                Some(delay) if self.waits().take(delay) => self.rest(delay).await,
                _ => return self.answered(index, marker),
            }
            if self.stopped() {
                return self.answered(index, marker);
            }
        }
    }

    /// Sends two requests at once, neither of which creates a client, and records both exchanges.
    pub async fn send_together(&mut self, first: Request, second: Request) -> (usize, usize) {
        let mut both = [first, second];
        for request in &mut both {
            if self.stopped() {
                let why = "nothing was sent, since the run was interrupted".to_owned();
                let [first, second] = both;
                let one = self.kept_back(first, FailureKind::Withheld, why.clone());
                return (one, self.kept_back(second, FailureKind::Withheld, why));
            }
            self.rest(self.pacer.turn()).await;
            for (name, value) in &self.target.headers {
                request.headers.push(name.clone(), value.as_bytes().to_vec());
            }
        }
        let at = jiff::Timestamp::now();
        let transport = &self.target.transport;
        let answers = tokio::join!(transport.send(&both[0]), transport.send(&both[1]));
        let id = self.exchanges.len() as u32 + 1;
        for (number, (request, (outcome, took))) in both.into_iter().zip([answers.0, answers.1]).enumerate() {
            let mine = id + number as u32;
            let mut exchange = Exchange::new(mine, at, request, outcome, took);
            exchange.beside = Some(if mine == id { id + 1 } else { id });
            self.redactor.learn_from(&exchange);
            self.exchanges.push(exchange);
        }
        (self.exchanges.len() - 2, self.exchanges.len() - 1)
    }

    /// How requests were paced so far.
    pub fn pace(&self) -> Pace {
        self.pacer.pace()
    }

    fn waits(&self) -> &WaitBudget {
        if self.cleaning { &self.clean_up_budget } else { &self.budget }
    }

    /// Waits until the server takes requests of this kind again, where it said that it takes none for now: nothing is
    /// sent into a refusal on purpose.
    async fn await_limit(&self, kind: Kind) -> Result<(), String> {
        let held = self.pacer.held(kind);
        if held.is_zero() || self.waits().take(held) {
            self.rest(held).await;
            return Ok(());
        }
        Err(format!(
            "nothing was sent, since the server takes no further request for {} s by its own words, and --wait leaves {} s",
            held.as_secs_f64().ceil(),
            self.waits().left().as_secs()
        ))
    }

    /// Whether nothing more is sent, because the run was asked to stop.
    fn stopped(&self) -> bool {
        !self.cleaning && self.options.stop.is_requested()
    }

    /// Lets time pass; a run that is asked to stop does not wait.
    pub async fn rest(&self, time: std::time::Duration) {
        if self.cleaning {
            if !time.is_zero() {
                tokio::time::sleep(time).await;
            }
        } else {
            self.options.stop.or_after(time).await;
        }
    }

    /// Enters what came of a request that may have created a client into the ledger.
    fn answered(&mut self, index: usize, marker: &str) -> usize {
        if creates(&self.exchanges[index].request) {
            self.enter(index, marker);
        }
        index
    }

    /// Records a request that the harness kept back.
    fn kept_back(&mut self, request: Request, kind: FailureKind, why: String) -> usize {
        let failure = Failure { kind, phase: Phase::Connect, message: why };
        let id = self.exchanges.len() as u32 + 1;
        let outcome = Outcome::Failure(failure);
        self.exchanges.push(Exchange::new(id, jiff::Timestamp::now(), request, outcome, std::time::Duration::ZERO));
        self.exchanges.len() - 1
    }

    /// Enters what came of a registration into the ledger.
    fn enter(&mut self, index: usize, marker: &str) {
        let exchange = &self.exchanges[index];
        let noted = match &exchange.outcome {
            // What never left this machine has created nothing.
            Outcome::Failure(failure) if failure.phase == Phase::Connect || failure.kind == FailureKind::NotSent => {
                self.ledger.rejected(marker)
            }
            Outcome::Failure(failure) => {
                let message = failure.message.clone();
                self.ledger.unknown(marker, &message)
            }
            Outcome::Response(response) => {
                let word = |name: &str| response.credential(name).filter(|s| !s.is_empty()).map(str::to_owned);
                let success = (200..300).contains(&response.status);
                match word("client_id").filter(|_| success) {
                    Some(client_id) => {
                        let client = Client {
                            exchange: index,
                            client_id,
                            uri: word("registration_client_uri"),
                            token: word("registration_access_token").map(Secret::from),
                            former: Vec::new(),
                            document: response.object().cloned().unwrap_or_default(),
                        };
                        self.created += u64::from(self.clients.iter().all(|c| c.client_id != client.client_id));
                        self.clients.push(client.clone());
                        self.ledger.registered(Registered {
                            marker: marker.to_owned(),
                            endpoint: exchange.request.url.clone(),
                            client_id: client.client_id,
                            registration_client_uri: client.uri,
                            registration_access_token: client.token,
                        })
                    }
                    // Something may have been created that cannot be named.
                    None if response.is_created() || success && response.cut.is_some() => {
                        let why = format!("a {} without a readable client_id", response.status);
                        self.ledger.unknown(marker, &why)
                    }
                    // What stands in between has lost the answer of a server that may have created a client.
                    None if matches!(response.status, 502 | 504) => {
                        let why = format!("a gateway answered {} in the server's place", response.status);
                        self.ledger.unknown(marker, &why)
                    }
                    None => self.ledger.rejected(marker),
                }
            }
        };
        // Without an answer there may be one more.
        self.created += u64::from(self.ledger.unknowns().iter().any(|unknown| unknown == marker));
        self.note(noted);
    }

    pub fn note(&mut self, result: Result<(), String>) {
        if let Err(complaint) = result
            && !self.complaints.contains(&complaint)
        {
            self.complaints.push(complaint);
        }
    }

    /// Has every exchange judged that was not judged yet. Before the ladder has ended nothing is: only then is it known
    /// whether the URL is a registration endpoint at all.
    pub fn judge_pending(&mut self) {
        self.judge_up_to(self.exchanges.len());
    }

    /// Passes over an exchange that is going to be repeated, after all before it have been judged.
    pub fn leave_unjudged(&mut self, exchange: usize) {
        self.judge_up_to(exchange);
        self.judged = self.judged.max(exchange + 1);
    }

    fn judge_up_to(&mut self, end: usize) {
        while self.judged < end {
            let exchange = &self.exchanges[self.judged];
            self.judged += 1;
            let context = Context { repeats_accepted: self.repeats_accepted(exchange), ..self.context.clone() };
            let mut judgements = self.judge.judge(exchange, &context);
            judgements.extend(self.memory.observe(exchange));
            for judgement in &judgements {
                self.evidence.judgement(judgement, exchange.id, &self.case);
            }
        }
    }

    /// Whether a registration repeats metadata that the target accepted, with the same credentials.
    pub fn repeats_accepted(&self, exchange: &Exchange) -> bool {
        if exchange.request.kind != Kind::Register || exchange.request.auth != self.own_auth() {
            return false;
        }
        let Some(sent) = exchange.sent_plainly() else { return false };
        self.ground.bases.iter().any(|(_, base)| {
            // A mark of this run, where the base has none of its own.
            let marked = !base.metadata.contains_key("software_id") && sent.contains_key("software_id");
            sent.len() == base.metadata.len() + usize::from(marked)
                && base.metadata.iter().all(|(name, value)| sent.get(name) == Some(value))
        })
    }

    /// The credentials that registrations carry unless a case says otherwise.
    pub fn own_auth(&self) -> Auth {
        if self.target.token.is_some() { Auth::Initial } else { Auth::None }
    }

    /// A registration of this metadata with the target's own media type and credentials.
    pub fn register_request(&self, metadata: &Map<String, Value>) -> Request {
        let body = serde_json::to_vec(metadata).expect("JSON values can be written");
        let mut request = registration(&self.ground.endpoint, Some(&self.ground.content_type), body);
        self.authorize(&mut request, self.own_auth());
        request
    }

    /// Adds the credentials.
    pub fn authorize(&self, request: &mut Request, auth: Auth) {
        request.auth = auth;
        let token = self.target.token.as_ref().map_or("dcrspec-no-token", Secret::expose);
        let value = match auth {
            Auth::None | Auth::Registration | Auth::Altered | Auth::Former | Auth::Another | Auth::Client => return,
            Auth::Initial => token.to_owned(),
            Auth::Random => "dcrspec-a-token-that-nobody-issued".to_owned(),
            Auth::Truncated => token.chars().take(token.chars().count().saturating_sub(3).max(1)).collect(),
        };
        request.headers.push("authorization", format!("Bearer {value}"));
    }

    /// Deletes the clients that are still there, the newest first, and names those that stay.
    pub async fn clean_up(&mut self, keep: usize) {
        self.cleaning = true;
        while self.clients.len() > keep {
            let client = self.clients[self.clients.len() - 1].clone();
            let twin = self.clients[..self.clients.len() - 1].iter().any(|c| c.client_id == client.client_id);
            let outcome = if twin || self.deleted_before(&client) {
                Ok(())
            } else if self.options.clean_up {
                self.delete(&client).await
            } else {
                Err("clean-up is switched off".to_owned())
            };
            self.clients.pop();
            let noted = match outcome {
                // One identifier for two registrations: the delete of the first removes both.
                Ok(()) if twin => Ok(()),
                Ok(()) => self.ledger.deleted(&client.client_id),
                Err(why) => self.ledger.kept(&client.client_id, &why),
            };
            self.note(noted);
        }
        self.cleaning = false;
    }

    async fn delete(&mut self, client: &Client) -> Result<(), String> {
        let request = self.configuration_request(client, Kind::Delete)?;
        let index = self.send(request, "").await;
        self.judge_pending();
        let exchange = &self.exchanges[index];
        match &exchange.outcome {
            Outcome::Response(r) if r.status == 204 || r.status == 200 => {
                let id = exchange.id;
                if self.ground.capabilities.state(Capability::Rfc7592Delete) == CapabilityState::Unknown {
                    self.ground.capabilities.present(Capability::Rfc7592Delete, "a client was deleted", Some(id));
                }
                Ok(())
            }
            Outcome::Response(r) => Err(format!("DELETE was answered {}", r.status)),
            Outcome::Failure(failure) => Err(failure.message.clone()),
        }
    }

    /// Whether a case has deleted the client itself.
    fn deleted_before(&self, client: &Client) -> bool {
        let bearer = client.token.as_ref().map(|token| format!("Bearer {}", token.expose()));
        self.exchanges[client.exchange..].iter().any(|x| {
            x.request.kind == Kind::Delete
                && Some(x.request.url.as_str()) == client.uri.as_deref()
                && x.request.headers.first("authorization") == bearer
                && x.response().is_some_and(|r| r.status == 204)
        })
    }

    /// Every requirement that a case could not show, with the reason.
    pub fn planned(&mut self, requirements: &[String], reason: Option<&str>) {
        for id in requirements {
            if Catalogue::known().get(id).is_some() {
                let reason = reason.map(|r| format!("{}: {r}", self.case));
                self.evidence.planned(id, reason);
            }
        }
    }
}
