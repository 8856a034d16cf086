//! `dcrspec new-profile NAME`: the files of a vendor profile, to be filled in.

use std::path::{Path, PathBuf};

use super::{Done, print, usage};
use crate::{report::Exit, spec::Catalogue};

#[derive(clap::Args)]
pub struct Args {
    /// The name of the profile: lower-case letters, digits and dashes
    name: String,
    /// The folder to make; NAME in the working directory unless given
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Where each file goes, and what stands in it; NAME is replaced in both.
const FILES: [(&str, &str); 5] = [
    ("dcrspec.toml", include_str!("template/dcrspec.toml")),
    ("suites/NAME/spec.yaml", include_str!("template/spec.yaml")),
    ("suites/NAME/requirements.yaml", include_str!("template/requirements.yaml")),
    ("suites/NAME/registration.yaml", include_str!("template/registration.yaml")),
    ("suites/NAME/registration-response.schema.json", include_str!("template/registration-response.schema.json")),
];

pub fn main(args: Args) -> Done {
    let name = args.name.as_str();
    let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(kebab) || name.ends_with('-') {
        return Err(usage(format!(
            "{name:?} is no name for a profile: write lower-case letters, digits and dashes, such as acme"
        )));
    }
    if Catalogue::embedded().folder(name).is_some() {
        return Err(usage(format!("{name} is the name of suites that dcrspec carries; choose another")));
    }
    let folder = args.folder.unwrap_or_else(|| PathBuf::from(name));
    if folder.exists() {
        return Err(usage(format!("{} is there already, and nothing in it is overwritten", folder.display())));
    }
    let mut made = String::new();
    for (path, text) in FILES {
        let path = folder.join(path.replace("NAME", name));
        write(&path, &text.replace("NAME", name).replace("VARIABLE", &name.replace('-', "_").to_ascii_uppercase()))
            .map_err(|e| usage(format!("cannot write {}: {e}", path.display())))?;
        made.push_str(&format!("{}\n", path.display()));
    }
    made.push_str(&format!(
        "\nNext: write what the documentation says into suites/{name}, then\n  cd {}\n  dcrspec check suites/{name}\n  \
         dcrspec run https://HOST --profile {name}\n",
        folder.display()
    ));
    print(&made);
    Ok(Exit::Clean)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}
