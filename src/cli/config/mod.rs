//! `dcrspec.toml`, and `dcrspec config`: what is in force, and where each value came from.

mod builtin;
mod cleanup;
mod file;
mod given;
mod layers;
mod schema;
mod show;
mod source;

use std::path::{Path, PathBuf};

pub use cleanup::{CleanupSettings, administration};
pub use given::Given;
pub use layers::{InForce, Layer, Origin};
pub use schema::json_schema;
pub use show::{Args, main};

use self::{file::ConfigFile, given::environment};
use super::{Stop, did_you_mean, settings::Settings, usage};

/// The file that is read where no other is named.
const FILE: &str = "dcrspec.toml";

/// Which settings are read besides flags and environment.
#[derive(Clone, Debug, clap::Args)]
pub struct Choice {
    /// Read settings from this file instead of ./dcrspec.toml
    #[arg(long, value_name = "FILE", env = "DCRSPEC_CONFIG", hide_env_values = true, help_heading = "Settings")]
    config: Option<PathBuf>,
    /// Use the settings of [profiles.NAME] in that file, too, or of a built-in profile (awork)
    #[arg(long, value_name = "NAME", env = "DCRSPEC_PROFILE", hide_env_values = true, help_heading = "Settings")]
    profile: Option<String>,
}

impl Choice {
    /// The settings in force: defaults, the file, its profile, the environment, and what flags gave.
    pub fn in_force(&self, given: Layer) -> Result<InForce, Stop> {
        let named = self.config.as_deref().filter(|p| !p.as_os_str().is_empty());
        let profile = self.profile.as_deref().filter(|p| !p.is_empty());
        let path = named.or_else(|| Some(Path::new(FILE)).filter(|p| p.is_file()));
        let file = path.map(ConfigFile::load).transpose().map_err(usage)?;
        let mut layers = vec![layers::defaults()];
        let mut source = None;
        let mut named = None;
        if let Some(mut file) = file {
            layers.push(std::mem::take(&mut file.top));
            named = profile.and_then(|p| file.profiles.remove(p));
            if profile.is_some() && named.is_none() && profile.is_some_and(|p| builtin::profile(p).is_none()) {
                return Err(unknown_profile(Some(&file), profile.unwrap_or_default()));
            }
            file.source.profile = profile.filter(|_| named.is_some()).map(str::to_owned);
            source = Some(file.source);
        } else if let Some(unknown) = profile.filter(|p| builtin::profile(p).is_none()) {
            return Err(unknown_profile(None, unknown));
        }
        // The file's own word on a built-in profile goes before it.
        layers.extend(profile.and_then(builtin::profile));
        layers.extend(named);
        layers.push(environment(|name| std::env::var_os(name))?);
        layers.push(given);
        InForce::new(source, layers)
    }
}

fn unknown_profile(file: Option<&ConfigFile>, profile: &str) -> Stop {
    let carried: Vec<&str> = builtin::names().collect();
    let mine: Vec<&str> = file.iter().flat_map(|f| f.profiles.keys()).map(String::as_str).collect();
    let near = crate::suite::nearest(
        profile,
        mine.iter().copied().chain(carried.iter().copied().filter(|c| !mine.contains(c))),
    );
    let carried = carried.join(", ");
    usage(match (file.map(|f| &f.source.name), near.is_empty(), mine.is_empty()) {
        (Some(name), false, _) => format!("{name} has no profile {profile:?}{}", did_you_mean(&near)),
        (Some(name), true, false) => format!("{name} has no profile {profile:?}; it has {}", mine.join(", ")),
        (Some(name), true, true) => {
            format!("{name} has no profiles; write [profiles.{profile}], or take a built-in one: {carried}")
        }
        (None, false, _) => {
            format!("there is no ./{FILE} to hold the profile {profile:?}{}", did_you_mean(&near))
        }
        (None, true, _) => format!(
            "there is no ./{FILE} to hold the profile {profile:?}; --config FILE names another file, and built in is {carried}"
        ),
    })
}

/// What the owner of the settings may not have meant.
pub fn hints(force: &InForce) -> Vec<String> {
    let mut hints = Vec::new();
    if let origin @ Origin::File { .. } = force.origin("token") {
        hints.push(format!("{origin}: the token stands in the file; token-env or token-file keeps it out of there"));
    }
    let target = if force.settings.url.is_some() { "url" } else { "issuer" };
    if matches!(force.origin(target), Origin::Flag(_)) {
        for key in CREDENTIALS {
            if let Some((_, origin @ Origin::File { .. })) = force.get(key) {
                hints.push(format!("{origin}: {key} is sent to the target of the command line, too"));
            }
        }
    }
    let command = Settings::command();
    let known: Vec<String> = layers::keys(&command).iter().map(|(key, _)| given::variable(key)).collect();
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|n| n.starts_with("DCRSPEC_")) else { continue };
        if known.iter().any(|k| k == name) || matches!(name, "DCRSPEC_CONFIG" | "DCRSPEC_PROFILE") {
            continue;
        }
        // What is only near to a setting is told and nothing more: the variable may be another program's.
        let near: Vec<&str> = known.iter().map(String::as_str).filter(|k| near(name, k)).collect();
        if !near.is_empty() {
            hints.push(format!("{name} is no setting and is not read{}", did_you_mean(&near)));
        }
    }
    hints
}

/// What goes to the target and proves something.
const CREDENTIALS: [&str; 5] = ["token", "token-env", "token-file", "token-command", "header"];

/// Whether a name looks like a slip of another.
fn near(name: &str, other: &str) -> bool {
    let stem = |n: &str| n.trim_start_matches("DCRSPEC_").to_owned();
    crate::suite::nearest(&stem(name), std::iter::once(stem(other).as_str())).len() == 1
        && name.len().abs_diff(other.len()) <= 2
}
