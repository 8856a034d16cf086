//! A finding of the fuzzer: everything that a person needs to see it, to repeat it and to keep it as a test.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    against::about,
    bench::{Bench, Shot},
    generate::FORMAT,
    oracles::Fault,
    scenario::Scenario,
};
use crate::{
    report::{DIFFERENCE, ExchangeRecord, write_file},
    run::{curl, finding_id},
    spec::{Level, Strength},
    wire::Redactor,
};

/// How surely a finding can be seen again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeats {
    Always,
    /// So many times out of so many.
    Sometimes {
        shown: u32,
        of: u32,
    },
    /// It was seen while fuzzing, and never again.
    Once,
}

impl std::fmt::Display for Repeats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Repeats::Always => f.write_str("always"),
            Repeats::Sometimes { shown, of } => write!(f, "sometimes ({shown} of {of})"),
            Repeats::Once => f.write_str("once"),
        }
    }
}

/// One cause, with the smallest scenario that shows it. This is what a file in `--findings DIR` holds; secrets are
/// redacted in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Finding {
    /// Of the structures inside.
    pub format: u32,
    /// A hash of requirement, rule and normalised place: the cause.
    pub id: String,
    pub requirement: String,
    pub rule: String,
    pub also: Vec<String>,
    pub level: Level,
    pub strength: Strength,
    pub message: String,
    /// Where in the answer.
    pub place: String,
    pub schema_path: String,
    pub expected: String,
    pub actual: String,
    pub repeats: Repeats,
    /// How often it was seen.
    pub count: u64,
    pub scenario: Scenario,
    /// The metadata that the scenario varies, as this target accepted it.
    pub base: Map<String, Value>,
    /// The status of the answer that shows it.
    pub status: Option<u16>,
    /// Ids of other causes that the same scenario shows.
    pub beside: Vec<String>,
    pub target: String,
    /// The second server, where the finding is a difference between two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    pub seed: u64,
    pub exchanges: Vec<ExchangeRecord>,
    /// The exchange that shows it.
    pub exchange: String,
    /// Repeats the request by hand, where curl can send it; else `dcrspec replay` does.
    pub curl: Option<String>,
}

/// Exchanges beyond these show nothing more.
const KEPT: usize = 6;

impl Finding {
    /// From a fault and the shot that shows it.
    pub fn new(bench: &Bench<'_>, scenario: Scenario, shot: &Shot, fault: &Fault, repeats: Repeats) -> Finding {
        let redactor = Redactor::new();
        let target = bench.harness.target;
        if let Some(token) = &target.token {
            redactor.learn("initial_access_token", token.expose());
        }
        for (name, value) in crate::run::harness::secret_headers(target) {
            redactor.learn(name, value);
        }
        let other = bench.against.as_deref();
        for (name, value) in other.into_iter().flat_map(|o| crate::run::harness::secret_headers(o.harness.target)) {
            redactor.learn(name, value);
        }
        if let Some(token) = other.and_then(|o| o.harness.target.token.as_ref()) {
            redactor.learn("initial_access_token", token.expose());
        }
        for pool in std::iter::once(&bench.pool).chain(other.map(|o| &o.pool)) {
            pool.borrow().iter().for_each(|known| redactor.learn_from(&known.exchange));
        }
        shot.exchanges.iter().for_each(|x| redactor.learn_from(x));
        let shown = &shot.exchanges[fault.exchange];
        let from = fault.exchange.saturating_sub(KEPT - 2);
        let kept = shot
            .exchanges
            .iter()
            .enumerate()
            .filter(|(i, x)| fault.objection.with.contains(&x.id) || (from..from + KEPT).contains(i));
        let ground = &bench.harness.ground;
        let base = scenario.input.base.kind().and_then(|kind| {
            ground.base(kind).or_else(|| ground.base(crate::suite::BaseKind::Any)).map(|b| b.metadata.clone())
        });
        let objection = &fault.objection;
        Finding {
            format: FORMAT,
            id: match fault.requirement.as_str() {
                // The smallest input tells the causes of one difference apart.
                DIFFERENCE => finding_id(
                    DIFFERENCE,
                    &fault.rule,
                    &format!("{} {}", objection.instance_path, about(&scenario.input)),
                ),
                _ => fault.id.clone(),
            },
            requirement: fault.requirement.clone(),
            rule: fault.rule.clone(),
            also: fault.also.clone(),
            level: fault.level,
            strength: fault.strength,
            message: redactor.text(&objection.message),
            place: redactor.text(&objection.instance_path),
            schema_path: objection.schema_path.clone(),
            expected: redactor.text(&objection.expected),
            actual: redactor.text(&objection.actual),
            repeats,
            count: 1,
            base: base.unwrap_or_default(),
            status: shown.response().map(|r| r.status),
            beside: shot.faults.iter().filter(|f| f.id != fault.id).map(|f| f.id.clone()).collect(),
            target: target.label.clone(),
            against: other.map(|o| o.harness.target.label.clone()),
            seed: bench.harness.options.seed,
            exchanges: kept.map(|(_, x)| redactor.record(x)).collect(),
            exchange: format!("x{}", shown.id),
            curl: curl::line(shown, &redactor),
            scenario,
        }
    }

    /// Whether it is a difference between two servers, which accuses neither.
    pub fn is_difference(&self) -> bool {
        self.requirement == DIFFERENCE
    }

    /// The id of the faults that show it.
    pub fn cause(&self) -> String {
        if self.is_difference() { finding_id(DIFFERENCE, &self.rule, &self.place) } else { self.id.clone() }
    }

    /// The file of a finding.
    pub fn file_name(&self) -> String {
        format!("{}-{}.json", self.rule.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "-"), self.id)
    }

    /// Writes it into a folder.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, String> {
        let path = folder.join(self.file_name());
        let text = serde_json::to_string_pretty(self).map_err(|e| e.to_string())? + "\n";
        write_file(&path, &text)?;
        Ok(path)
    }

    /// Reads one back.
    pub fn read(path: &Path) -> Result<Finding, String> {
        let text = std::fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        // What a later format holds is not known here, so its number is looked at first.
        let format = serde_json::from_slice::<Value>(&text).ok().and_then(|file| file.get("format")?.as_u64());
        if let Some(format) = format.filter(|format| *format > u64::from(FORMAT)) {
            return Err(format!(
                "{}: the finding has format {format}; this version of dcrspec reads up to {FORMAT}",
                path.display(),
            ));
        }
        serde_json::from_slice(&text).map_err(|e| format!("{}:{}:{}: {e}", path.display(), e.line(), e.column()))
    }
}
