//! A model of clients' lives at a configuration endpoint (RFC 7592): which steps there are, in which order they make sense,
//! sequences of them from a seed, and the shortest sequence that still shows a fault.
//!
//! ```text
//!              ┌──────────── read, read with a wrong token ───────────┐
//!              ▼                                                      │
//!  register ─► registered ─► rename, refused update, send back ─► registered
//!                  │
//!                  └─► delete ─► deleted ─► read, update, delete: 401 each
//! ```
//!
//! What each step must and may answer is the judge's to say, and it says the same of a suite's and a fuzzer's exchanges
//! ([`judge::Memory`](crate::judge::Memory)):
//!
//! | step | must | may |
//! |---|---|---|
//! | register | 201 with the client, its URL and its token | refuse |
//! | read | 200 with what the last answer showed, the same client_id, its credentials | hand out a new token and secret; 403, 405 |
//! | rename | 200 with the record | other values, which the answer shows; a new token and secret; 400, 403, 405 |
//! | refused update | 400; nothing changes, and the token goes on working | correct the value, and say so |
//! | send back | 200; nothing changes | 403, 405 |
//! | read with a wrong token | 401 with a challenge; nothing changes | |
//! | delete | 204 | 403, 405 |
//! | anything after 204 | 401 | 405 for a method that there is not |
//!
//! Two requests at once (`together` in a suite): of two updates both, one or none is answered 200, and a later read shows one of
//! them as a whole, or what was there before where neither was; a read that a delete overtakes is answered 200 or 401.

mod step;

use std::fmt::Write as _;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::suite::TokenWord;

pub use step::{Change, Method, Move, Update, Who};

/// A sequence of at most `length` steps over two clients. The same seed gives the same sequence on every machine. A client is
/// used after its deletion, but not often; what is registered is deleted in the end by whoever runs the sequence.
pub fn generate(seed: u64, length: usize) -> Vec<Move> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    draw(&mut |n| random.next_u32() as usize % n, length, false)
}

/// As [`generate`], from choices: `below(n)` gives a number below n. `wide` draws every step that there is, wrong tokens and
/// methods among them, and not only those of the picture above.
pub fn draw(below: &mut dyn FnMut(usize) -> usize, length: usize, wide: bool) -> Vec<Move> {
    let mut dead = [false, false];
    let mut moves = Vec::with_capacity(length);
    while moves.len() < length {
        let second = below(2) == 1;
        let who = if second { Who::Second } else { Who::First };
        let chosen = match below(if wide { 26 } else { 16 }) {
            0..=4 => Move::Read(who),
            5..=8 => Move::Rename(who),
            9..=10 => Move::RefusedUpdate(who),
            11..=12 => Move::SendBack(who),
            13 => Move::ReadWithWrongToken(who),
            14..=15 => Move::Delete(who),
            16..=20 => Move::Change(who, CHANGES[below(CHANGES.len())]),
            21..=24 => Move::Present(who, METHODS[below(METHODS.len())], TOKENS[below(TOKENS.len())]),
            _ => Move::Patch(who),
        };
        // One look at a deleted client in four is enough.
        if dead[usize::from(second)] && below(4) != 0 {
            if dead == [true, true] {
                break;
            }
            continue;
        }
        dead[usize::from(second)] |= matches!(chosen, Move::Delete(_));
        moves.push(chosen);
    }
    moves
}

const CHANGES: [Change; 7] = [
    Change::Lists,
    Change::LeaveOut,
    Change::Null,
    Change::Secret,
    Change::ChosenSecret,
    Change::Excluded,
    Change::OfAnother,
];

const METHODS: [Method; 3] = [Method::Read, Method::Update, Method::Delete];

const TOKENS: [TokenWord; 7] = [
    TokenWord::None,
    TokenWord::Random,
    TokenWord::Truncated,
    TokenWord::Altered,
    TokenWord::Former,
    TokenWord::Another,
    TokenWord::Initial,
];

/// Makes a list shorter by dropping items: halves first, then one by one. Whoever uses it asks for a candidate, tries it
/// and says what came of it, so that trying may take its time.
pub struct Dropping<T> {
    best: Vec<T>,
    size: usize,
    at: usize,
}

impl<T: Clone> Dropping<T> {
    /// Begins with the whole list.
    pub fn new(items: &[T]) -> Dropping<T> {
        Dropping { best: items.to_vec(), size: items.len(), at: 0 }
    }

    /// The next list to try; nothing, when there is none left.
    pub fn candidate(&mut self) -> Option<Vec<T>> {
        if self.at >= self.best.len() {
            (self.at, self.size) = (0, self.size / 2);
        }
        if self.size == 0 || self.best.is_empty() {
            return None;
        }
        let mut shorter = self.best.clone();
        shorter.drain(self.at..(self.at + self.size).min(self.best.len()));
        Some(shorter)
    }

    /// What came of the last candidate: whether it will do.
    pub fn tried(&mut self, will_do: bool) {
        if will_do {
            let end = (self.at + self.size).min(self.best.len());
            self.best.drain(self.at..end);
        } else {
            self.at += self.size;
        }
    }

    /// The shortest list so far.
    pub fn best(self) -> Vec<T> {
        self.best
    }
}

/// The shortest sequence, by dropping steps, for which `fails` still says yes.
pub fn shrink(moves: &[Move], fails: &mut dyn FnMut(&[Move]) -> bool) -> Vec<Move> {
    let mut dropping = Dropping::new(moves);
    while let Some(shorter) = dropping.candidate() {
        let will_do = fails(&shorter);
        dropping.tried(will_do);
    }
    dropping.best()
}

