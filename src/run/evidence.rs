//! What the judgements of a run add up to: findings grouped by cause, and a verdict per requirement.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::{
    judge::{Claim, Evidence as Kind, Judgement, Objection, rule_ids},
    report::{CapabilityState, Verdict},
    spec::{Binds, Catalogue, Level, Requirement, Strength},
    target::Capabilities,
};

/// A finding while the run goes on.
#[derive(Clone, Debug)]
pub struct RawFinding {
    pub id: String,
    pub requirement: String,
    pub rule: String,
    pub also: Vec<String>,
    pub level: Level,
    pub strength: Strength,
    pub case: String,
    pub objection: Objection,
    /// Every exchange that shows it, in order.
    pub exchanges: Vec<u32>,
    pub control: Option<u32>,
    pub count: u64,
}

/// Everything that bears on a verdict.
#[derive(Debug, Default)]
pub struct Evidence {
    findings: Vec<RawFinding>,
    by_key: HashMap<String, usize>,
    /// Exchanges that bore on a requirement.
    bearing: HashMap<String, BTreeSet<u32>>,
    /// Exchanges on which a rule of the requirement held.
    held: HashMap<String, BTreeSet<u32>>,
    /// Requirements that are met, with what showed it.
    met: HashMap<String, String>,
    /// Why a case could say nothing about a requirement; the last reason counts.
    reasons: BTreeMap<String, String>,
    has_case: HashSet<String>,
}

/// The id of a finding: requirement, rule or step, and the place without indexes. Values, hosts, seeds and the case of
/// an always-on rule are left out, so that the same fault has the same id in every run.
pub fn finding_id(requirement: &str, rule: &str, place: &str) -> String {
    let place: Vec<&str> = place
        .split('/')
        .map(|token| if !token.is_empty() && token.bytes().all(|b| b.is_ascii_digit()) { "*" } else { token })
        .collect();
    let digest = Sha256::digest(format!("{requirement}\n{rule}\n{}", place.join("/")));
    digest[..6].iter().map(|b| format!("{b:02x}")).collect()
}

impl Evidence {
    /// Takes in what a rule said of an exchange.
    pub fn judgement(&mut self, judgement: &Judgement, exchange: u32, case: &str) {
        self.bearing.entry(judgement.requirement.to_owned()).or_default().insert(exchange);
        match &judgement.claim {
            Claim::Holds => {
                self.held.entry(judgement.requirement.to_owned()).or_default().insert(exchange);
                if judgement.evidence == Kind::Passive {
                    self.meet(judgement.requirement, "seen in passing traffic");
                }
            }
            Claim::Objects(objection) => {
                self.finding(judgement.requirement, judgement.rule, (**objection).clone(), exchange, case, None);
            }
        }
    }

    /// Takes in an objection, grouped with its like.
    pub fn finding(
        &mut self,
        requirement: &str,
        rule: &str,
        objection: Objection,
        exchange: u32,
        case: &str,
        control: Option<u32>,
    ) {
        let (level, strength) = Catalogue::known().weigh(requirement, objection.level, objection.strength);
        self.bearing.entry(requirement.to_owned()).or_default().insert(exchange);
        let id = finding_id(requirement, rule, &objection.instance_path);
        match self.by_key.get(&id) {
            Some(&index) => {
                let finding = &mut self.findings[index];
                finding.count += 1;
                finding.exchanges.push(exchange);
                if level.rank() < finding.level.rank() || strength > finding.strength {
                    // The strongest occurrence is the one to show.
                    finding.level = if level.rank() < finding.level.rank() { level } else { finding.level };
                    finding.strength = finding.strength.max(strength);
                    finding.objection = objection;
                }
            }
            None => {
                self.by_key.insert(id.clone(), self.findings.len());
                self.findings.push(RawFinding {
                    id,
                    requirement: requirement.to_owned(),
                    rule: rule.to_owned(),
                    also: Vec::new(),
                    level,
                    strength,
                    case: case.to_owned(),
                    objection,
                    exchanges: vec![exchange],
                    control,
                    count: 1,
                });
            }
        }
    }

    pub fn meet(&mut self, requirement: &str, how: &str) {
        self.met.entry(requirement.to_owned()).or_insert_with(|| how.to_owned());
    }

    pub fn bears(&mut self, requirement: &str, exchange: u32) {
        self.bearing.entry(requirement.to_owned()).or_default().insert(exchange);
    }

    /// A case that lists the requirement was planned; `reason` says why it could show nothing, if so.
    pub fn planned(&mut self, requirement: &str, reason: Option<String>) {
        self.has_case.insert(requirement.to_owned());
        if let Some(reason) = reason {
            self.reasons.insert(requirement.to_owned(), reason);
        }
    }

