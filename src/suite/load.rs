//! Loading a suite, and what a careful reader checks before it may run.

use std::{collections::HashSet, path::Path, sync::OnceLock};

use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use super::{Case, Expect, Folder, RegisterAction, Step, SuiteFile, TokenWord, yaml};
use crate::spec::Catalogue;

/// A loaded suite with the text that it came from.
#[derive(Clone, Debug)]
pub struct Suite {
    /// Where it came from, as messages show it.
    pub file: String,
    /// `folder/name`, unique.
    pub name: String,
    /// What it is about.
    pub title: String,
    /// In the order of the file.
    pub cases: Vec<Case>,
}

impl Suite {
    /// The first part of the name: the folder that the suite belongs to.
    pub fn family(&self) -> &str {
        self.name.split_once('/').map_or(self.name.as_str(), |(family, _)| family)
    }
}

/// Something wrong at a place of a suite file, rendered with that place.
#[derive(Clone, Debug)]
pub struct Lint {
    /// `file:line:column`, what is wrong, and the line with a mark below.
    pub rendered: String,
}

/// A suite that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("{0}")]
    /// It is no YAML of this shape.
    Yaml(#[from] yaml::YamlError),
    #[error("{}", .0.iter().map(|l| l.rendered.as_str()).collect::<Vec<_>>().join("\n"))]
    /// It reads, and something in it cannot be run.
    Lints(Vec<Lint>),
    #[error("{path}: {error}")]
    /// It cannot be read.
    Io { path: String, error: std::io::Error },
    #[error("{0}")]
    /// The folder that it stands in cannot be used.
    Folder(String),
}

/// The suites that this build carries, sorted by file.
pub fn embedded() -> &'static [Suite] {
    static SUITES: OnceLock<Vec<Suite>> = OnceLock::new();
    SUITES.get_or_init(|| {
        let load = |file: &super::File| match load_text(&file.shown, &file.text) {
            Ok(suite) => suite,
            Err(error) => panic!("an embedded suite does not load: {error}"),
        };
        Folder::embedded().iter().flat_map(|folder| folder.suites().map(load).collect::<Vec<_>>()).collect()
    })
}

/// Loads all suites of a vendor's folder, after its requirements.
pub fn load_folder(path: &Path) -> Result<Vec<Suite>, LoadError> {
    let name = Catalogue::extend(path).map_err(|e| LoadError::Folder(e.to_string()))?;
    let folder = Catalogue::known().folder(&name).expect("it was just added");
    let suites = folder.suites().map(|file| load_text(&file.shown, &file.text)).collect::<Result<Vec<_>, _>>()?;
    match suites.is_empty() {
        true => Err(LoadError::Folder(format!("{}: there is no suite in it", path.display()))),
        false => Ok(suites),
    }
}

/// Loads a file of the user's; where it stands in a vendor's folder, after the requirements of that.
pub fn load_path(path: &Path) -> Result<Suite, LoadError> {
    let shown = path.display().to_string();
    // A suite of a vendor's folder speaks of the requirements beside it.
    let embedded = |folder: &Path| {
        let name = folder.file_name().and_then(|n| n.to_str());
        name.is_some_and(|n| Catalogue::embedded().folder(n).is_some())
    };
    if let Some(folder) = path.parent().filter(|f| Folder::is_one(f) && !embedded(f)) {
        Catalogue::extend(folder).map_err(|e| LoadError::Folder(e.to_string()))?;
    }
    let text = std::fs::read_to_string(path).map_err(|error| LoadError::Io { path: shown.clone(), error })?;
    load_text(&shown, &text)
}

/// Parses and checks a suite.
pub fn load_text(file: &str, text: &str) -> Result<Suite, LoadError> {
    let parsed: SuiteFile = yaml::parse(file, text)?;
    let mut linter = Linter { file, text, catalogue: Catalogue::known(), lints: Vec::new() };
    linter.suite(&parsed);
    if !linter.lints.is_empty() {
        return Err(LoadError::Lints(linter.lints));
    }
    Ok(Suite { file: file.to_owned(), name: parsed.suite.value, title: parsed.title, cases: parsed.cases })
}

struct Linter<'a> {
    file: &'a str,
    text: &'a str,
    catalogue: &'a Catalogue,
    lints: Vec<Lint>,
}

