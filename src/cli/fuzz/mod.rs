//! `dcrspec fuzz`: breaks a registration endpoint on purpose to find out where it breaks.

mod against;
mod corpus;
mod promote;
mod replay;
mod target;

use std::{path::PathBuf, time::Duration};

use super::{
    Done, Stop,
    config::InForce,
    find_defects, interrupt,
    run::{Outputs, close_ledger, open_ledger},
    runtime, stderr_is_terminal,
    units::Time,
    usage,
};
use crate::{
    fuzz::{
        campaign::{self, Options, Outcome, Progress},
        generate, report as summary,
        table::Table,
    },
    report::{self, Exit, text::harmless},
    selftest,
    server::{Configuration, Defect},
    wire::Ledger,
};

pub use promote::{Args as PromoteArgs, main as promote};
pub use replay::{Args as ReplayArgs, main as replay};
pub use target::without_suites;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    target: target::TargetArgs,

    /// Send sequences over RFC 7592: clients are registered, read, updated and deleted, with right tokens and wrong ones
    #[arg(long, help_heading = "What is sent")]
    stateful: bool,
    #[command(flatten)]
    against: against::AgainstArgs,

    /// End after so many inputs; with --stateful, after so many sequences
    #[arg(long, value_name = "N", help_heading = "How much")]
    count: Option<u64>,
    /// End after this time
    #[arg(long, value_name = "TIME", help_heading = "How much")]
    duration: Option<Time>,
    /// How many inputs are under way at a time; with one, the same seed sends the same bytes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "How much")]
    jobs: u16,
    /// Keep connections from one input to the next, which is faster; findings are confirmed on connections of their own
    #[arg(long, help_heading = "How much")]
    keep_alive: bool,
    /// Send and vary the inputs in this folder first; keep there what brings something new
    #[arg(long, value_name = "DIR", help_heading = "How much")]
    corpus: Option<PathBuf>,
    /// Write a file for each finding into this folder
    #[arg(long, value_name = "DIR", help_heading = "Reports")]
    findings: Option<PathBuf>,

    /// Fuzzing can disturb a server and its users: say that you may do it to this one
    #[arg(long)]
    i_may_test_this_server: bool,
}

/// How many inputs are sent where neither a number nor a time is given.
const DEFAULT_COUNT: u64 = 1000;

pub fn main(args: Args) -> Done {
    let (force, rate_given) = args.target.in_force(None)?;
    let settings = &force.settings;
    let outputs = Outputs::new(&force)?;
    let defects = find_defects(&args.target.defect)?;
    if (!args.target.reference || args.against.against.is_some()) && !args.i_may_test_this_server {
        return Err(usage(
            "fuzzing sends a server thousands of registrations that it was not made for; \
             --i-may-test-this-server says that you may do that to this one",
        ));
    }
    if let Some(folder) = &args.findings {
        std::fs::create_dir_all(folder)
            .map_err(|e| usage(format!("cannot make the folder {}: {e}", folder.display())))?;
    }
    let seed = settings.seed.unwrap_or_else(|| jiff::Timestamp::now().as_microsecond() as u64 % 1_000_000_000);
    eprintln!("dcrspec: seed {seed}");
    let made = if args.stateful { generate::sequence } else { generate::input };
    let options = Options {
        run: args.target.run_options(&force, rate_given, seed),
        count: args.count.or(if args.duration.is_none() { Some(DEFAULT_COUNT) } else { None }),
        duration: args.duration.as_ref().map(Time::get),
        jobs: usize::from(args.jobs),
        stateful: args.stateful,
        corpus: args.corpus.as_deref().map(|folder| corpus::read(folder, made)).transpose()?.unwrap_or_default(),
        keep_corpus: args.corpus.is_some(),
        keep_alive: args.keep_alive,
        ..Options::default()
    };
    let started = jiff::Timestamp::now();
    let outcomes = runtime()?.block_on(async {
        if args.target.reference && args.against.against.is_none() {
            interrupt::watch(options.run.stop.clone(), None)?;
            Ok(reference(&defects, &options).await)
        } else {
            one(&args, &force, &defects, &options).await.map(|outcome| vec![outcome])
        }
    })?;
    let failures = keep(&args, &outcomes);
    let report = summary::report(&outcomes, &settings.fail_on, seed, started);
    outputs.write_with(&report, |color| text(&outcomes, &report, color))?;
    if !failures.is_empty() {
        return Err(Stop { exit: Exit::Usage, message: failures.join("; ") });
    }
    Ok(report::exit(&report))
}

