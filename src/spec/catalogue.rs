//! The catalogue: all requirements of all embedded suites, in the order of their files.

use std::{
    collections::HashMap,
    path::Path,
    sync::{OnceLock, PoisonError, RwLock},
};

use serde::Deserialize;

use super::{Capability, Level, Requirement, Strength};
use crate::suite::{Folder, FolderError};

/// What a folder under `suites/` is taken from (its `spec.yaml`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecInfo {
    /// The name as it is cited: `RFC 7591`.
    pub spec: String,
    /// The title of the specification.
    pub title: String,
    /// Where the text is published; a section is `#section-N` of it. A vendor's documentation has no such sections.
    #[serde(default)]
    pub url: Option<String>,
    /// The documentation of one vendor's server: its suites run, and its requirements are reported, only where they are
    /// asked for.
    #[serde(default)]
    pub vendor: bool,
}

/// A catalogue that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    #[error("{0}")]
    /// The file is no catalogue.
    Yaml(#[from] crate::suite::yaml::YamlError),
    #[error("{0}")]
    /// The folder cannot be read.
    Folder(#[from] FolderError),
    #[error("the requirement {id} stands twice: in {first} and in {second}")]
    /// An id stands in two files.
    Twice { id: String, first: String, second: String },
    #[error("{file}: {message}")]
    /// Something in the folder cannot hold.
    Wrong { file: String, message: String },
}

/// All requirements, addressed by id.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    entries: Vec<Requirement>,
    by_id: HashMap<String, usize>,
    specs: HashMap<String, SpecInfo>,
    family: Vec<String>,
    folders: HashMap<String, Folder>,
}

/// What folders were added to the embedded catalogue. Grows only, so that an id means the same for as long as the process
/// lives.
static EXTENDED: RwLock<Option<&'static Catalogue>> = RwLock::new(None);

impl Catalogue {
    /// The catalogue that this build carries, parsed once.
    pub fn embedded() -> &'static Catalogue {
        static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
        CATALOGUE.get_or_init(|| {
            Catalogue::load(crate::suite::Folder::embedded()).expect("the embedded catalogue is loaded by a unit test")
        })
    }

    /// The embedded catalogue, and the folders that [`Catalogue::extend`] has added.
    pub fn known() -> &'static Catalogue {
        EXTENDED.read().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(Catalogue::embedded)
    }

    /// Adds the requirements of a vendor's folder: `spec.yaml`, `requirements.yaml` and schemas of messages. A folder that is
    /// known already is not read again. Returns its name.
    pub fn extend(path: &Path) -> Result<String, CatalogueError> {
        let folder = Folder::read(path)?;
        let mut extended = EXTENDED.write().unwrap_or_else(PoisonError::into_inner);
        let known = extended.unwrap_or_else(Catalogue::embedded);
        let name = folder.name.clone();
        match known.folders.get(&name) {
            Some(same) if same.says_the_same(&folder) => return Ok(name),
            Some(other) => {
                let message = format!("{} is called {name:?}, too: give this folder a name of its own", other.place);
                return Err(CatalogueError::Wrong { file: folder.place, message });
            }
            None => {}
        }
        let place = folder.place.clone();
        let mut more = known.clone();
        more.add(folder)?;
        let wrong = |message: String| CatalogueError::Wrong { file: place.clone(), message };
        if !more.specs.get(&name).is_some_and(|s| s.vendor) {
            return Err(wrong("it needs a spec.yaml that says `vendor: true`".into()));
        }
        if let Some(id) = more.ids_of(&name).find(|id| !id.starts_with(&format!("{name}-"))) {
            return Err(wrong(format!("the id {id:?} has to begin with the name of the folder: {name}-…")));
        }
        crate::judge::check_folder(&more, &name).map_err(wrong)?;
        *extended = Some(Box::leak(Box::new(more)));
        Ok(name)
    }

    /// Reads `requirements.yaml` and `spec.yaml` of every folder.
    pub fn load(folders: impl IntoIterator<Item = Folder>) -> Result<Catalogue, CatalogueError> {
        let mut catalogue = Catalogue::default();
        for folder in folders {
            catalogue.add(folder)?;
        }
        Ok(catalogue)
    }

    fn add(&mut self, folder: Folder) -> Result<(), CatalogueError> {
        let family = folder.name.clone();
        let Some(requirements) = folder.file("requirements.yaml") else { return Ok(()) };
        let entries: Vec<Requirement> = crate::suite::yaml::parse(&requirements.shown, &requirements.text)?;
        if let Some(spec) = folder.file("spec.yaml") {
            self.specs.insert(family.clone(), crate::suite::yaml::parse(&spec.shown, &spec.text)?);
        }
        for entry in entries {
            if let Some(&first) = self.by_id.get(&entry.id) {
                let first = self.family[first].clone();
                return Err(CatalogueError::Twice { first, second: family, id: entry.id });
            }
            self.by_id.insert(entry.id.clone(), self.entries.len());
            self.entries.push(entry);
            self.family.push(family.clone());
        }
        self.folders.insert(family, folder);
        Ok(())
    }

    /// The ids of one folder.
    fn ids_of<'a>(&'a self, family: &'a str) -> impl Iterator<Item = &'a str> {
        self.entries.iter().zip(&self.family).filter(move |(_, f)| *f == family).map(|(e, _)| e.id.as_str())
    }

    /// The files of a folder.
    pub fn folder(&self, family: &str) -> Option<&Folder> {
        self.folders.get(family)
    }

    /// Whether a folder holds what one vendor documents, and no specification.
    pub fn is_vendor(&self, family: &str) -> bool {
        self.specs.get(family).is_some_and(|s| s.vendor)
    }

    /// The vendor whose documentation a requirement is taken from, where a target is not held against it.
    pub fn foreign<'a>(&'a self, id: &str, vendors: &[String]) -> Option<&'a str> {
        let at = self.position(id)?;
        let family = &self.family[at];
        (self.is_vendor(family) && !vendors.contains(family)).then_some(family)
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
        let url = info.url.as_ref()?;
        if info.vendor {
            return Some(url.clone());
        }
        let first = requirement.section.split(',').next()?.trim();
        Some(format!("{url}#section-{first}"))
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
