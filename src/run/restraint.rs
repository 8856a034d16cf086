//! Asking no more of a target than was allowed: how many clients a run registers, and which of them its cases share.

use serde_json::Value;

use super::{
    execute::{Progress, payload},
    harness::Harness,
};
use crate::{
    report::CapabilityState,
    spec::Capability,
    suite::{AuthWord, BaseKind, Case, Control, RegisterAction},
};

/// In place of the word that marks a client as ours, where payloads are compared.
const ANY_MARKER: &str = "dcrspec-any";

/// A registration that further cases may use as their own.
pub struct Shared {
    key: String,
    /// Index of the exchange that created the client.
    exchange: usize,
}

impl Harness<'_> {
    /// How many clients may still be registered.
    pub(super) fn room(&self) -> u64 {
        self.options.max_clients.map_or(u64::MAX, |most| most.saturating_sub(self.created))
    }

    /// Why a registration is not sent any more, if it is not.
    pub(super) fn full(&self) -> Option<String> {
        let most = self.options.max_clients.filter(|_| self.room() == 0)?;
        Some(format!("nothing was sent, since --max-clients allows {most} and as many were registered"))
    }

    /// Whether there is room to find out something that the suites can do without. Half of the clients are theirs.
    pub(super) fn spare(&mut self, capability: Capability) -> bool {
        let Some(most) = self.options.max_clients else { return true };
        let spare = self.created < most / 2;
        if !spare {
            let reason = format!("not asked: --max-clients {most} leaves no room for it");
            self.ground.capabilities.set(capability, CapabilityState::Unknown, reason, None);
        }
        spare
    }

    /// Why a case is dropped: it could register more clients than are left.
    pub(super) fn dropped(&self, case: &Case) -> Option<String> {
        let most = self.options.max_clients?;
        let (needed, left) = (self.cost(case), self.room());
        (needed > left)
            .then(|| format!("dropped by --max-clients {most}: it may register {needed}, and {left} may still be"))
    }

    /// The most clients that a case can register, of those that it does not share.
    fn cost(&self, case: &Case) -> u64 {
        let mut taken = Vec::new();
        let mut cost = 0;
        let control = match &case.control {
            Some(Control::Register(action)) => Some(&**action),
            _ => None,
        };
        let actions = control.into_iter().chain(case.steps.iter().filter_map(|s| s.value.register.as_deref()));
        for action in actions {
            match self.known(case, action, &taken) {
                Some(exchange) => taken.push(exchange),
                None => cost += 1,
            }
        }
        // A server may take any other request at its endpoint for a registration.
        cost + case.steps.iter().filter_map(|s| s.value.request.as_ref()).filter(|r| r.client.is_none()).count() as u64
    }

    /// The registration of an earlier case that this one can use: sent as this one would be, and still there. Within a
    /// case each registration is one of its own.
    pub(super) fn known(&self, case: &Case, action: &RegisterAction, taken: &[usize]) -> Option<usize> {
        if self.options.max_clients.is_none() || !shares(case) {
            return None;
        }
        let key = self.key(action, case.base)?;
        let alive = |exchange: usize| self.clients.iter().any(|c| c.exchange == exchange);
        let found = self.shared.iter().find(|s| s.key == key && alive(s.exchange) && !taken.contains(&s.exchange));
        found.map(|s| s.exchange)
    }

    /// After a registration: whether further cases may use it.
    pub(super) fn offer(&mut self, case: &Case, action: &RegisterAction, exchange: usize) {
        let created = self.clients.last().is_some_and(|c| c.exchange == exchange);
        if self.options.max_clients.is_none() || !created || !shares(case) {
            return;
        }
        if let Some(key) = self.key(action, case.base) {
            self.shared.push(Shared { key, exchange });
        }
    }

    /// The accepted base clients are the first that cases share.
    pub(super) fn offer_bases(&mut self) {
        if self.options.max_clients.is_none() {
            return;
        }
        let bases: Vec<(BaseKind, u32)> = self.ground.bases.iter().map(|(kind, base)| (*kind, base.exchange)).collect();
        for (kind, id) in bases {
            let exchange = self.exchanges.iter().position(|x| x.id == id);
            let key = self.key(&RegisterAction::default(), kind);
            if let (Some(exchange), Some(key)) = (exchange, key) {
                self.shared.push(Shared { key, exchange });
            }
        }
    }

    /// Puts the clients that further cases may use before the others that are kept, and says how many are kept then.
    pub(super) fn keep_shared(&mut self, keep: usize) -> usize {
        let shared = |exchange: usize| self.shared.iter().any(|s| s.exchange == exchange);
        let own = self.clients.split_off(keep);
        let (kept, gone): (Vec<_>, Vec<_>) = own.into_iter().partition(|c| shared(c.exchange));
        self.clients.extend(kept);
        let keep = self.clients.len();
        self.clients.extend(gone);
        keep
    }

    /// What a registration sends, but for its marker; None where that differs each time.
    fn key(&self, action: &RegisterAction, base: BaseKind) -> Option<String> {
        // What is put on the wire in a manner of its own is sent for the sake of that.
        if action.plaintext || action.tls.is_some() || action.framing.is_some() {
            return None;
        }
        let kind = action.base.unwrap_or(base);
        let metadata = &self.ground.base(kind)?.metadata;
        let nothing_yet = Progress::default();
        let lookup = |name: &str| -> Option<Value> { self.variable(name, kind, &nothing_yet) };
        let body = payload(action, metadata, ANY_MARKER, &lookup).ok()?;
        let auth = match action.auth {
            None => "own",
            Some(AuthWord::None) => "none",
            Some(AuthWord::Random) => "random",
            Some(AuthWord::Truncated) => "truncated",
        };
        let media_type = action.content_type.as_deref().unwrap_or(&self.ground.content_type);
        Some(format!("{auth}\n{media_type}\n{:?}\n{}", action.headers, String::from_utf8_lossy(&body)))
    }
}

/// Whether a case leaves the clients that it uses as they are. What it might do in a way not known here may change them.
fn shares(case: &Case) -> bool {
    case.steps.iter().map(|s| &s.value).all(|step| {
        let harmless = step.register.is_some() || step.token.is_some() || step.authorize.is_some();
        let elsewhere = step.request.as_ref().is_some_and(|r| r.client.is_none());
        harmless || elsewhere || step.read.as_ref().is_some_and(|r| r.token.is_none() && r.another.is_none())
    })
}
