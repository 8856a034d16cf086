//! The command line: one file a subcommand. Nothing else in this crate prints or reads arguments.

mod check;
mod cleanup;
mod config;
mod explain;
mod fuzz;
mod interrupt;
mod list;
mod new_profile;
mod panic;
mod report;
mod run;
mod selftest;
mod serve;
mod settings;
mod units;

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::report::Exit;

/// Conformance harness for OAuth 2.0 Dynamic Client Registration endpoints (RFC 7591, RFC 7592).
#[derive(Parser)]
#[command(name = "dcrspec", version, about, max_term_width = 110)]
#[command(after_help = "Exit codes: 0 nothing found, 1 findings at or above --fail-on, 2 wrong usage or file, \
3 the target could not be tested, 130 interrupted.\nStart with: dcrspec run --reference")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Test a registration endpoint and report a verdict per normative statement
    Run(Box<run::Args>),
    /// Break a registration endpoint on purpose, to find out where it breaks
    #[command(mut_args(fuzz::without_suites))]
    Fuzz(Box<fuzz::Args>),
    /// Send a finding of the fuzzer again: is it fixed?
    #[command(mut_args(fuzz::without_suites))]
    Replay(Box<fuzz::ReplayArgs>),
    /// Make a case of a suite out of a finding of the fuzzer
    Promote(fuzz::PromoteArgs),
    /// Add up reports of several runs or campaigns, and show one
    Report(report::Args),
    /// Serve the reference authorization server on loopback
    Serve(serve::Args),
    /// Prove that every defect of the reference server is caught and the clean server is not accused
    Selftest(selftest::Args),
    /// List suites, cases, requirements, defects, capabilities or schemas
    List(list::Args),
    /// Explain a requirement, a defect or a case
    Explain(explain::Args),
    /// Check suite files without sending anything
    Check(check::Args),
    /// Make the files of a vendor profile, to be filled in
    NewProfile(new_profile::Args),
    /// Delete the clients that a ledger still names
    Cleanup(cleanup::Args),
    /// Show the settings in force, and where each came from
    Config(Box<config::Args>),
}

/// A command that ends without having done what it was asked for: a sentence for stderr, and a code.
struct Stop {
    exit: Exit,
    message: String,
}

/// Bad input: one sentence with place and mend.
fn usage(message: impl Into<String>) -> Stop {
    Stop { exit: Exit::Usage, message: message.into() }
}

type Done = Result<Exit, Stop>;

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    panic::keep_secrets();
    let done = match Cli::parse().command {
        Command::Run(args) => run::main(*args),
        Command::Fuzz(args) => fuzz::main(*args),
        Command::Replay(args) => fuzz::replay(*args),
        Command::Promote(args) => fuzz::promote(args),
        Command::Report(args) => report::main(args),
        Command::Serve(args) => serve::main(args),
        Command::Selftest(args) => selftest::main(args),
        Command::List(args) => list::main(args),
        Command::Explain(args) => explain::main(args),
        Command::Check(args) => check::main(args),
        Command::NewProfile(args) => new_profile::main(args),
        Command::Cleanup(args) => cleanup::main(args),
        Command::Config(args) => config::main(*args),
    };
    let exit = done.unwrap_or_else(|stop| {
        eprintln!("dcrspec: {}", crate::report::text::harmless_lines(&stop.message));
        stop.exit
    });
    ExitCode::from(exit.code())
}

/// Writes to stdout; a reader that has gone away (`| head`) is no error.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Whether to colour what goes to a stream: NO_COLOR before CLICOLOR_FORCE before the terminal.
fn colored(terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    if set("NO_COLOR") {
        return false;
    }
    if set("CLICOLOR_FORCE") && std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0") {
        return true;
    }
    terminal && std::env::var("TERM").is_ok_and(|t| t != "dumb")
}

fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// A runtime for one command.
fn runtime() -> Result<tokio::runtime::Runtime, Stop> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| usage(format!("the asynchronous runtime cannot start: {e}")))
}

/// The defects with these ids; a wrong one is answered with the nearest.
fn find_defects(ids: &[String]) -> Result<Vec<&'static crate::server::Defect>, Stop> {
    ids.iter()
        .map(|id| {
            crate::server::defect(id).ok_or_else(|| {
                let near = crate::suite::nearest(id, crate::server::defects().iter().map(|d| d.id));
                usage(format!("no defect has the id {id:?}{}; `dcrspec list defects` lists them", did_you_mean(&near)))
            })
        })
        .collect()
}

fn did_you_mean(near: &[&str]) -> String {
    if near.is_empty() { String::new() } else { format!(" (did you mean {}?)", near.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definition_of_the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
