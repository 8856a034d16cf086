//! Which defects of the reference server a campaign can find, and the proof that it does: the self-test of the fuzzer.

use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;

use super::{
    campaign::{self, Options, Outcome},
    finding::{Finding, Repeats},
};
use crate::{run, selftest::reference_target, server::Defect, wire::Ledger};

/// Defects that no campaign shows: each kind with the reason.
const OUT_OF_REACH: &[(&str, &[&str])] = &[
    ("takes a port that the campaign does not speak to", &["plaintext-served"]),
    (
        "shows at the token or authorization endpoint alone, which a campaign leaves alone",
        &[
            "authorize-unknown-client",
            "token-unknown-client",
            "post-auth-refused",
            "grant-default-missing",
            "grants-unchecked",
            "redirect-anywhere",
            "redirect-path-prefix",
            "redirect-host-prefix",
            "new-secret-dead",
            "deleted-authenticates",
            "deleted-authorizes",
            "grants-outlive-client",
        ],
    ),
    (
        "takes an update with a member that nobody knows, which a case of a suite alone expects something of",
        &["update-unknown-refused"],
    ),
    (
        "is told by a case of the vendor's suite alone: RFC 7591 leaves it to the server, so that no rule says it of every \
         exchange",
        &[
            "awork-without-token",
            "awork-name-needed",
            "awork-null-refused",
            "awork-application-type-dropped",
            "awork-offline-access-dropped",
            "awork-public-refused",
            "awork-error-422",
            "awork-limits-silent",
            "awork-reset-epoch",
        ],
    ),
];

/// Defects that take an update, a delete, or a read with a wrong token: sequences over RFC 7592 find them.
const BY_SEQUENCES: &[&str] = &[
    "token-of-any-client",
    "configuration-open",
    "token-prefix-taken",
    "update-with-any-token",
    "delete-with-any-token",
    "gone-404",
    "token-outlives-client",
    "initial-token-manages",
    "patch-crash",
    "no-delete-404",
    "forbidden-read-404",
    "forbidden-update-404",
    "forbidden-delete-409",
    "read-stale",
    "update-204",
    "round-trip-refused",
    "update-augments",
    "update-merges",
    "update-by-body",
    "secret-chosen-in-update",
    "right-secret-refused",
    "excluded-adopted",
    "update-422",
    "update-half-applied",
    "update-unchecked",
    "new-token-dead",
    "refused-update-kills-token",
    "delete-200",
    "former-outlives-client",
    "old-token-lives",
];

/// The most members beyond the base client, and steps of a sequence, that a shrunk finding may have.
const SMALL: usize = 3;

/// What it takes to see a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "by", content = "why")]
pub enum Reach {
    /// One registration, and the reads that follow it.
    Registration,
    /// A sequence over RFC 7592 (`--stateful`).
    Sequence,
    /// No campaign sees it, for this reason.
    Nothing(&'static str),
}

impl Reach {
    /// What it takes to see this defect.
    pub fn of(defect: &Defect) -> Reach {
        if let Some((why, _)) = OUT_OF_REACH.iter().find(|(_, ids)| ids.contains(&defect.id)) {
            return Reach::Nothing(why);
        }
        if BY_SEQUENCES.contains(&defect.id) { Reach::Sequence } else { Reach::Registration }
    }
}

/// What a campaign made of one defect.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The id of the defect.
    pub defect: &'static str,
    /// The requirement that it breaks.
    pub requirement: &'static str,
    /// The configuration in which it was tried.
    pub configuration: &'static str,
    /// What it takes to see it.
    pub reach: Reach,
    /// How many inputs were sent until it was seen; whole rounds of 64.
    pub inputs: u64,
    /// Members beyond the base client in the shrunk finding.
    pub members: Option<usize>,
    /// Steps after the registration in the shrunk finding.
    pub steps: Option<usize>,
    /// How surely it repeats.
    pub repeats: Option<String>,
    /// Why this row fails the self-test: not found, not small, not seen again.
    pub gap: Option<String>,
}