impl Linter<'_> {
    fn add(&mut self, at: &Location, message: impl AsRef<str>) {
        let rendered = yaml::at(self.file, self.text, at.line() as usize, at.column() as usize, message.as_ref());
        self.lints.push(Lint { rendered });
    }

    /// As [`Linter::add`], at the first `word` behind the place, so that the line shown is the line at fault.
    fn add_at_word(&mut self, at: &Location, word: &str, message: impl AsRef<str>) {
        let (mut line, mut column) = (at.line() as usize, at.column() as usize);
        for (number, text) in self.text.lines().enumerate().skip(line.saturating_sub(1)).filter(|_| !word.is_empty()) {
            let from = if number + 1 == at.line() as usize { column.saturating_sub(1) } else { 0 };
            let start = text.char_indices().nth(from).map_or(text.len(), |(i, _)| i);
            if let Some(found) = text[start..].find(word) {
                (line, column) = (number + 1, text[..start + found].chars().count() + 1);
                break;
            }
        }
        self.lints.push(Lint { rendered: yaml::at(self.file, self.text, line, column, message.as_ref()) });
    }

    fn suite(&mut self, suite: &SuiteFile) {
        if suite.cases.is_empty() {
            self.add(&suite.suite.referenced, "a suite without cases would pass without testing anything");
        }
        let mut ids = HashSet::new();
        for case in &suite.cases {
            if !ids.insert(case.id.value.as_str()) {
                self.add(&case.id.referenced, format!("the case {:?} stands twice in this suite", case.id.value));
            }
            self.case(case);
        }
    }

    fn case(&mut self, case: &Case) {
        let at = &case.id.referenced;
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if case.id.value.is_empty() || !case.id.value.chars().all(kebab) {
            self.add(at, "a case id is made of lower-case letters, digits and dashes");
        }
        if case.requirements.is_empty() {
            self.add(at, "a case names at least one requirement; `dcrspec list requirements` lists them");
        }
        for requirement in &case.requirements {
            self.requirement(requirement);
        }
        if case.steps.is_empty() {
            self.add(at, "a case without steps would pass without testing anything");
        }
        let mut names: Vec<&str> = vec!["control"];
        if let Some(super::Control::Register(action)) = &case.control {
            self.register(at, action, &[]);
        }
        for step in &case.steps {
            self.step(case, step, &names);
            if let Some(id) = &step.value.id {
                if names.contains(&id.as_str()) {
                    self.add(&step.referenced, format!("two steps are called {id:?}"));
                }
                names.push(id);
            }
        }
    }

    fn requirement(&mut self, id: &Spanned<String>) {
        if self.catalogue.get(&id.value).is_none() {
            let near = self.catalogue.nearest(&id.value);
            let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
            self.add(&id.referenced, format!("no requirement has the id {:?}{hint}", id.value));
        }
    }

    fn step(&mut self, case: &Case, step: &Spanned<Step>, names: &[&str]) {
        let (at, step) = (&step.referenced, &step.value);
        let actions = [
            step.register.is_some(),
            step.read.is_some(),
            step.update.is_some(),
            step.delete.is_some(),
            step.token.is_some(),
            step.introspect.is_some(),
            step.authorize.is_some(),
            step.request.is_some(),
            step.together.is_some(),
        ];
        if actions.iter().filter(|a| **a).count() != 1 {
            self.add(
                at,
                "each step has exactly one action: register, read, update, delete, token, introspect, authorize, request or together",
            );
        }
        if let Some(action) = &step.register {
            self.register(at, action, names);
        }
        let clients = [
            step.read.as_ref().map(|c| &c.client),
            step.read.as_ref().and_then(|c| c.another.as_ref()),
            step.update.as_ref().map(|c| &c.client),
            step.update.as_ref().and_then(|c| c.another.as_ref()),
            step.delete.as_ref().map(|c| &c.client),
            step.delete.as_ref().and_then(|c| c.another.as_ref()),
            step.request.as_ref().and_then(|c| c.client.as_ref()),
            step.token.as_ref().map(|c| &c.client),
            step.introspect.as_ref().map(|c| &c.client),
            step.introspect.as_ref().map(|c| &c.token_of),
            step.authorize.as_ref().map(|c| &c.client),
        ];
        for client in clients.into_iter().flatten() {
            if !names.contains(&client.value.as_str()) {
                self.add(&client.referenced, format!("no earlier step is called {:?}", client.value));
            }
        }
        for one in step.together.iter().flatten() {
            let clients = [
                one.read.as_ref().map(|c| &c.client),
                one.update.as_ref().map(|c| &c.client),
                one.delete.as_ref().map(|c| &c.client),
            ];
            let [client] = clients.into_iter().flatten().collect::<Vec<_>>()[..] else {
                self.add(at, "each part of `together` has exactly one action: read, update or delete");
                continue;
            };
            if !names.contains(&client.value.as_str()) {
                self.add(&client.referenced, format!("no earlier step is called {:?}", client.value));
            }
            for value in one.update.iter().flat_map(|u| u.with.values()) {
                self.value_variables(at, value, names);
            }
        }
        if step.together.as_ref().is_some_and(|t| t.len() != 2) || (step.together.is_some() && step.expect.is_some()) {
            self.add(at, "`together` holds two requests, and no expectation: the rules judge what comes out");
        }
        let tokens = [
            step.read.as_ref().map(|c| (c.token, c.another.is_some())),
            step.update.as_ref().map(|c| (c.token, c.another.is_some())),
            step.delete.as_ref().map(|c| (c.token, c.another.is_some())),
        ];
        if tokens.into_iter().flatten().any(|(token, other)| (token == Some(TokenWord::Another)) != other) {
            self.add(at, "`token: another` and `another: STEP` stand together");
        }
        for value in step.update.iter().flat_map(|u| u.with.values()) {
            self.value_variables(at, value, names);
        }
        if let Some(uri) = step.authorize.as_ref().and_then(|a| a.redirect_uri.as_ref()) {
            self.variables(at, uri, names);
        }
        if let Some(query) = step.request.as_ref().and_then(|r| r.query.as_ref()) {
            self.variables(at, query, names);
        }
        if let Some(expect) = &step.expect {
            self.expect(at, case, expect, names, true);
        }
    }

    fn register(&mut self, at: &Location, action: &RegisterAction, names: &[&str]) {
        let whole = [action.body.is_some(), action.raw.is_some()].iter().filter(|b| **b).count();
        if whole > 1 || (whole == 1 && (!action.with.is_empty() || !action.omit.is_empty())) {
            self.add(at, "`body` and `raw` replace the base client, so neither goes with the other, `with` or `omit`");
        }
        if action.raw.is_some() && action.transform.is_some() {
            self.add(at, "`transform` rewrites JSON and does not go with `raw`");
        }
        if action.plaintext && (action.tls.is_some() || action.auth.is_some()) {
            self.add(
                at,
                "`plaintext` goes without TLS and without credentials, so neither `tls` nor `auth` goes with it",
            );
        }
        if let Some(raw) = &action.raw {
            self.variables(at, raw, names);
        }
        for value in action.with.values().chain(action.body.iter().flat_map(|b| b.values())) {
            self.value_variables(at, value, names);
        }
    }

    fn expect(&mut self, step: &Location, case: &Case, expect: &Expect, names: &[&str], outermost: bool) {
        let at = expect.requirement.as_ref().map_or(step, |r| &r.referenced).to_owned();
        let words = [
            expect.created.is_some(),
            expect.rejected.is_some(),
            expect.status.is_some(),
            expect.equivalent.is_some(),
            expect.any_of.is_some(),
        ];
        if words.iter().filter(|w| **w).count() != 1 {
            self.add(&at, "an expectation is exactly one of created, rejected, status, equivalent and any-of");
        }
        match &expect.requirement {
            Some(id) if !case.requirements.iter().any(|r| r.value == id.value) => {
                self.add(&at, format!("the case does not list the requirement {:?}", id.value));
            }
            None if outermost && case.requirements.len() > 1 => {
                self.add(&at, "the case has several requirements, so each expectation names its own");
            }
            _ => {}
        }
        if let Some(name) = &expect.equivalent
            && !names.contains(&name.value.as_str())
        {
            self.add(&name.referenced, format!("no earlier step is called {:?}", name.value));
        }
        let bodies = [
            expect.created.as_ref().and_then(|c| c.body.as_ref()),
            expect.rejected.as_ref().and_then(|c| c.body.as_ref()),
            expect.status.as_ref().and_then(|c| c.body.as_ref()),
        ];
        let headers = expect.status.iter().flat_map(|s| s.headers.values());
        for schema in bodies.into_iter().flatten().chain(headers) {
            self.schema(&at, schema);
            self.value_variables(&at, schema, names);
        }
        for inner in expect.any_of.iter().flatten().chain(expect.given.as_deref()) {
            self.expect(&at, case, inner, names, false);
        }
    }

    fn schema(&mut self, at: &Location, schema: &Value) {
        for (word, fault) in crate::judge::schema_faults(schema) {
            self.add_at_word(at, &word, fault);
        }
    }

    fn value_variables(&mut self, at: &Location, value: &Value, names: &[&str]) {
        match value {
            Value::String(text) => self.variables(at, text, names),
            Value::Array(items) => items.iter().for_each(|v| self.value_variables(at, v, names)),
            Value::Object(map) => map.values().for_each(|v| self.value_variables(at, v, names)),
            _ => {}
        }
    }

    fn variables(&mut self, at: &Location, text: &str, names: &[&str]) {
        for name in super::variables::names(text) {
            if let Err(why) = super::variables::check(name, names) {
                self.add_at_word(at, &format!("${{{name}}}"), why);
            }
        }
    }
}