/// A suite case, as YAML, that goes through a sequence.
pub fn case(id: &str, moves: &[Move]) -> String {
    let mut out = String::new();
    let mut line = |text: &str| writeln!(out, "{text}").expect("a string can be written to");
    line(&format!("  - id: {id}"));
    line("    title: whatever the order of reads, updates and deletes, each answer agrees with those before it");
    line("    requirements:");
    for requirement in REQUIREMENTS {
        line(&format!("      - {requirement}"));
    }
    line("    needs: [rfc7592-read, rfc7592-update, rfc7592-delete, second-client]");
    line("    steps:");
    for (name, word) in [("first", "a"), ("second", "b")] {
        line(&format!("      - id: {name}"));
        line(&format!(
            "        register: {{ with: {{ client_name: \"{name} ${{fresh.{word}}}\", software_id: \"dcrspec-${{fresh.{word}}}\" }} }}"
        ));
        line(&format!("        expect: {{ requirement: {}, created: {{}} }}", REQUIREMENTS[0]));
    }
    for (number, step) in moves.iter().enumerate() {
        line(&format!("      - {}", step.written(number)));
    }
    out
}

/// The requirements that sequences exercise; the first is what their expectations name.
const REQUIREMENTS: [&str; 4] = [
    "rfc7592-2.1-read-is-current",
    "rfc7592-2.1-client-id-stable",
    "rfc7592-2.2-update-roundtrip",
    "rfc7592-A.1-rotate-only-on-read-or-update",
];

/// A suite file of sequences.
pub fn suite(sequences: &[(String, Vec<Move>)]) -> String {
    let mut out = String::from(
        "suite: rfc7592/sequences\ntitle: Two clients' lives, in orders that a seed gives (RFC 7592, 2)\ncases:\n",
    );
    out.push_str(&sequences.iter().map(|(id, moves)| case(id, moves)).collect::<Vec<_>>().join("\n"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{run, run::Options, selftest, server, suite::load_text, wire::Ledger};

    /// The handful that is part of `run`.
    const FIXED: [u64; 4] = [1, 2, 3, 7];

    #[test]
    fn the_kept_sequences_are_those_of_their_seeds() {
        let sequences: Vec<_> = FIXED.iter().map(|seed| (format!("seed-{seed}"), generate(*seed, 10))).collect();
        let made = format!(
            "# Made by src/model from its seeds; `DCRSPEC_UPDATE=1 cargo test` writes it anew.\n{}",
            suite(&sequences)
        );
        crate::kept::assert_kept_text("suites/rfc7592/sequences.yaml", &made);
    }

    #[test]
    fn every_sequence_is_a_suite_that_loads() {
        for seed in 0..200 {
            let moves = generate(seed, 12);
            assert!(!moves.is_empty() && moves == generate(seed, 12));
            load_text("sequences", &suite(&[("one".into(), moves)])).unwrap();
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let wide = draw(&mut |n| random.next_u32() as usize % n, 12, true);
            load_text("sequences", &suite(&[("one".into(), wide)])).unwrap();
        }
    }

    #[test]
    fn shrinking_keeps_what_is_needed_and_its_order() {
        let (rename, read) = (Move::Rename(Who::First), Move::Read(Who::First));
        let mut fails = |m: &[Move]| {
            let at = m.iter().position(|x| *x == rename);
            at.is_some_and(|at| m[at..].contains(&read))
        };
        let moves = (0..20).map(|seed| generate(seed, 30)).find(|m| fails(m) && m.len() > 10);
        let moves = moves.expect("one of twenty sequences holds both steps");
        assert_eq!(shrink(&moves, &mut fails), [rename, read]);
    }

    /// Requirements that a sequence breaks at the reference server.
    fn broken(moves: &[Move], defect: &str, configuration: server::Configuration) -> Vec<String> {
        let suites = [load_text("sequences", &suite(&[("one".into(), moves.to_vec())])).unwrap()];
        let defects: Vec<_> = server::defect(defect).into_iter().collect();
        let target = selftest::reference_target(configuration, &defects, 1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let report = runtime.block_on(run::run(&target, &suites, &Options::default(), Ledger::memory())).report;
        assert!(report.untestable.is_none());
        let counts = |f: &&crate::report::Finding| f.strength != crate::spec::Strength::Note && !f.case.is_empty();
        report.findings.iter().filter(counts).map(|f| f.requirement.clone()).collect()
    }

    #[test]
    fn sequences_find_faults_of_order_and_shrink_to_them() {
        use server::Configuration::Open;
        for (defect, configuration, requirement, most) in [
            ("read-stale", Open, "rfc7592-2.1-read-is-current", 2),
            ("refused-update-kills-token", Open, "rfc7592-A.1-rotate-only-on-read-or-update", 3),
            ("update-half-applied", Open, "rfc7592-2.2-failed-update-changes-nothing", 2),
            ("token-outlives-client", Open, "rfc7592-5-delete-invalidates-token", 2),
        ] {
            let mut fails = |m: &[Move]| broken(m, defect, configuration).iter().any(|r| r == requirement);
            let found = (0..60).map(|seed| generate(seed, 10)).find(|m| fails(m));
            let found = found.unwrap_or_else(|| panic!("no sequence finds {defect}"));
            let short = shrink(&found, &mut fails);
            assert!(short.len() <= most, "{defect}: {short:?}");
        }
    }

    #[test]
    fn no_sequence_accuses_a_server_that_is_right() {
        for configuration in server::Configuration::ALL {
            for seed in 0..12 {
                assert_eq!(
                    broken(&generate(seed, 12), "", configuration),
                    Vec::<String>::new(),
                    "{configuration:?} {seed}"
                );
            }
        }
    }
}
