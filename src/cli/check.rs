//! `dcrspec check FILE…`: suite files, without sending anything.

use std::path::PathBuf;

use super::{Done, print, usage};
use crate::{report::Exit, suite};

#[derive(clap::Args)]
pub struct Args {
    /// Suite files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub fn main(args: Args) -> Done {
    let mut faults = Vec::new();
    for file in &args.files {
        match suite::load_path(file) {
            Ok(suite) => {
                let cases = suite.cases.len();
                let plural = if cases == 1 { "" } else { "s" };
                print(&format!("{}: {cases} case{plural}, nothing wrong\n", file.display()));
            }
            Err(error) => faults.push(error.to_string()),
        }
    }
    if faults.is_empty() { Ok(Exit::Clean) } else { Err(usage(faults.join("\n"))) }
}
