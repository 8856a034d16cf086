//! What has to be sent, in this order, to see a fault: the unit of shrinking, replay and promotion.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::{
    bench::{Bench, Shot},
    generate::Input,
    growth::{self, Grown},
    oracles,
};
use crate::judge::Memory;

/// Inputs in order. Most faults need one; what can only be said over many needs more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// What is sent before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Input>,
    pub input: Input,
    /// How often it is sent.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub times: u32,
    /// What is asked besides, where the answers alone do not show the fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Question>,
}

/// What the answers to a scenario do not show by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Whether the administration interface lists the client of a refused registration.
    Listed,
    /// How the time grows with one member. The input is not sent then, but others of three sizes.
    Growth(Grown),
}

fn once() -> u32 {
    1
}

fn is_once(times: &u32) -> bool {
    *times == 1
}

/// The most often that a scenario may send its input.
pub const MOST_TIMES: u32 = 60;

impl Scenario {
    pub fn of(input: Input) -> Scenario {
        Scenario { before: Vec::new(), input, times: 1, ask: None }
    }
}

/// Sends a scenario with a memory of its own, so that nothing from elsewhere can be the cause of what is found.
pub async fn trial(bench: &Bench<'_>, scenario: &Scenario) -> Shot {
    if let Some(Question::Growth(grown)) = scenario.ask {
        return growth::measure(bench, grown).await;
    }
    if scenario.ask == Some(Question::Listed) {
        bench.unseed();
    }
    let memory: RefCell<Memory> = bench.fresh_memory();
    let mut whole = Shot { exchanges: Vec::new(), faults: Vec::new() };
    let repeated = std::iter::repeat_n(&scenario.input, scenario.times.clamp(1, MOST_TIMES) as usize);
    for input in scenario.before.iter().chain(repeated) {
        let shot = bench.shoot(input, &memory, false).await;
        let first = whole.exchanges.len();
        whole.faults.extend(shot.faults.into_iter().map(|mut fault| {
            fault.exchange += first;
            fault
        }));
        whole.exchanges.extend(shot.exchanges);
    }
    if scenario.ask == Some(Question::Listed) {
        bench.look_for_refused(&mut whole).await;
    }
    oracles::group(&mut whole.faults);
    whole
}
