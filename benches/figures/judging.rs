//! What judging costs, beside parsing and validating alone, and beside the exchange itself.

use std::{cell::Cell, time::Instant};

use dcrspec::{
    fuzz::bench::MEMORY,
    judge::{Context, Judge, Memory, parse::tolerant},
    selftest::{ISSUER, reference_target},
    server::Configuration,
    wire::{Exchange, Outcome, Request, Response},
};
use serde_json::Value;

use super::{
    corpus,
    rounds::{ROUNDS, in_turns, mark, number, table},
};

/// As in a campaign at a server that accepted the base clients.
pub fn context() -> Context {
    Context { accepted: true, established: true, ..Context::default() }
}

/// A response as it came, without what was already made of it.
pub fn fresh(response: &Response) -> Response {
    let Response { status, version, headers, body, cut, .. } = response;
    Response::new(*status, version.clone(), headers.clone(), body.clone(), cut.clone())
}

/// The corpus with the answers of the reference server.
pub fn exchanges(count: usize) -> Result<Vec<(Request, Response)>, String> {
    let target = reference_target(Configuration::Open, &[], 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let mut answered = Vec::new();
    for request in corpus::registrations(&format!("{ISSUER}/register"), count) {
        if let (Outcome::Response(response), _) = runtime.block_on(target.transport.send(&request)) {
            answered.push((request, response));
        }
    }
    Ok(answered)
}

/// An exchange of the corpus, as if it had just taken place.
pub fn exchange(id: usize, request: &Request, response: &Response, at: jiff::Timestamp) -> Exchange {
    Exchange::new(id as u32, at, request.clone(), Outcome::Response(fresh(response)), Default::default())
}

pub fn alone() -> Result<String, String> {
    let exchanges = exchanges(8192)?;
    let schema: Value = serde_json::from_str(include_str!("../../schemas/registration-response.schema.json"))
        .map_err(|e| e.to_string())?;
    let validator = jsonschema::validator_for(&schema).map_err(|e| e.to_string())?;
    let (judge, context, at) = (Judge::embedded(), context(), jiff::Timestamp::now());
    let objections = Cell::new(0);
    let per_exchange = |clock: Instant| clock.elapsed().as_secs_f64() * 1e6 / exchanges.len() as f64;
    let mut parsing = || {
        let clock = Instant::now();
        let mut valid = 0;
        for (number, (request, response)) in exchanges.iter().enumerate() {
            let exchange = exchange(number, request, response, at);
            let body = exchange.response().map(|r| r.body.clone()).unwrap_or_default();
            valid += usize::from(serde_json::from_slice::<Value>(&body).is_ok_and(|v| validator.is_valid(&v)));
        }
        std::hint::black_box(valid);
        Ok(per_exchange(clock))
    };
    let mut reading = || {
        let clock = Instant::now();
        for (number, (request, response)) in exchanges.iter().enumerate() {
            let exchange = exchange(number, request, response, at);
            std::hint::black_box(tolerant(&exchange.request.body));
            std::hint::black_box(exchange.response().map(|r| tolerant(&r.body)));
        }
        Ok(per_exchange(clock))
    };
    let mut judging = || {
        let clock = Instant::now();
        for (number, (request, response)) in exchanges.iter().enumerate() {
            let exchange = exchange(number, request, response, at);
            let said = judge.judge(&exchange, &context);
            objections.set(objections.get() + said.len());
        }
        Ok(per_exchange(clock))
    };
    let mut remembering = || {
        let mut memory = Memory::bounded(1, MEMORY);
        let clock = Instant::now();
        for (number, (request, response)) in exchanges.iter().enumerate() {
            let exchange = exchange(number, request, response, at);
            let said = judge.judge(&exchange, &context).len() + memory.observe(&exchange).len();
            objections.set(objections.get() + said);
        }
        Ok(per_exchange(clock))
    };
    let [parsing, reading, judging, remembering] =
        in_turns(2 * ROUNDS + 1, [&mut parsing, &mut reading, &mut judging, &mut remembering])?;
    let rows = [
        ("parse, validate against one schema: yes or no", &parsing),
        ("read request and answer as the judge does, once each: duplicates, surrogates, what is beyond", &reading),
        ("the judge: every rule, with its evidence", &judging),
        ("the judge, and what it keeps from one exchange to the next", &remembering),
    ];
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(what, samples)| vec![(*what).to_owned(), samples.shown(), number(samples.over(&parsing).median())])
        .collect();
    let rules = judge.rules().count();
    Ok(format!(
        "{} registrations of the generator with the answers of the reference server, {rules} rules, one core. Microseconds an \
         exchange.\n\n{}",
        exchanges.len(),
        table(&["", "µs", "× parsing"], &rows)
    ))
}

pub fn in_process() -> Result<String, String> {
    let requests = corpus::registrations(&format!("{ISSUER}/register"), 8192);
    let judge = Judge::embedded();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let rate = |judged: bool| {
        let target = reference_target(Configuration::Open, &[], 1);
        let (context, mut memory) = (context(), Memory::bounded(1, MEMORY));
        let clock = Instant::now();
        let answered = runtime.block_on(async {
            let mut answered = 0;
            for (number, request) in requests.iter().enumerate() {
                let at = jiff::Timestamp::now();
                let (outcome, took) = target.transport.send(request).await;
                let exchange = Exchange::new(number as u32, at, request.clone(), outcome, took);
                answered += usize::from(exchange.response().is_some());
                if judged {
                    std::hint::black_box(judge.judge(&exchange, &context));
                    std::hint::black_box(memory.observe(&exchange));
                }
            }
            answered
        });
        if answered != requests.len() {
            return Err(format!("{answered} of {} requests were answered", requests.len()));
        }
        Ok(requests.len() as f64 / clock.elapsed().as_secs_f64())
    };
    let [without, with] = in_turns(2 * ROUNDS + 1, [&mut || rate(false), &mut || rate(true)])?;
    let kept = with.over(&without);
    let rows = [
        vec!["without judging".to_owned(), without.shown(), String::new()],
        vec!["with judging".to_owned(), with.shown(), kept.shown()],
    ];
    Ok(format!(
        "The reference server as a `tower::Service`, one core; the server's own work is a part of it. Exchanges a \
         second.\n\n{}{}",
        table(&["", "exchanges/s", "of that without"], &rows),
        mark("judging keeps at least 0.6 of the rate without it", kept.median() >= 0.6)
    ))
}
