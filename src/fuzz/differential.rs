//! The reference server with a defect beside the one without: the two may differ where the defect says, and nowhere else.
//!
//! Both get the same input. What is held:
//!
//! - the server without the defect is accused of nothing;
//! - what the one with it is accused of is the defect's requirement, one that its entry says breaks with it
//!   ([`Defect::also`]), or one of [`BESIDES`], where inputs reach what no suite sends;
//! - where the answers differ and nobody is accused up to there, the defect is one of [`SILENT`], with the place where it shows. A
//!   judge that never accuses the innocent keeps silent about much that differs; but what differs still has to be the defect's.
//!
//! It is not held that a defect shows: that is what the self-test is for. What comes after the first difference is judged, and not
//! compared, since it may follow from it.

use super::{
    bench::Bench,
    beside::Side,
    generate::{self, Input},
    oracles::Fault,
};
use crate::{
    run::Options,
    selftest::reference_target,
    server::{Defect, defects},
    spec::Catalogue,
    wire::Ledger,
};

/// Requirements that a defect breaks under inputs that no suite sends, beside those of its entry; with an asterisk, all that begin so.
/// Where clients get mixed up, or anyone may change them, anything may come of their lives. A refusal of what else an update holds looks like one of its secret
/// where the next update, without the secret, is taken.
const BESIDES: &[(&str, &[&str])] = &[
    ("member-order-matters", &["rfc7592-2.2-secret-must-match"]),
    ("invalid-utf-8", &["rfc7591-2.2-untagged-as-is", "rfc7592-2.1-read-is-current"]),
    ("client-id-shared", &["rfc7592-*"]),
    ("redirect-uris-omitted", &["rfc7592-2.2-secret-must-match"]),
    ("redirect-uris-single", &["rfc7592-2.2-secret-must-match"]),
    ("redirect-relative", &["rfc7592-2.2-same-rules-as-registration"]),
    ("redirect-error-code", &["rfc7591-3.2.2-error-code-defined"]),
    ("name-array", &["rfc7592-2.2-secret-must-match"]),
    ("contacts-text", &["rfc7592-2.2-secret-must-match"]),
    ("issued-at-adopted", &["rfc7591-3.2.1-client-id-issued-at"]),
    ("token-shared", &["rfc7591-3.1-registrations-independent", "rfc7592-*"]),
    (
        "gone-404",
        &["rfc7592-2.1-read-invalid-token", "rfc7592-2.2-update-invalid-token", "rfc7592-2.3-delete-invalid-token"],
    ),
    (
        "token-outlives-client",
        &["rfc7592-2.1-read-invalid-token", "rfc7592-2.2-update-invalid-token", "rfc7592-2.3-delete-invalid-token"],
    ),
    ("read-stale", &["rfc7592-3-return-all-metadata"]),
    ("update-204", &["rfc7592-2.1-read-is-current", "rfc7592-3-return-all-metadata"]),
    ("update-unchecked", &["rfc7592-2.2-secret-must-match"]),
    ("token-of-any-client", &["rfc7592-*"]),
    ("configuration-open", &["rfc7592-*"]),
    ("token-prefix-taken", &["rfc7592-*"]),
    ("update-with-any-token", &["rfc7592-*"]),
    ("delete-with-any-token", &["rfc7592-*"]),
    ("initial-token-manages", &["rfc7592-*"]),
];

