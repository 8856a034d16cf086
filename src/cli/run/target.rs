//! The target that the settings describe.

use std::{
    net::IpAddr,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Map, Value};

use crate::{
    cli::{
        Stop,
        config::{InForce, administration},
        usage,
    },
    target::{StatementKey, Target, candidates},
    wire::{HttpSettings, Secret, Transport},
};

const TOKEN: &str = "the initial access token";

/// The target, with everything that is needed to talk to it; nothing is sent yet.
pub fn target(force: &InForce) -> Result<Target, Stop> {
    let settings = &force.settings;
    let url = endpoint_url(force)?;
    let place = match (&url, &settings.issuer) {
        (None, None) => {
            return Err(usage(match &settings.endpoint_path {
                Some(path) => format!("no target: give the URL of the deployment, such as https://HOST{path}"),
                None => "no target: give the registration endpoint's URL, --issuer URL, or --reference".to_owned(),
            }));
        }
        (Some(url), _) => url,
        (None, Some(issuer)) => issuer,
    };
    if let Some(issuer) = &settings.issuer {
        no_credentials(issuer).map_err(|why| force.blame("issuer", why))?;
        candidates(issuer).map_err(|why| force.blame("issuer", why))?;
    }
    let mut target = Target::new(place.clone(), transport(force)?);
    target.endpoint = url.clone();
    target.issuer = settings.issuer.clone();
    target.token = initial_access_token(force)?.map(Secret::from);
    target.statement_key = statement_key(force)?;
    target.declared = settings.declare.clone();
    target.allowed_origins = settings.allow_origin.clone();
    target.client = settings.client.as_deref().map(|path| client(force, path)).transpose()?;
    target.administration = administration(force, Some(place))?;
    target.headers = headers(&settings.headers).map_err(|why| force.blame("header", why))?;
    Ok(target)
}

/// The URL of the endpoint; an origin alone is completed by the path that the settings name.
fn endpoint_url(force: &InForce) -> Result<Option<String>, Stop> {
    let Some(url) = &force.settings.url else { return Ok(None) };
    endpoint(url).map_err(|why| force.blame("url", why))?;
    let Some(path) = &force.settings.endpoint_path else { return Ok(Some(url.clone())) };
    if !path.starts_with('/') || path.starts_with("//") || path.contains(['?', '#', ' ']) {
        return Err(force.blame("endpoint-path", format!("{path:?} is no path; it begins with one slash")));
    }
    let parsed = url::Url::parse(url).ok();
    let bare = parsed.is_some_and(|u| u.path() == "/" && u.query().is_none() && u.fragment().is_none());
    Ok(Some(if bare { format!("{}{path}", url.trim_end_matches('/')) } else { url.clone() }))
}

/// How HTTP is spoken, to the target and to its administration interface.
pub fn transport(force: &InForce) -> Result<Transport, Stop> {
    let settings = &force.settings;
    let mut http = HttpSettings::default().with_timeout(settings.timeout.get());
    http.insecure = settings.insecure;
    if let Some(path) = &settings.ca {
        http.extra_root_ca_pem = Some(read(path).map_err(|why| force.blame("ca", why))?);
    }
    match (&settings.cert, &settings.key) {
        (Some(cert), Some(key)) => {
            let mut pem = read(cert).map_err(|why| force.blame("cert", why))?;
            pem.push(b'\n');
            pem.extend(read(key).map_err(|why| force.blame("key", why))?);
            http.identity_pem = Some(pem);
        }
        (Some(_), None) => return Err(force.blame("cert", "cert needs key beside it")),
        (None, Some(_)) => return Err(force.blame("key", "key needs cert beside it")),
        (None, None) => {}
    }
    let place = settings.url.as_deref().or(settings.issuer.as_deref()).unwrap_or_default();
    http.resolve = resolved(&settings.resolve, place).map_err(|why| force.blame("resolve", why))?;
    let culprit = if settings.cert.is_some() { "cert" } else { "ca" };
    Transport::http(http).map_err(|why| force.blame(culprit, why))
}

/// The addresses for names. The connection goes by the name alone, so two addresses for one name, or a port that the target
/// does not have, are said here: curl would pass over such an entry in silence.
fn resolved(entries: &[String], place: &str) -> Result<Vec<(String, IpAddr)>, String> {
    let url = url::Url::parse(place).ok();
    let target = url.as_ref().and_then(|u| Some((u.host_str()?.to_owned(), u.port_or_known_default()?)));
    let mut addresses: Vec<(String, IpAddr)> = Vec::new();
    for entry in entries {
        let (host, port, address) = resolve(entry)?;
        if let Some((name, wanted)) = target.as_ref().filter(|(name, _)| *name == host)
            && *wanted != port
        {
            return Err(format!("resolve names port {port} of {name}, and the target is at port {wanted}"));
        }
        match addresses.iter().find(|(name, _)| *name == host) {
            Some((_, other)) if *other != address => {
                return Err(format!("resolve gives two addresses for {host}, {other} and {address}; one can be used"));
            }
            Some(_) => {}
            None => addresses.push((host, address)),
        }
    }
    Ok(addresses)
}

/// `as.example:443:127.0.0.1`, as curl writes it; an IPv6 address may stand in brackets.
fn resolve(text: &str) -> Result<(String, u16, IpAddr), String> {
    let said = |what: &str| format!("{what} in {text:?}; write HOST:PORT:ADDRESS, such as as.example:443:127.0.0.1");
    let mut parts = text.splitn(3, ':');
    let (Some(host), Some(port), Some(address)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(said("there are not three parts"));
    };
    if host.is_empty() {
        return Err(said("there is no host"));
    }
    let port: u16 = port.parse().ok().filter(|p| *p > 0).ok_or_else(|| said("there is no port"))?;
    let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(address);
    let address = bare.parse().map_err(|_| said("there is no IP address"))?;
    Ok((host.to_ascii_lowercase(), port, address))
}

