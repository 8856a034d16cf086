//! What a rule is, and what it says of an exchange.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use smallvec::SmallVec;

use crate::{
    spec::{Catalogue, Level, Strength},
    wire::Exchange,
};

/// What the harness knows about the target while it judges one exchange.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The URL is known to be a registration endpoint: a client was created there, or it answered as one.
    pub established: bool,
    /// A base client was accepted, so the server works and plain registrations succeed.
    pub accepted: bool,
    /// A request without a token is known to be refused with 401 or 403.
    pub protected: bool,
    /// The same metadata and credentials were accepted before; the exchange repeats them.
    pub repeats_accepted: bool,
    /// The server's metadata names an endpoint for pushed authorization requests (RFC 9126).
    pub pushed_requests: bool,
    /// The server publishes an OpenID document and no RFC 8414 one.
    pub openid_only: bool,
}

/// What an exchange shows about a requirement.
#[derive(Clone, Debug)]
pub enum Claim {
    /// The rule applied, its guard was true, and nothing was wrong.
    Holds,
    /// The rule applied and objects.
    Objects(Box<Objection>),
}

impl Claim {
    /// The claim that objects.
    pub fn objects(objection: Objection) -> Claim {
        Claim::Objects(Box::new(objection))
    }
}

/// What one rule says of one exchange; nothing where it does not apply. Most say one thing, and that it holds: this takes no
/// allocation.
pub type Claims = SmallVec<[Claim; 1]>;

/// Whether holding is evidence by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The catalogue observes this in passing traffic: one exchange on which it holds is enough for `met`.
    Passive,
    /// Only a case that lists the requirement, and provoked the fault, can make it `met`.
    Provoked,
}

/// What is wrong, before it becomes a finding.
#[derive(Clone, Debug)]
pub struct Objection {
    /// One sentence: what came back and why that is wrong. Values are shortened; secrets are redacted later.
    pub message: String,
    /// JSON Pointer into the response body, or the name of what is looked at (`status`, `header:content-type`, `bytes`).
    pub instance_path: String,
    /// Place of the keyword in the schema, or empty for a coded rule.
    pub schema_path: String,
    /// What would have been right, in words.
    pub expected: String,
    /// The value that was found, shortened.
    pub actual: String,
    /// A milder level or strength than the entry's own, where the catalogue names one for this case.
    pub level: Option<Level>,
    /// See `level`.
    pub strength: Option<Strength>,
    /// Ids of further exchanges that are part of the evidence.
    pub with: Vec<u32>,
}

impl Objection {
    /// An objection at `place`: a JSON Pointer, `status`, `header:NAME`, `body` or `bytes`.
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Objection {
            message: message.into(),
            instance_path: place.into(),
            schema_path: String::new(),
            expected: String::new(),
            actual: String::new(),
            level: None,
            strength: None,
            with: Vec::new(),
        }
    }

    /// Says what would have been right.
    pub fn expected(mut self, what: impl Into<String>) -> Self {
        self.expected = what.into();
        self
    }

    /// The value that was found, shortened.
    pub fn actual(mut self, value: &Value) -> Self {
        self.actual = shorten(&value.to_string(), 200);
        self
    }

    /// The text that was found, shortened.
    pub fn actual_text(mut self, value: &str) -> Self {
        self.actual = shorten(value, 200);
        self
    }

    /// A level milder than the entry's own.
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// A strength milder than the entry's own.
    pub fn strength(mut self, strength: Strength) -> Self {
        self.strength = Some(strength);
        self
    }

    /// Adds an exchange to the evidence.
    pub fn with(mut self, exchange: u32) -> Self {
        self.with.push(exchange);
        self
    }
}

/// A text cut to `max` characters, with a mark that says how much is missing.
pub fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}… ({} bytes in all)", &text[..at], text.len()),
    }
}

/// One judgement of one rule.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The requirement that the rule stands for.
    pub requirement: &'static str,
    /// Unique id of the rule: part of a finding's id.
    pub rule: &'static str,
    /// Whether holding is evidence by itself.
    pub evidence: Evidence,
    /// What the rule says.
    pub claim: Claim,
}

/// A check that watches everything that passes. `check` returns nothing where the rule does not apply or its guard
/// is false: that is no evidence at all.
pub trait Rule: Send + Sync {
    /// Unique, kebab-case.
    fn id(&self) -> &'static str;
    /// The id of the requirement that it stands for.
    fn requirement(&self) -> &'static str;
    /// Whether holding is evidence by itself.
    fn evidence(&self) -> Evidence;
    /// What it says of an exchange; nothing where its guard is false.
    fn check(&self, exchange: &Exchange, context: &Context) -> Claims;
}

/// All rules: the clauses of `schemas/` and the coded ones.
pub struct Judge {
    rules: Vec<Box<dyn Rule>>,
}

impl Judge {
    /// The judge with every embedded rule. Schemas are compiled when it is first asked for.
    pub fn embedded() -> &'static Judge {
        static JUDGE: std::sync::LazyLock<Judge> = std::sync::LazyLock::new(|| Judge { rules: super::all_rules() });
        &JUDGE
    }

    /// The judge with the schemas of these vendors beside the embedded rules; one for each list of vendors.
    pub fn of(vendors: &[String]) -> &'static Judge {
        static JUDGES: Mutex<Vec<(Vec<String>, &'static Judge)>> = Mutex::new(Vec::new());
        if vendors.is_empty() {
            return Judge::embedded();
        }
        let mut judges = JUDGES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, judge)) = judges.iter().find(|(names, _)| names == vendors) {
            return judge;
        }
        let mut rules = super::all_rules();
        for vendor in vendors {
            let more = super::clause::rules_of(Catalogue::known(), vendor);
            rules.extend(more.expect("the folder was checked when it was added"));
        }
        let judge: &'static Judge = Box::leak(Box::new(Judge { rules }));
        judges.push((vendors.to_vec(), judge));
        judge
    }

    /// Every rule, clauses of schemas first.
    pub fn rules(&self) -> impl Iterator<Item = &dyn Rule> {
        self.rules.iter().map(|r| r.as_ref())
    }

    /// Holds one exchange against every rule.
    pub fn judge(&self, exchange: &Exchange, context: &Context) -> Vec<Judgement> {
        let mut judgements = Vec::new();
        for rule in &self.rules {
            for claim in rule.check(exchange, context) {
                judgements.push(Judgement {
                    requirement: rule.requirement(),
                    rule: rule.id(),
                    evidence: rule.evidence(),
                    claim,
                });
            }
        }
        judgements
    }
}
