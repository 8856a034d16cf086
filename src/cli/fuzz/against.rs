//! `--against URL`: the second of two deployments that are compared.

use std::path::{Path, PathBuf};

use super::{
    super::{
        Stop,
        run::{close_ledger, open_ledger, target::target as target_of},
    },
    target::TargetArgs,
};
use crate::{target::Target, wire::Ledger};

#[derive(clap::Args)]
pub struct AgainstArgs {
    /// Send the same inputs to a second deployment, and find what the two answer differently; any difference ends with 1
    #[arg(long, value_name = "URL", help_heading = "What is sent")]
    pub against: Option<String>,
    /// The environment variable that holds the second one's initial access token; that of the first is not sent to it
    #[arg(long, value_name = "VAR", help_heading = "What is sent")]
    against_token_env: Option<String>,
}

impl AgainstArgs {
    /// The second target and its ledger, which stands beside the first one's; `url` is used where none was given.
    pub fn open(&self, args: &TargetArgs, url: Option<&str>, first: &Ledger) -> Result<Option<(Target, Ledger)>, Stop> {
        let Some(url) = self.against.as_deref().or(url) else { return Ok(None) };
        let force = args.in_force_at(url, self.against_token_env.as_deref())?;
        let mut target = target_of(&force)?;
        // What administers the first says nothing of the second.
        target.administration = None;
        // Credentials go where their owner sends them: settings and flags name those of the first.
        target.headers.clear();
        if self.against_token_env.is_none() {
            target.token = None;
        }
        let ledger = open_ledger(first.path().map(beside).or(force.settings.ledger))?;
        Ok(Some((target, ledger)))
    }
}

/// Ends the second ledger as the first is ended.
pub fn close(ledger: Option<&mut Ledger>, named: bool) {
    if let Some(ledger) = ledger {
        close_ledger(ledger, named);
    }
}

/// `a.ledger` as `a-against.ledger`.
fn beside(path: &Path) -> PathBuf {
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    let dot = if path.extension().is_some() { "." } else { "" };
    path.with_file_name(format!("{}-against{dot}{}", part(path.file_stem()), part(path.extension())))
}
