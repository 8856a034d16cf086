//! The report: one value, which `--json` writes and every other output is made from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::{Binds, Level, Strength};

/// The number of the format; it counts up when a reader could break.
pub const FORMAT: u32 = 1;

/// What a run found, with the evidence. Secrets are redacted before anything gets in here.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Counts up when a reader could break: 1.
    pub format: u32,
    /// What wrote the report.
    pub tool: Tool,
    /// What was tested.
    pub target: Target,
    /// The levels at which a broken finding fails the run.
    pub fail_on: Vec<Level>,
    /// RFC 3339, UTC.
    pub started: String,
    /// How long the run took; in a sum of reports, all of them together.
    pub seconds: f64,
    /// What `--seed` repeats the run with; in a sum, that of the first.
    pub seed: u64,
    /// Set when the target could not be tested (exit 3), with the reason in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untestable: Option<String>,
    /// Set when the run was interrupted (exit 130).
    #[serde(default)]
    pub interrupted: bool,
    /// The sums.
    pub totals: Totals,
    /// Every requirement of the catalogue, always, in catalogue order.
    pub requirements: Vec<RequirementResult>,
    /// Every case of the plan.
    pub cases: Vec<CaseResult>,
    /// Grouped by cause, the strongest first.
    pub findings: Vec<Finding>,
    /// All of a finding's; the others on request.
    pub exchanges: Vec<ExchangeRecord>,
    /// What was registered, and what is left.
    pub clients: Clients,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
/// What wrote the report.
pub struct Tool {
    /// `dcrspec`.
    pub name: String,
    /// Its version (semver).
    pub version: String,
}

