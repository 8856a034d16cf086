//! `dcrspec run`: the main job.

mod outputs;
pub mod target;

use std::path::{Path, PathBuf};

pub use self::outputs::Outputs;
use super::{
    Done, Stop,
    config::{self, Choice, Given, InForce},
    find_defects, interrupt, print, runtime,
    settings::{Exchanges, Settings},
    stderr_is_terminal,
    units::Rate,
    usage,
};
use crate::{
    report::{
        self, Exit, Report,
        text::{harmless, harmless_lines},
    },
    run::{self, Options, Progress},
    selftest,
    suite::{self, Folder, Suite},
    wire::Ledger,
};

#[derive(clap::Args)]
pub struct Args {
    /// Test the reference server, in-process and in every configuration
    #[arg(long, conflicts_with_all = ["url", "issuer"])]
    reference: bool,
    /// Give the reference server a defect
    #[arg(long, value_name = "ID", requires = "reference", conflicts_with_all = ["url", "issuer"])]
    defect: Vec<String>,
    /// List every request that would be sent, and send none
    #[arg(long, conflicts_with_all = ["reference", "json", "junit", "no_cleanup"])]
    dry_run: bool,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    given: Given,
}

pub fn main(args: Args) -> Done {
    let in_process = args.reference;
    let given = args.given.0;
    // The rate in a file is that of a deployment; in this process it would only cost time.
    let rate_given = given.contains_key("rate");
    let force = args.choice.in_force(given)?;
    let settings = &force.settings;
    let suites = choose_suites(&force, in_process)?;
    let options = options(settings, in_process, rate_given);
    if run::plan(&suites, &options).is_empty() {
        return Err(force.blame(
            "case",
            format!(
                "no case fits {}; `dcrspec list cases` lists them",
                settings.cases.iter().map(|c| format!("{c:?}")).collect::<Vec<_>>().join(" or ")
            ),
        ));
    }
    let outputs = Outputs::new(&force)?;
    let runtime = runtime()?;
    if args.dry_run {
        let mut target = target::target(&force)?;
        target.vendors = suite::vendors(&suites);
        let report = runtime.block_on(run::dry_run(target, &suites, &options)).map_err(usage)?;
        print(&harmless_lines(&run::listing(&report)));
        return Ok(Exit::Clean);
    }
    let report = if in_process {
        let defects = find_defects(&args.defect)?;
        interrupt::watch(options.stop.clone(), None)?;
        runtime.block_on(selftest::run_reference(&defects, &suites, &options))
    } else {
        for hint in config::hints(&force) {
            eprintln!("dcrspec: {}", harmless(&hint));
        }
        run_target(&force, &suites, &options, &runtime)?
    };
    outputs.write(&report, settings.verbose)?;
    if let (true, [first, ..]) = (in_process, args.defect.as_slice()) {
        // Nothing listens at the URLs in this report, so there is no line to repeat a request by.
        eprintln!(
            "dcrspec: the reference server ran in this process; `dcrspec serve --defect {first}` puts it on a port"
        );
    }
    Ok(report::exit(&report))
}

fn options(settings: &Settings, in_process: bool, rate_given: bool) -> Options {
    Options {
        fail_on: settings.fail_on.clone(),
        rate: settings.rate.as_ref().filter(|_| rate_given || !in_process).map(Rate::per_second),
        wait_budget: settings.wait.get(),
        clean_up: !settings.no_cleanup,
        allow_unsafe: settings.allow_unsafe,
        // The reference server is as repeatable as its seed; elsewhere two runs must not send the same names.
        seed: settings
            .seed
            .unwrap_or_else(|| if in_process { 1 } else { jiff::Timestamp::now().as_microsecond() as u64 }),
        cases: settings.cases.clone(),
        all_exchanges: settings.exchanges == Exchanges::All,
        max_clients: settings.max_clients,
        stop: run::Stop::new(),
    }
}

