//! What can be set for a target and a run. One struct is the flags of the command line, the keys of `dcrspec.toml`, the
//! variables `DCRSPEC_…` and the JSON Schema of the file: a new setting is a new field here, and its use.
//!
//! - The key is the long name of the flag, so `#[arg(long = "…")]` and `#[serde(rename = "…")]` go together.
//! - Fields of one `group` are alternatives: a higher layer that gives one of them hides the others below it.
//! - A `PathBuf` in a file is read relative to that file's folder.
//! - `writeOnly` in the schema marks a secret: it is never shown.

use std::path::PathBuf;

use clap::{ArgGroup, FromArgMatches, ValueEnum};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    config::CleanupSettings,
    units::{Rate, Time},
};
use crate::spec::{Capability, FailOn};

const RUN: &str = "What to run";
const TALK: &str = "How to talk to the target";
const CLEAN: &str = "Clean-up";
const REPORTS: &str = "Reports";

/// The settings in force, or those that one layer gives.
#[derive(Clone, clap::Args, Serialize, Deserialize, JsonSchema)]
#[command(group = ArgGroup::new("target").multiple(true))]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The registration endpoint
    #[arg(value_name = "URL", group = "target")]
    pub url: Option<String>,
    /// Find the endpoint in this issuer's metadata (RFC 8414 or OpenID Connect Discovery)
    #[arg(long, value_name = "URL", group = "target")]
    pub issuer: Option<String>,

    /// The path of the endpoint, where the URL is an origin alone
    #[arg(long, value_name = "PATH", help_heading = TALK)]
    pub endpoint_path: Option<String>,

    /// Run only this suite (name or beginning of a name), the suite in this file, or those in this folder
    #[arg(long, value_name = "NAME|PATH", help_heading = RUN)]
    pub suite: Vec<String>,
    /// Run only the cases whose id fits (`*` for any characters)
    #[arg(long = "case", value_name = "GLOB", help_heading = RUN)]
    #[serde(rename = "case")]
    pub cases: Vec<String>,
    /// Run cases that could touch other users, too
    #[arg(long = "unsafe", help_heading = RUN)]
    #[serde(rename = "unsafe")]
    pub allow_unsafe: bool,
    /// Register no more clients than this in all; cases share them, and those that need more are dropped
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = RUN)]
    #[schemars(range(min = 1))]
    pub max_clients: Option<u64>,
    /// Declare a capability that no probe can find out
    #[arg(long, value_name = "CAPABILITY", help_heading = RUN)]
    pub declare: Vec<Capability>,
    /// The levels at which a broken finding fails the run
    #[arg(long, value_name = "LEVELS", default_value = "must,security", help_heading = RUN)]
    pub fail_on: FailOn,
    /// Makes the words in payloads the same in every run
    #[arg(long, value_name = "N", help_heading = RUN)]
    pub seed: Option<u64>,

    /// The initial access token; --token-env, --token-file and --token-command keep it out of the process list
    #[arg(long, value_name = "TOKEN", group = "tokens", help_heading = TALK)]
    #[schemars(extend("writeOnly" = true))]
    pub token: Option<String>,
    /// Read the initial access token from this environment variable
    #[arg(long, value_name = "VAR", group = "tokens", help_heading = TALK)]
    pub token_env: Option<String>,
    /// Read the initial access token from this file
    #[arg(long, value_name = "FILE", group = "tokens", help_heading = TALK)]
    pub token_file: Option<PathBuf>,
    /// Take the initial access token from what this shell command prints
    #[arg(long, value_name = "COMMAND", group = "tokens", help_heading = TALK)]
    pub token_command: Option<String>,
    /// Sign software statements with this private key (PEM), which the target trusts
    #[arg(long, value_name = "FILE", help_heading = TALK)]
    pub statement_key: Option<PathBuf>,
    /// The issuer of those statements
    #[arg(long, value_name = "ISS", help_heading = TALK)]
    pub statement_issuer: Option<String>,
    /// The key id in their header, where the target needs one
    #[arg(long, value_name = "KID", help_heading = TALK)]
    pub statement_kid: Option<String>,
    /// Metadata that the target accepts, as JSON
    #[arg(long, value_name = "FILE", help_heading = TALK)]
    pub client: Option<PathBuf>,
    /// A header field for every request
    #[arg(long = "header", value_name = "NAME: VALUE", help_heading = TALK)]
    #[serde(rename = "header")]
    #[schemars(extend("writeOnly" = true))]
    pub headers: Vec<String>,
    /// The longest that one exchange may take
    #[arg(long, value_name = "TIME", default_value = "10s", help_heading = TALK)]
    pub timeout: Time,
    /// The most requests a second; 10 unless given, no limit in-process
    #[arg(long, value_name = "N/s", help_heading = TALK)]
    pub rate: Option<Rate>,
    /// How long rate limits (429, 503) are waited out, in all
    #[arg(long, value_name = "TIME", default_value = "60s", help_heading = TALK)]
    pub wait: Time,
    /// Trust the certificates in this PEM file as well
    #[arg(long, value_name = "FILE", help_heading = TALK)]
    pub ca: Option<PathBuf>,
    /// Present the client certificate in this PEM file (mutual TLS)
    #[arg(long, value_name = "FILE", help_heading = TALK)]
    pub cert: Option<PathBuf>,
    /// The private key of that certificate (PEM)
    #[arg(long, value_name = "FILE", help_heading = TALK)]
    pub key: Option<PathBuf>,
    /// Connect to this address instead of what the name resolves to
    #[arg(long, value_name = "HOST:PORT:ADDR", help_heading = TALK)]
    pub resolve: Vec<String>,
    /// Do not verify the server's certificate
    #[arg(long, help_heading = TALK)]
    pub insecure: bool,
    /// Send registration access tokens to this origin too
    #[arg(long, value_name = "URL", help_heading = TALK)]
    pub allow_origin: Vec<String>,

    /// Keep the list of registered clients in this file
    #[arg(long, value_name = "FILE", help_heading = CLEAN)]
    pub ledger: Option<PathBuf>,
    /// Leave the registered clients where they are
    #[arg(long, help_heading = CLEAN)]
    pub no_cleanup: bool,
    /// How a client is deleted that its registration access token cannot delete
    #[arg(skip)]
    pub cleanup: Option<CleanupSettings>,

    /// Write the report as JSON (- for stdout)
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub json: Option<PathBuf>,
    /// Write the report as JUnit XML (- for stdout)
    #[arg(long, value_name = "FILE", help_heading = REPORTS)]
    pub junit: Option<PathBuf>,
    /// Keep the exchanges of findings, or all of them, in the JSON report
    #[arg(long, value_name = "WHICH", default_value = "findings", help_heading = REPORTS)]
    pub exchanges: Exchanges,
    /// Show notes and every verdict
    #[arg(long, short, help_heading = REPORTS)]
    pub verbose: bool,
}

/// Does not show the values: tokens are among them. `dcrspec config` shows the others.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Settings")
    }
}

/// Which exchanges the JSON report keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Exchanges {
    Findings,
    All,
}

impl Settings {
    /// The flags, to ask for their names, groups and types.
    pub fn command() -> clap::Command {
        let bare = clap::Command::new("dcrspec").no_binary_name(true).disable_help_flag(true);
        let mut command = <Settings as clap::Args>::augment_args(bare);
        command.build();
        command
    }
}

/// What holds when nothing is set.
impl Default for Settings {
    fn default() -> Settings {
        let matches = Settings::command().get_matches_from(std::iter::empty::<&str>());
        Settings::from_arg_matches(&matches).expect("no setting is required")
    }
}
