//! `dcrspec promote FINDING > case.yaml`: a finding becomes a case of a suite.

use std::path::PathBuf;

use super::super::{Done, print, usage};
use crate::{
    fuzz::{finding::Finding, promote::promote},
    report::Exit,
};

#[derive(clap::Args)]
pub struct Args {
    /// A file that `dcrspec fuzz --findings DIR` has written
    #[arg(value_name = "FINDING")]
    finding: PathBuf,
}

pub fn main(args: Args) -> Done {
    let finding = Finding::read(&args.finding).map_err(usage)?;
    print(&promote(&finding).map_err(usage)?);
    Ok(Exit::Clean)
}
