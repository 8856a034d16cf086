//! One target under the fuzzer: sends inputs, keeps track of the clients that they register, and has every exchange
//! judged by the same judge as a conformance run.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeSet, VecDeque},
    rc::Rc,
};

use memchr::memmem::Finder;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use serde_json::{Map, Value};

use super::{
    generate::{Follow, Input, Variant},
    oracles::{self, Fault},
    render,
};
use crate::{
    judge::{Context, Memory},
    run::{
        self,
        harness::{Client, Harness},
    },
    spec::Capability,
    target::Target,
    wire::{
        Auth, Exchange, FailureKind, Framing, Kind, Ledger, Manner, Outcome, Pacer, Phase, Registered, Request,
        WaitBudget,
    },
};

/// How many clients are kept for slots, for as long as the bench is used.
const POOL: usize = 8;

/// How many clients a campaign remembers for what can only be said over many.
pub const MEMORY: usize = 256;

/// How many clients may wait for their deletion.
const BATCH: usize = 32;

/// A client that is kept for slots.
pub struct Known {
    pub client: Client,
    /// Its registration, from which the rules over many exchanges know it.
    pub exchange: Exchange,
    pub secret: Option<String>,
    /// Its credentials by name, each made ready to be looked for: every answer is searched for those of all others.
    canaries: Vec<(&'static str, Finder<'static>)>,
}

/// A shorter word stands in an answer by chance.
const CANARY: usize = 16;

impl Known {
    fn new(client: Client, exchange: Exchange, secret: Option<String>) -> Known {
        let mut known = Known { client, exchange, secret, canaries: Vec::new() };
        known.look_out();
        known
    }

    /// Takes over what a read or an update has rotated.
    fn renew(&mut self, client: &Client) {
        (self.client.token, self.client.uri) = (client.token.clone(), client.uri.clone());
        self.look_out();
    }

    fn look_out(&mut self) {
        let token = self.client.token.as_ref().map(|token| token.expose());
        let words = [("client_secret", self.secret.as_deref()), ("registration_access_token", token)];
        let canaries = words.into_iter().filter_map(|(name, word)| Some((name, word.filter(|w| w.len() >= CANARY)?)));
        self.canaries = canaries.map(|(name, word)| (name, Finder::new(word).into_owned())).collect();
    }

    /// Names of its credentials that stand in a body, each with the credential.
    pub(super) fn shown_in<'a>(&'a self, body: &'a [u8]) -> impl Iterator<Item = (&'static str, &'a [u8])> {
        let found = self.canaries.iter().filter(|(_, finder)| finder.find(body).is_some());
        found.map(|(name, finder)| (*name, finder.needle()))
    }
}

/// What came of one input.
pub struct Shot {
    /// The input's own exchange first, then those of comparisons and follow-ups.
    pub exchanges: Vec<Exchange>,
    pub faults: Vec<Fault>,
}

/// The source of marks: another one than that of the ladder, which has the same seed.
fn random(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(u64::MAX - number);
    random
}

/// What is left of a bench.
pub struct Finished {
    pub ledger: Ledger,
    /// That of the other server.
    pub against: Option<Ledger>,
    pub complaints: Vec<String>,
}

/// One target, ready to be fuzzed.
pub struct Bench<'t> {
    pub harness: Harness<'t>,
    pub pool: RefCell<Vec<Known>>,
    /// What the campaign remembers of earlier exchanges. Trials have their own.
    pub memory: RefCell<Memory>,
    /// Requirements of which something was seen to hold.
    pub met: RefCell<BTreeSet<&'static str>>,
    /// Exchanges so far, those of trials included.
    pub exchanges: Rc<Cell<u32>>,
    /// Another server that gets the same inputs. Then differences are looked for, and nothing else.
    pub against: Option<Box<Bench<'t>>>,
    /// The marks of registrations that were refused lately, with their inputs.
    pub(super) refused: RefCell<VecDeque<(String, Input)>>,
    ledger: RefCell<Ledger>,
    complaints: RefCell<Vec<String>>,
    /// Clients that are to be deleted.
    pending: RefCell<Vec<Client>>,
    random: RefCell<ChaCha8Rng>,
    pacer: Pacer,
    budget: WaitBudget,
    seed: u64,
    /// The server lives and dies with this process: nothing has to be deleted, and nothing written down.
    own: bool,
    /// Requests go over connections that are kept.
    keeping: Cell<bool>,
}

