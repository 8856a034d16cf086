//! A count that no neighbour disturbs: instructions of the judge and of the generator under callgrind, held against the count
//! that is kept in `benches/figures/instructions.toml`.

use std::{path::PathBuf, process::Command};

use dcrspec::{
    fuzz::{bench::MEMORY, generate},
    judge::{Judge, Memory},
};

use super::{
    corpus, judging,
    rounds::{number, table},
    server::{first_line, output},
};

/// What is counted, and for how many units; the cost of the start is taken off by counting twice as many, too.
const WORK: [(&str, usize); 2] = [("judge", 400), ("generator", 2000)];

/// How much more fails.
const TOLERANCE: f64 = 0.05;

fn kept_file() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/figures/instructions.toml"))
}

/// The work itself, in a process that callgrind watches.
pub fn work(what: &str, number: &str) -> Result<(), String> {
    let number: usize = number.parse().map_err(|e| format!("{number}: {e}"))?;
    match what {
        "judge" => {
            // The exchanges are made for the larger number both times, so that their cost is the same.
            let exchanges = judging::exchanges(2 * WORK[0].1)?;
            let (judge, context) = (Judge::embedded(), judging::context());
            let at = jiff::Timestamp::UNIX_EPOCH;
            let mut memory = Memory::bounded(1, MEMORY);
            for (id, (request, response)) in exchanges.iter().take(number).enumerate() {
                let exchange = judging::exchange(id, request, response, at);
                std::hint::black_box(judge.judge(&exchange, &context));
                std::hint::black_box(memory.observe(&exchange));
            }
        }
        "generator" => {
            for bytes in corpus::bytes(2 * WORK[1].1).iter().take(number) {
                std::hint::black_box(generate::input(bytes));
            }
        }
        _ => return Err(format!("{what}: there is judge and generator")),
    }
    Ok(())
}

/// Instructions that callgrind collects.
fn collected(what: &str, number: usize) -> Result<f64, String> {
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(this);
    command.args(["count", what, &number.to_string()]);
    let text = output(&mut command).map_err(|e| format!("{e}; valgrind is needed for this"))?;
    let count = text.lines().find_map(|l| l.split_once("Collected : ")).and_then(|(_, n)| n.trim().parse().ok());
    count.ok_or_else(|| format!("callgrind told no count: {text}"))
}

/// Instructions for each unit.
fn counts() -> Result<Vec<(&'static str, f64)>, String> {
    let one = |(what, units): (&'static str, usize)| {
        Ok((what, (collected(what, 2 * units)? - collected(what, units)?) / units as f64))
    };
    WORK.into_iter().map(one).collect()
}

fn rustc() -> String {
    first_line("rustc", &["--version"]).unwrap_or_default()
}

/// The kept count of a line `judge = 12345`.
fn kept(text: &str, what: &str) -> Option<f64> {
    text.lines().find_map(|l| l.strip_prefix(what)?.trim().strip_prefix('=')?.trim().parse().ok())
}

/// Keeps the count of now.
pub fn keep() -> Result<(), String> {
    let mut text = format!(
        "# Instructions for each exchange judged and each input made, by `cargo bench --bench figures -- instructions --keep`.\n\
         # {}\n",
        rustc()
    );
    for (what, count) in counts()? {
        text.push_str(&format!("{what} = {count:.0}\n"));
    }
    print!("{text}");
    let path = kept_file();
    std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))
}

/// Fails where a count is more than a twentieth above the kept one.
pub fn check() -> Result<(), String> {
    let path = kept_file();
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut worse = Vec::new();
    for (what, count) in counts()? {
        let was = kept(&text, what).ok_or_else(|| format!("{} keeps no count of {what}", path.display()))?;
        println!(
            "{what}: {} instructions, kept are {} ({:+.1} %)",
            number(count),
            number(was),
            100.0 * (count / was - 1.0)
        );
        if count > was * (1.0 + TOLERANCE) {
            worse.push(what);
        }
    }
    if worse.is_empty() {
        return Ok(());
    }
    let compiled =
        if text.contains(&rustc()) { "" } else { " (it was counted with another compiler, which can be the reason)" };
    Err(format!(
        "{} takes more than {:.0} % more instructions than is kept in {}{compiled}: find out why; where it is worth it, \
         `cargo bench --bench figures -- instructions --keep` keeps the new count",
        worse.join(" and "),
        100.0 * TOLERANCE,
        path.display()
    ))
}

pub fn section() -> Result<String, String> {
    let rows: Vec<Vec<String>> =
        counts()?.into_iter().map(|(what, count)| vec![what.to_owned(), number(count)]).collect();
    Ok(format!(
        "Under callgrind, the same whatever else the machine does; `cargo bench --bench figures -- instructions` fails where one is \
         more than 5 % above what `benches/figures/instructions.toml` keeps.\n\n{}",
        table(&["for each exchange judged, each input made", "instructions"], &rows)
    ))
}