/// Defects that differ from the right server where no rule may object, and where they do: the name of a member, `body`, or `status`
/// for that and the error code; an asterisk for all of them.
const SILENT: &[(&str, &[&str])] = &[
    ("json-needs-charset", &["status"]),
    ("media-type-parameter-refused", &["status"]),
    ("media-type-case-sensitive", &["status"]),
    ("escapes-kept", &["client_name"]),
    ("member-order-matters", &["status"]),
    ("get-registers", &["status"]),
    ("camel-case", &["grantTypes", "grant_types"]),
    ("client-id-shared", &["*"]),
    ("expires-at-lifetime", &["client_secret_expires_at"]),
    ("expires-at-date-time", &["client_secret_expires_at"]),
    ("scope-omitted", &["scope"]),
    ("redirect-uris-omitted", &["redirect_uris"]),
    ("redirect-uris-not-required", &["status"]),
    ("redirect-http-anywhere", &["status"]),
    ("redirect-fragment", &["status"]),
    ("redirect-error-code", &["status"]),
    ("types-inconsistent", &["status"]),
    ("name-null", &["client_name"]),
    ("client-uri-unchecked", &["status"]),
    ("scope-commas", &["scope"]),
    ("contacts-text", &["contacts"]),
    ("unknown-refused", &["status"]),
    ("unknown-object-refused", &["status"]),
    ("grant-default-missing", &["grant_types"]),
    ("error-422", &["status"]),
    ("error-200", &["status"]),
    ("error-text", &["status"]),
    ("error-missing", &["status"]),
    ("error-phrase", &["status"]),
    ("error-code-unknown", &["status"]),
    ("same-second-replaces", &["status"]),
    ("managed-without-uri", &["registration_client_uri"]),
    ("managed-without-token", &["registration_access_token"]),
    ("token-refused", &["status"]),
    ("token-shared", &["*"]),
    ("managed-without-secret", &["client_secret", "client_secret_expires_at"]),
    ("managed-without-expiry", &["client_secret_expires_at"]),
    ("update-with-any-token", &["status"]),
    ("delete-with-any-token", &["status"]),
    ("gone-404", &["status"]),
    ("token-outlives-client", &["status"]),
    ("initial-token-manages", &["status"]),
    ("no-delete-404", &["status"]),
    ("forbidden-read-404", &["status"]),
    ("forbidden-update-404", &["status"]),
    ("forbidden-delete-409", &["status"]),
    ("round-trip-refused", &["status"]),
    ("update-merges", &["client_name"]),
    ("right-secret-refused", &["status"]),
    ("new-token-dead", &["status"]),
    ("refused-update-kills-token", &["status"]),
    ("new-secret-dead", &["status"]),
    ("awork-public-refused", &["status"]),
    ("awork-application-type-dropped", &["application_type"]),
    ("awork-name-needed", &["status"]),
    ("awork-null-refused", &["status"]),
    ("awork-without-token", &["status"]),
    ("statement-signature-unchecked", &["status"]),
    ("awork-error-422", &["status"]),
    ("statement-invalid-code", &["status"]),
];

/// What a defect does not explain.
#[derive(Clone, Debug)]
pub struct Strange {
    /// The requirement, or the part of an answer.
    pub what: String,
    pub message: String,
}

/// The two servers with their base clients. They stay until the process ends, as fuzzing sessions do.
pub struct Pair {
    runtime: tokio::runtime::Runtime,
    bench: Bench<'static>,
    defect: Defect,
}

impl Pair {
    /// The two in the configuration in which the defect shows. The error says why one of them cannot be tested.
    pub fn new(defect: &'static Defect) -> Result<Pair, String> {
        Self::labelled(defect, *defect)
    }

    /// As above, with another entry in place of the defect's own.
    fn labelled(which: &'static Defect, entry: Defect) -> Result<Pair, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        let options: &'static Options = Box::leak(Box::new(Options::default()));
        let [clean, broken] = [vec![], vec![which]].map(|defects| {
            let target: &'static _ = Box::leak(Box::new(reference_target(which.configuration, &defects, 1)));
            target
        });
        let against = Some((broken, Ledger::memory()));
        let prepared = runtime.block_on(super::bench::prepare(clean, against, options, Ledger::memory()));
        let bench = prepared.map_err(|(why, _)| format!("{}: {why}", which.id))?;
        Ok(Pair { runtime, bench, defect: entry })
    }

    /// Sends the registration that these bytes stand for to both, or the life of a client where the first one is odd, and returns
    /// what the defect does not explain.
    pub fn feed(&self, bytes: &[u8]) -> Vec<Strange> {
        match bytes.split_first() {
            Some((kind, rest)) if kind % 2 == 1 => self.send(&generate::sequence(rest)),
            Some((_, rest)) => self.send(&generate::input(rest)),
            None => Vec::new(),
        }
    }

