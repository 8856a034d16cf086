//! Keeping secrets out of everything that is written for others to read.
//!
//! A secret is replaced by its kind, length, alphabet and a hash that is salted per run: equal secrets stay recognisable
//! as equal within a report, and a report's reader can follow why a value was objected to.

mod forms;
mod fragments;
mod members;

use std::{
    borrow::Cow,
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
};

use base64::Engine;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Auth, Exchange, Headers, Outcome};
use crate::report::{ExchangeRecord, RequestRecord, ResponseRecord};
use forms::Pattern;
use fragments::Fragments;

/// How much of a body a record keeps.
const BODY_LIMIT: usize = 64 * 1024;

/// Shorter values are not looked for in text: too much that is no secret would match.
const SHORTEST: usize = 6;

/// Words that reports and messages of the protocol are made of. A server that uses one as a secret (`secret` is the
/// popular choice) keeps it out of its own members alone; replaced everywhere it would make every body unreadable.
const WORDS: &str = "client_secret_basic client_secret_post client_secret_jwt private_key_jwt client_secret_expires_at \
    registration_access_token registration_client_uri initial_access_token access_token refresh_token id_token \
    authorization_code implicit password code token bearer basic characters base64url letters and digits";

/// Replaces secrets by descriptions of them. Clones share what they have learned.
#[derive(Clone)]
pub struct Redactor(Arc<Inner>);

struct Inner {
    salt: [u8; 32],
    learned: RwLock<Learned>,
}

#[derive(Default)]
struct Learned {
    /// Every form of every secret, with the description of the secret.
    patterns: Vec<(Pattern, Arc<str>)>,
    /// Which patterns start with these characters.
    by_start: HashMap<forms::Start, Vec<usize>>,
    markers: HashMap<String, Arc<str>>,
    fragments: Fragments,
}

impl Default for Redactor {
    fn default() -> Self {
        Redactor::new()
    }
}

/// Does not show what was learned.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let learned = self.0.learned.read().unwrap_or_else(PoisonError::into_inner).markers.len();
        write!(f, "Redactor({learned} secrets)")
    }
}

impl Redactor {
    /// One that has learned nothing, with a salt of its own.
    pub fn new() -> Redactor {
        // The standard library keys its hashers from the system's randomness; that is the source of the salt.
        let mut hash = Sha256::new();
        for n in 0..4_u32 {
            hash.update(RandomState::new().hash_one(n).to_le_bytes());
        }
        Redactor(Arc::new(Inner { salt: hash.finalize().into(), learned: RwLock::default() }))
    }

