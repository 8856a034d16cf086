//! The server to fuzz, or to ask again, and how to talk to it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value};

use super::super::{Stop, usage};
use crate::{
    run,
    target::{StatementKey, Target},
    wire::{HttpSettings, Ledger, Transport},
};

#[derive(clap::Args)]
pub struct TargetArgs {
    /// The registration endpoint
    #[arg(value_name = "URL", conflicts_with = "reference")]
    pub url: Option<String>,
    /// The reference server, in-process
    #[arg(long)]
    pub reference: bool,
    /// Give the reference server a defect
    #[arg(long, value_name = "ID", requires = "reference")]
    pub defect: Vec<String>,

    /// The initial access token; --token-env and --token-file keep it out of the process list
    #[arg(long, value_name = "TOKEN", group = "tokens", help_heading = "How to talk to the target")]
    token: Option<String>,
    /// Read the initial access token from this environment variable
    #[arg(long, value_name = "VAR", group = "tokens", help_heading = "How to talk to the target")]
    token_env: Option<String>,
    /// Read the initial access token from this file
    #[arg(long, value_name = "FILE", group = "tokens", help_heading = "How to talk to the target")]
    token_file: Option<PathBuf>,
    /// Sign software statements with this private key (PEM), which the target trusts
    #[arg(long, value_name = "FILE", requires = "statement_issuer", help_heading = "How to talk to the target")]
    statement_key: Option<PathBuf>,
    /// The issuer of those statements
    #[arg(long, value_name = "ISS", requires = "statement_key", help_heading = "How to talk to the target")]
    statement_issuer: Option<String>,
    /// Metadata that the target accepts, as JSON
    #[arg(long, value_name = "FILE", help_heading = "How to talk to the target")]
    client: Option<PathBuf>,
    /// A header field for every request
    #[arg(long = "header", value_name = "NAME: VALUE", help_heading = "How to talk to the target")]
    headers: Vec<String>,
    /// The longest that one exchange may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, help_heading = "How to talk to the target")]
    timeout: Duration,
    /// The most requests a second; 10 unless given, no limit in-process
    #[arg(long, value_name = "N/s", value_parser = rate, help_heading = "How to talk to the target")]
    rate: Option<f64>,
    /// How long rate limits (429, 503) are waited out, in all
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration, help_heading = "How to talk to the target")]
    wait: Duration,
    /// Trust the certificates in this PEM file as well
    #[arg(long, value_name = "FILE", help_heading = "How to talk to the target")]
    ca: Option<PathBuf>,
    /// Do not verify the server's certificate
    #[arg(long, help_heading = "How to talk to the target")]
    insecure: bool,
    /// Send registration access tokens to this origin too
    #[arg(long, value_name = "URL", help_heading = "How to talk to the target")]
    allow_origin: Vec<String>,

    /// Keep the list of registered clients in this file
    #[arg(long, value_name = "FILE", help_heading = "Clean-up")]
    ledger: Option<PathBuf>,
    /// Leave the registered clients where they are
    #[arg(long, help_heading = "Clean-up")]
    no_cleanup: bool,
}

impl TargetArgs {
    /// What a campaign shares with a conformance run.
    pub fn run_options(&self, seed: u64) -> run::Options {
        run::Options {
            rate: self.rate,
            wait_budget: self.wait,
            clean_up: !self.no_cleanup,
            seed,
            ..run::Options::default()
        }
    }