    fn send(&self, input: &Input) -> Vec<Strange> {
        let Some(other) = &self.bench.against else { return Vec::new() };
        let pooled = self.bench.wants_clients() && input.is_plain();
        let memories = [&self.bench.memory, &other.memory];
        let Side { mine, theirs, found } =
            self.runtime.block_on(self.bench.side_by_side(other, input, memories, pooled));
        let id = self.defect.id;
        let mut strange = Vec::new();
        for fault in &mine.faults {
            let message = format!("without {id}, the server is accused of {}", told(fault));
            strange.push(Strange { what: fault.requirement.clone(), message });
        }
        for fault in &theirs.faults {
            for what in std::iter::once(&fault.requirement).chain(&fault.also).filter(|r| !self.explains(r)) {
                let message = format!("{id} does not explain {what}: {}", told(fault));
                strange.push(Strange { what: what.clone(), message });
            }
        }
        let (at, found) = found.unwrap_or_default();
        if theirs.faults.iter().all(|fault| fault.exchange > at) {
            for difference in found.iter().filter(|d| !self.keeps_silent(d.part())) {
                let at = at + 1;
                let message =
                    format!("{id} does not explain what exchange {at} differs in, and nobody is accused: {difference}");
                strange.push(Strange { what: difference.part().to_owned(), message });
            }
        }
        strange
    }

    fn explains(&self, requirement: &str) -> bool {
        let defect = &self.defect;
        let entry = std::iter::once(defect.requirement).chain(defect.also.iter().map(|(id, _)| *id));
        let mut explained = entry.chain(listed(BESIDES, defect.id));
        explained.any(|id| fits(id, requirement) || Catalogue::known().primary(requirement, &|at| at == id) == id)
    }

    fn keeps_silent(&self, part: &str) -> bool {
        let part = if part == "error" { "status" } else { part };
        listed(SILENT, self.defect.id).any(|listed| fits(listed, part))
    }
}

fn listed(table: &'static [(&str, &[&str])], defect: &str) -> impl Iterator<Item = &'static str> {
    table.iter().filter(move |(id, _)| *id == defect).flat_map(|(_, listed)| listed.iter().copied())
}

/// Whether a word is the listed one, or begins as one that ends with an asterisk.
fn fits(listed: &str, word: &str) -> bool {
    listed == word || listed.strip_suffix('*').is_some_and(|start| word.starts_with(start))
}

fn told(fault: &Fault) -> String {
    format!("{} ({}): {}", fault.requirement, fault.rule, fault.objection.message)
}

/// The defect that two bytes choose, and the bytes behind them.
pub fn chosen(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((usize::from(u16::from_le_bytes(*number)) % defects().len(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server;

    fn bytes(number: u64) -> Vec<u8> {
        use rand_chacha::rand_core::{Rng, SeedableRng};
        let mut bytes = vec![0; 192];
        rand_chacha::ChaCha8Rng::seed_from_u64(number).fill_bytes(&mut bytes);
        bytes
    }

    fn fed(pair: &Pair, count: u64) -> Vec<Strange> {
        (0..count).flat_map(|number| pair.feed(&bytes(number))).collect()
    }

    #[test]
    fn a_pair_differs_where_its_defect_says() {
        for id in ["name-type-crash", "expires-at-missing", "gone-404", "scope-omitted", "unknown-refused"] {
            let strange = fed(&Pair::new(server::defect(id).unwrap()).unwrap(), 40);
            assert!(strange.is_empty(), "{strange:#?}");
        }
    }

    /// The check can fail: on a finding of another requirement, and on a difference elsewhere.
    #[test]
    fn a_pair_that_differs_elsewhere_is_noticed() {
        let labelled = |which: &str, entry: &str| {
            let strange =
                fed(&Pair::labelled(server::defect(which).unwrap(), *server::defect(entry).unwrap()).unwrap(), 60);
            strange.into_iter().map(|s| s.what).collect::<std::collections::BTreeSet<_>>()
        };
        let wrong = labelled("expires-at-missing", "name-type-crash");
        assert!(wrong.contains("rfc7591-3.2.1-client-secret-expires-at"), "{wrong:?}");
        let silent = labelled("unknown-refused", "name-type-crash");
        assert!(silent.contains("status"), "{silent:?}");
    }

    #[test]
    fn the_tables_speak_of_what_there_is() {
        for (id, listed) in BESIDES.iter().chain(SILENT) {
            assert!(server::defect(id).is_some(), "{id}");
            assert!(!listed.is_empty(), "{id}");
        }
        for requirement in BESIDES.iter().flat_map(|(_, listed)| *listed) {
            assert!(Catalogue::known().iter().any(|r| fits(requirement, &r.id)), "{requirement}");
        }
        assert_eq!(chosen(&[0]), None);
        assert_eq!(chosen(&[1, 0, 9]), Some((1, &[9_u8][..])));
    }
}
