//! Suites: declarative cases in YAML, loaded with line and column in every error.

mod folder;
mod load;
mod model;
mod schema;
pub mod variables;
pub mod yaml;

use include_dir::{Dir, include_dir};

pub use folder::{File, Folder, FolderError};
pub use load::{Lint, LoadError, Suite, embedded, load_folder, load_path, load_text};
pub use model::{
    AuthWord, AuthorizeAction, BaseKind, Case, Control, CreatedExpect, Expect, IntrospectAction, ManageAction,
    RegisterAction, RejectedExpect, RequestAction, StatusExpect, Step, SuiteFile, Together, TokenAction, TokenWord,
    Transform, UpdateAction,
};
pub use schema::json_schema;

/// The folder `suites/`, embedded in the build.
pub static SUITES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/suites");

/// The embedded suites that these names choose: a whole name, or its beginning up to a slash. No name chooses those of all
/// specifications; a vendor's have to be named.
pub fn choose(names: &[String]) -> Result<Vec<Suite>, String> {
    let embedded = embedded();
    if names.is_empty() {
        return Ok(embedded.iter().filter(|s| vendor_of(s).is_none()).cloned().collect());
    }
    let fits = |suite: &Suite, name: &str| {
        let name = name.trim_end_matches('/');
        suite.name == name || suite.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
    };
    for name in names {
        if !embedded.iter().any(|s| fits(s, name)) {
            let near = nearest(name, embedded.iter().map(|s| s.name.as_str()));
            let hint = if near.is_empty() { String::new() } else { format!(" (did you mean {}?)", near.join(" or ")) };
            return Err(format!("no suite is called {name:?}{hint}"));
        }
    }
    Ok(embedded.iter().filter(|s| names.iter().any(|n| fits(s, n))).cloned().collect())
}

/// The vendor whose documentation a suite is taken from, where it is no specification.
pub fn vendor_of(suite: &Suite) -> Option<&str> {
    let family = suite.family();
    crate::spec::Catalogue::known().is_vendor(family).then_some(family)
}

/// The vendors whose suites are among these.
pub fn vendors(suites: &[Suite]) -> Vec<String> {
    let mut vendors: Vec<String> = suites.iter().filter_map(vendor_of).map(str::to_owned).collect();
    vendors.dedup();
    vendors
}

/// The candidates that resemble `word`, best first: for the "did you mean" of errors.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut scored: Vec<(usize, &str)> = candidates.map(|c| (distance(word, c), c)).collect();
    scored.sort();
    let limit = (word.len() / 3).max(2);
    scored.into_iter().filter(|(d, c)| *d <= limit || c.contains(word)).map(|(_, c)| c).take(3).collect()
}

/// Levenshtein distance over characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = if ca == *cb { diagonal } else { diagonal + 1 };
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