/// Names choose among the embedded suites; whatever is a file or a folder is loaded. The reference server has a
/// configuration for each embedded vendor, so there every suite is run.
pub fn choose_suites(force: &InForce, in_process: bool) -> Result<Vec<Suite>, Stop> {
    let wanted = &force.settings.suite;
    let on_disk = |w: &String| Path::new(w).is_file() || Folder::is_one(Path::new(w));
    let (paths, names): (Vec<String>, Vec<String>) = wanted.iter().cloned().partition(on_disk);
    let mut chosen = Vec::new();
    if in_process && wanted.is_empty() {
        chosen = suite::embedded().to_vec();
    } else if !names.is_empty() || paths.is_empty() {
        chosen = suite::choose(&names).map_err(|why| {
            force.blame("suite", format!("{why}, and no file; `dcrspec list suites` lists the suites"))
        })?;
    }
    for path in paths {
        let at = Path::new(&path);
        let loaded = if at.is_dir() { suite::load_folder(at) } else { suite::load_path(at).map(|s| vec![s]) };
        for suite in loaded.map_err(|e| usage(e.to_string()))? {
            if chosen.iter().any(|c| c.name == suite.name) {
                return Err(usage(format!(
                    "{}: another suite is called {:?} already; give this one its own name",
                    suite.file, suite.name
                )));
            }
            chosen.push(suite);
        }
    }
    Ok(chosen)
}

fn run_target(
    force: &InForce,
    suites: &[Suite],
    options: &Options,
    runtime: &tokio::runtime::Runtime,
) -> Result<Report, Stop> {
    let mut target = target::target(force)?;
    target.vendors = suite::vendors(suites);
    let ledger = open_ledger(force.settings.ledger.clone())?;
    interrupt::watch(options.stop.clone(), ledger.path().map(Path::to_path_buf))?;
    let terminal = stderr_is_terminal();
    let mut progress = |what: Progress<'_>| {
        if terminal {
            let line = match what {
                Progress::Preparing => "finding a registration that the target accepts".to_owned(),
                Progress::Case { number, of, suite, case } => format!("{number}/{of} {suite}/{case}"),
                Progress::CleaningUp { clients } => format!("deleting {clients} clients"),
            };
            eprint!("\r\x1b[K{line}");
        }
    };
    eprintln!("dcrspec: testing {} (seed {})", harmless(&target.label), options.seed);
    let mut outcome = runtime.block_on(run::run_observed(&target, suites, options, ledger, &mut progress));
    if terminal {
        eprint!("\r\x1b[K");
    }
    eprintln!("dcrspec: pace: {}", outcome.pace);
    for complaint in &outcome.complaints {
        eprintln!("dcrspec: {}", harmless(complaint));
    }
    close_ledger(&mut outcome.ledger, force.settings.ledger.is_some());
    Ok(outcome.report)
}

/// Removes a ledger in which nothing is open, and names the others. One that the user has named stays, for scripts that
/// come back to it.
pub fn close_ledger(ledger: &mut Ledger, named: bool) {
    let path = ledger.path().map(Path::to_path_buf);
    let clients = ledger.clients();
    if clients.left.is_empty() && clients.unknown == 0 {
        let closed = if named { ledger.close_if_clean() } else { ledger.remove_if_clean() };
        if let Err(why) = closed {
            eprintln!("dcrspec: {}", harmless(&why));
        }
    } else if let Some(path) = path {
        let what = if clients.left.is_empty() { "clients may stay behind" } else { "clients stay behind" };
        eprintln!("dcrspec: {what}; this names them, and tries to delete them: dcrspec cleanup {}", path.display());
    }
}

/// The file that names the registered clients: where it was asked for, else with the user's state.
pub fn open_ledger(asked: Option<PathBuf>) -> Result<Ledger, Stop> {
    let path = asked.unwrap_or_else(|| {
        let home = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let state = home("XDG_STATE_HOME")
            .or_else(|| home("HOME").map(|h| h.join(".local/state")))
            .unwrap_or_else(std::env::temp_dir);
        let now = jiff::Timestamp::now();
        state.join("dcrspec").join(format!("{}-{}.ledger", now.as_second(), std::process::id()))
    });
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| {
            usage(format!(
                "cannot make the folder {} for the ledger: {e}; --ledger FILE puts it elsewhere",
                folder.display()
            ))
        })?;
    }
    Ledger::file(&path).map_err(|e| usage(format!("{e}; --ledger FILE puts it elsewhere")))
}
