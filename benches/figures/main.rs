//! The figures of `docs/performance.md`: `cargo bench --bench figures` measures them and writes the page.
//!
//! ```text
//! cargo bench --bench figures                      every section, then the page
//! cargo bench --bench figures -- judge loopback    these sections; the page takes the others from the last time
//! cargo bench --bench figures -- instructions      counts instructions and holds them against those that are kept
//! cargo bench --bench figures -- instructions --keep    keeps the new count
//! ```
//!
//! What stands beside each other is measured in turns, so that a busy machine disturbs both sides alike, and a figure is the
//! median of the rounds. Sections that need a tool that is missing say so.

mod cargo_fuzz;
mod corpus;
mod growth;
mod instructions;
mod judging;
mod loopback;
mod page;
mod process;
mod rounds;
mod schemathesis;
mod server;

use std::process::ExitCode;

/// One section of the page. The text is Markdown; an error is why there are no figures.
type Section = fn() -> Result<String, String>;

/// Their names, titles and order on the page.
const SECTIONS: &[(&str, &str, Section)] = &[
    ("judge", "The judge alone", judging::alone),
    ("in-process", "An exchange in this process", judging::in_process),
    ("loopback", "Over loopback, beside wrk", loopback::section),
    ("schemathesis", "Beside schemathesis", schemathesis::section),
    ("cargo-fuzz", "Under cargo fuzz", cargo_fuzz::section),
    ("start-up", "Start-up", process::start_up),
    ("memory", "Memory", process::memory),
    ("growth", "Growth", growth::section),
    ("instructions", "Instructions", instructions::section),
];

fn main() -> ExitCode {
    // cargo bench adds --bench.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["count", what, number] => instructions::work(what, number),
        ["instructions"] => instructions::check(),
        ["instructions", "--keep"] => instructions::keep(),
        _ => page::write(&words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("figures: {why}");
            ExitCode::FAILURE
        }
    }
}
