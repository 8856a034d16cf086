//! Ending a run early, from outside of it.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

/// A request to end a run. Clones are one: what one of them asks for, all of them see.
///
/// A run that is asked to stop ends after the exchange that is under way, cleans up and reports what it had seen.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Stop::new()
    }
}

impl Stop {
    /// One that nobody has asked for yet.
    pub fn new() -> Stop {
        Stop(Arc::new(watch::Sender::new(false)))
    }

    /// Asks the run to end. To ask again changes nothing.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Whether the run was asked to end.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for as long as this, or until the run is asked to end.
    pub async fn or_after(&self, wait: Duration) {
        // A timer counts in milliseconds, and no time at all would be one of them.
        if wait.is_zero() {
            return;
        }
        let mut asked = self.0.subscribe();
        // The sender lives as long as this.
        let _ = tokio::time::timeout(wait, asked.wait_for(|asked| *asked)).await;
    }
}
