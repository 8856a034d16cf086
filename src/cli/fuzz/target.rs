//! The server to fuzz, or to ask again: settings as for `dcrspec run`, or the reference server.

use super::super::{
    Stop,
    config::{Choice, Given, InForce},
    run::{choose_suites, target::target as target_of},
    units::Rate,
    usage,
};
use crate::{run, suite, target::Target};

#[derive(clap::Args)]
pub struct TargetArgs {
    /// The reference server, in-process
    #[arg(long, conflicts_with_all = ["url", "issuer"])]
    pub reference: bool,
    /// Give the reference server a defect
    #[arg(long, value_name = "ID", requires = "reference", conflicts_with_all = ["url", "issuer"])]
    pub defect: Vec<String>,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    given: Given,
}

/// Settings of conformance runs that mean nothing here.
const OF_RUNS: [&str; 4] = ["suite", "case", "unsafe", "exchanges"];

/// Takes what is about suites out of a help text.
pub fn without_suites(arg: clap::Arg) -> clap::Arg {
    if arg.get_long().is_some_and(|long| OF_RUNS.contains(&long)) { arg.hide(true) } else { arg }
}

impl TargetArgs {
    /// The settings in force, with `url` in place of one that was not given.
    pub fn in_force(&self, url: Option<&str>) -> Result<(InForce, bool), Stop> {
        let mut given = self.given.0.clone();
        if let Some(flag) = OF_RUNS.iter().find(|flag| given.contains_key(**flag)) {
            return Err(usage(format!("--{flag} is about suites, and means nothing here")));
        }
        let rate_given = given.contains_key("rate");
        if let Some(url) = url.filter(|_| !given.contains_key("url") && !given.contains_key("issuer")) {
            let origin = super::super::config::Origin::Flag("the finding".into());
            given.insert("url".into(), (serde_json::Value::String(url.to_owned()), origin));
        }
        Ok((self.choice.in_force(given)?, rate_given))
    }

    /// The settings for a second deployment at `url`, with the token of a variable of its own.
    pub fn in_force_at(&self, url: &str, token_env: Option<&str>) -> Result<InForce, Stop> {
        let flag = |name: &str| super::super::config::Origin::Flag(name.into());
        let mut given = self.given.0.clone();
        given.remove("issuer");
        given.insert("url".into(), (url.into(), flag("--against")));
        if let Some(name) = token_env {
            given.retain(|key, _| !key.starts_with("token"));
            given.insert("token-env".into(), (name.into(), flag("--against-token-env")));
        }
        self.choice.in_force(given)
    }

    /// The target that the settings describe, held against the documentation of the vendors whose suites they name.
    pub fn target(&self, force: &InForce) -> Result<Target, Stop> {
        let vendors = suite::vendors(&choose_suites(force, false)?);
        Ok(Target { vendors, ..target_of(force)? })
    }

    /// What a campaign shares with a conformance run.
    pub fn run_options(&self, force: &InForce, rate_given: bool, seed: u64) -> run::Options {
        let settings = &force.settings;
        run::Options {
            fail_on: settings.fail_on.clone(),
            // The rate in a file is that of a deployment; in this process it would only cost time.
            rate: settings.rate.as_ref().filter(|_| rate_given || !self.reference).map(Rate::per_second),
            wait_budget: settings.wait.get(),
            clean_up: !settings.no_cleanup,
            seed,
            max_clients: settings.max_clients,
            ..run::Options::default()
        }
    }
}
