//! Software statements: signed claims about a client, made by its publisher (RFC 7591, section 2.3).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::defects::{Fault, Faults};
use super::respond::{Cause, Refusal};

/// The publisher whose statements a reference server trusts (RFC 7591, section 2.3: the claim `iss`).
pub const STATEMENT_ISSUER: &str = "https://publisher.example";

/// The secret with which that publisher makes its statements, by HMAC with SHA-256 (HS256; RFC 7518, section 3.2). It is public, and
/// good for tests alone.
pub const fn statement_key() -> &'static [u8] {
    b"dcrspec reference publisher: a test key that everyone may know"
}

/// A key whose statements are believed, and whose it is.
#[derive(Clone, Debug)]
pub struct TrustedKey {
    /// The claim `iss` of its statements.
    pub issuer: String,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl TrustedKey {
    /// A shared secret, for HS256.
    pub fn from_secret(issuer: impl Into<String>, secret: &[u8]) -> Self {
        Self { issuer: issuer.into(), algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret) }
    }

    /// A public key in PEM: RSA for RS256, P-256 for ES256.
    pub fn from_pem(issuer: impl Into<String>, pem: &[u8]) -> Result<Self, String> {
        let issuer = issuer.into();
        if let Ok(key) = DecodingKey::from_ec_pem(pem) {
            return Ok(Self { issuer, algorithm: Algorithm::ES256, key });
        }
        match DecodingKey::from_rsa_pem(pem) {
            Ok(key) => Ok(Self { issuer, algorithm: Algorithm::RS256, key }),
            Err(_) => Err("is no public key in PEM form for RS256 or ES256".into()),
        }
    }

    fn verifies(&self, message: &str, signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, self.algorithm).unwrap_or(false)
    }
}

/// A statement that is believed.
#[derive(Debug)]
pub(super) struct Stated {
    /// As it was sent.
    pub(super) text: String,
    pub(super) claims: Map<String, Value>,
}

fn invalid(why: &str) -> Refusal {
    Refusal::new(Cause::StatementInvalid, why)
}

/// Reads the statement of a request, if it has one, and says why it is not believed (RFC 7591, section 3.2.2).
pub(super) fn read(
    request: &Map<String, Value>,
    trusted: Option<&TrustedKey>,
    now: i64,
    faults: &Faults,
) -> Result<Option<Stated>, Refusal> {
    let text = match request.get("software_statement") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(invalid("The software statement is not a string.")),
    };
    let (signed, signature) = text.rsplit_once('.').ok_or_else(|| invalid("The software statement is not a JWT."))?;
    let (header, claims) = objects(signed).ok_or_else(|| invalid("The software statement is not a JWT."))?;
    let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
    if algorithm.is_empty() || algorithm.eq_ignore_ascii_case("none") || signature.is_empty() {
        return Err(invalid("The software statement is not signed."));
    }
    // RFC 7515, section 4.1.11: no extension is understood here.
    if header.contains_key("crit") {
        return Err(invalid("The software statement has a header that is not understood."));
    }
    let unapproved = |why| Refusal::new(Cause::StatementUnapproved, why);
    let trusted = trusted.ok_or_else(|| unapproved("No publisher is trusted here."))?;
    match claims.get("iss").and_then(Value::as_str) {
        Some(issuer) if issuer == trusted.issuer => {}
        Some(_) => return Err(unapproved("The publisher of the software statement is not trusted here.")),
        None if faults.has(Fault::StatementIssuerUnchecked) => {}
        None => return Err(invalid("The software statement does not name its issuer.")),
    }
    // Another algorithm, another key: the trusted one has just one.
    if serde_json::from_value::<Algorithm>(algorithm.into()).ok() != Some(trusted.algorithm) {
        return Err(unapproved("The key of the software statement is not trusted here."));
    }
    if !trusted.verifies(signed, signature) && !faults.has(Fault::StatementSignatureUnchecked) {
        return Err(invalid("The signature of the software statement is wrong."));
    }
    check_times(&claims, now)?;
    Ok(Some(Stated { text: text.clone(), claims }))
}

/// RFC 7519, sections 4.1.4 and 4.1.5.
fn check_times(claims: &Map<String, Value>, now: i64) -> Result<(), Refusal> {
    let instant = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            value.as_f64().map(Some).ok_or_else(|| invalid("A time in the software statement is no number."))
        }
    };
    // Seconds of a date lie far below 2^53.
    let now = now as f64;
    if instant("exp")?.is_some_and(|end| end <= now) {
        return Err(invalid("The software statement has expired."));
    }
    if instant("nbf")?.is_some_and(|start| start > now) {
        return Err(invalid("The software statement is not valid yet."));
    }
    Ok(())
}

/// The claims of a statement that nobody signed, for the defect that believes them.
pub(super) fn unsigned(request: &Map<String, Value>) -> Option<Stated> {
    let text = request.get("software_statement")?.as_str()?;
    let (header, claims) = objects(text.rsplit_once('.')?.0)?;
    let unsigned = header.get("alg").and_then(Value::as_str).is_some_and(|alg| alg.eq_ignore_ascii_case("none"));
    unsigned.then(|| Stated { text: text.to_owned(), claims })
}

/// The header and the claims of a JWT.
fn objects(signed: &str) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let (header, claims) = signed.split_once('.')?;
    let object = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    Some((object(header)?, object(claims)?))
}

/// The same statement with its claims written anew in another order, for the defect that stores it in parts.
pub(super) fn rewritten(stated: &Stated) -> String {
    let mut parts: Vec<String> = stated.text.split('.').map(str::to_owned).collect();
    let claims: Map<String, Value> = stated.claims.iter().rev().map(|(k, v)| (k.clone(), v.clone())).collect();
    if let Some(part) = parts.get_mut(1) {
        *part = URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string());
    }
    parts.join(".")
}