    /// The target that the URL names.
    pub fn target(&self) -> Result<Target, Stop> {
        let url = self
            .url
            .as_ref()
            .ok_or_else(|| usage("no target: give the registration endpoint's URL, or --reference"))?;
        let parsed =
            url::Url::parse(url).map_err(|e| usage(format!("{url:?} is no URL ({e}); write https://host/path")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(usage(format!("{url:?} is no http or https URL")));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(usage("the URL holds a user name or password; give credentials with --header or --token-env"));
        }
        let mut settings = HttpSettings::default().with_timeout(self.timeout);
        settings.insecure = self.insecure;
        if let Some(path) = &self.ca {
            settings.extra_root_ca_pem = Some(read(path)?);
        }
        let mut target = Target::new(url.clone(), Transport::http(settings).map_err(usage)?);
        target.token = self.token()?;
        if let (Some(path), Some(issuer)) = (&self.statement_key, &self.statement_issuer) {
            let key = StatementKey::from_pem(&read(path)?, issuer);
            target.statement_key = Some(key.map_err(|e| usage(format!("{} {e}", path.display())))?);
        }
        target.allowed_origins = self.allow_origin.clone();
        target.client = self.client.as_deref().map(client).transpose()?;
        for header in &self.headers {
            let parts = header.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
            let valid = |(name, value): &(&str, &str)| {
                http::HeaderName::from_bytes(name.as_bytes()).is_ok() && http::HeaderValue::from_str(value).is_ok()
            };
            let (name, value) = parts.filter(valid).ok_or_else(|| {
                usage("a --header cannot be sent as it stands; write 'Name: value', without control characters")
            })?;
            target.headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(target)
    }

    /// The initial access token from wherever it is; never shown.
    fn token(&self) -> Result<Option<String>, Stop> {
        let token = if let Some(token) = &self.token {
            token.clone()
        } else if let Some(name) = &self.token_env {
            std::env::var(name).map_err(|_| {
                usage(format!("the environment variable {name} of --token-env is not set, or is not text"))
            })?
        } else if let Some(path) = &self.token_file {
            String::from_utf8(read(path)?).map_err(|_| usage(format!("{}: the token is not text", path.display())))?
        } else {
            return Ok(None);
        };
        let token = token.trim().to_owned();
        if token.is_empty() || !token.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
            return Err(usage(
                "the initial access token is empty, or holds a character that no Authorization header can carry",
            ));
        }
        Ok(Some(token))
    }

    /// The file that names the registered clients: where it was asked for, else with the user's state.
    pub fn ledger(&self) -> Result<Ledger, Stop> {
        let path = self.ledger.clone().unwrap_or_else(|| {
            let home = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
            let state = home("XDG_STATE_HOME")
                .or_else(|| home("HOME").map(|h| h.join(".local/state")))
                .unwrap_or_else(std::env::temp_dir);
            let now = jiff::Timestamp::now();
            state.join("dcrspec").join(format!("fuzz-{}-{}.ledger", now.as_second(), std::process::id()))
        });
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| {
                usage(format!(
                    "cannot make the folder {} for the ledger: {e}; --ledger FILE puts it elsewhere",
                    folder.display()
                ))
            })?;
        }
        Ledger::file(&path).map_err(|e| usage(format!("{e}; --ledger FILE puts it elsewhere")))
    }
}

/// Removes a ledger in which nothing is open, and names the others.
pub fn close(ledger: &mut Ledger, path: Option<&Path>) {
    match ledger.remove_if_clean() {
        Ok(true) => {}
        Ok(false) => {
            if let Some(path) = path.filter(|p| p.is_file()) {
                eprintln!(
                    "dcrspec: clients may stay behind; this names them, and tries to delete them: dcrspec cleanup {}",
                    path.display()
                );
            }
        }
        Err(why) => eprintln!("dcrspec: {}", crate::report::text::harmless(&why)),
    }
}

fn client(path: &Path) -> Result<Map<String, Value>, Stop> {
    match serde_json::from_slice(&read(path)?) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(usage(format!("{}: client metadata is one JSON object", path.display()))),
        Err(e) => Err(usage(format!("{}:{}:{}: {e}", path.display(), e.line(), e.column()))),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    std::fs::read(path).map_err(|e| usage(format!("cannot read {}: {e}", path.display())))
}

/// `10s`, `5m`, `24h`, `500ms`, or a bare number of seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[number.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        other => return Err(format!("{other:?} is no unit of time; write ms, s, m or h")),
    };
    let value: f64 = number.parse().map_err(|_| format!("{text:?} is no length of time; write 10s or 5m"))?;
    let seconds = value * unit;
    if !(0.001..=604_800.0).contains(&seconds) {
        return Err(format!("{text:?} is not between 1ms and a week"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// `10/s`, `30/m`, or a bare number a second.
fn rate(text: &str) -> Result<f64, String> {
    let (number, per) = match text.split_once('/') {
        None | Some((_, "s")) => (text.split('/').next().unwrap_or(text), 1.0),
        Some((number, "m" | "min")) => (number, 60.0),
        Some((_, other)) => return Err(format!("{other:?} is no unit; write 10/s or 30/m")),
    };
    match number.parse::<f64>() {
        Ok(n) if n > 0.0 && n.is_finite() => Ok(n / per),
        _ => Err(format!("{text:?} is no rate; write 10/s or 30/m")),
    }
}