/// A campaign against the reference server with one defect, until that is found or `count` inputs are sent. The inputs are
/// those of `dcrspec fuzz --reference --defect ID --seed SEED`, with `--stateful` where that is asked for.
pub(super) fn hunt(defect: &'static Defect, seed: u64, count: u64, stateful: bool) -> Outcome {
    let target = reference_target(defect.configuration, &[defect], seed);
    let options = Options {
        run: run::Options { seed, ..run::Options::default() },
        count: Some(count),
        stop_at: Some(defect.requirement.to_owned()),
        stateful,
        ..Options::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime starts on a thread that has none");
    runtime.block_on(campaign::run(&target, &options, Ledger::memory(), &mut |_| {}))
}

fn row(defect: &'static Defect, seed: u64, count: u64) -> Row {
    let reach = Reach::of(defect);
    let mut row = Row {
        defect: defect.id,
        requirement: defect.requirement,
        configuration: defect.configuration.name(),
        reach,
        inputs: 0,
        members: None,
        steps: None,
        repeats: None,
        gap: None,
    };
    if let Reach::Nothing(_) = reach {
        return row;
    }
    let outcome = hunt(defect, seed, count, reach == Reach::Sequence);
    row.inputs = outcome.inputs;
    let own = |f: &&Finding| f.requirement == defect.requirement || f.also.iter().any(|id| id == defect.requirement);
    let Some(finding) = outcome.findings.iter().find(own) else {
        row.gap = Some(outcome.untestable.unwrap_or_else(|| "not found".to_owned()));
        return row;
    };
    let (members, steps) = (finding.scenario.input.size(), finding.scenario.input.moves.len());
    (row.members, row.steps, row.repeats) = (Some(members), Some(steps), Some(finding.repeats.to_string()));
    row.gap = if members > SMALL || steps > SMALL {
        Some(format!("not small: {:?}", finding.scenario))
    } else if finding.repeats == Repeats::Once {
        Some("not seen again".to_owned())
    } else {
        None
    };
    row
}

/// Hunts each of these defects, as many at a time as there are processors; the rows come in order.
pub fn selftest(
    chosen: impl IntoIterator<Item = &'static Defect>,
    seed: u64,
    count: u64,
) -> impl Stream<Item = Row> + Unpin {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let hunt = move |defect| async move {
        tokio::task::spawn_blocking(move || row(defect, seed, count)).await.expect("a campaign does not panic")
    };
    Box::pin(stream::iter(chosen.into_iter().collect::<Vec<_>>()).map(hunt).buffered(processors))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{defect, defects};

    fn rows(chosen: impl IntoIterator<Item = &'static Defect>, count: u64) -> Vec<Row> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(selftest(chosen, 7, count).collect())
    }

    #[test]
    fn what_is_out_of_reach_is_a_defect() {
        for id in OUT_OF_REACH.iter().flat_map(|(_, ids)| *ids).chain(BY_SEQUENCES) {
            assert!(defect(id).is_some(), "{id}");
        }
        assert!(defects().iter().filter(|d| Reach::of(d) == Reach::Registration).count() >= 40);
    }

    /// All of them where the code is optimised; every eighth, and every third of a client's life, where it is not.
    #[test]
    fn every_defect_within_reach_is_found_and_shrunk() {
        let thinned = |reach: Reach, step: usize| {
            let step = if cfg!(debug_assertions) { step } else { 1 };
            defects().iter().filter(move |d| Reach::of(d) == reach).step_by(step)
        };
        for row in rows(thinned(Reach::Registration, 8).chain(thinned(Reach::Sequence, 3)), 20_000) {
            assert_eq!(row.gap, None, "{row:?}");
            assert!(row.members.is_some() && row.steps.is_some() && row.inputs > 0, "{row:?}");
        }
    }

    /// The proof can fail: too few inputs are a gap, and so is a defect that no registration shows.
    #[test]
    fn what_is_not_found_is_a_gap() {
        let [row] = &rows(defect("client-uri-unchecked"), 1)[..] else { panic!("one row") };
        assert_eq!(row.gap.as_deref(), Some("not found"));
        let [row] = &rows(defect("plaintext-served"), 1)[..] else { panic!("one row") };
        assert!(matches!(row.reach, Reach::Nothing(_)) && row.inputs == 0 && row.gap.is_none());
    }
}
