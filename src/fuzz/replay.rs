//! Sends a finding again: is it fixed?

use super::{
    bench::{Bench, Finished, prepare},
    campaign::replayed,
    finding::{Finding, Repeats},
    generate::Credentials,
    scenario::{Question, trial},
};
use crate::{
    run,
    target::Target,
    wire::{Exchange, Kind, Ledger},
};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The scenario was answered, and nothing is wrong with that any more.
    Fixed,
    StillThere(Repeats),
    /// The cause is gone and there is another one; its sentences.
    Changed(Vec<String>),
    /// Nothing can be said, and why.
    NotAsked(String),
}

/// Sends the scenario of a finding to a target, with identifiers and tokens of that target; a difference goes to two. Gives
/// back what is left.
pub async fn replay(
    finding: &Finding,
    target: &Target,
    against: Option<(&Target, Ledger)>,
    options: &run::Options,
    ledger: Ledger,
    times: u32,
) -> (Replayed, Finished) {
    let bench = match prepare(target, against, options, ledger).await {
        Ok(bench) => bench,
        Err((why, finished)) => return (Replayed::NotAsked(why), finished),
    };
    let replayed = ask(&bench, finding, times).await;
    (replayed, bench.finish().await)
}

async fn ask(bench: &Bench<'_>, finding: &Finding, times: u32) -> Replayed {
    let lists = bench.harness.target.administration.as_ref().is_some_and(|a| a.finds());
    if finding.scenario.ask == Some(Question::Listed) && !lists {
        return Replayed::NotAsked("no [cleanup] with find says how the clients of this server are listed".into());
    }
    let (repeats, best) = replayed(bench, &finding.scenario, &finding.cause(), times).await;
    if best.is_some() {
        return Replayed::StillThere(repeats);
    }
    let shot = trial(bench, &finding.scenario).await;
    let other: Vec<String> =
        shot.faults.iter().filter(|f| !finding.beside.contains(&f.id)).map(|f| f.objection.message.clone()).collect();
    if !other.is_empty() {
        return Replayed::Changed(other);
    }
    let own = finding.scenario.input.envelope.credentials == Credentials::Own;
    if shot.exchanges.is_empty() {
        return Replayed::NotAsked("the requests of different sizes were not answered alike".into());
    }
    let steps = !finding.scenario.input.moves.is_empty();
    if steps && !shot.exchanges.iter().any(manages) {
        return Replayed::NotAsked("no step of the sequence could be sent, since there is no client to manage".into());
    }
    match shot.exchanges.iter().find_map(|x| silent(x, own && !manages(x), finding.status)) {
        Some(why) => Replayed::NotAsked(why),
        None => Replayed::Fixed,
    }
}

/// Whether it is a request to a configuration endpoint, where 401 and 403 are answers to be judged.
fn manages(exchange: &Exchange) -> bool {
    matches!(exchange.request.kind, Kind::Read | Kind::Update | Kind::Delete | Kind::Other)
}

/// Why an exchange says nothing about a finding.
fn silent(exchange: &Exchange, own_credentials: bool, status: Option<u16>) -> Option<String> {
    match &exchange.outcome {
        crate::wire::Outcome::Failure(failure) => Some(failure.message.clone()),
        crate::wire::Outcome::Response(r) => {
            let unclear = run::says_nothing(r.status) && Some(r.status) != status;
            let expected = !own_credentials && matches!(r.status, 401 | 403);
            (unclear && !expected)
                .then(|| format!("the request was answered {}, which says nothing about it", r.status))
        }
    }
}