/// An http or https URL without credentials, or what is wrong with it.
pub fn endpoint(url: &str) -> Result<(), String> {
    no_credentials(url)?;
    let parsed = url::Url::parse(url).map_err(|e| format!("{url:?} is no URL ({e}); write https://host/path"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(format!("{url:?} is no http or https URL"));
    }
    Ok(())
}

/// A URL is shown in many places, so it holds no password; and neither does this message.
fn no_credentials(url: &str) -> Result<(), String> {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or("");
    match authority.contains('@') {
        true => Err("the URL holds a user name or password; give credentials with --header or --token-env".into()),
        false => Ok(()),
    }
}

/// Header fields from their lines.
pub fn headers(lines: &[String]) -> Result<Vec<(String, String)>, String> {
    let field = |header: &String| {
        let (name, value) = header
            .split_once(':')
            // The text is not shown: it may be a credential.
            .ok_or_else(|| "a header field without a colon; write 'Name: value'".to_owned())?;
        let (name, value) = (name.trim(), value.trim());
        let valid = http::HeaderName::from_bytes(name.as_bytes()).is_ok() && http::HeaderValue::from_str(value).is_ok();
        if !valid {
            return Err(format!(
                "the header field {name:?} cannot be sent: its name or value holds a character that none may hold"
            ));
        }
        Ok((name.to_owned(), value.to_owned()))
    };
    lines.iter().map(field).collect()
}

/// The initial access token from wherever it is; never shown.
pub fn initial_access_token(force: &InForce) -> Result<Option<String>, Stop> {
    let settings = &force.settings;
    if let Some(token) = &settings.token {
        bearer(token, TOKEN).map_err(|why| force.blame("token", why)).map(Some)
    } else if let Some(name) = &settings.token_env {
        token_of_variable(name, "--token-env", TOKEN).map_err(|why| force.blame("token-env", why)).map(Some)
    } else if let Some(path) = &settings.token_file {
        token_of_file(path, TOKEN).map_err(|why| force.blame("token-file", why)).map(Some)
    } else if let Some(command) = &settings.token_command {
        token_of_shell(command).map_err(|why| force.blame("token-command", why)).map(Some)
    } else {
        Ok(None)
    }
}

/// The token that an environment variable holds.
pub fn token_of_variable(name: &str, setting: &str, what: &str) -> Result<String, String> {
    let token = std::env::var(name)
        .map_err(|_| format!("the environment variable {name} of {setting} is not set, or is not text"))?;
    bearer(&token, what)
}

/// What a shell command prints on stdout. Its stderr and stdin are the user's own, so that it can ask for a password.
fn token_of_shell(command: &str) -> Result<String, String> {
    let mut shell = if cfg!(windows) { Command::new("cmd") } else { Command::new("sh") };
    let output = shell
        .args([if cfg!(windows) { "/C" } else { "-c" }, command])
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|e| format!("the command of --token-command cannot be run: {e}"))?;
    // Neither the command nor what it printed is shown: both can hold the token.
    if !output.status.success() {
        return Err(format!("the command of --token-command failed ({}); run it by hand to see why", output.status));
    }
    if output.stdout.trim_ascii().is_empty() {
        return Err("the command of --token-command printed nothing; it has to print the initial access token".into());
    }
    let token =
        String::from_utf8(output.stdout).map_err(|_| "what the command of --token-command printed is not text")?;
    bearer(&token, TOKEN)
}

/// The token that a file holds.
pub fn token_of_file(path: &Path, what: &str) -> Result<String, String> {
    let token = String::from_utf8(read(path)?).map_err(|_| format!("{}: the token is not text", path.display()))?;
    bearer(&token, what)
}

/// A token that can stand in an Authorization header.
pub fn bearer(token: &str, what: &str) -> Result<String, String> {
    let token = token.trim();
    if token.is_empty() || !token.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
        return Err(format!("{what} is empty, or holds a character that no Authorization header can carry"));
    }
    Ok(token.to_owned())
}

fn statement_key(force: &InForce) -> Result<Option<StatementKey>, Stop> {
    let settings = &force.settings;
    match (&settings.statement_key, &settings.statement_issuer) {
        (Some(path), Some(issuer)) => {
            let pem = read(path).map_err(|why| force.blame("statement-key", why))?;
            let key = StatementKey::from_pem(&pem, issuer);
            let mut key = key.map_err(|e| force.blame("statement-key", format!("{} {e}", path.display())))?;
            key.kid = settings.statement_kid.clone();
            Ok(Some(key))
        }
        (Some(_), None) => Err(force.blame("statement-key", "statement-key needs statement-issuer beside it")),
        (None, Some(_)) => Err(force.blame("statement-issuer", "statement-issuer needs statement-key beside it")),
        (None, None) if settings.statement_kid.is_some() => {
            Err(force.blame("statement-kid", "statement-kid needs statement-key and statement-issuer beside it"))
        }
        (None, None) => Ok(None),
    }
}

fn client(force: &InForce, path: &Path) -> Result<Map<String, Value>, Stop> {
    let text = read(path).map_err(|why| force.blame("client", why))?;
    match serde_json::from_slice(&text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(usage(format!("{}: client metadata is one JSON object", path.display()))),
        Err(e) => Err(usage(format!("{}:{}:{}: {e}", path.display(), e.line(), e.column()))),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}