/// The reference server: in the configurations that show the defects, or in each.
async fn reference(defects: &[&'static Defect], options: &Options) -> Vec<Outcome> {
    let chosen: Vec<Configuration> = Configuration::ALL
        .into_iter()
        .filter(|c| defects.is_empty() || defects.iter().any(|d| d.configuration == *c))
        .collect();
    let mut outcomes = Vec::new();
    let share = |total: u64, index: usize| {
        let parts = chosen.len() as u64;
        total / parts + u64::from((index as u64) < total % parts)
    };
    for (index, configuration) in chosen.iter().enumerate() {
        let target = selftest::reference_target(*configuration, defects, options.run.seed);
        let part = Options {
            count: options.count.map(|count| share(count, index)),
            duration: options.duration.map(|d| d / chosen.len() as u32),
            stream: index as u64,
            ..options.clone()
        };
        let mut line = Line::new(configuration.name());
        outcomes.push(campaign::run(&target, &part, Ledger::memory(), &mut |p| line.show(p)).await);
        line.clear();
        if options.run.stop.is_requested() {
            break;
        }
    }
    outcomes
}

/// One target, alone or against another one. The reference server is compared in the configuration of its first defect.
async fn one(args: &Args, force: &InForce, defects: &[&'static Defect], options: &Options) -> Result<Outcome, Stop> {
    let (target, ledger) = if args.target.reference {
        let configuration = defects.first().map_or(Configuration::Open, |d| d.configuration);
        (selftest::reference_target(configuration, defects, options.run.seed), Ledger::memory())
    } else {
        (args.target.target(force)?, open_ledger(force.settings.ledger.clone())?)
    };
    let (other, other_ledger) = args.against.open(&args.target, None, &ledger)?.unzip();
    let paths = [Some(&ledger), other_ledger.as_ref()].into_iter().flatten().filter_map(Ledger::path);
    interrupt::watch(options.run.stop.clone(), paths.map(std::path::Path::to_path_buf))?;
    let mut line = Line::new("");
    let against = other.as_ref().zip(other_ledger);
    let mut outcome = campaign::compare(&target, against, options, ledger, &mut |p| line.show(p)).await;
    line.clear();
    for complaint in &outcome.complaints {
        eprintln!("dcrspec: {}", harmless(complaint));
    }
    close_ledger(&mut outcome.ledger, force.settings.ledger.is_some());
    against::close(outcome.against_ledger.as_mut(), force.settings.ledger.is_some());
    Ok(outcome)
}

/// Writes the findings and the corpus; says what could not be written.
fn keep(args: &Args, outcomes: &[Outcome]) -> Vec<String> {
    let mut failures = Vec::new();
    if let Some(folder) = &args.findings {
        for finding in outcomes.iter().flat_map(|o| &o.findings) {
            failures.extend(finding.write(folder).err());
        }
    }
    if let Some(folder) = &args.corpus {
        failures.extend(corpus::write(folder, outcomes.iter().flat_map(|o| &o.corpus)).err());
    }
    failures
}

/// What a person reads at the end.
fn text(outcomes: &[Outcome], report: &report::Report, color: bool) -> String {
    let mut out = String::new();
    let mut table = Table::default();
    for outcome in outcomes {
        table.add(&outcome.table);
        if let Some(why) = &outcome.untestable {
            out.push_str(&format!("{}: could not be tested: {}\n", harmless(&outcome.label), harmless(why)));
        }
    }
    out.push_str(&table.text());
    let paint = |code: &str, text: &str| if color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    for outcome in outcomes {
        for finding in &outcome.findings {
            let level = finding.level.as_str();
            out.push_str(&format!(
                "\n{} {} {} ({}, seen {} times{})\n  {}\n",
                paint("31;1", &format!("{} {level}", finding.strength)),
                finding.requirement,
                finding.id,
                finding.repeats,
                finding.count,
                if outcomes.len() > 1 { format!(", {}", outcome.label) } else { String::new() },
                harmless(&finding.message),
            ));
            if !finding.also.is_empty() {
                out.push_str(&format!("  also {}\n", finding.also.join(", ")));
            }
            match &finding.curl {
                Some(curl) if curl.len() < 2000 => out.push_str(&format!("  {}\n", harmless(curl))),
                _ => out.push_str(&format!("  dcrspec replay {}\n", finding.file_name())),
            }
        }
    }
    let inputs: u64 = outcomes.iter().map(|o| o.inputs).sum();
    let exchanges: u64 = outcomes.iter().map(|o| o.exchanges).sum();
    let seconds: f64 = outcomes.iter().map(|o| o.took.as_secs_f64()).sum();
    let shapes: usize = outcomes.iter().map(|o| o.shapes).sum();
    let findings: usize = report.findings.len();
    out.push_str(&format!(
        "\n{inputs} inputs, {exchanges} requests in {seconds:.1} s ({:.0}/s), {shapes} shapes of answers, {findings} finding{}.\n",
        exchanges as f64 / seconds.max(0.001),
        if findings == 1 { "" } else { "s" },
    ));
    if !report.clients.left.is_empty() || report.clients.unknown > 0 {
        out.push_str(&format!(
            "{} clients stay behind, and of {} registrations nobody knows.\n",
            report.clients.left.len(),
            report.clients.unknown
        ));
    }
    out
}

/// The live line on a terminal.
struct Line {
    label: &'static str,
    terminal: bool,
    shown: std::time::Instant,
}

impl Line {
    fn new(label: &'static str) -> Line {
        Line { label, terminal: stderr_is_terminal(), shown: std::time::Instant::now() }
    }

    fn show(&mut self, p: Progress) {
        if !self.terminal || self.shown.elapsed() < Duration::from_millis(200) {
            return;
        }
        self.shown = std::time::Instant::now();
        let rate = p.exchanges as f64 / p.took.as_secs_f64().max(0.001);
        eprint!(
            "\r\x1b[K{} {} inputs, {rate:.0} requests/s, corpus {}, {} shapes, {} findings",
            self.label, p.inputs, p.corpus, p.shapes, p.findings
        );
    }

    fn clear(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}
