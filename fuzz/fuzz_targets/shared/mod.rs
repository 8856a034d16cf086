//! The reference server in each of its configurations, for the targets that accuse nobody.

use dcrspec::{
    fuzz::{oracles::Fault, session::{Session, refuse}},
    selftest::reference_target,
    server::Configuration,
};

thread_local! {
    // References are not dropped when the thread ends, so that a leak detector still finds what they stand for.
    static SESSIONS: &'static [Session] = Vec::leak(
        Configuration::ALL
            .into_iter()
            .map(|c| Session::new(reference_target(c, &[], 1)).expect("the reference server can be tested"))
            .collect(),
    );
}

/// The first byte chooses the configuration, the others are fed to it.
pub fn at_reference(data: &[u8], feed: fn(&Session, &[u8]) -> Vec<Fault>) {
    let Some((which, rest)) = data.split_first() else { return };
    SESSIONS.with(|sessions| refuse(&feed(&sessions[usize::from(*which) % sessions.len()], rest)));
}
