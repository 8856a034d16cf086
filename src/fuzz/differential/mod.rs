//! The reference server with a defect beside the one without: the two may differ where the defect says, and nowhere else.
//!
//! Both get the same input. What is held:
//!
//! - the server without the defect is accused of nothing;
//! - where the answers first differ, they differ in what the defect alters ([`alters::ALTERS`]), and in nothing else;
//! - what the one with it is accused of up to there is the defect's requirement, one that its entry says breaks with it
//!   ([`Defect::also`]), or about a part that the defect alters.
//!
//! It is not held that a defect shows: that is what the self-test is for. What comes after the first difference is judged, and neither
//! compared nor held against the defect: where a client is lost or two are mixed up, anything may come of their lives.

mod alters;

use alters::ALTERS;

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
        let differs_at = found.as_ref().map_or(usize::MAX, |(at, _)| *at);
        for fault in theirs.faults.iter().filter(|fault| fault.exchange <= differs_at) {
            if self.alters(part_of(&fault.objection.instance_path)) {
                continue;
            }
            for what in std::iter::once(&fault.requirement).chain(&fault.also).filter(|r| !self.breaks(r)) {
                let message = format!("{id} does not explain {what}: {}", told(fault));
                strange.push(Strange { what: what.clone(), message });
            }
        }
        for difference in found.iter().flat_map(|(_, found)| found).filter(|d| !self.alters(d.part())) {
            let message = format!("{id} does not explain what exchange {} differs in: {difference}", differs_at + 1);
            strange.push(Strange { what: difference.part().to_owned(), message });
        }
        strange
    }

    /// Whether the defect's entry says that the requirement breaks with it.
    fn breaks(&self, requirement: &str) -> bool {
        let defect = &self.defect;
        let mut broken = std::iter::once(defect.requirement).chain(defect.also.iter().map(|(id, _)| *id));
        broken.any(|id| id == requirement || Catalogue::known().primary(requirement, &|at| at == id) == id)
    }

    /// Whether the defect alters this part of an answer. An error code comes and goes with the status.
    fn alters(&self, part: &str) -> bool {
        let part = if part == "error" { "status" } else { part };
        let altered = ALTERS.iter().filter(|(id, _)| *id == self.defect.id).flat_map(|(_, parts)| *parts);
        altered.copied().any(|altered| altered == part || altered == "*" || altered == "#" && part.contains('#'))
    }
}

/// The part of an answer that a place stands for: the first segment of a JSON Pointer.
fn part_of(place: &str) -> &str {
    place.trim_start_matches('/').split('/').next().unwrap_or_default()
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

    /// What [`ALTERS`] leaves out, and so would end a session of the target by chance. DCRSPEC_INPUTS asks for more inputs at each defect:
    /// with thousands, in a release build, it takes minutes.
    #[test]
    fn every_defect_differs_where_it_says() {
        use std::sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering::Relaxed},
        };
        let count = std::env::var("DCRSPEC_INPUTS").map_or(4, |n| n.parse().expect("DCRSPEC_INPUTS is a number"));
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, Into::into) {
                scope.spawn(|| {
                    while let Some(defect) = defects().get(next.fetch_add(1, Relaxed)) {
                        let pair = Pair::new(defect).unwrap();
                        let mut strange = fed(&pair, count);
                        strange.sort_by(|a, b| a.what.cmp(&b.what));
                        strange.dedup_by(|a, b| a.what == b.what);
                        found.lock().unwrap().extend(strange.into_iter().map(|s| s.message));
                    }
                });
            }
        });
        let found = found.into_inner().unwrap();
        assert!(found.is_empty(), "{found:#?}");
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
        let silent = labelled("unknown-refused", "expires-at-missing");
        assert!(silent.contains("status"), "{silent:?}");
    }

    #[test]
    fn the_table_has_every_defect_and_no_other() {
        let listed: Vec<&str> = ALTERS.iter().map(|(id, _)| *id).collect();
        let known: std::collections::BTreeSet<&str> = defects().iter().map(|d| d.id).collect();
        assert!(listed.is_sorted(), "in the order of the alphabet");
        assert_eq!(listed.len(), listed.iter().collect::<std::collections::BTreeSet<_>>().len(), "each once");
        let missing: Vec<_> = known.iter().filter(|id| !listed.contains(id)).collect();
        let unknown: Vec<_> = listed.iter().filter(|id| !known.contains(*id)).collect();
        assert!(missing.is_empty() && unknown.is_empty(), "{missing:?} {unknown:?}");
    }

    #[test]
    fn two_bytes_choose_the_defect() {
        assert_eq!(chosen(&[0]), None);
        assert_eq!(chosen(&[1, 0, 9]), Some((1, &[9_u8][..])));
    }
}
