//! A campaign: draws inputs, sends them, keeps what brought something new, and explains what is wrong.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap, VecDeque},
    rc::Rc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{
    against::{about, is_about_one_thing},
    bench::{Bench, Finished, Shot, prepare},
    finding::{Finding, Repeats},
    generate::{self, Input},
    growth::{self, Grown},
    mutate,
    novelty::Novelty,
    oracles::Fault,
    scenario::{Question, Scenario, trial},
    shrink::shrink,
    table::Table,
};
use crate::{
    report::{Clients, DIFFERENCE},
    run,
    target::Target,
    wire::Ledger,
};

/// How a campaign is made.
#[derive(Clone)]
pub struct Options {
    /// Rate, waiting, clean-up, seed and what ends it early, as for a conformance run.
    pub run: run::Options,
    /// Ends after so many inputs.
    pub count: Option<u64>,
    /// Ends after this time.
    pub duration: Option<Duration>,
    /// How many inputs are under way at a time. With one, the same seed sends the same bytes.
    pub jobs: usize,
    /// Draws other inputs from the same seed: one number for each configuration of a server.
    pub stream: u64,
    /// Inputs are sequences over RFC 7592.
    pub stateful: bool,
    /// Inputs that are sent first, and varied.
    pub corpus: Vec<Input>,
    /// Gives back the inputs that brought something new.
    pub keep_corpus: bool,
    /// Inputs are sent on connections that are kept. What they show is looked into on connections of their own, and left
    /// out where it does not show there.
    pub keep_alive: bool,
    /// How many trials one finding may cost while it is shrunk.
    pub shrink: u32,
    /// How often a finding is sent again to see how surely it repeats.
    pub replays: u32,
    /// Ends as soon as a finding on this requirement is there.
    pub stop_at: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            run: run::Options::default(),
            count: Some(1000),
            duration: None,
            jobs: 1,
            stream: 0,
            stateful: false,
            corpus: Vec::new(),
            keep_corpus: false,
            keep_alive: false,
            shrink: 400,
            replays: 3,
            stop_at: None,
        }
    }
}

/// Where a campaign stands.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    pub inputs: u64,
    pub exchanges: u64,
    pub corpus: usize,
    pub findings: usize,
    pub shapes: usize,
    pub took: Duration,
}

/// What a campaign gives back.
pub struct Outcome {
    pub label: String,
    pub endpoint: String,
    pub findings: Vec<Finding>,
    pub inputs: u64,
    pub exchanges: u64,
    /// How many shapes of answers were seen.
    pub shapes: usize,
    pub table: Table,
    /// Inputs that brought something new, where they are to be kept.
    pub corpus: Vec<Input>,
    /// Requirements of which something was seen to hold.
    pub met: BTreeSet<&'static str>,
    pub untestable: Option<String>,
    pub interrupted: bool,
    pub clients: Clients,
    pub ledger: Ledger,
    /// That of the second server.
    pub against_ledger: Option<Ledger>,
    pub complaints: Vec<String>,
    pub took: Duration,
}

/// The most inputs that are kept for variation.
const CORPUS: usize = 512;

/// How many inputs are drawn before faults are looked into and clients deleted.
const ROUND: usize = 64;

/// As many registrations as it takes to say something about secrets.
const MANY: u32 = 40;

/// Inputs of earlier exchanges, for faults that need two.
const RECENT: usize = 512;

/// How many bytes one input is drawn from.
const BYTES: usize = 192;

/// Draws inputs: new ones, and neighbours of those that brought something new.
struct Source {
    random: ChaCha8Rng,
    corpus: Vec<Rc<Input>>,
    first: VecDeque<Input>,
    stateful: bool,
}

impl Source {
    fn bytes(&mut self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        self.random.fill_bytes(&mut bytes);
        bytes
    }

    fn index(&mut self) -> usize {
        (self.random.next_u64() % self.corpus.len().max(1) as u64) as usize
    }