impl Tool {
    /// This build.
    pub fn this() -> Tool {
        Tool { name: "dcrspec".into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
/// What was tested.
pub struct Target {
    /// A name for people: the issuer, the URL, or the configuration of the reference server.
    pub label: String,
    /// The registration endpoint (RFC 7591, 3); empty where none was found.
    pub endpoint: String,
    /// The issuer identifier (RFC 8414, 2), where it is known.
    pub issuer: Option<String>,
    /// What the target can do, as far as anything showed it.
    pub capabilities: Vec<CapabilityRecord>,
    /// What the target accepted, per kind of client; the metadata that was sent.
    pub base_clients: BTreeMap<String, serde_json::Value>,
    /// What each rung of the ladder was answered, in the order in which they were tried.
    #[serde(default)]
    pub ladder: Vec<RungRecord>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
/// One attempt to register a base client.
pub struct RungRecord {
    /// What was tried, in words.
    pub rung: String,
    /// Whether a client was created.
    pub accepted: bool,
    /// What the server said, in a few words.
    pub answer: String,
    /// What to try when it was refused.
    pub hint: Option<String>,
    /// The id of its exchange.
    pub exchange: String,
}

/// `present`, `absent` or `unknown`, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapabilityRecord {
    /// From the closed list: `dcrspec list capabilities`.
    pub name: String,
    /// Whether the target has it.
    pub state: CapabilityState,
    /// How that is known.
    pub reason: String,
    /// The exchange that showed it.
    pub exchange: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
/// Whether the target has a capability.
pub enum CapabilityState {
    /// It was shown, or declared.
    Present,
    /// It was shown to be missing.
    Absent,
    /// Nothing showed it either way.
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
/// The sums.
pub struct Totals {
    /// Requirements by verdict.
    pub requirements: RequirementTotals,
    /// Cases by outcome.
    pub cases: CaseTotals,
    /// How many requests were sent.
    pub exchanges: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
/// Requirements by verdict.
pub struct RequirementTotals {
    /// Seen to be kept.
    pub met: u64,
    /// With a finding of strength `broken`.
    pub broken: u64,
    /// Nothing can be said.
    pub not_exercised: u64,
    /// A capability is known to be absent, or the client is bound.
    pub not_applicable: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
/// Cases by outcome.
pub struct CaseTotals {
    /// Ran to the end, and nothing of their own failed.
    pub passed: u64,
    /// An expectation failed.
    pub failed: u64,
    /// Could say nothing, for a reason.
    pub skipped: u64,
    /// A connection failed.
    pub errored: u64,
}

/// What the evidence adds up to. In sums: broken over met over not-exercised over not-applicable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A capability that it needs is known to be absent, or it binds the client.
    NotApplicable,
    /// Nothing can be said; the reason says why.
    NotExercised,
    /// What it is about was there to be seen, and it was right.
    Met,
    /// At least one finding of strength `broken`.
    Broken,
}

impl Verdict {
    /// The word of the report: `met`, `broken`, `not-exercised`, `not-applicable`.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::Broken => "broken",
            Verdict::NotExercised => "not-exercised",
            Verdict::NotApplicable => "not-applicable",
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
/// The verdict on one requirement.
pub struct RequirementResult {
    /// From the catalogue: `dcrspec list requirements`.
    pub id: String,
    /// The specification, such as `RFC 7591`.
    pub spec: String,
    /// The section of it.
    pub section: String,
    /// The specification's word.
    pub level: Level,
    /// Whom the sentence obliges.
    pub binds: Binds,
    /// What the run says of it.
    pub verdict: Verdict,
    /// Why, in one sentence.
    pub reason: String,
    /// How many exchanges bore on it.
    pub exchanges: u64,
    /// Ids of its findings, of those reported under a primary too.
    pub findings: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
/// How a case ended.
pub enum CaseOutcome {
    /// It ran to its end, and nothing of its own failed.
    Passed,
    /// An expectation failed.
    Failed,
    /// Not run, or inconclusive: a skip is never a pass.
    Skipped,
    /// The harness could not judge: connection lost, time limit.
    Errored,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
/// What came of one case.
pub struct CaseResult {
    /// The suite that it stands in.
    pub suite: String,
    /// Unique within its suite.
    pub id: String,
    /// What the server has to do.
    pub title: String,
    /// How it ended.
    pub outcome: CaseOutcome,
    /// Why it was skipped, failed or broke off; empty when it passed.
    pub reason: String,
    /// The ids of the requirements that it lists.
    pub requirements: Vec<String>,
    /// How long it took.
    pub seconds: f64,
    /// The ids of its exchanges, in order.
    pub exchanges: Vec<String>,
}

/// What a rule, a relation or an expectation objects to, with the evidence.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// A hash of requirement, rule or step and normalised place: the same fault has the same id in every run.
    pub id: String,
    /// The id of the requirement that is broken.
    pub requirement: String,
    /// The rule, or `suite/case#step` for an expectation.
    pub rule: String,
    /// Further requirements that the same exchange breaks (`same-as`).
    pub also: Vec<String>,
    /// What decides whether it fails a run.
    pub level: Level,
    /// Only `broken` can fail a run.
    pub strength: Strength,
    /// The case during which it was first seen, as `suite/case`; empty outside of cases.
    pub case: String,
    /// One sentence: what came back and why that is wrong.
    pub message: String,
    /// JSON Pointer into the body, or `status`, `header:NAME`, `body`, `bytes`.
    pub instance_path: String,
    /// The place of the keyword in `schemas/`; empty for a coded rule.
    pub schema_path: String,
    /// What would have been right.
    pub expected: String,
    /// The value that was found, shortened.
    pub actual: String,
    /// How often it was seen.
    pub count: u64,
    /// The exchange that shows it best.
    pub exchange: String,
    /// All exchanges that show it, by their part in it.
    pub evidence: Vec<EvidenceRecord>,
    /// A line that repeats the request by hand, where curl can send it.
    pub curl: Option<String>,
    /// A shell script, where it takes more than one request.
    pub script: Option<String>,
    /// The reason of the waiver that covers it.
    pub waived: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
/// One exchange and its part in a finding.
pub struct EvidenceRecord {
    /// The id of the exchange.
    pub exchange: String,
    /// `shows`, `control`, `compared with`.
    pub role: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
/// One request and what came of it, redacted.
pub struct ExchangeRecord {
    /// `x` and a number that counts up within the run.
    pub id: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// What was sent.
    pub request: RequestRecord,
    /// None when there was no response; then `failure` says why.
    pub response: Option<ResponseRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    /// Why there was no response, in words.
    pub failure: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
/// A request, redacted.
pub struct RequestRecord {
    /// The method.
    pub method: String,
    /// The absolute URL.
    pub url: String,
    /// Name and value of each field, in order.
    pub headers: Vec<(String, String)>,
    /// Text, redacted; bytes that are not UTF-8 are replaced.
    pub body: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
/// A response, redacted.
pub struct ResponseRecord {
    /// The status code.
    pub status: u16,
    /// `HTTP/1.1` and the like.
    pub version: String,
    /// Name and value of each field, in order.
    pub headers: Vec<(String, String)>,
    /// The body as text, up to a limit.
    pub body: String,
    /// How the body ended early, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
}

/// What became of the clients that the run registered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clients {
    /// How many the target created in this run.
    pub registered: u64,
    /// How many of them were deleted.
    pub deleted: u64,
    /// client_id of each that could not be deleted.
    pub left: Vec<String>,
    /// Registrations whose answer was never read: the server may hold a client.
    pub unknown: u64,
}
