//! How hard a client_secret is to guess, as far as answers can show: an upper bound, and signs that it is derived
//! (RFC 7591, 3.2.1; RFC 6749, 10.10).

use sha2::{Digest, Sha256};

use super::rule::{Claim, Objection};
use crate::spec::Strength;

/// Fewer secrets than these say nothing about their bound.
const ENOUGH: usize = 20;

/// Below this bound the requirement is broken; from here to [`AMPLE`] it is a note, as for UUIDv4 and nanoid.
const TOO_FEW_BITS: f64 = 112.0;
const AMPLE: f64 = 128.0;

/// More secrets than these say no more about it.
const PLENTY: usize = 200;

/// The secrets of a run; of a long one the newest.
#[derive(Default)]
pub(super) struct Samples {
    newest: Vec<String>,
    added: usize,
}

impl Samples {
    /// Takes one more secret in; says something each time another twenty are there.
    pub fn add(&mut self, secret: &str) -> Option<Claim> {
        if self.newest.len() < PLENTY {
            self.newest.push(secret.to_owned());
        } else {
            self.newest[self.added % PLENTY] = secret.to_owned();
        }
        self.added += 1;
        if !self.added.is_multiple_of(ENOUGH) {
            return None;
        }
        let (varying, class) = varying(&self.newest);
        let bits = varying as f64 * (class as f64).log2();
        let says = format!(
            "over {} secrets {varying} characters vary, of an alphabet of {class}: at most {bits:.0} bits",
            self.newest.len()
        );
        let objection = || {
            Objection::new("/client_secret", says.clone())
                .expected("a chance of a guess of 2^-128 or less (RFC 6749, 10.10)")
        };
        Some(if bits < TOO_FEW_BITS {
            Claim::objects(objection())
        } else if bits < AMPLE {
            Claim::objects(objection().strength(Strength::Note))
        } else {
            Claim::Holds
        })
    }
}

/// How many characters vary, and the size of the smallest class that holds all of them. Only an upper bound is wanted,
/// so a place that not every secret has counts as varying.
fn varying(secrets: &[String]) -> (usize, u32) {
    let Some(first) = secrets.first() else { return (0, 16) };
    let longest = secrets.iter().map(String::len).max().unwrap_or(0);
    // The bits that differ, place by place; as bytes, which are compared many at a time.
    let mut varies = vec![0; longest];
    for secret in secrets {
        varies[first.len().min(secret.len())..first.len().max(secret.len())].fill(u8::MAX);
        let pairs = first.as_bytes().iter().zip(secret.as_bytes());
        varies.iter_mut().zip(pairs).for_each(|(varies, (a, b))| *varies |= a ^ b);
    }
    let count = varies.iter().filter(|varies| **varies != 0).count();
    // Secrets are ASCII; of others each byte counts, which bounds them from above as well.
    let mut seen = [false; 256];
    for secret in secrets {
        secret.bytes().zip(&varies).for_each(|(byte, varies)| seen[usize::from(byte)] |= *varies != 0);
    }
    let all = |fits: fn(u8) -> bool| (0..=u8::MAX).all(|byte| !seen[usize::from(byte)] || fits(byte));
    let class = if all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) || all(|c| matches!(c, b'0'..=b'9' | b'A'..=b'F')) {
        16
    } else if all(|c| matches!(c, b'a'..=b'z' | b'2'..=b'7')) || all(|c| matches!(c, b'A'..=b'Z' | b'2'..=b'7')) {
        32
    } else if all(|c| c.is_ascii_alphanumeric()) {
        62
    } else if all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'-' | b'_' | b'=')) {
        64
    } else {
        94
    };
    (count, class)
}

fn hex_digest(text: &str) -> String {
    Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect()
}

/// The secret contains the public identifier, or a hash of it.
pub(super) fn derived(secret: &str, client_id: &str) -> Option<Claim> {
    // A short identifier stands in a random text by chance.
    if client_id.len() < 8 {
        return None;
    }
    let what = if secret == client_id {
        "is the client_id"
    } else if secret.contains(client_id) {
        "contains the client_id"
    } else if secret.len() >= 64 && secret.to_ascii_lowercase().contains(&hex_digest(client_id)) {
        "is a hash of the client_id"
    } else {
        return None;
    };
    // A secret that holds the identifier beside enough of its own is a matter of taste; the bound over many decides then.
    let rest = secret.len().saturating_sub(client_id.len());
    if what.starts_with("contains") && rest >= 20 {
        return None;
    }
    Some(Claim::objects(
        Objection::new("/client_secret", format!("the client_secret {what}, which everyone knows"))
            .expected("a secret that cannot be guessed"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(secret: impl Fn(usize) -> String) -> Option<Claim> {
        let mut samples = Samples::default();
        (0..ENOUGH).map(|i| samples.add(&secret(i))).last().flatten()
    }

    #[test]
    fn the_bound_tells_short_secrets_from_long_ones() {
        let digest = |i: usize| Sha256::digest(i.to_le_bytes()).iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert!(matches!(judge(digest), Some(Claim::Holds)));
        assert!(matches!(judge(|i| digest(i)[..8].to_owned()), Some(Claim::Objects(o)) if o.strength.is_none()));
        assert!(matches!(judge(|i| format!("prefix-{i:030}")), Some(Claim::Objects(o)) if o.strength.is_none()));
        assert!(
            matches!(judge(|i| digest(i)[..30].to_owned()), Some(Claim::Objects(o)) if o.strength == Some(Strength::Note))
        );
    }

    #[test]
    fn nineteen_secrets_say_nothing() {
        let mut samples = Samples::default();
        assert!((0..ENOUGH - 1).all(|_| samples.add("same").is_none()));
    }

    #[test]
    fn a_secret_made_from_the_identifier_is_seen() {
        assert!(derived("client-0001-x", "client-0001").is_some());
        assert!(derived("a-secret-of-its-own-that-is-long", "client-0001").is_none());
        assert!(derived("abc", "ab").is_none());
    }
}