    fn draw(&mut self) -> Input {
        if let Some(input) = self.first.pop_front() {
            return input;
        }
        let bytes = self.bytes();
        if self.corpus.len() < 8 || bytes[BYTES - 1] < 160 {
            let made = if self.stateful { generate::sequence } else { generate::input };
            return made(&bytes[..BYTES - 1]);
        }
        let (parent, other) = (self.index(), self.index());
        mutate::mutated(&self.corpus[parent], &self.corpus[other], &bytes[..BYTES - 1])
    }

    fn keep(&mut self, input: &Input) {
        if self.corpus.len() < CORPUS {
            self.corpus.push(Rc::new(input.clone()));
        } else {
            let at = self.index();
            self.corpus[at] = Rc::new(input.clone());
        }
    }
}

/// What is known of one cause.
struct Cause {
    /// Its finding, once it has been looked into.
    at: Option<usize>,
    count: u64,
    tries: u32,
}

/// How many inputs one cause may be looked into with, as long as it cannot be seen again.
const TRIES: u32 = 5;

/// Two servers that have nothing in common must not be compared for ever.
const MOST_DIFFERENCES: usize = 100;

/// Everything that grows while a campaign goes on; all of it is bounded.
struct Campaign<'b, 't> {
    bench: &'b Bench<'t>,
    options: &'b Options,
    novelty: Novelty,
    table: Table,
    findings: Vec<Finding>,
    by_id: HashMap<String, Cause>,
    /// Faults that are still to be explained, each with its input.
    new: Vec<(Input, Fault)>,
    /// Exchange and input of clients that were created lately.
    recent: VecDeque<(u32, Input)>,
    inputs: u64,
    /// Clients that the last round created.
    created: usize,
}

/// Fuzzes one target.
pub async fn run(target: &Target, options: &Options, ledger: Ledger, observe: &mut dyn FnMut(Progress)) -> Outcome {
    compare(target, None, options, ledger, observe).await
}

/// As [`run`]; where there is a second target, both get the same inputs, and the findings are their differences.
pub async fn compare(
    target: &Target,
    against: Option<(&Target, Ledger)>,
    options: &Options,
    ledger: Ledger,
    observe: &mut dyn FnMut(Progress),
) -> Outcome {
    let both_own = target.own && against.as_ref().is_none_or(|(other, _)| other.own);
    let started = Instant::now();
    let mut outcome = Outcome {
        label: target.label.clone(),
        endpoint: target.endpoint.clone().unwrap_or_default(),
        findings: Vec::new(),
        inputs: 0,
        exchanges: 0,
        shapes: 0,
        table: Table::default(),
        corpus: Vec::new(),
        met: BTreeSet::new(),
        untestable: None,
        interrupted: false,
        clients: Clients::default(),
        ledger: Ledger::memory(),
        against_ledger: None,
        complaints: Vec::new(),
        took: Duration::ZERO,
    };
    let bench = match prepare(target, against, &options.run, ledger).await {
        Ok(bench) => bench,
        Err((why, finished)) => {
            outcome.untestable = Some(why);
            return outcome.ended(finished, false);
        }
    };
    outcome.endpoint = bench.harness.ground.endpoint.clone();
    let source = RefCell::new(Source {
        random: {
            let mut random = ChaCha8Rng::seed_from_u64(options.run.seed);
            random.set_stream(options.stream + 1);
            random
        },
        corpus: Vec::new(),
        first: options.corpus.iter().cloned().collect(),
        stateful: options.stateful,
    });
    let mut campaign = Campaign {
        bench: &bench,
        options,
        novelty: Novelty::default(),
        table: Table::default(),
        findings: Vec::new(),
        by_id: HashMap::new(),
        new: Vec::new(),
        recent: VecDeque::new(),
        inputs: 0,
        created: 0,
    };
    while !campaign.is_over(started) {
        campaign.round(&source).await;
        // Asked where a round created nothing, and before anything new is called a fault.
        if campaign.created == 0 || !campaign.new.is_empty() {
            outcome.untestable = bench.lost(campaign.inputs).await;
        }
        if outcome.untestable.is_some() {
            break;
        }
        campaign.explain().await;
        bench.sweep().await;
        observe(Progress {
            inputs: campaign.inputs,
            exchanges: u64::from(bench.exchanges.get()),
            corpus: source.borrow().corpus.len(),
            findings: campaign.findings.len(),
            shapes: campaign.novelty.shapes(),
            took: started.elapsed(),
        });
        // In-process nothing else ever waits, and a signal has to be seen.
        tokio::task::yield_now().await;
    }
    if outcome.untestable.is_none() {
        campaign.look_back().await;
    }
    campaign.findings.iter_mut().for_each(|f| f.count = 0);
    for cause in campaign.by_id.values() {
        if let Some(at) = cause.at {
            campaign.findings[at].count += cause.count;
        }
    }
    campaign.findings.sort_by_key(|f| (std::cmp::Reverse(f.strength), f.level.rank(), f.id.clone()));
    outcome.findings = campaign.findings;
    outcome.inputs = campaign.inputs;
    outcome.shapes = campaign.novelty.shapes();
    outcome.table = campaign.table;
    outcome.interrupted = options.run.stop.is_requested();
    if options.keep_corpus {
        outcome.corpus = source.into_inner().corpus.iter().map(|input| (**input).clone()).collect();
    }
    outcome.exchanges = u64::from(bench.exchanges.get());
    outcome.met = bench.met.borrow().clone();
    outcome = outcome.ended(bench.finish().await, both_own);
    outcome.took = started.elapsed();
    outcome
}

