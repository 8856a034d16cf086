//! What the server assigns to a new client: identifier, secret, times and the registration access token (RFC 7591, section 3.2.1;
//! RFC 7592, section 3).

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::defects::{Fault, Faults};

const DAY: i64 = 86_400;

/// A registered client.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// The last segment of `registration_client_uri`. In a server without defects it is the `client_id`.
    pub(super) handle: String,
    pub(super) client_id: Value,
    pub(super) issued_at: Value,
    pub(super) secret: Option<Value>,
    pub(super) secret_expires_at: Option<Value>,
    /// The registration access token (RFC 7592, section 3).
    pub(super) access_token: String,
    /// Those that rotation has replaced, the oldest first.
    pub(super) former_tokens: Vec<String>,
    /// What answers show in place of the secret, for the defect that shows another.
    pub(super) shown_secret: Option<Value>,
    /// When it was registered, in seconds, whatever `issued_at` claims.
    pub(super) registered_at: i64,
    pub(super) metadata: Map<String, Value>,
    /// What it was registered with, before any update, for the defect that goes on showing it.
    pub(super) first_metadata: Option<Map<String, Value>>,
}

impl Client {
    /// The `client_id` as it stands in a form, whatever its JSON type.
    pub(super) fn id_text(&self) -> String {
        text(&self.client_id)
    }

    /// The secret as it stands in a form.
    pub(super) fn secret_text(&self) -> Option<String> {
        self.secret.as_ref().map(text)
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The source of identifiers, secrets and tokens.
pub(super) struct Mint {
    random: ChaCha20Rng,
    /// What the defects that repeat themselves go on issuing.
    first_id: Option<Value>,
    first_secret: Option<Value>,
    first_token: Option<String>,
}

impl Mint {
    /// With a seed, every run issues the same values; without one they come from the operating system.
    ///
    /// # Panics
    ///
    /// When the operating system has no randomness to give.
    pub(super) fn new(seed: Option<u64>) -> Self {
        let random = seed.map_or_else(Self::from_system, ChaCha20Rng::seed_from_u64);
        Self { random, first_id: None, first_secret: None, first_token: None }
    }

    fn from_system() -> ChaCha20Rng {
        let mut key = [0; 32];
        rustls::crypto::ring::default_provider()
            .secure_random
            .fill(&mut key)
            .expect("the operating system gives random bytes");
        ChaCha20Rng::from_seed(key)
    }

    /// A string of `N` random bytes in base64url.
    pub(super) fn text<const N: usize>(&mut self) -> String {
        let mut bytes = [0; N];
        self.random.fill_bytes(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn client_id(&mut self) -> String {
        self.text::<24>()
    }

    pub(super) fn secret(&mut self) -> String {
        self.text::<32>()
    }

    /// A string that is the same for the same metadata, and that nobody can tell without knowing this server.
    fn of_metadata<const N: usize>(&self, purpose: &str, metadata: &Map<String, Value>) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.random.get_seed());
        hasher.update(purpose);
        hasher.update(sorted(&Value::Object(metadata.clone())).to_string());
        let digest = hasher.finalize();
        URL_SAFE_NO_PAD.encode(digest.get(..N).unwrap_or(&digest))
    }

    fn number(&mut self) -> u64 {
        // Below 2^53, so that every JSON reader keeps all digits.
        self.random.next_u64() >> 11
    }
}

/// The same value with the members of objects in one order, which means nothing.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(members) => {
            let members: BTreeMap<&String, Value> = members.iter().map(|(name, value)| (name, sorted(value))).collect();
            json!(members)
        }
        scalar => scalar.clone(),
    }
}

/// Makes a client out of checked metadata. `request` is what was sent; a server without defects takes nothing of it here. With
/// `share_ids`, the same metadata is given the same identifier (RFC 7591, section 3.2.1).
pub(super) fn issue(
    request: &Map<String, Value>,
    metadata: Map<String, Value>,
    share_ids: bool,
    faults: &Faults,
    mint: &mut Mint,
    now: i64,
) -> Client {
    let handle = if share_ids { mint.of_metadata::<24>("client_id", &metadata) } else { mint.client_id() };
    let secret = secret(request, &metadata, &handle, faults, mint);
    let secret_expires_at = secret.as_ref().and_then(|_| secret_expires_at(faults, now));
    Client {
        client_id: client_id(request, &handle, faults, mint),
        issued_at: issued_at(request, faults, now),
        secret,
        secret_expires_at,
        access_token: access_token(faults, mint),
        former_tokens: Vec::new(),
        shown_secret: None,
        registered_at: now,
        first_metadata: faults.has(Fault::ReadStale).then(|| metadata.clone()),
        metadata,
        handle,
    }
}

