//! One target under a fuzzer that lives elsewhere: libFuzzer, or a loop of one's own, gives bytes, and hears what was wrong.

use super::{
    bench::Bench,
    generate::{self, Input},
    oracles::Fault,
};
use crate::{run::Options, target::Target, wire::Ledger};

/// A target with its base clients, to which inputs are sent one after the other. It stays until the process ends, as fuzzing
/// sessions do.
pub struct Session {
    runtime: tokio::runtime::Runtime,
    bench: Bench<'static>,
    waived: Vec<String>,
}

impl Session {
    /// Finds out what the target accepts. The error says why it cannot be tested.
    pub fn new(target: Target) -> Result<Session, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        let target: &'static Target = Box::leak(Box::new(target));
        let options: &'static Options = Box::leak(Box::new(Options::default()));
        let bench = runtime.block_on(Bench::prepare(target, options, Ledger::memory())).map_err(|(why, _)| why)?;
        Ok(Session { runtime, bench, waived: Vec::new() })
    }

    /// Passes over findings of these requirements, so that a session goes on behind what is known.
    #[must_use]
    pub fn waive(self, requirements: &[&str]) -> Session {
        Session { waived: requirements.iter().map(|r| (*r).to_owned()).collect(), ..self }
    }

    /// Sends the registration that these bytes stand for ([`generate::input`]), and returns what was wrong.
    pub fn feed(&self, bytes: &[u8]) -> Vec<Fault> {
        self.send(&generate::input(bytes))
    }

    /// Sends the registration and the steps over RFC 7592 that these bytes stand for ([`generate::sequence`]).
    pub fn feed_sequence(&self, bytes: &[u8]) -> Vec<Fault> {
        self.send(&generate::sequence(bytes))
    }

    fn send(&self, input: &Input) -> Vec<Fault> {
        let pooled = self.bench.wants_clients() && input.is_plain();
        let mut shot = self.runtime.block_on(self.bench.shoot(input, &self.bench.memory, pooled));
        shot.faults.retain(|fault| !self.waived.contains(&fault.requirement));
        shot.faults
    }

    /// As [`Session::feed`], for libFuzzer: a finding is a crash.
    ///
    /// # Panics
    ///
    /// Where something was wrong; the message names the requirement and says what to do with the crash file.
    pub fn check(&self, bytes: &[u8]) {
        refuse(&self.feed(bytes));
    }
}

/// Panics where there is a finding.
///
/// # Panics
///
/// See [`Session::check`].
pub fn refuse(faults: &[Fault]) {
    let Some(fault) = faults.first() else { return };
    panic!(
        "{} {} ({}): {}\nPut the crash file into a folder of its own, and `dcrspec fuzz URL --corpus FOLDER --count 1 \
         --findings findings` makes a finding of it, for `dcrspec replay` and `dcrspec promote`.",
        fault.level, fault.requirement, fault.rule, fault.objection.message
    );
}

/// A libFuzzer target of a service in this process. The crate that uses it depends on `libfuzzer-sys`.
///
/// ```ignore
/// #![no_main]
/// dcrspec::libfuzzer_target!(my_server::router(), "/register");
/// // Behind what is known already:
/// dcrspec::libfuzzer_target!(my_server::router(), "/register", &["rfc7591-3.2.1-client-secret-expires-at"]);
/// ```
#[macro_export]
macro_rules! libfuzzer_target {
    ($service:expr, $endpoint:expr) => {
        $crate::libfuzzer_target!($service, $endpoint, &[]);
    };
    ($service:expr, $endpoint:expr, $waived:expr) => {
        ::libfuzzer_sys::fuzz_target!(|data: &[u8]| {
            ::std::thread_local! {
                // A reference is not dropped when the thread ends, so that a leak detector still finds what it stands for.
                static SESSION: &'static $crate::fuzz::session::Session = ::std::boxed::Box::leak(::std::boxed::Box::new(
                    $crate::fuzz::session::Session::new($crate::target::Target::of_service(
                        ::std::concat!("http://localhost", $endpoint),
                        $service,
                    ))
                    .unwrap_or_else(|why| panic!("the service cannot be fuzzed: {why}"))
                    .waive($waived),
                ));
            }
            SESSION.with(|session| session.check(data));
        });
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{selftest::reference_target, server};

    fn session(defect: Option<&str>) -> Session {
        let defect = defect.map(|id| server::defect(id).unwrap());
        let defects: Vec<_> = defect.into_iter().collect();
        Session::new(reference_target(server::Configuration::Open, &defects, 1)).unwrap()
    }

    /// Bytes that differ from call to call, and are the same in every run.
    fn bytes(number: u64) -> Vec<u8> {
        use rand_chacha::rand_core::{Rng, SeedableRng};
        let mut bytes = vec![0; 192];
        rand_chacha::ChaCha8Rng::seed_from_u64(number).fill_bytes(&mut bytes);
        bytes
    }

    #[test]
    fn the_clean_server_is_not_accused_and_a_broken_one_is_until_it_is_waived() {
        let clean = session(None);
        let broken = session(Some("expires-at-missing"));
        let known = session(Some("expires-at-missing")).waive(&["rfc7591-3.2.1-client-secret-expires-at"]);
        let mut found = 0;
        for number in 0..60 {
            assert!(clean.feed(&bytes(number)).is_empty());
            assert!(clean.feed_sequence(&bytes(number)).is_empty());
            found += broken.feed(&bytes(number)).len();
            assert!(known.feed(&bytes(number)).is_empty());
        }
        assert!(found > 5, "{found}");
        assert!(std::panic::catch_unwind(|| refuse(&[])).is_ok());
    }

    #[test]
    fn what_cannot_be_tested_says_why() {
        let app = axum::Router::new();
        let why = Session::new(Target::of_service("http://localhost/register", app)).err().unwrap_or_default();
        assert!(!why.is_empty());
    }
}
