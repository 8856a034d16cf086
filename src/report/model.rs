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
    pub format: u32,
    pub tool: Tool,
    pub target: Target,
    /// The levels at which a broken finding fails the run.
    pub fail_on: Vec<Level>,
    /// RFC 3339, UTC.
    pub started: String,
    pub seconds: f64,
    pub seed: u64,
    /// Set when the target could not be tested (exit 3), with the reason in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untestable: Option<String>,
    /// Set when the run was interrupted (exit 130).
    #[serde(default)]
    pub interrupted: bool,
    pub totals: Totals,
    /// Every requirement of the catalogue, always, in catalogue order.
    pub requirements: Vec<RequirementResult>,
    pub cases: Vec<CaseResult>,
    pub findings: Vec<Finding>,
    /// All of a finding's; the others on request.
    pub exchanges: Vec<ExchangeRecord>,
    pub clients: Clients,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub label: String,
    pub endpoint: String,
    pub issuer: Option<String>,
    pub capabilities: Vec<CapabilityRecord>,
    /// What the target accepted, per kind of client; the metadata that was sent.
    pub base_clients: BTreeMap<String, serde_json::Value>,
    /// What each rung of the ladder was answered, in the order in which they were tried.
    #[serde(default)]
    pub ladder: Vec<RungRecord>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RungRecord {
    pub rung: String,
    pub accepted: bool,
    /// What the server said, in a few words.
    pub answer: String,
    /// What to try when it was refused.
    pub hint: Option<String>,
    pub exchange: String,
}

/// `present`, `absent` or `unknown`, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CapabilityRecord {
    pub name: String,
    pub state: CapabilityState,
    pub reason: String,
    /// The exchange that showed it.
    pub exchange: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CapabilityState {
    Present,
    Absent,
    Unknown,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    pub requirements: RequirementTotals,
    pub cases: CaseTotals,
    pub exchanges: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RequirementTotals {
    pub met: u64,
    pub broken: u64,
    pub not_exercised: u64,
    pub not_applicable: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseTotals {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    pub errored: u64,
}

/// What the evidence adds up to. In sums: broken over met over not-exercised over not-applicable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    NotApplicable,
    NotExercised,
    Met,
    Broken,
}

impl Verdict {
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
pub struct RequirementResult {
    pub id: String,
    pub spec: String,
    pub section: String,
    pub level: Level,
    pub binds: Binds,
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
pub enum CaseOutcome {
    Passed,
    Failed,
    /// Not run, or inconclusive: a skip is never a pass.
    Skipped,
    /// The harness could not judge: connection lost, time limit.
    Errored,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseResult {
    pub suite: String,
    pub id: String,
    pub title: String,
    pub outcome: CaseOutcome,
    pub reason: String,
    pub requirements: Vec<String>,
    pub seconds: f64,
    pub exchanges: Vec<String>,
}

/// What a rule, a relation or an expectation objects to, with the evidence.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// A hash of requirement, rule or step and normalised place: the same fault has the same id in every run.
    pub id: String,
    pub requirement: String,
    /// The rule, or `suite/case#step` for an expectation.
    pub rule: String,
    /// Further requirements that the same exchange breaks (`same-as`).
    pub also: Vec<String>,
    pub level: Level,
    pub strength: Strength,
    /// The case during which it was first seen, as `suite/case`; empty outside of cases.
    pub case: String,
    pub message: String,
    pub instance_path: String,
    pub schema_path: String,
    pub expected: String,
    pub actual: String,
    /// How often it was seen.
    pub count: u64,
    /// The exchange that shows it best.
    pub exchange: String,
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
pub struct EvidenceRecord {
    pub exchange: String,
    /// `shows`, `control`, `compared with`.
    pub role: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExchangeRecord {
    pub id: String,
    /// RFC 3339, UTC.
    pub at: String,
    pub request: RequestRecord,
    /// None when there was no response; then `failure` says why.
    pub response: Option<ResponseRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    pub seconds: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestRecord {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    /// Text, redacted; bytes that are not UTF-8 are replaced.
    pub body: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseRecord {
    pub status: u16,
    pub version: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// How the body ended early, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
}

/// What became of the clients that the run registered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clients {
    pub registered: u64,
    pub deleted: u64,
    /// client_id of each that could not be deleted.
    pub left: Vec<String>,
    /// Registrations whose answer was never read: the server may hold a client.
    pub unknown: u64,
}
