//! The catalogue: all requirements of all embedded suites, in the order of their files.

use std::{collections::HashMap, sync::OnceLock};

use include_dir::Dir;
use serde::Deserialize;

use super::{Capability, Level, Requirement, Strength};

/// What a folder under `suites/` is taken from (its `spec.yaml`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecInfo {
    /// The name as it is cited: `RFC 7591`.
    pub spec: String,
    /// The title of the specification.
    pub title: String,
    /// Where the text is published; a section is `#section-N` of it.
    pub url: String,
}

/// A catalogue that cannot be loaded. It is embedded, so only an author of suites ever sees one.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    #[error("{0}")]
    /// The file is no catalogue.
    Yaml(#[from] crate::suite::yaml::YamlError),
    #[error("the requirement {id} stands twice: in {first} and in {second}")]
    /// An id stands in two files.
    Twice { id: String, first: String, second: String },
}

/// All requirements, addressed by id.
#[derive(Debug)]
pub struct Catalogue {
    entries: Vec<Requirement>,
    by_id: HashMap<String, usize>,
    specs: HashMap<String, SpecInfo>,
    family: Vec<String>,
}

impl Catalogue {
    /// The catalogue that this build carries, parsed once.
    pub fn embedded() -> &'static Catalogue {
        static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
        CATALOGUE.get_or_init(|| {
            Catalogue::load(&crate::suite::SUITES).expect("the embedded catalogue is loaded by a unit test")
        })
    }

    /// Reads `requirements.yaml` and `spec.yaml` of every folder.
    pub fn load(root: &Dir<'_>) -> Result<Catalogue, CatalogueError> {
        let mut catalogue =
            Catalogue { entries: Vec::new(), by_id: HashMap::new(), specs: HashMap::new(), family: Vec::new() };
        for dir in root.dirs() {
            let family = dir.path().to_string_lossy().into_owned();
            let Some(text) = text_of(dir, "requirements.yaml") else { continue };
            let file = format!("suites/{family}/requirements.yaml");
            let entries: Vec<Requirement> = crate::suite::yaml::parse(&file, text)?;
            if let Some(text) = text_of(dir, "spec.yaml") {
                let file = format!("suites/{family}/spec.yaml");
                catalogue.specs.insert(family.clone(), crate::suite::yaml::parse(&file, text)?);
            }
            for entry in entries {
                if let Some(&first) = catalogue.by_id.get(&entry.id) {
                    return Err(CatalogueError::Twice {
                        first: catalogue.family[first].clone(),
                        second: family,
                        id: entry.id,
                    });
                }
                catalogue.by_id.insert(entry.id.clone(), catalogue.entries.len());
                catalogue.entries.push(entry);
                catalogue.family.push(family.clone());
            }
        }
        Ok(catalogue)
    }

    /// Every requirement, in catalogue order.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.entries.iter()
    }

    /// How many requirements there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The requirement with this id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.by_id.get(id).map(|&i| &self.entries[i])
    }

    /// The place of an id in catalogue order.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The folder under `suites/` that holds the requirement.
    pub fn family(&self, id: &str) -> Option<&str> {
        self.position(id).map(|i| self.family[i].as_str())
    }

    /// The specification that a requirement is taken from, as it is cited.
    pub fn spec_of(&self, requirement: &Requirement) -> String {
        requirement.spec.clone().unwrap_or_else(|| {
            self.family(&requirement.id)
                .and_then(|f| self.specs.get(f))
                .map_or_else(|| "-".to_owned(), |s| s.spec.clone())
        })
    }

    /// Where the requirement's first section is published, when its folder says so.
    pub fn url_of(&self, requirement: &Requirement) -> Option<String> {
        if requirement.spec.is_some() || requirement.section == "-" {
            return None;
        }
        let info = self.specs.get(self.family(&requirement.id)?)?;
        let first = requirement.section.split(',').next()?.trim();
        Some(format!("{}#section-{first}", info.url))
    }

    /// The end of the `same-as` chain of `id`, as far as `exercised` holds of each step: the primary under which a
    /// shared finding is reported. An entry without such a target is its own primary.
    pub fn primary<'a>(&'a self, id: &'a str, exercised: &dyn Fn(&str) -> bool) -> &'a str {
        let mut at = id;
        // A chain is a handful of steps; the bound keeps a careless cycle from hanging a run.
        for _ in 0..16 {
            let next = self
                .get(at)
                .and_then(|r| r.same_as.iter().find(|target| self.get(target).is_some() && exercised(target)));
            match next {
                Some(target) => at = target,
                None => break,
            }
        }
        at
    }

    /// Level and strength of a finding: the entry's own, or the milder ones that a rule names for a special case.
    pub fn weigh(&self, id: &str, level: Option<Level>, strength: Option<Strength>) -> (Level, Strength) {
        let Some(entry) = self.get(id) else { return (level.unwrap_or(Level::May), Strength::Note) };
        let most = entry.max_strength();
        (level.unwrap_or(entry.finding_level()), strength.map_or(most, |s| s.min(most)))
    }

    /// The ids that resemble `id`, best first, for a mistyped one.
    pub fn nearest(&self, id: &str) -> Vec<&str> {
        crate::suite::nearest(id, self.entries.iter().map(|e| e.id.as_str()))
    }

    /// Requirements that cannot be tried without this capability.
    pub fn needing(&self, capability: Capability) -> impl Iterator<Item = &Requirement> {
        self.entries.iter().filter(move |e| e.needs.contains(&capability))
    }
}

fn text_of<'a>(dir: &'a Dir<'_>, name: &str) -> Option<&'a str> {
    dir.get_file(dir.path().join(name)).and_then(|f| f.contents_utf8())
}