impl<'t> Bench<'t> {
    /// Finds the base clients of a target and registers the first clients for slots. The error says why it cannot be
    /// tested; the clients that were registered by then are deleted.
    pub async fn prepare(
        target: &'t Target,
        options: &'t run::Options,
        ledger: Ledger,
    ) -> Result<Bench<'t>, (String, Ledger)> {
        let mut harness = Harness::new(target, options, ledger);
        harness.prepare().await;
        if let Some(why) = harness.ground.untestable.clone() {
            harness.clean_up(0).await;
            return Err((harness.redactor.text(&why), harness.ledger));
        }
        let ledger = std::mem::replace(&mut harness.ledger, Ledger::memory());
        let rate = options.rate.or(if target.own { None } else { Some(10.0) });
        let bench = Bench {
            own: target.own && target.transport.is_in_process(),
            pool: RefCell::default(),
            memory: RefCell::new(Memory::bounded(options.seed, MEMORY)),
            met: RefCell::default(),
            exchanges: Rc::default(),
            against: None,
            refused: RefCell::default(),
            ledger: RefCell::new(ledger),
            complaints: RefCell::default(),
            pending: RefCell::default(),
            random: RefCell::new(random(options.seed, 0)),
            pacer: Pacer::new(rate),
            budget: WaitBudget::new(options.wait_budget),
            seed: options.seed,
            keeping: Cell::new(false),
            harness,
        };
        for _ in 0..2 {
            bench.alone(&Input::default(), &bench.memory, true).await;
        }
        Ok(bench)
    }

    /// Puts another server beside it, prepared as this one is. Both get the base clients of one of them: the first whose
    /// base clients the other takes as well.
    pub async fn beside(mut self, mut other: Bench<'t>) -> Bench<'t> {
        other.exchanges = Rc::clone(&self.exchanges);
        // It may be the same server, where no two clients shall have one mark.
        other.random = RefCell::new(random(self.seed, 1));
        let own = std::mem::replace(&mut other.harness.ground.bases, self.harness.ground.bases.clone());
        let label = std::mem::replace(&mut other.harness.ground.content_type, self.harness.ground.content_type.clone());
        if !other.takes_the_base().await {
            let mine = std::mem::replace(&mut self.harness.ground.bases, own);
            let mine_label = std::mem::replace(&mut self.harness.ground.content_type, label);
            if self.takes_the_base().await {
                other.harness.ground.bases = self.harness.ground.bases.clone();
                other.harness.ground.content_type = self.harness.ground.content_type.clone();
            } else {
                (self.harness.ground.bases, self.harness.ground.content_type) = (mine, mine_label);
            }
        }
        self.against = Some(Box::new(other));
        self
    }

    /// Whether ordinary requests go over connections that are kept, from here on.
    pub(super) fn keep_connections(&self, keep: bool) {
        self.keeping.set(keep);
        if let Some(other) = &self.against {
            other.keep_connections(keep);
        }
    }

    async fn takes_the_base(&self) -> bool {
        let shot = self.alone(&Input::default(), &self.fresh_memory(), false).await;
        shot.exchanges.first().is_some_and(|x| x.created().is_some())
    }

    /// Random digits that mark what this run has made.
    pub(super) fn word(&self) -> String {
        let mut bytes = [0_u8; 12];
        self.random.borrow_mut().fill_bytes(&mut bytes);
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// From here on marks are such as no run has used before, not even one with the same seed whose clients are still there.
    pub(super) fn unseed(&self) {
        let now = jiff::Timestamp::now().as_nanosecond() as u64;
        *self.random.borrow_mut() = random(now ^ u64::from(std::process::id()).rotate_left(40), 2);
    }

    fn base(&self, input: &Input) -> Map<String, Value> {
        let ground = &self.harness.ground;
        let Some(kind) = input.base.kind() else { return Map::new() };
        let base = ground.base(kind).or_else(|| ground.base(crate::suite::BaseKind::Any));
        base.map(|b| b.metadata.clone()).unwrap_or_default()
    }

    /// The value of a slot: of a client of the pool, a statement made now, a random word.
    fn bind(&self, slot: &str, marker: &str) -> Option<String> {
        if slot == "fresh" {
            return Some(self.word());
        }
        if let Some(kind) = slot.strip_prefix("statement.") {
            let key = self.harness.target.statement_key.as_ref();
            return crate::target::statement(kind, key, marker, &self.word()).ok();
        }
        let (member, number) = slot.split_once('#')?;
        let number: usize = number.parse().ok()?;
        let pool = self.pool.borrow();
        let known = pool.get(number % pool.len().max(1))?;
        match member {
            "client_id" => Some(known.client.client_id.clone()),
            "client_secret" => known.secret.clone(),
            "registration_access_token" => known.client.token.as_ref().map(|t| t.expose().to_owned()),
            "registration_client_uri" => known.client.uri.clone(),
            _ => None,
        }
    }

    /// Sends an input with all that belongs to it, and has every exchange judged; where there is another server, sends it
    /// there as well and compares. `pooled` keeps the client for slots.
    pub async fn shoot(&self, input: &Input, memory: &RefCell<Memory>, pooled: bool) -> Shot {
        match &self.against {
            None => self.alone(input, memory, pooled).await,
            Some(other) => self.both(other, input, memory, pooled).await,
        }
    }

    pub(super) async fn alone(&self, input: &Input, memory: &RefCell<Memory>, pooled: bool) -> Shot {
        let mut shot = Shot { exchanges: Vec::new(), faults: Vec::new() };
        let (exchange, client) = self.send_input(input, None, pooled).await;
        self.judge(input, &exchange, memory, &mut shot.faults, 0);
        let created = exchange.created().is_some_and(|r| r.client().is_some());
        self.note_refused(input, &exchange);
        shot.exchanges.push(exchange);
        self.read_offered(input, &mut shot).await;
        if let Some(variant) = &input.compare
            && oracles::can_be_compared(input, &shot.exchanges[0])
        {
            let (other, _) = self.send_input(input, Some(variant), false).await;
            self.judge(input, &other, memory, &mut shot.faults, 1);
            if let Some(fault) = oracles::differs(variant, &shot.exchanges[0], &other) {
                // A server that answers the same bytes in two ways says nothing about forms.
                let (again, _) = self.send_input(input, None, false).await;
                if oracles::agrees(&shot.exchanges[0], &again) {
                    shot.faults.push(fault.of(&shot.exchanges[0], 1));
                }
                shot.exchanges.push(other);
                shot.exchanges.push(again);
            } else {
                shot.exchanges.push(other);
            }
        }
        if let Some(mut client) = client.filter(|_| created) {
            for follow in &input.follow {
                self.follow(*follow, input, &mut client, memory, &mut shot).await;
            }
            if !input.moves.is_empty() {
                self.live(input, &mut client, memory, &mut shot).await;
            }
        }
        oracles::group(&mut shot.faults);
        shot
    }

    pub(super) fn judge(
        &self,
        input: &Input,
        exchange: &Exchange,
        memory: &RefCell<Memory>,
        faults: &mut Vec<Fault>,
        index: usize,
    ) {
        if oracles::is_about_framing(exchange) {
            return;
        }
        let context =
            Context { repeats_accepted: self.harness.repeats_accepted(exchange), ..self.harness.context.clone() };
        let mut judgements = self.harness.judge.judge(exchange, &context);
        judgements.extend(memory.borrow_mut().observe(exchange));
        let mut met = self.met.borrow_mut();
        for judgement in judgements {
            match judgement.claim {
                crate::judge::Claim::Holds => {
                    if judgement.evidence == crate::judge::Evidence::Passive {
                        met.insert(judgement.requirement);
                    }
                }
                crate::judge::Claim::Objects(objection) => {
                    faults.extend(Fault::new(judgement.requirement, judgement.rule, *objection, index));
                }
            }
        }
        drop(met);
        oracles::look(input, exchange, &context, &self.pool.borrow(), faults, index);
    }

    pub(super) async fn send_input(
        &self,
        input: &Input,
        variant: Option<&Variant>,
        pooled: bool,
    ) -> (Exchange, Option<Client>) {
        let marker = format!("dcrspec-{}", self.word());
        let request = {
            let base = self.base(input);
            let ground = render::Ground {
                endpoint: &self.harness.ground.endpoint,
                content_type: &self.harness.ground.content_type,
                base: &base,
                marker: &marker,
                bind: &|slot| self.bind(slot, &marker),
            };
            let mut request = render::request(input, variant, &ground);
            let auth = render::auth(input.envelope.credentials, self.harness.own_auth());
            self.harness.authorize(&mut request, auth);
            request
        };
        let framing = match variant {
            Some(Variant::Chunks) => Some(Framing::Chunked),
            _ => input.envelope.framing,
        };
        let manner = Manner { framing: framing.filter(|_| self.harness.is_near()), tls: None };
        let mut request = request;
        if !manner.is_valid_http() {
            request.kind = Kind::Malformed;
        }
        if let Some(framing) = manner.framing {
            framing.mark(&mut request);
        }
        let exchange = self.send_as(request, manner, &marker).await;
        let client = self.enter(&exchange, &marker);
        if let Some(client) = &client {
            self.keep(client, &exchange, &marker, pooled);
        }
        (exchange, client)
    }

    /// Sends a request once, paced, waiting out rate limits within the budget.
    pub(super) async fn send(&self, request: Request, marker: &str) -> Exchange {
        self.send_as(request, Manner::default(), marker).await
    }

    /// As above, put on the wire in a manner of its own.
    async fn send_as(&self, mut request: Request, manner: Manner, marker: &str) -> Exchange {
        let target = self.harness.target;
        for (name, value) in &target.headers {
            request.headers.push(name.clone(), value.as_bytes().to_vec());
        }
        if !self.own && matches!(request.kind, Kind::Register | Kind::Probe | Kind::Malformed) {
            let software = request.object().and_then(|o| o.get("software_id")?.as_str().map(str::to_owned));
            let noted = self.ledger.borrow_mut().intent(marker, &request.url, software.as_deref());
            if let Err(why) = noted {
                // What cannot be written down could be forgotten, so it is not sent.
                self.complain(why.clone());
                let failure = crate::wire::Failure {
                    kind: FailureKind::NotSent,
                    phase: Phase::Connect,
                    message: format!("nothing was sent, since the ledger cannot be written: {why}"),
                };
                return self.exchange(request, Outcome::Failure(failure), jiff::Timestamp::now(), Default::default());
            }
        }
        loop {
            self.pacer.wait().await;
            let at = jiff::Timestamp::now();
            let (outcome, took) = if self.keeping.get() && manner.is_ordinary() {
                target.transport.send_kept(&request).await
            } else {
                target.transport.send_as(&request, manner).await
            };
            if let Outcome::Response(response) = &outcome
                && !target.own
                && let Some(delay) = self.pacer.learn(request.kind, response)
                && self.budget.take(delay)
                && !self.harness.options.stop.is_requested()
            {
                self.harness.options.stop.or_after(delay).await;
                continue;
            }
            let mut exchange = self.exchange(request, outcome, at, took);
            exchange.manner = manner;
            return exchange;
        }
    }

    fn exchange(&self, request: Request, outcome: Outcome, at: jiff::Timestamp, took: std::time::Duration) -> Exchange {
        self.exchanges.set(self.exchanges.get().wrapping_add(1));
        Exchange::new(self.exchanges.get(), at, request, outcome, took)
    }

    /// The client that an answer names, entered into the ledger.
    fn enter(&self, exchange: &Exchange, marker: &str) -> Option<Client> {
        let response = exchange.response();
        let word = |name: &str| response?.credential(name).filter(|s| !s.is_empty()).map(str::to_owned);
        let success = response.is_some_and(|r| (200..300).contains(&r.status));
        let client = word("client_id").filter(|_| success).map(|client_id| Client {
            exchange: 0,
            client_id,
            uri: word("registration_client_uri"),
            token: word("registration_access_token").map(Into::into),
            former: Vec::new(),
            document: Map::new(),
        });
        if self.own {
            return client;
        }
        let mut ledger = self.ledger.borrow_mut();
        let noted = match (&exchange.outcome, &client) {
            (_, Some(client)) => ledger.registered(Registered {
                marker: marker.to_owned(),
                endpoint: exchange.request.url.clone(),
                client_id: client.client_id.clone(),
                registration_client_uri: client.uri.clone(),
                registration_access_token: client.token.clone(),
            }),
            (Outcome::Failure(f), None) if f.phase == Phase::Connect || f.kind == FailureKind::NotSent => {
                ledger.rejected(marker)
            }
            (Outcome::Failure(f), None) => ledger.unknown(marker, &f.message),
            (Outcome::Response(r), None) if r.status == 201 => {
                ledger.unknown(marker, "a 201 without a readable client_id")
            }
            (Outcome::Response(_), None) => ledger.rejected(marker),
        };
        drop(ledger);
        if let Err(why) = noted {
            self.complain(why);
        }
        client
    }

    pub(super) fn complain(&self, why: String) {
        let mut complaints = self.complaints.borrow_mut();
        if complaints.len() < 20 && !complaints.contains(&why) {
            complaints.push(why);
        }
    }

    /// Keeps a client for slots, or for its deletion.
    fn keep(&self, client: &Client, exchange: &Exchange, marker: &str, pooled: bool) {
        let mut pool = self.pool.borrow_mut();
        // Only a client with a mark of its own: another one could be an instance of some later client, and what it
        // shares with that would be no leak.
        let marked = exchange.sent().is_some_and(|s| s.get("software_id").and_then(Value::as_str) == Some(marker));
        let known = pool.iter().any(|k| k.client.client_id == client.client_id);
        if pooled && marked && !known && pool.len() < POOL {
            let secret = exchange.response().and_then(|r| r.member("client_secret")).map(str::to_owned);
            self.memory.borrow_mut().pin(&client.client_id);
            pool.push(Known::new(client.clone(), exchange.clone(), secret));
        } else if !self.own && !known {
            self.pending.borrow_mut().push(client.clone());
        }
    }

    /// Whether a client is kept for slots.
    pub(super) fn is_pooled(&self, client_id: &str) -> bool {
        self.pool.borrow().iter().any(|k| k.client.client_id == client_id)
    }

    /// Whether the server lives and dies with this process.
    pub(super) fn is_own(&self) -> bool {
        self.own
    }

    /// Puts a client among those that are to be deleted.
    pub(super) fn await_deletion(&self, client: Client) {
        self.pending.borrow_mut().push(client);
    }

    /// Whether the pool takes one more client.
    pub fn wants_clients(&self) -> bool {
        self.pool.borrow().len() < POOL
    }

    async fn follow(
        &self,
        follow: Follow,
        input: &Input,
        client: &mut Client,
        memory: &RefCell<Memory>,
        shot: &mut Shot,
    ) {
        let readable = self.harness.ground.capabilities.is_present(Capability::Rfc7592Read);
        let Ok(request) = self.harness.configuration_request(client, Kind::Read) else { return };
        match follow {
            Follow::ReadOwn => {
                let read = self.send(request, "").await;
                self.judge(input, &read, memory, &mut shot.faults, shot.exchanges.len());
                self.rotated(client, &read);
                shot.exchanges.push(read);
            }
            Follow::ReadEarlier if readable => {
                let (other, second) = self.send_input(&Input::default(), None, false).await;
                let Some(mut second) = second.filter(|s| s.client_id != client.client_id) else { return };
                let Ok(of_second) = self.harness.configuration_request(&second, Kind::Read) else { return };
                let read = self.send(request, "").await;
                let control = self.send(of_second, "").await;
                self.rotated(client, &read);
                self.rotated(&mut second, &control);
                let index = shot.exchanges.len() + 1;
                shot.faults.extend(oracles::gone(client, &other, &read, &control, index));
                shot.exchanges.extend([other, read, control]);
            }
            Follow::ReadEarlier => {}
        }
    }

    /// Takes over what a read or an update has rotated, so that the client can still be deleted.
    pub(super) fn rotated(&self, client: &mut Client, exchange: &Exchange) {
        let shows = matches!(exchange.request.kind, Kind::Read | Kind::Update);
        let response = exchange.response().filter(|r| shows && r.status == 200);
        let Some(document) = response.and_then(|r| r.object()).cloned() else { return };
        if !client.take_over(document) {
            return;
        }
        for other in self.pending.borrow_mut().iter_mut().filter(|c| c.client_id == client.client_id).take(1) {
            (other.token, other.uri) = (client.token.clone(), client.uri.clone());
        }
        for known in self.pool.borrow_mut().iter_mut().filter(|k| k.client.client_id == client.client_id).take(1) {
            known.renew(client);
        }
        if !self.own {
            let (uri, token) = (client.uri.clone(), client.token.clone());
            self.noted(|ledger| ledger.rotated(&client.client_id, uri, token));
        }
    }

    /// A memory that knows the clients of the pool and nothing else: what a trial starts from.
    pub fn fresh_memory(&self) -> RefCell<Memory> {
        let mut memory = Memory::bounded(self.seed, MEMORY);
        for known in self.pool.borrow().iter() {
            memory.pin(&known.client.client_id);
            memory.observe(&known.exchange);
        }
        RefCell::new(memory)
    }

    /// Whether as many clients were registered as may be.
    pub fn is_full(&self) -> bool {
        self.against.as_ref().is_some_and(|other| other.is_full_alone()) || self.is_full_alone()
    }

    fn is_full_alone(&self) -> bool {
        self.harness.options.max_clients.is_some_and(|most| self.ledger.borrow().clients().registered >= most)
    }

    /// Deletes the clients that wait for it, when there are enough of them for one batch.
    pub async fn sweep(&self) {
        if let Some(other) = &self.against {
            other.sweep_alone().await;
        }
        self.sweep_alone().await;
    }

    async fn sweep_alone(&self) {
        if self.own || self.pending.borrow().len() < BATCH {
            return;
        }
        self.delete_pending().await;
        // Its memory stays as small as what is still open.
        self.ledger.borrow_mut().compact();
    }

    async fn delete_pending(&self) {
        if !self.harness.options.clean_up {
            self.pending.borrow_mut().clear();
            return;
        }
        loop {
            let Some(client) = self.pending.borrow_mut().pop() else { return };
            let request = match self.harness.configuration_request(&client, Kind::Delete) {
                Ok(request) => request,
                Err(why) => {
                    self.noted(|ledger| ledger.kept(&client.client_id, &why));
                    continue;
                }
            };
            let deleted = self.send(request, "").await;
            let outcome = match &deleted.outcome {
                Outcome::Response(r) if matches!(r.status, 200 | 204) => Ok(()),
                Outcome::Response(r) => Err(format!("DELETE was answered {}", r.status)),
                Outcome::Failure(f) => Err(f.message.clone()),
            };
            match outcome {
                Ok(()) => {
                    self.memory.borrow_mut().observe(&deleted);
                    self.deleted(&client);
                }
                Err(why) => self.noted(|ledger| ledger.kept(&client.client_id, &why)),
            }
        }
    }

    /// A client is gone.
    pub(super) fn deleted(&self, client: &Client) {
        // An identifier of several instances goes with the first of them (RFC 7591, A.4.2).
        self.pending.borrow_mut().retain(|p| p.client_id != client.client_id);
        if !self.own {
            self.noted(|ledger| ledger.deleted(&client.client_id));
        }
    }

    pub(super) fn noted(&self, event: impl FnOnce(&mut Ledger) -> Result<(), String>) {
        let noted = event(&mut self.ledger.borrow_mut());
        if let Err(why) = noted {
            self.complain(why);
        }
    }

    /// Deletes everything that can be deleted; gives the ledgers back, and what went wrong with them.
    pub async fn finish(mut self) -> Finished {
        let other = self.against.take();
        let (ledger, mut complaints) = self.finish_alone().await;
        let mut against = None;
        if let Some(other) = other {
            let (ledger, more) = other.finish_alone().await;
            complaints.extend(more);
            against = Some(ledger);
        }
        Finished { ledger, against, complaints }
    }

    async fn finish_alone(mut self) -> (Ledger, Vec<String>) {
        if !self.own {
            self.pending.borrow_mut().extend(self.pool.borrow_mut().drain(..).map(|k| k.client));
            self.delete_pending().await;
        }
        self.harness.ledger = self.ledger.into_inner();
        self.harness.clean_up(0).await;
        let mut complaints = self.complaints.into_inner();
        if let (Some(administration), true) = (&self.harness.target.administration, self.harness.options.clean_up) {
            complaints.extend(administration.finish(&mut self.harness.ledger, &self.harness.ground.endpoint).await);
        }
        complaints.append(&mut self.harness.complaints);
        (self.harness.ledger, complaints)
    }

    /// The credentials of this target's registrations.
    pub fn own_auth(&self) -> Auth {
        self.harness.own_auth()
    }
}

/// A bench for one target, or for two side by side. The error says why one of them cannot be tested.
pub async fn prepare<'t>(
    target: &'t Target,
    against: Option<(&'t Target, Ledger)>,
    options: &'t run::Options,
    ledger: Ledger,
) -> Result<Bench<'t>, (String, Finished)> {
    let (other, other_ledger) = against.map_or((None, None), |(target, ledger)| (Some(target), Some(ledger)));
    let bench = match Bench::prepare(target, options, ledger).await {
        Ok(bench) => bench,
        Err((why, ledger)) => return Err((why, Finished { ledger, against: other_ledger, complaints: Vec::new() })),
    };
    let (Some(other), Some(other_ledger)) = (other, other_ledger) else { return Ok(bench) };
    match Bench::prepare(other, options, other_ledger).await {
        Ok(other) => Ok(bench.beside(other).await),
        Err((why, other_ledger)) => {
            let finished = bench.finish().await;
            Err((format!("{}: {why}", other.label), Finished { against: Some(other_ledger), ..finished }))
        }
    }
}