    /// Whether a finding of any strength on this requirement came from one of these exchanges.
    pub fn objected(&self, requirement: &str, exchanges: &[u32]) -> bool {
        self.findings.iter().any(|f| f.requirement == requirement && f.exchanges.iter().any(|x| exchanges.contains(x)))
    }

    /// Whether a rule of this requirement held on one of these exchanges.
    pub fn held(&self, requirement: &str, exchanges: &[u32]) -> bool {
        self.held.get(requirement).is_some_and(|held| exchanges.iter().any(|x| held.contains(x)))
    }

    pub fn exchanges_of(&self, requirement: &str) -> u64 {
        self.bearing.get(requirement).map_or(0, |set| set.len() as u64)
    }

    /// Puts each finding of a `same-as` entry under its primary where the same exchanges show both, and returns the
    /// findings that are left, the strongest first.
    pub fn grouped(&self) -> Vec<RawFinding> {
        let catalogue = Catalogue::known();
        let exercised = |id: &str| self.bearing.contains_key(id);
        let mut kept: Vec<RawFinding> = Vec::new();
        let mut secondary: Vec<(&RawFinding, String)> = Vec::new();
        for finding in &self.findings {
            let primary = catalogue.primary(&finding.requirement, &exercised);
            let together = primary != finding.requirement
                && self.findings.iter().any(|p| {
                    p.requirement == primary
                        && p.strength == Strength::Broken
                        && finding.exchanges.iter().all(|x| p.exchanges.contains(x))
                });
            if together {
                secondary.push((finding, primary.to_owned()));
            } else {
                kept.push(finding.clone());
            }
        }
        for (finding, primary) in secondary {
            let Some(under) = kept
                .iter_mut()
                .find(|p| p.requirement == primary && finding.exchanges.iter().all(|x| p.exchanges.contains(x)))
            else {
                kept.push(finding.clone());
                continue;
            };
            if !under.also.contains(&finding.requirement) {
                under.also.push(finding.requirement.clone());
            }
            let raises = catalogue.get(&finding.requirement).is_some_and(|r| r.raises);
            if raises && finding.strength == Strength::Broken && finding.level.rank() < under.level.rank() {
                under.level = finding.level;
            }
        }
        kept.sort_by_key(|f| {
            (std::cmp::Reverse(f.strength), f.level.rank(), catalogue.position(&f.requirement), f.id.clone())
        });
        kept
    }

    /// The verdict on one requirement, with its reason. `findings` are the grouped ones.
    pub fn verdict(
        &self,
        requirement: &Requirement,
        capabilities: &Capabilities,
        findings: &[RawFinding],
    ) -> (Verdict, String) {
        let id = requirement.id.as_str();
        if requirement.binds == Binds::Client {
            return (Verdict::NotApplicable, "binds the client".into());
        }
        let mine = || findings.iter().filter(|f| f.requirement == id || f.also.iter().any(|a| a == id));
        let broken = mine().filter(|f| f.strength == Strength::Broken).count();
        if broken > 0 {
            return (Verdict::Broken, format!("{broken} finding{}", if broken == 1 { "" } else { "s" }));
        }
        let absent = requirement.needs.iter().find(|c| capabilities.state(**c) == CapabilityState::Absent);
        if let Some(capability) = absent {
            return (Verdict::NotApplicable, format!("needs {capability}: {}", capabilities.reason(*capability)));
        }
        if let Some(how) = self.met.get(id) {
            // Milder findings leave the verdict alone, but what is warned of everywhere was not seen to be kept.
            return (Verdict::Met, how.clone());
        }
        if let Some(finding) = mine().next() {
            return (
                Verdict::NotExercised,
                format!("seen only with a {}: {}", finding.strength, finding.objection.message),
            );
        }
        let unknown = requirement.needs.iter().find(|c| capabilities.state(**c) == CapabilityState::Unknown);
        let reason = match (self.reasons.get(id), unknown) {
            (Some(reason), _) => reason.clone(),
            (None, Some(capability)) => format!("needs {capability}: {}", capabilities.reason(*capability)),
            (None, None) if self.has_case.contains(id) => "its cases ran, and nothing in the answers bore on it".into(),
            (None, None) if rule_ids().iter().any(|(_, r)| *r == id) => {
                "watched in every exchange, and nothing in the answers bore on it".into()
            }
            (None, None) => match &requirement.not_tried {
                Some(why) => why.clone(),
                None => "no case yet".into(),
            },
        };
        (Verdict::NotExercised, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_id_ignores_indexes_and_nothing_else() {
        let id = |place| finding_id("r", "rule", place);
        assert_eq!(id("/redirect_uris/0"), id("/redirect_uris/12"));
        assert_ne!(id("/redirect_uris/0"), id("/client_name"));
        assert_ne!(finding_id("r", "a", "/x"), finding_id("r", "b", "/x"));
    }
}
