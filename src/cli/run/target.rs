//! The target that the settings describe.

use std::path::Path;

use serde_json::{Map, Value};

use crate::{
    cli::{
        Stop,
        config::{InForce, administration},
        usage,
    },
    target::{StatementKey, Target, candidates},
    wire::{HttpSettings, Transport},
};

const TOKEN: &str = "the initial access token";

/// The target, with everything that is needed to talk to it; nothing is sent yet.
pub fn target(force: &InForce) -> Result<Target, Stop> {
    let settings = &force.settings;
    let place = match (&settings.url, &settings.issuer) {
        (None, None) => {
            return Err(usage("no target: give the registration endpoint's URL, --issuer URL, or --reference"));
        }
        (Some(url), _) => url,
        (None, Some(issuer)) => issuer,
    };
    if let Some(issuer) = &settings.issuer {
        candidates(issuer).map_err(|why| force.blame("issuer", why))?;
    }
    if let Some(url) = &settings.url {
        endpoint(url).map_err(|why| force.blame("url", why))?;
    }
    let mut target = Target::new(place.clone(), transport(force)?);
    target.endpoint = settings.url.clone();
    target.issuer = settings.issuer.clone();
    target.token = token(force)?;
    target.statement_key = statement_key(force)?;
    target.declared = settings.declare.clone();
    target.allowed_origins = settings.allow_origin.clone();
    target.client = settings.client.as_deref().map(|path| client(force, path)).transpose()?;
    target.administration = administration(force)?;
    target.headers = headers(&settings.headers).map_err(|why| force.blame("header", why))?;
    Ok(target)
}

/// How HTTP is spoken, to the target and to its administration interface.
pub fn transport(force: &InForce) -> Result<Transport, Stop> {
    let settings = &force.settings;
    let mut http = HttpSettings::default().with_timeout(settings.timeout.get());
    http.insecure = settings.insecure;
    if let Some(path) = &settings.ca {
        http.extra_root_ca_pem = Some(read(path).map_err(|why| force.blame("ca", why))?);
    }
    Transport::http(http).map_err(|why| force.blame("ca", why))
}

/// An http or https URL without credentials, or what is wrong with it.
pub fn endpoint(url: &str) -> Result<(), String> {
    let parsed = url::Url::parse(url).map_err(|e| format!("{url:?} is no URL ({e}); write https://host/path"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(format!("{url:?} is no http or https URL"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("the URL holds a user name or password; give credentials with --header or --token-env".into());
    }
    Ok(())
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
fn token(force: &InForce) -> Result<Option<String>, Stop> {
    let settings = &force.settings;
    if let Some(token) = &settings.token {
        bearer(token, TOKEN).map_err(|why| force.blame("token", why)).map(Some)
    } else if let Some(name) = &settings.token_env {
        token_of_variable(name, "--token-env", TOKEN).map_err(|why| force.blame("token-env", why)).map(Some)
    } else if let Some(path) = &settings.token_file {
        token_of_file(path, TOKEN).map_err(|why| force.blame("token-file", why)).map(Some)
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
