//! What the target can do, and how that is known.

use std::collections::BTreeMap;

use crate::{
    report::{CapabilityRecord, CapabilityState},
    spec::Capability,
};

/// State of one capability, with its reason and the exchange that showed it.
#[derive(Clone, Debug)]
pub struct Known {
    /// Whether the target has it.
    pub state: CapabilityState,
    /// How that is known.
    pub reason: String,
    /// The exchange that showed it.
    pub exchange: Option<u32>,
}

/// Every capability that something is known about; the others are unknown.
#[derive(Clone, Debug, Default)]
pub struct Capabilities(BTreeMap<Capability, Known>);

impl Capabilities {
    /// Sets the state, with the reason and the exchange that showed it.
    pub fn set(
        &mut self,
        capability: Capability,
        state: CapabilityState,
        reason: impl Into<String>,
        exchange: Option<u32>,
    ) {
        self.0.insert(capability, Known { state, reason: reason.into(), exchange });
    }

    /// It was shown, or declared.
    pub fn present(&mut self, capability: Capability, reason: impl Into<String>, exchange: Option<u32>) {
        self.set(capability, CapabilityState::Present, reason, exchange);
    }

    /// It was shown to be missing.
    pub fn absent(&mut self, capability: Capability, reason: impl Into<String>, exchange: Option<u32>) {
        self.set(capability, CapabilityState::Absent, reason, exchange);
    }

    /// Unknown where nothing was shown.
    pub fn state(&self, capability: Capability) -> CapabilityState {
        self.0.get(&capability).map_or(CapabilityState::Unknown, |k| k.state)
    }

    /// How the state is known.
    pub fn reason(&self, capability: Capability) -> &str {
        self.0.get(&capability).map_or("nothing showed whether the target has it", |k| k.reason.as_str())
    }

    /// Whether the target is known to have it.
    pub fn is_present(&self, capability: Capability) -> bool {
        self.state(capability) == CapabilityState::Present
    }

    /// For the report, in the order of the closed list.
    pub fn records(&self) -> Vec<CapabilityRecord> {
        self.0
            .iter()
            .map(|(c, k)| CapabilityRecord {
                name: c.as_str().into(),
                state: k.state,
                reason: k.reason.clone(),
                exchange: k.exchange.map(|id| format!("x{id}")),
            })
            .collect()
    }
}
