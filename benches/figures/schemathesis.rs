//! Beside schemathesis, which knows OpenAPI and nothing of registration: cases a second, and the time to the first finding.

use std::{path::PathBuf, process::Command, time::Instant};

use dcrspec::{
    fuzz::campaign::{self, Options},
    run,
    server::{Configuration, Defect, defects},
    target::Target,
    wire::{HttpSettings, Ledger, Transport},
};

use super::{
    page,
    rounds::{ROUNDS, in_turns, mark, number, table},
    server::{Server, output},
};

pub const VERSION: &str = "4.32.5";

/// Ten defects that a document of the endpoint could tell, or a server error, and one registration shows.
const DEFECTS: [&str; 10] = [
    "expires-at-missing",
    "created-as-200",
    "secret-number",
    "client-id-number",
    "created-as-html",
    "secret-short",
    "name-type-crash",
    "contacts-text",
    "error-text",
    "redirect-fragment",
];

/// What it reports that a lawful server is not bound to: which values are accepted is the server's to say.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// How many cases each looks at for a defect.
const CASES: u32 = 1000;

/// How many seeds the defects are looked for with.
const SEEDS: usize = 2;

fn document() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/benches/figures/openapi.json")
}

/// The command, installed where it is missing.
fn command() -> Result<PathBuf, String> {
    let venv = page::folder()?.join(format!("schemathesis-{VERSION}"));
    let st = venv.join("bin/schemathesis");
    if !st.exists() {
        eprintln!("  installing schemathesis {VERSION}");
        output(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        let pip = venv.join("bin/pip");
        output(Command::new(pip).args(["install", "--quiet", &format!("schemathesis=={VERSION}")]))?;
    }
    if st.exists() {
        Ok(st)
    } else {
        Err("schemathesis cannot be installed: it takes Python with venv and pip".to_owned())
    }
}

fn started(st: &PathBuf, server: &Server, more: &[&str]) -> Result<String, String> {
    let mut command = Command::new(st);
    command.args([
        "run",
        document(),
        "--url",
        server.origin(),
        "--phases",
        "fuzzing",
        "--no-color",
        "--checks",
        CHECKS,
    ]);
    command.args(["--generation-database", "none"]).args(more);
    output(&mut command)
}

/// `Test cases:` with `1000 generated` on the next line.
fn generated(text: &str) -> Option<f64> {
    let line = text.lines().skip_while(|l| l.trim() != "Test cases:").nth(1)?;
    line.trim().split(' ').next()?.parse().ok()
}

fn target(server: &Server) -> Result<Target, String> {
    let transport = Transport::http(HttpSettings::default())?;
    Ok(Target { own: true, ..Target::new(server.endpoint.clone(), transport) })
}

fn campaign(server: &Server, options: &Options) -> Result<campaign::Outcome, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let target = target(server)?;
    let outcome = runtime.block_on(campaign::run(&target, options, Ledger::memory(), &mut |_| {}));
    match outcome.untestable {
        None => Ok(outcome),
        Some(why) => Err(why),
    }
}

/// Inputs a second of a campaign over loopback. Each is judged, and many are read back, varied and compared.
fn ours(count: u64, keep_alive: bool) -> Result<f64, String> {
    let server = Server::start(None)?;
    let options = Options { count: Some(count), jobs: 8, keep_alive, ..Options::default() };
    let clock = Instant::now();
    let outcome = campaign(&server, &options)?;
    if !outcome.findings.is_empty() {
        return Err("the clean server is accused".to_owned());
    }
    Ok(outcome.inputs as f64 / clock.elapsed().as_secs_f64())
}