impl Outcome {
    /// Takes over what is left; of servers that die with this process nothing is left behind.
    fn ended(mut self, finished: Finished, own: bool) -> Outcome {
        if !own {
            for clients in finished.against.iter().chain([&finished.ledger]).map(Ledger::clients) {
                self.clients.registered += clients.registered;
                self.clients.deleted += clients.deleted;
                self.clients.left.extend(clients.left);
                self.clients.unknown += clients.unknown;
            }
        }
        (self.ledger, self.against_ledger, self.complaints) = (finished.ledger, finished.against, finished.complaints);
        self
    }
}

impl Campaign<'_, '_> {
    fn is_over(&self, started: Instant) -> bool {
        let options = self.options;
        options.run.stop.is_requested()
            || self.bench.is_full()
            || options.count.is_some_and(|count| self.inputs >= count)
            || options.duration.is_some_and(|limit| started.elapsed() >= limit)
            || options
                .stop_at
                .as_ref()
                .is_some_and(|id| self.findings.iter().any(|f| f.requirement == *id || f.also.contains(id)))
    }

    /// Sends the next inputs, several at a time where that is asked for. Faults are noted and looked into afterwards:
    /// while one is explained, nothing else may be waiting for an answer.
    async fn round(&mut self, source: &RefCell<Source>) {
        self.created = 0;
        let left = self.options.count.map_or(u64::MAX, |count| count - self.inputs);
        // At a paced target a round must not keep the end waiting.
        let most = if self.bench.harness.target.own { ROUND } else { 16.max(self.options.jobs) };
        // Where the clients are counted, it is looked after each input.
        let most = if self.options.run.max_clients.is_some() { 1 } else { most };
        let size = (most as u64).min(left) as usize;
        let bench = self.bench;
        let stop = &self.options.run.stop;
        let drawn = stream::iter(0..size)
            .take_while(|_| std::future::ready(!stop.is_requested()))
            .map(|_| {
                let input = source.borrow_mut().draw();
                async move {
                    // What a sequence renames and deletes is no client to keep.
                    let pooled = bench.wants_clients() && input.is_plain() && input.moves.is_empty();
                    let shot = bench.shoot(&input, &bench.memory, pooled).await;
                    (input, shot)
                }
            })
            .buffer_unordered(self.options.jobs.max(1));
        let mut drawn = std::pin::pin!(drawn);
        bench.keep_connections(self.options.keep_alive);
        while let Some((input, shot)) = drawn.next().await {
            self.take(input, shot, source);
        }
        bench.keep_connections(false);
    }

