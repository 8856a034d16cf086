//! A target that refuses by now what it accepted at first, so that its refusals say nothing of what is sent. A server may end a
//! token that it finds misused.

use super::{bench::Bench, generate::Input};
use crate::wire::Outcome;

/// How often in a row the base client has to be refused.
const REFUSALS: u32 = 3;

impl Bench<'_> {
    /// Why nothing more can be said of the target; nothing where the base client is accepted as before.
    pub(super) async fn lost(&self, inputs: u64) -> Option<String> {
        if self.is_own() || self.against.is_some() || self.is_full() || self.harness.options.stop.is_requested() {
            return None;
        }
        let mut answer = String::new();
        for _ in 0..REFUSALS {
            let (exchange, client) = self.send_input(&Input::default(), None, false).await;
            match (client, &exchange.outcome) {
                // Only a refusal is one: of load nobody knows what it would be, and a server that fails or no longer answers may
                // have been brought down by what was sent, which is a finding.
                (None, Outcome::Response(response))
                    if matches!(response.status, 400..=499) && response.status != 429 =>
                {
                    answer = format!("{} {}", response.status, response.member("error").unwrap_or_default());
                }
                _ => return None,
            }
        }
        Some(format!(
            "after {inputs} inputs the target refuses the registration that it accepted at first ({}): it may have ended the \
             token; what the last inputs showed is left out",
            answer.trim_end()
        ))
    }
}
