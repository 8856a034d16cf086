//! `[cleanup]`: how a client is deleted at a server that gives no registration access token for it.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InForce;
use crate::{
    cli::{
        Stop,
        run::target::{bearer, headers, initial_access_token, token_of_file, token_of_variable, transport},
        units::Rate,
    },
    run::Administration,
    target::origin,
};

/// A request to the server's own administration interface, or a command, that deletes one client. `${client_id}` stands
/// for its identifier.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CleanupSettings {
    /// Where the request goes; `${client_id}` is percent-encoded. A path is below the origin of the target
    pub url: Option<String>,
    /// The method of that request; DELETE unless given
    pub method: Option<String>,
    /// Header fields of the request, as "Name: value"
    #[schemars(extend("writeOnly" = true))]
    pub header: Vec<String>,
    /// Send the initial access token of the target, where the request goes to the target's own origin
    pub target_token: bool,
    /// The bearer token of the request; token-env or token-file keeps it out of this file
    #[schemars(extend("writeOnly" = true))]
    pub token: Option<String>,
    /// Read that token from this environment variable
    pub token_env: Option<String>,
    /// Read that token from this file
    pub token_file: Option<PathBuf>,
    /// A program and its arguments, run without a shell when the first request is due; it prints that token
    #[schemars(extend("writeOnly" = true))]
    pub token_command: Vec<String>,
    /// A program and its arguments, run without a shell for each client; DCRSPEC_CLIENT_ID holds its identifier, too
    pub command: Vec<String>,
    /// A URL, or a path below the origin of the target, that lists clients as JSON, to find those whose registration was never answered, by their software_id
    pub find: Option<String>,
}

/// Does not show the values: tokens are among them. `dcrspec config` shows the others.
impl std::fmt::Debug for CleanupSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CleanupSettings")
    }
}

impl CleanupSettings {
    /// Takes the paths as relative to the folder of the file that they stand in. A program without a slash is looked up.
    pub fn relative_to(&mut self, folder: &Path) {
        if let Some(file) = &mut self.token_file {
            *file = folder.join(&*file);
        }
        for command in [&mut self.command, &mut self.token_command] {
            if let Some(program) = command.first_mut().filter(|p| p.contains('/')) {
                *program = folder.join(&*program).display().to_string();
            }
        }
    }
}

/// How clients are deleted at the administration interface, where `[cleanup]` says so.
///
/// `place` is the URL of the target: paths are below its origin, and there alone its token is sent.
pub fn administration(force: &InForce, place: Option<&str>) -> Result<Option<Administration>, Stop> {
    let Some(cleanup) = &force.settings.cleanup else { return Ok(None) };
    let transport = transport(force)?;
    let own = place.and_then(origin);
    let token = if cleanup.target_token { initial_access_token(force)? } else { None };
    let made = below(cleanup, own.as_deref()).and_then(|cleanup| make(&cleanup, transport, own.as_deref(), token));
    let made = made.map_err(|why| force.blame("cleanup", format!("[cleanup]: {why}")))?;
    Ok(Some(made.with_pace(force.settings.rate.as_ref().map(Rate::per_second), force.settings.wait.get())))
}

/// The same with whole URLs in place of paths.
fn below(cleanup: &CleanupSettings, own: Option<&str>) -> Result<CleanupSettings, String> {
    let mut whole = cleanup.clone();
    for (key, url) in [("url", &mut whole.url), ("find", &mut whole.find)] {
        let Some(path) = url.as_deref().filter(|u| u.starts_with('/')) else { continue };
        // What begins with two slashes names a host.
        if path.starts_with("//") {
            return Err(format!("{key}: {path:?} begins with two slashes; write a path, or a whole URL"));
        }
        let own = own.ok_or_else(|| format!("{key} is a path, and no target says below which origin"))?;
        *url = Some(format!("{own}{path}"));
    }
    Ok(whole)
}

fn make(
    cleanup: &CleanupSettings,
    transport: crate::wire::Transport,
    own: Option<&str>,
    target_token: Option<String>,
) -> Result<Administration, String> {
    let made = match (&cleanup.url, cleanup.command.as_slice()) {
        (Some(url), []) => Administration::request(transport, cleanup.method.as_deref().unwrap_or("DELETE"), url)?,
        (None, [_, ..]) if cleanup.method.is_some() => return Err("method goes with url, not with command".into()),
        (None, command @ [_, ..]) => Administration::command(transport, command)?,
        (Some(_), [_, ..]) => return Err("url and command are both there, and only one can delete a client".into()),
        (None, []) => return Err("it needs url or command".into()),
    };
    let mut fields = headers(&cleanup.header)?;
    let given = token(cleanup)?;
    if cleanup.target_token {
        if given.is_some() || !cleanup.token_command.is_empty() {
            return Err("target-token goes with no other token".into());
        }
        // The token is for whoever answers registrations, and for nobody else.
        let there = [&cleanup.url, &cleanup.find]
            .into_iter()
            .flatten()
            .all(|u| own.is_some() && origin_of(u) == own.map(str::to_owned));
        if !there {
            return Err("target-token is sent to the origin of the target alone, and url or find is elsewhere".into());
        }
    }
    if let Some(token) = given.or(target_token) {
        fields.push(("authorization".to_owned(), format!("Bearer {token}")));
    }
    let made = made.with_headers(fields).with_token_command(&cleanup.token_command);
    match &cleanup.find {
        Some(url) => made.with_find(url).map_err(|why| format!("find: {why}")),
        None => Ok(made),
    }
}

/// The origin of a URL in which a placeholder may stand.
fn origin_of(url: &str) -> Option<String> {
    origin(&url.replace("${client_id}", "x").replace("${software_id}", "x"))
}

/// The bearer token for the administration interface; never shown.
fn token(cleanup: &CleanupSettings) -> Result<Option<String>, String> {
    const WHAT: &str = "the token for the administration interface";
    match (&cleanup.token, &cleanup.token_env, &cleanup.token_file, cleanup.token_command.as_slice()) {
        (None, None, None, _) => Ok(None),
        (Some(token), None, None, []) => bearer(token, WHAT).map(Some),
        (None, Some(name), None, []) => token_of_variable(name, "token-env", WHAT).map(Some),
        (None, None, Some(path), []) => token_of_file(path, WHAT).map(Some),
        _ => Err("token, token-env, token-file and token-command exclude each other".into()),
    }
}
