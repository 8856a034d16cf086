//! Software statements (RFC 7591, 2.3): a right one, and every wrong one that a server must not act on.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value, json};

/// The kinds of statement that a suite can ask for, as `${statement.KIND}`.
pub const KINDS: &[(&str, &str)] = &[
    ("signed", "signed with the key that the target trusts"),
    ("without-iss", "signed with the key that the target trusts, and without an issuer"),
    ("expired", "signed with the key that the target trusts, and expired"),
    ("unknown-key", "signed with a key that nobody knows, by an issuer that nobody knows"),
    ("unsigned", "with the algorithm none"),
    ("broken-signature", "with bytes of its signature altered"),
    ("altered", "with its payload altered after it was signed"),
    ("garbage", "no JWT at all"),
];

/// What every statement claims, beside its issuer and times.
pub const CLAIMED_NAME: &str = "signed by the publisher";

/// A key that signs statements.
#[derive(Clone)]
pub struct StatementKey {
    /// The claim `iss`.
    pub issuer: String,
    /// The header `kid`, where the server needs it.
    pub kid: Option<String>,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl std::fmt::Debug for StatementKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatementKey").field("issuer", &self.issuer).field("algorithm", &self.algorithm).finish()
    }
}

impl StatementKey {
    /// A private key in PEM (PKCS #8): RSA signs with RS256, P-256 with ES256, Ed25519 with EdDSA.
    pub fn from_pem(pem: &[u8], issuer: &str) -> Result<StatementKey, String> {
        type Reader = fn(&[u8]) -> jsonwebtoken::errors::Result<EncodingKey>;
        let readers: [(Algorithm, Reader); 3] = [
            (Algorithm::RS256, EncodingKey::from_rsa_pem),
            (Algorithm::ES256, EncodingKey::from_ec_pem),
            (Algorithm::EdDSA, EncodingKey::from_ed_pem),
        ];
        for (algorithm, reader) in readers {
            if let Ok(key) = reader(pem) {
                return Ok(StatementKey { issuer: issuer.to_owned(), kid: None, algorithm, key });
            }
        }
        Err("is no private key in PEM form that signs with RS256, ES256 or EdDSA".into())
    }

    /// A shared secret, for HS256.
    pub fn from_secret(secret: &[u8], issuer: &str) -> StatementKey {
        StatementKey {
            issuer: issuer.to_owned(),
            kid: None,
            algorithm: Algorithm::HS256,
            key: EncodingKey::from_secret(secret),
        }
    }

    fn sign(&self, claims: &Map<String, Value>) -> Result<String, String> {
        let header = Header { kid: self.kid.clone(), ..Header::new(self.algorithm) };
        encode(&header, claims, &self.key).map_err(|e| format!("a software statement cannot be signed: {e}"))
    }
}

/// A statement of this kind. `software_id` marks it as ours; `word` is random, for the key that nobody knows.
pub fn statement(kind: &str, trusted: Option<&StatementKey>, software_id: &str, word: &str) -> Result<String, String> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let now = jiff::Timestamp::now().as_second();
    // A key of the tool's own: HS256 with a random secret, which no server can know.
    let own = StatementKey::from_secret(word.as_bytes(), "https://unknown.publisher.example");
    let claims = |issuer: Option<&str>, expires: i64| {
        let mut claims = Map::new();
        if let Some(issuer) = issuer {
            claims.insert("iss".into(), json!(issuer));
        }
        claims.insert("iat".into(), json!(now - 60));
        claims.insert("exp".into(), json!(expires));
        claims.insert("software_id".into(), json!(software_id));
        claims.insert("client_name".into(), json!(CLAIMED_NAME));
        claims
    };
    let needed = || trusted.ok_or_else(|| "no key was given that the target trusts (--statement-key)".to_owned());
    // Where a key is trusted, its statement is the one that is spoilt: only the fault is then wrong.
    let good = || {
        let key = trusted.unwrap_or(&own);
        key.sign(&claims(Some(&key.issuer), now + 3600))
    };
    let parts = |jwt: &str| -> Vec<String> { jwt.split('.').map(str::to_owned).collect() };
    match kind {
        "signed" => needed()?.sign(&claims(Some(&needed()?.issuer), now + 3600)),
        "without-iss" => needed()?.sign(&claims(None, now + 3600)),
        "expired" => needed()?.sign(&claims(Some(&needed()?.issuer), now - 30)),
        "unknown-key" => own.sign(&claims(Some(&own.issuer), now + 3600)),
        "unsigned" => {
            let issuer = trusted.map_or(own.issuer.as_str(), |k| k.issuer.as_str());
            let payload = serde_json::to_vec(&claims(Some(issuer), now + 3600)).expect("JSON values can be written");
            let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
            Ok(format!("{header}.{}.", URL_SAFE_NO_PAD.encode(payload)))
        }
        "broken-signature" => {
            let jwt = parts(&good()?);
            let mut signature = URL_SAFE_NO_PAD.decode(&jwt[2]).map_err(|e| e.to_string())?;
            signature.iter_mut().take(4).for_each(|b| *b ^= 0xff);
            Ok(format!("{}.{}.{}", jwt[0], jwt[1], URL_SAFE_NO_PAD.encode(signature)))
        }
        "altered" => {
            let jwt = parts(&good()?);
            let issuer = trusted.map_or(own.issuer.as_str(), |k| k.issuer.as_str());
            let mut altered = claims(Some(issuer), now + 7200);
            altered.insert("software_version".into(), json!("altered"));
            let payload = serde_json::to_vec(&altered).expect("JSON values can be written");
            Ok(format!("{}.{}.{}", jwt[0], URL_SAFE_NO_PAD.encode(payload), jwt[2]))
        }
        "garbage" => Ok("this is no software statement".into()),
        other => Err(format!("there is no kind {other:?} of software statement")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_made_and_no_two_are_alike() {
        let key = StatementKey::from_secret(b"a secret that the target trusts", "https://publisher.example");
        let all: Vec<String> = KINDS.iter().map(|(k, _)| statement(k, Some(&key), "id", "word").unwrap()).collect();
        let mut unique = all.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), all.len());
        assert!(statement("signed", None, "id", "word").unwrap_err().contains("--statement-key"));
        assert!(statement("unsigned", None, "id", "word").is_ok());
    }
}