    fn take(&mut self, input: Input, shot: Shot, source: &RefCell<Source>) {
        self.inputs += 1;
        self.created += usize::from(shot.exchanges.iter().any(|x| x.created().is_some()));
        self.table.count(&input, &shot);
        let mut novel = false;
        for exchange in &shot.exchanges {
            novel |= self.novelty.is_new(&input, exchange);
        }
        if novel {
            source.borrow_mut().keep(&input);
        }
        for fault in &shot.faults {
            match self.by_id.get_mut(&cause_of(fault, &input)) {
                Some(known) => {
                    known.count += 1;
                    // What could not be seen again may have been the wrong input for it.
                    let again = known.at.is_some_and(|at| self.findings[at].repeats == Repeats::Once)
                        || fault.requirement == DIFFERENCE && !is_about_one_thing(&input);
                    if again && known.tries < TRIES {
                        known.tries += 1;
                        self.new.push((input.clone(), fault.clone()));
                    }
                }
                None => {
                    self.by_id.insert(cause_of(fault, &input), Cause { at: None, count: 1, tries: 1 });
                    self.new.push((input.clone(), fault.clone()));
                }
            }
        }
        if let Some(first) = shot.exchanges.first().filter(|x| x.created().is_some()) {
            if self.recent.len() >= RECENT {
                self.recent.pop_front();
            }
            self.recent.push_back((first.id, input));
        }
    }

    /// What can be asked when nothing else is in flight: whether refused clients are there, and how time grows.
    async fn look_back(&mut self) {
        let (options, bench) = (self.options, self.bench);
        let asked = options.run.stop.is_requested() || bench.against.is_some() || bench.is_full();
        if asked || options.stop_at.is_some() {
            return;
        }
        if let Some((input, fault)) = bench.half_registered().await {
            let scenario = Scenario { ask: Some(Question::Listed), ..Scenario::of(input) };
            // The administration interface is asked for each trial, and is no place for many requests.
            let scenario = shrink(bench, scenario, &fault.id, options.shrink / 10).await;
            self.look_into(scenario, &fault).await;
        }
        // At most a tenth more requests than were asked for.
        if options.stateful || options.run.max_clients.is_some() || self.inputs < 10 * growth::REQUESTS {
            return;
        }
        for grown in Grown::ALL {
            if options.run.stop.is_requested() {
                return;
            }
            let input = grown.input(growth::SIZES[0]);
            let scenario = Scenario { ask: Some(Question::Growth(grown)), ..Scenario::of(input) };
            if let Some(fault) = trial(bench, &scenario).await.faults.first() {
                self.look_into(scenario, fault).await;
            }
            bench.sweep().await;
        }
    }

    /// A finding that needs no search for its scenario.
    async fn look_into(&mut self, scenario: Scenario, fault: &Fault) {
        if self.findings.iter().any(|f| f.id == fault.id) {
            return;
        }
        let (repeats, best) = replayed(self.bench, &scenario, &fault.id, self.options.replays).await;
        // What cannot be seen again is not worth a word here: it was measured, or looked up, by itself.
        if let Some((shot, fault)) = best {
            self.by_id.insert(fault.id.clone(), Cause { at: Some(self.findings.len()), count: 1, tries: 1 });
            self.findings.push(Finding::new(self.bench, scenario, &shot, &fault, repeats));
        }
    }

