//! A folder of suites: what a specification or a vendor's documentation is, its requirements, its cases, and schemas of its
//! messages.

use std::path::Path;

/// A file of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name in the folder.
    pub name: String,
    /// How messages call it.
    pub shown: String,
    /// What stands in it.
    pub text: String,
}

/// The texts of one folder, by which its requirements, suites and schemas are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The name of the folder: the family of its requirements, and the first part of the names of its suites.
    pub name: String,
    /// How messages call it.
    pub place: String,
    files: Vec<File>,
}

impl Folder {
    /// Whether two folders say the same, wherever they are.
    pub fn says_the_same(&self, other: &Folder) -> bool {
        let texts = |folder: &Folder| folder.files.iter().map(|f| (f.name.clone(), f.text.clone())).collect::<Vec<_>>();
        self.name == other.name && texts(self) == texts(other)
    }
}

/// A folder that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {message}")]
pub struct FolderError {
    place: String,
    message: String,
}

impl Folder {
    /// The folders that this build carries.
    pub fn embedded() -> Vec<Folder> {
        let folder = |dir: &include_dir::Dir<'static>| {
            let place = format!("suites/{}", dir.path().display());
            let file = |file: &include_dir::File<'static>| {
                let name = file.path().file_name()?.to_str()?.to_owned();
                let text = file.contents_utf8().expect("embedded suites are UTF-8").to_owned();
                Some(File { shown: format!("{place}/{name}"), name, text })
            };
            let mut files: Vec<File> = dir.files().filter_map(file).collect();
            files.sort_by(|a, b| a.name.cmp(&b.name));
            Folder { name: dir.path().display().to_string(), place, files }
        };
        super::SUITES.dirs().map(folder).collect()
    }

    /// Reads the YAML and JSON files of a folder.
    pub fn read(path: &Path) -> Result<Folder, FolderError> {
        let place = path.display().to_string();
        let fault = |message: String| FolderError { place: place.clone(), message };
        let whole = path.canonicalize().map_err(|e| fault(format!("cannot be read: {e}")))?;
        let name = whole.file_name().and_then(|n| n.to_str()).map(str::to_owned);
        let name = name.ok_or_else(|| fault("the name of the folder is not text".into()))?;
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(|e| fault(format!("cannot be read: {e}")))? {
            let path = entry.map_err(|e| fault(format!("cannot be read: {e}")))?.path();
            let Some(name) = path.file_name().and_then(|n| n.to_str()).map(str::to_owned) else { continue };
            if !path.is_file() || !(name.ends_with(".yaml") || name.ends_with(".json")) {
                continue;
            }
            let shown = path.display().to_string();
            let text = std::fs::read_to_string(&path)
                .map_err(|e| FolderError { place: shown.clone(), message: format!("cannot be read: {e}") })?;
            files.push(File { name, shown, text });
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Folder { name, place, files })
    }

    /// A file by its name.
    pub fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|f| f.name == name)
    }

    /// The suites of the folder, by name.
    pub fn suites(&self) -> impl Iterator<Item = &File> {
        let apart = ["requirements.yaml", "spec.yaml"];
        self.files.iter().filter(move |f| f.name.ends_with(".yaml") && !apart.contains(&f.name.as_str()))
    }

    /// Whether a path is a folder of this kind.
    pub fn is_one(path: &Path) -> bool {
        path.join("requirements.yaml").is_file()
    }
}