fn access_token(faults: &Faults, mint: &mut Mint) -> String {
    let token = mint.secret();
    if faults.has(Fault::TokenShort) {
        return format!("{:08x}", mint.number() & 0xffff_ffff);
    }
    if faults.has(Fault::TokenShared) {
        return mint.first_token.get_or_insert(token).clone();
    }
    if faults.has(Fault::TokenWithQuote) { format!("\"{token}\"") } else { token }
}

/// Whether a client of this metadata authenticates with a secret.
pub(super) fn needs_secret(metadata: &Map<String, Value>) -> bool {
    let method = metadata.get("token_endpoint_auth_method").and_then(Value::as_str);
    matches!(method, Some("client_secret_basic" | "client_secret_post"))
}

fn client_id(request: &Map<String, Value>, handle: &str, faults: &Faults, mint: &mut Mint) -> Value {
    if faults.has(Fault::ClientIdAdopted)
        && let Some(Value::String(wanted)) = request.get("client_id")
    {
        return json!(wanted);
    }
    if faults.has(Fault::ClientIdShared) {
        return mint.first_id.get_or_insert_with(|| json!(handle)).clone();
    }
    if faults.has(Fault::ClientIdNumber) {
        return json!(mint.number());
    }
    if faults.has(Fault::ClientIdNonAscii) {
        return json!(format!("{handle}\u{fc}"));
    }
    json!(handle)
}

fn secret(
    request: &Map<String, Value>,
    metadata: &Map<String, Value>,
    handle: &str,
    faults: &Faults,
    mint: &mut Mint,
) -> Option<Value> {
    let method = metadata.get("token_endpoint_auth_method").and_then(Value::as_str)?;
    let needed = match method {
        "client_secret_post" => !faults.has(Fault::NoSecretForPost),
        "client_secret_basic" => true,
        "none" => faults.has(Fault::SecretForNone),
        _ => false,
    };
    if !needed {
        return None;
    }
    let secret = mint.secret();
    if faults.has(Fault::SecretAdopted)
        && let Some(Value::String(wanted)) = request.get("client_secret")
    {
        return Some(json!(wanted));
    }
    if faults.has(Fault::SecretShared) {
        return Some(mint.first_secret.get_or_insert_with(|| json!(secret)).clone());
    }
    if faults.has(Fault::SecretNumber) {
        return Some(json!(mint.number()));
    }
    if faults.has(Fault::SecretNonAscii) {
        return Some(json!(format!("{secret}\u{df}")));
    }
    if faults.has(Fault::SecretShort) {
        return Some(json!(format!("{:08x}", mint.number() & 0xffff_ffff)));
    }
    if faults.has(Fault::SecretFromClientId) {
        return Some(json!(format!("{handle}-secret")));
    }
    if faults.has(Fault::SecretPerClientId) {
        return Some(json!(mint.of_metadata::<32>("client_secret", metadata)));
    }
    if faults.has(Fault::SecretHashed) {
        return Some(json!(bcrypt_shape(mint)));
    }
    Some(json!(secret))
}

/// A string of the form that bcrypt stores: the cost, 22 characters of salt and 31 of hash.
fn bcrypt_shape(mint: &mut Mint) -> String {
    let body: String = mint.text::<40>().replace('-', ".").replace('_', "/");
    format!("$2b$12${}", body.get(..53).unwrap_or(&body))
}

fn secret_expires_at(faults: &Faults, now: i64) -> Option<Value> {
    let faulty = [
        (Fault::ExpiresAtString, json!("0")),
        (Fault::ExpiresAtLifetime, json!(3600)),
        (Fault::ExpiresAtMilliseconds, json!((now + 365 * DAY) * 1000)),
        (Fault::ExpiresAtPast, json!(now - DAY)),
        (Fault::ExpiresAtDateTime, json!(date_time(now + 365 * DAY))),
        (Fault::ExpiresAtNegative, json!(-1)),
    ];
    if faults.has(Fault::ExpiresAtMissing) {
        return None;
    }
    // Zero: the secret does not expire.
    Some(first_of(faulty, faults).unwrap_or(json!(0)))
}

fn issued_at(request: &Map<String, Value>, faults: &Faults, now: i64) -> Value {
    if faults.has(Fault::IssuedAtAdopted)
        && let Some(wanted @ Value::Number(_)) = request.get("client_id_issued_at")
    {
        return wanted.clone();
    }
    let faulty = [
        (Fault::IssuedAtString, json!(now.to_string())),
        (Fault::IssuedAtMilliseconds, json!(now * 1000)),
        (Fault::IssuedAtFuture, json!(now + 10 * DAY)),
        (Fault::IssuedAtNegative, json!(-1)),
    ];
    first_of(faulty, faults).unwrap_or(json!(now))
}

fn first_of<const N: usize>(choices: [(Fault, Value); N], faults: &Faults) -> Option<Value> {
    choices.into_iter().find(|(fault, _)| faults.has(*fault)).map(|(_, value)| value)
}

fn date_time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |instant| instant.to_string())
}
