//! Registrations that the generator makes of the bytes, at the reference server: nobody may be accused.
#![no_main]

use dcrspec::{fuzz::session::{Session, refuse}, selftest::reference_target, server::Configuration};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static SESSIONS: Vec<Session> = Configuration::ALL
        .into_iter()
        .map(|c| Session::new(reference_target(c, &[], 1)).expect("the reference server can be tested"))
        .collect();
}

fuzz_target!(|data: &[u8]| {
    let Some((which, rest)) = data.split_first() else { return };
    SESSIONS.with(|sessions| refuse(&sessions[usize::from(*which) % sessions.len()].feed(rest)));
});
