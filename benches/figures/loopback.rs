//! The wire and the judge over loopback, beside wrk with the same corpus at the same server.

use std::{
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use dcrspec::{
    fuzz::bench::MEMORY,
    judge::{Judge, Memory},
    wire::{Exchange, HttpSettings, Transport},
};

use super::{
    corpus, judging, page,
    rounds::{ROUNDS, in_turns, mark, number, table},
    server::{Server, output},
};

/// How long one side sends in one round.
const WINDOW: Duration = Duration::from_secs(3);

const CORPUS: usize = 4096;

/// How our side sends.
#[derive(Clone, Copy)]
struct Side {
    /// Connections are kept, as `dcrspec fuzz --keep-alive` does; else each request has its own.
    kept: bool,
    judged: bool,
}

pub fn section() -> Result<String, String> {
    let lines = page::folder()?.join("corpus.jsonl");
    let bodies = corpus::registrations("http://127.0.0.1/register", CORPUS);
    let text: Vec<u8> = bodies.iter().flat_map(|r| [&r.body[..], b"\n"].concat()).collect();
    std::fs::write(&lines, text).map_err(|e| format!("{}: {e}", lines.display()))?;
    let mut rows = Vec::new();
    let (mut wire, mut judging) = (0.0, 0.0);
    for connections in [1, 8, 64] {
        let mut wrk = || {
            let server = Server::start(None)?;
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/figures/corpus.lua");
            let mut command = Command::new("wrk");
            command.arg("-t1").arg(format!("-c{connections}")).arg(format!("-d{}s", WINDOW.as_secs()));
            command.args(["-s", script, &server.endpoint]).env("CORPUS", &lines);
            rate_of(&output(&mut command)?)
        };
        let side = |kept, judged| move || ours(connections, Side { kept, judged });
        let [wrk, kept, kept_judged, own, own_judged] = in_turns(
            ROUNDS,
            [&mut wrk, &mut side(true, false), &mut side(true, true), &mut side(false, false), &mut side(false, true)],
        )?;
        if connections == 8 {
            (wire, judging) = (kept.over(&wrk).median(), kept_judged.over(&wrk).median());
        }
        let sides = [("connections kept", &kept, &kept_judged), ("each request its own", &own, &own_judged)];
        for (what, bare, judged) in sides {
            rows.push(vec![
                connections.to_string(),
                what.to_owned(),
                wrk.shown(),
                bare.shown(),
                number(bare.over(&wrk).median()),
                judged.shown(),
                number(judged.over(&wrk).median()),
            ]);
        }
    }
    Ok(format!(
        "`dcrspec serve` in a process of its own, a fresh one for each measurement of {} s, {CORPUS} registrations over and \
         over. wrk and our side have one thread each and share the machine's cores with the server. Exchanges a \
         second.\n\n{}{}{}",
        WINDOW.as_secs(),
        table(&["connections", "ours", "wrk -t1", "without judging", "× wrk", "with judging", "× wrk"], &rows),
        mark("at 8 connections, kept as wrk keeps them, at least 0.7 × wrk without judging", wire >= 0.7),
        mark("the same with judging", judging >= 0.7)
    ))
}

/// `Requests/sec:  12345.67` of wrk.
fn rate_of(text: &str) -> Result<f64, String> {
    let rate = text.lines().find_map(|l| l.trim().strip_prefix("Requests/sec:"));
    rate.and_then(|r| r.trim().parse().ok()).ok_or_else(|| format!("wrk said no rate: {text}"))
}

/// As many tasks as connections, each with its exchanges one after the other, all judged with one memory.
fn ours(connections: usize, side: Side) -> Result<f64, String> {
    let server = Server::start(None)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let requests = Arc::new(corpus::registrations(&server.endpoint, CORPUS));
    let transport = Arc::new(Transport::http(HttpSettings::default())?);
    let memory = Arc::new(Mutex::new(Memory::bounded(1, MEMORY)));
    let (next, answered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
    let clock = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = (0..connections)
            .map(|_| {
                let (requests, transport, memory) = (requests.clone(), transport.clone(), memory.clone());
                let (next, answered) = (next.clone(), answered.clone());
                tokio::spawn(async move {
                    let (judge, context) = (Judge::embedded(), judging::context());
                    while clock.elapsed() < WINDOW {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let request = &requests[number % requests.len()];
                        let at = jiff::Timestamp::now();
                        let (outcome, took) =
                            if side.kept { transport.send_kept(request).await } else { transport.send(request).await };
                        let exchange = Exchange::new(number as u32, at, request.clone(), outcome, took);
                        if exchange.response().is_none() {
                            continue;
                        }
                        answered.fetch_add(1, Ordering::Relaxed);
                        if side.judged {
                            std::hint::black_box(judge.judge(&exchange, &context));
                            let mut memory = memory.lock().expect("no holder panics");
                            std::hint::black_box(memory.observe(&exchange));
                        }
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("no task panics");
        }
    });
    Ok(answered.load(Ordering::Relaxed) as f64 / clock.elapsed().as_secs_f64())
}