    /// From now on this secret is replaced. `kind` is what it is called in the text: `client_secret`.
    pub fn learn(&self, kind: &str, secret: &str) {
        if secret.chars().count() < SHORTEST || WORDS.contains(&secret.to_ascii_lowercase()) || is_marker(secret) {
            return;
        }
        let known = |learned: &Learned| learned.markers.contains_key(secret);
        if known(&self.0.learned.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let marker: Arc<str> = self.marker(kind, secret).into();
        let mut patterns = Vec::new();
        forms::pieces(secret).for_each(|piece| patterns.extend(forms::patterns(&piece)));
        let mut learned = self.0.learned.write().unwrap_or_else(PoisonError::into_inner);
        if known(&learned) {
            return;
        }
        learned.markers.insert(secret.to_owned(), marker.clone());
        learned.fragments.learn(secret, &marker);
        for pattern in patterns {
            let index = learned.patterns.len();
            learned.by_start.entry(pattern.start()).or_default().push(index);
            learned.patterns.push((pattern, marker.clone()));
        }
    }

    /// From now on pieces of secrets that stand in this text too are left alone: a token may be made from the name of its
    /// client. A whole secret is replaced all the same.
    pub fn allow(&self, public: &str) {
        self.0.learned.write().unwrap_or_else(PoisonError::into_inner).fragments.allow(public);
    }

    /// Learns the secrets that an exchange shows: credentials, and header fields and members of bodies that are named as
    /// secrets are.
    pub fn learn_from(&self, exchange: &Exchange) {
        let request = &exchange.request;
        let kind = match request.auth {
            Auth::Initial | Auth::Truncated => "initial_access_token",
            Auth::Registration | Auth::Altered | Auth::Former | Auth::Another => "registration_access_token",
            Auth::Client => "client_secret",
            Auth::None | Auth::Random => "token",
        };
        for name in ["authorization", "proxy-authorization"] {
            request.headers.all(name).for_each(|value| self.learn_credentials(kind, &value));
        }
        let form = request.headers.media_type().is_some_and(|t| t == "application/x-www-form-urlencoded");
        if form {
            for (name, value) in url::form_urlencoded::parse(&request.body) {
                if members::is_secret(&name) {
                    self.learn(&name, &value);
                }
            }
        }
        members::each_secret(&request.body, &mut |kind, secret| self.learn(kind, secret));
        if let Some(response) = exchange.response() {
            members::each_secret(&response.body, &mut |kind, secret| self.learn(kind, secret));
            for (name, value) in &response.headers.0 {
                if members::names_a_secret(name) {
                    self.learn(&name.to_ascii_lowercase(), String::from_utf8_lossy(value).trim());
                }
            }
            if let Some(client_id) = response.member("client_id") {
                self.allow(client_id);
            }
        }
    }

    fn learn_credentials(&self, kind: &str, value: &str) {
        let (scheme, credentials) = value.trim().split_once([' ', '\t']).unwrap_or(("", value.trim()));
        let credentials = credentials.trim();
        if !scheme.eq_ignore_ascii_case("basic") {
            self.learn(kind, credentials);
            return;
        }
        // The whole first: where both match, the longer is replaced.
        self.learn("basic credentials", credentials);
        let engine = base64::engine::GeneralPurpose::new(
            &base64::alphabet::STANDARD,
            base64::engine::GeneralPurposeConfig::new()
                .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
                .with_decode_allow_trailing_bits(true),
        );
        if let Ok(pair) = engine.decode(credentials) {
            let pair = String::from_utf8_lossy(&pair);
            if let Some((_, secret)) = pair.split_once(':') {
                self.learn("client_secret", secret);
                // RFC 6749 (2.3.1) encodes both as a form before they are joined.
                let form = format!("s={secret}");
                if let Some((_, decoded)) = url::form_urlencoded::parse(form.as_bytes()).next() {
                    self.learn("client_secret", &decoded);
                }
            }
        }
    }

    /// The description that stands for a secret.
    fn marker(&self, kind: &str, secret: &str) -> String {
        let hash = Sha256::new().chain_update(self.0.salt).chain_update(secret).finalize();
        let length = secret.chars().count();
        format!(
            "[{kind}: {length} character{}, {}, #{:02x}{:02x}{:02x}]",
            if length == 1 { "" } else { "s" },
            forms::alphabet(secret),
            hash[0],
            hash[1],
            hash[2]
        )
    }

    /// The text with every learned secret replaced, in whichever form it stands there: as it is, escaped for JSON or
    /// HTML, percent-encoded, in base64, alone or within Basic credentials.
    pub fn text(&self, text: &str) -> String {
        let learned = self.0.learned.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<(Range<usize>, &str)> = Vec::new();
        if learned.patterns.is_empty() {
            return text.to_owned();
        }
        // The end of a run of base64 that is replaced as a whole: looking into it again would only cost time.
        let mut covered = 0;
        // Where each pattern may be found next: what overlaps its last find is broken by that one's replacement.
        let mut free: HashMap<usize, usize> = HashMap::new();
        let mut starts = Vec::new();
        for (at, _) in text.char_indices() {
            forms::starts(text, at, &mut starts);
            for start in &starts {
                for index in learned.by_start.get(start).into_iter().flatten() {
                    let (pattern, marker) = &learned.patterns[*index];
                    if pattern.within_base64 && at < covered || free.get(index).is_some_and(|free| at < *free) {
                        continue;
                    }
                    if let Some(range) = pattern.find_at(text, at) {
                        if pattern.within_base64 {
                            covered = range.end;
                        }
                        free.insert(*index, range.end);
                        found.push((range, &**marker));
                    }
                }
            }
        }
        learned.fragments.find(text, &mut found);
        replace(text, found)
    }

    /// A body as text: redacted as [`Redactor::text`] does, and then whatever else a member holds that is named as
    /// secrets are, such as one too short to be learned. Bytes that are not UTF-8 are replaced.
    pub fn body(&self, body: &[u8]) -> String {
        let text = self.text(&String::from_utf8_lossy(body));
        if !members::may_name_a_secret(&text) {
            return text;
        }
        let Ok(mut value) = serde_json::from_str::<Value>(&text) else { return text };
        let mut changed = false;
        members::redact(&mut value, &mut |kind, held| {
            let secret = match &*held {
                Value::String(s) if s.is_empty() || is_marker(s) => return,
                Value::String(s) => Cow::Borrowed(s.as_str()),
                other => Cow::Owned(other.to_string()),
            };
            // Part of it may have been replaced; what is left is still a secret, and the hash is of what stands there.
            let marker = self.marker(kind, &secret);
            *held = Value::String(marker);
            changed = true;
        });
        if changed { value.to_string() } else { text }
    }

    /// The exchange as it goes into reports. Learn from it first.
    pub fn record(&self, exchange: &Exchange) -> ExchangeRecord {
        let request = &exchange.request;
        let (response, failure) = match &exchange.outcome {
            Outcome::Response(r) => (
                Some(ResponseRecord {
                    status: r.status,
                    version: r.version.clone(),
                    headers: self.headers(&r.headers),
                    body: self.limited(&r.body),
                    cut: r.cut.as_ref().map(|cut| self.text(&cut.to_string())),
                }),
                None,
            ),
            Outcome::Failure(f) => (None, Some(self.text(&f.message))),
        };
        ExchangeRecord {
            id: format!("x{}", exchange.id),
            at: exchange.at.to_string(),
            request: RequestRecord {
                method: self.text(&request.method),
                url: self.text(&request.url),
                headers: self.headers(&request.headers),
                body: self.limited(&request.body),
            },
            response,
            failure,
            seconds: exchange.took.as_secs_f64(),
        }
    }

    fn headers(&self, headers: &Headers) -> Vec<(String, String)> {
        headers
            .0
            .iter()
            .map(|(name, value)| (name.clone(), self.header(name, &String::from_utf8_lossy(value))))
            .collect()
    }

    fn header(&self, name: &str, value: &str) -> String {
        let hidden = |kind, value: &str| {
            let text = self.text(value);
            if value.is_empty() || is_marker(&text) { text } else { self.marker(kind, value) }
        };
        match name.to_ascii_lowercase().as_str() {
            // The scheme is no secret, and a wrong one is worth seeing.
            "authorization" | "proxy-authorization" => match value.split_once(' ') {
                Some((scheme, credentials)) => format!("{scheme} {}", hidden("credentials", credentials)),
                None => hidden("credentials", value),
            },
            "cookie" | "set-cookie" => hidden("cookie", value),
            other if members::names_a_secret(other) => hidden(other, value),
            _ => self.text(value),
        }
    }

    fn limited(&self, body: &[u8]) -> String {
        // Cut after redaction, or the first half of a secret could stay at the end.
        let mut text = self.body(body);
        if text.len() > BODY_LIMIT {
            let boundary = (0..=BODY_LIMIT).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0);
            text.truncate(boundary);
            text += &format!("[cut here: {} bytes in all]", body.len());
        }
        text
    }
}

/// Whether a value is nothing but a description that this module has made.
fn is_marker(value: &str) -> bool {
    let hash = value.strip_prefix('[').and_then(|v| v.strip_suffix(']')).and_then(|v| v.rsplit_once(", #"));
    hash.is_some_and(|(before, hash)| {
        before.contains(": ") && before.contains(" character") && hash.len() == 6 && forms::is_hex(hash)
    })
}

/// Overlapping finds become one, described by the longest: a secret that holds another must not leave its ends behind.
fn replace(text: &str, mut found: Vec<(Range<usize>, &str)>) -> String {
    found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    let mut found = found.into_iter().peekable();
    while let Some((mut range, mut marker)) = found.next() {
        let mut longest = range.len();
        // The pieces of a long secret touch.
        while let Some((next, other)) = found.next_if(|(next, m)| next.start < range.end + usize::from(*m == marker)) {
            if next.len() > longest {
                (longest, marker) = (next.len(), other);
            }
            range.end = range.end.max(next.end);
        }
        out.push_str(&text[done..range.start]);
        out.push_str(marker);
        done = range.end;
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
mod tests;