    /// Looks into what is new: the scenario, its smallest form, and how surely it repeats.
    async fn explain(&mut self) {
        for (input, fault) in std::mem::take(&mut self.new) {
            let cause = cause_of(&fault, &input);
            let known = self.by_id.get(&cause).and_then(|cause| cause.at);
            let several = fault.requirement == DIFFERENCE && !is_about_one_thing(&input);
            if known.is_some_and(|at| self.findings[at].repeats != Repeats::Once) && !several {
                continue;
            }
            if several && self.findings.len() >= MOST_DIFFERENCES {
                continue;
            }
            let finding = if self.options.run.stop.is_requested() && !self.bench.harness.target.own {
                // The user waits for the end: it is reported as it was seen.
                let scenario = Scenario::of(input);
                let shot = trial(self.bench, &scenario).await;
                Finding::new(self.bench, scenario, &shot, &at_home(&fault, &shot), Repeats::Once)
            } else {
                self.explained(input, &fault).await
            };
            if self.options.keep_alive && finding.repeats == Repeats::Once {
                // A server that closes an idle connection looks like one that breaks off, and an answer that a server has
                // sent twice is taken for that of the next request.
                self.bench.complain(format!(
                    "left out, as it was seen on connections that are kept and on none of its own: {} ({}); without \
                     --keep-alive it is reported where it shows",
                    finding.requirement, finding.rule
                ));
                continue;
            }
            // Inputs that differ in much may shrink to the same one.
            let known = self.findings.iter().position(|f| f.id == finding.id).or(known.filter(|_| !several));
            match known {
                Some(at) if self.findings[at].repeats == Repeats::Once && finding.repeats != Repeats::Once => {
                    self.findings[at] = finding;
                }
                Some(_) => {}
                None => self.findings.push(finding),
            }
            if let Some(cause) = self.by_id.get_mut(&cause) {
                cause.at = cause.at.or(known).or(self.findings.len().checked_sub(1));
            }
        }
    }

    async fn explained(&self, input: Input, fault: &Fault) -> Finding {
        let bench = self.bench;
        let with = |id: &u32| self.recent.iter().find(|(x, _)| x == id).map(|(_, input)| input.clone());
        let partners: Vec<Input> = fault.objection.with.iter().filter_map(with).collect();
        let alone = Scenario::of(input.clone());
        let candidates = [
            Some(alone.clone()),
            (!partners.is_empty()).then(|| Scenario { before: partners, ..alone.clone() }),
            Some(Scenario { times: 2, ..alone.clone() }),
            Some(Scenario { times: MANY, ..alone.clone() }),
        ];
        let mut found = None;
        for candidate in candidates.into_iter().flatten() {
            let shot = trial(bench, &candidate).await;
            if shot.faults.iter().any(|f| f.id == fault.id) {
                found = Some(candidate);
                break;
            }
        }
        let Some(scenario) = found else {
            let shot = trial(bench, &alone).await;
            return Finding::new(bench, alone, &shot, &at_home(fault, &shot), Repeats::Once);
        };
        // There are many differences between two servers, and each costs twice.
        let budget = if fault.requirement == DIFFERENCE { self.options.shrink / 4 } else { self.options.shrink };
        let scenario = shrink(bench, scenario, &fault.id, budget).await;
        let (repeats, best) = replayed(bench, &scenario, &fault.id, self.options.replays).await;
        match best {
            Some((shot, fault)) => Finding::new(bench, scenario, &shot, &fault, repeats),
            None => {
                let shot = trial(bench, &scenario).await;
                Finding::new(bench, scenario, &shot, &at_home(fault, &shot), Repeats::Once)
            }
        }
    }
}

/// What inputs have in common that show one fault for one reason.
fn cause_of(fault: &Fault, input: &Input) -> String {
    match fault.requirement.as_str() {
        DIFFERENCE if is_about_one_thing(input) => format!("{} {}", fault.id, about(input)),
        _ => fault.id.clone(),
    }
}

/// The fault as far as it can be shown by a shot that does not have it.
fn at_home(fault: &Fault, shot: &Shot) -> Fault {
    let known = shot.faults.iter().find(|f| f.id == fault.id);
    known.cloned().unwrap_or_else(|| Fault { exchange: 0, ..fault.clone() })
}

/// Sends a scenario several times; says how often a cause showed, and one shot that shows it.
pub async fn replayed(
    bench: &Bench<'_>,
    scenario: &Scenario,
    id: &str,
    times: u32,
) -> (Repeats, Option<(Shot, Fault)>) {
    let mut best = None;
    let mut shown = 0;
    let times = times.max(1);
    for _ in 0..times {
        let shot = trial(bench, scenario).await;
        if let Some(fault) = shot.faults.iter().find(|f| f.id == id).cloned() {
            shown += 1;
            best = Some((shot, fault));
        }
    }
    let repeats = match shown {
        0 => Repeats::Once,
        n if n == times => Repeats::Always,
        shown => Repeats::Sometimes { shown, of: times },
    };
    (repeats, best)
}
