//! The life of a client under the fuzzer: the steps of a sequence, each judged as it comes, as the [model](crate::model) of
//! RFC 7592 foresees it.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::{
    bench::{Bench, Shot},
    generate::{Base, Input},
};
use crate::{
    judge::Memory,
    model::{Method, Move, Who},
    run::{harness::Client, manage::present},
    suite::{TokenWord, variables},
    wire::{Exchange, Kind, Request},
};

impl Bench<'_> {
    /// Goes through the steps of an input whose client was just created, and has every exchange judged.
    pub(super) async fn live(&self, input: &Input, first: &mut Client, memory: &RefCell<Memory>, shot: &mut Shot) {
        first.document = shown(&shot.exchanges[0]);
        let mut second = None;
        if input.moves.iter().any(|step| step.who() == Who::Second || step.needs_both()) {
            let base = if input.base == Base::Nothing { Base::Any } else { input.base };
            let plain = Input { base, ..Input::default() };
            let (exchange, client) = self.send_input(&plain, None, false).await;
            self.judge(&plain, &exchange, memory, &mut shot.faults, shot.exchanges.len());
            // At one URL, or under one identifier, nobody could tell whose step it is.
            second = client.filter(|c| c.client_id != first.client_id && c.uri != first.uri);
            if let Some(client) = &mut second {
                client.document = shown(&exchange);
            }
            shot.exchanges.push(exchange);
        }
        let mut gone = Vec::new();
        for (number, step) in input.moves.iter().enumerate() {
            if self.harness.options.stop.is_requested() {
                return;
            }
            let (client, other) = match (step.who(), &mut second) {
                (Who::First, second) => (&mut *first, second.as_ref()),
                (Who::Second, Some(second)) => (second, Some(&*first)),
                (Who::Second, None) => continue,
            };
            // A server may end a token that it finds at the URL of nobody (RFC 7592, 2.1), and this one is no throw-away.
            if !self.is_own() && step.token() == Some(TokenWord::Initial) && gone.contains(&step.who()) {
                continue;
            }
            // What this target gives no way to ask is left out.
            let Ok(request) = self.step(*step, number, client, other) else { continue };
            let exchange = self.send(request, "").await;
            self.judge(input, &exchange, memory, &mut shot.faults, shot.exchanges.len());
            self.rotated(client, &exchange);
            if *step == Move::Delete(step.who()) && exchange.response().is_some_and(|r| matches!(r.status, 200 | 204)) {
                self.deleted(client);
                gone.push(step.who());
            }
            shot.exchanges.push(exchange);
        }
    }

    /// The request of a step.
    fn step(&self, step: Move, number: usize, client: &Client, other: Option<&Client>) -> Result<Request, String> {
        let harness = &self.harness;
        if step.needs_both() && other.is_none() {
            return Err("there is no other client".into());
        }
        let mut request = match (step.method(), step.update(number)) {
            (_, Some(update)) => {
                let mut document = client.to_send_back(update.with_secret)?;
                let word = self.word();
                let lookup = |name: &str| match name.strip_prefix("fresh.") {
                    Some(_) => Some(Value::String(word.clone())),
                    None => other.map(|o| Value::String(o.client_id.clone())),
                };
                let with = variables::fill_value(&Value::Object(update.with), &lookup)?;
                document.extend(with.as_object().cloned().unwrap_or_default());
                update.omit.iter().for_each(|name| drop(document.shift_remove(*name)));
                harness.update_request(client, &document)?
            }
            (Some(Method::Read), None) => harness.configuration_request(client, Kind::Read)?,
            (Some(Method::Delete), None) => harness.configuration_request(client, Kind::Delete)?,
            (_, None) => harness.configuration_request(client, Kind::Other)?,
        };
        if let Some(token) = step.token() {
            let mut random = || format!("{}{}", self.word(), self.word());
            present(&mut request, token, client, other, harness.target.token.as_ref(), &mut random)?;
        }
        Ok(request)
    }
}

/// The document of an answer.
fn shown(exchange: &Exchange) -> Map<String, Value> {
    exchange.response().and_then(|r| r.object()).cloned().unwrap_or_default()
}
