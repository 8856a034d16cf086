//! `dcrspec check FILE…`: suite files and folders, without sending anything.

use std::path::PathBuf;

use super::{Done, print, usage};
use crate::{report::Exit, suite};

#[derive(clap::Args)]
pub struct Args {
    /// Suite files, or folders of a vendor with its requirements, suites and schemas
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub fn main(args: Args) -> Done {
    let mut faults = Vec::new();
    for file in &args.files {
        let loaded =
            if file.is_dir() { suite::load_folder(file) } else { suite::load_path(file).map(|suite| vec![suite]) };
        for suite in loaded.unwrap_or_else(|error| {
            faults.push(error.to_string());
            Vec::new()
        }) {
            let cases = suite.cases.len();
            let plural = if cases == 1 { "" } else { "s" };
            print(&format!("{}: {cases} case{plural}, nothing wrong\n", suite.file));
        }
    }
    if faults.is_empty() { Ok(Exit::Clean) } else { Err(usage(faults.join("\n"))) }
}