/// The same in this process: the target is a `tower::Service`, one core.
fn in_process(count: u64) -> Result<f64, String> {
    let target = dcrspec::selftest::reference_target(Configuration::Open, &[], 1);
    let options = Options { count: Some(count), ..Options::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
    let clock = Instant::now();
    let outcome = runtime.block_on(campaign::run(&target, &options, Ledger::memory(), &mut |_| {}));
    Ok(outcome.inputs as f64 / clock.elapsed().as_secs_f64())
}

/// Seconds until the first finding; nothing where there was none.
fn theirs_first(st: &PathBuf, defect: &Defect, seed: usize) -> Result<Option<f64>, String> {
    let server = Server::start(Some(defect.id))?;
    let clock = Instant::now();
    let (cases, seed) = (CASES.to_string(), seed.to_string());
    let text = started(st, &server, &["--max-failures", "1", "-n", &cases, "--no-shrink", "--seed", &seed])?;
    let seconds = clock.elapsed().as_secs_f64();
    Ok((text.contains("unique failure") && !text.contains("found 0")).then_some(seconds))
}

/// The same with a campaign, until the finding is explained, shrunk and sent again.
fn ours_first(defect: &Defect, seed: usize) -> Result<Option<f64>, String> {
    let server = Server::start(Some(defect.id))?;
    let options = Options {
        run: run::Options { seed: seed as u64, ..run::Options::default() },
        count: Some(u64::from(CASES)),
        stop_at: Some(defect.requirement.to_owned()),
        ..Options::default()
    };
    let clock = Instant::now();
    let outcome = campaign(&server, &options)?;
    let own = |id: &str| id == defect.requirement;
    let found = outcome.findings.iter().any(|f| own(&f.requirement) || f.also.iter().any(|id| own(id)));
    Ok(found.then(|| clock.elapsed().as_secs_f64()))
}

/// The median of what was found, and how often.
fn shown(found: &[Option<f64>]) -> String {
    let mut seconds: Vec<f64> = found.iter().flatten().copied().collect();
    seconds.sort_by(f64::total_cmp);
    match seconds.get(seconds.len() / 2) {
        Some(median) if seconds.len() == found.len() => number(*median),
        Some(median) => format!("{} ({} of {})", number(*median), seconds.len(), found.len()),
        None => format!("not in {CASES} cases"),
    }
}

pub fn section() -> Result<String, String> {
    let st = command()?;
    let mut theirs = || {
        let server = Server::start(None)?;
        let clock = Instant::now();
        let text = started(&st, &server, &["-n", "1000", "--continue-on-failure", "--workers", "auto"])?;
        let cases = generated(&text).ok_or_else(|| format!("schemathesis told no number of cases: {text}"))?;
        Ok(cases / clock.elapsed().as_secs_f64())
    };
    let [theirs, over_loopback, kept, in_process] = in_turns(
        ROUNDS,
        [&mut theirs, &mut || ours(10_000, false), &mut || ours(20_000, true), &mut || in_process(100_000)],
    )?;
    let [near, near_kept, nearer] = [&over_loopback, &kept, &in_process].map(|ours| ours.over(&theirs));
    let rates = [
        vec!["schemathesis, 1,000 examples".to_owned(), theirs.shown(), String::new()],
        vec!["`dcrspec fuzz` over loopback, `--jobs 8`".to_owned(), over_loopback.shown(), number(near.median())],
        vec!["the same with `--keep-alive`".to_owned(), kept.shown(), number(near_kept.median())],
        vec!["`dcrspec fuzz` in process, one core".to_owned(), in_process.shown(), number(nearer.median())],
    ];
    let mut rows = Vec::new();
    for id in DEFECTS {
        let defect = defects().iter().find(|d| d.id == id).ok_or_else(|| format!("there is no defect {id}"))?;
        eprintln!("  {id}");
        let (mut mine, mut other) = (Vec::new(), Vec::new());
        for seed in 1..=SEEDS {
            other.push(theirs_first(&st, defect, seed)?);
            mine.push(ours_first(defect, seed)?);
        }
        rows.push(vec![format!("`{id}`"), shown(&other), shown(&mine)]);
    }
    Ok(format!(
        "The phase of fuzzing alone, with a document of the endpoint (`benches/figures/openapi.json`) and the checks {CHECKS}, at \
         `dcrspec serve`. A case is one input: here it stands for the registration, what is read back and compared, and the \
         judgement of all of it. Start-up of the process is a part of schemathesis' time.\n\n{}{}\nSeconds to the first finding \
         on ten defects, {SEEDS} seeds, at most {CASES} cases each; ours are shrunk and repeated by then.\n\n{}",
        table(&["", "cases/s", "× schemathesis"], &rates),
        mark("at least 200 × schemathesis' cases a second (in process)", nearer.median() >= 200.0),
        table(&["defect", "schemathesis", "dcrspec fuzz"], &rows)
    ))
}
