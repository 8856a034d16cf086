//! `dcrspec run`: the main job.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Map, Value};

use super::{Done, Stop, colored, find_defects, interrupt, print, runtime, stderr_is_terminal, usage};
use crate::{
    report::{
        self, Exit, Report, Style,
        text::{harmless, harmless_lines},
    },
    run::{self, Options, Progress},
    selftest,
    spec::{Capability, Catalogue, FailOn},
    suite::{self, Suite},
    target::{StatementKey, Target, candidates},
    wire::{HttpSettings, Ledger, Secret, Transport},
};

#[derive(clap::Args)]
pub struct Args {
    /// The registration endpoint
    #[arg(value_name = "URL", conflicts_with = "reference")]
    url: Option<String>,
    /// Find the endpoint in this issuer's metadata (RFC 8414 or OpenID Connect Discovery)
    #[arg(long, value_name = "URL", conflicts_with = "reference")]
    issuer: Option<String>,
    /// Test the reference server, in-process and in every configuration
    #[arg(long)]
    reference: bool,
    /// Give the reference server a defect
    #[arg(long, value_name = "ID", requires = "reference", conflicts_with_all = ["url", "issuer"])]
    defect: Vec<String>,

    /// Run only this suite (name or beginning of a name), or the suite in this file
    #[arg(long, value_name = "NAME|PATH", help_heading = "What to run")]
    suite: Vec<String>,
    /// Run only the cases whose id fits (`*` for any characters)
    #[arg(long = "case", value_name = "GLOB", help_heading = "What to run")]
    cases: Vec<String>,
    /// Run cases that could touch other users, too
    #[arg(long = "unsafe", help_heading = "What to run")]
    allow_unsafe: bool,
    /// Register no more clients than this in all; cases share them, and those that need more are dropped
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "What to run")]
    max_clients: Option<u64>,
    /// List every request that would be sent, and send none
    #[arg(long, conflicts_with_all = ["reference", "json", "junit", "no_cleanup"], help_heading = "What to run")]
    dry_run: bool,
    /// Declare a capability that no probe can find out
    #[arg(long, value_name = "CAPABILITY", help_heading = "What to run")]
    declare: Vec<Capability>,
    /// The levels at which a broken finding fails the run
    #[arg(long, value_name = "LEVELS", default_value = "must,security", help_heading = "What to run")]
    fail_on: FailOn,
    /// Makes the words in payloads the same in every run
    #[arg(long, value_name = "N", help_heading = "What to run")]
    seed: Option<u64>,

    /// The initial access token; --token-env and --token-file keep it out of the process list
    #[arg(long, value_name = "TOKEN", group = "tokens", help_heading = "How to talk to the target")]
    token: Option<String>,
    /// Read the initial access token from this environment variable
    #[arg(long, value_name = "VAR", group = "tokens", help_heading = "How to talk to the target")]
    token_env: Option<String>,
    /// Read the initial access token from this file
    #[arg(long, value_name = "FILE", group = "tokens", help_heading = "How to talk to the target")]
    token_file: Option<PathBuf>,
    /// Sign software statements with this private key (PEM), which the target trusts
    #[arg(long, value_name = "FILE", requires = "statement_issuer", help_heading = "How to talk to the target")]
    statement_key: Option<PathBuf>,
    /// The issuer of those statements
    #[arg(long, value_name = "ISS", requires = "statement_key", help_heading = "How to talk to the target")]
    statement_issuer: Option<String>,
    /// The key id in their header, where the target needs one
    #[arg(long, value_name = "KID", requires = "statement_key", help_heading = "How to talk to the target")]
    statement_kid: Option<String>,
    /// Metadata that the target accepts, as JSON
    #[arg(long, value_name = "FILE", help_heading = "How to talk to the target")]
    client: Option<PathBuf>,
    /// A header field for every request
    #[arg(long = "header", value_name = "NAME: VALUE", help_heading = "How to talk to the target")]
    headers: Vec<String>,
    /// The longest that one exchange may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration, help_heading = "How to talk to the target")]
    timeout: Duration,
    /// The most requests a second; 10 unless given, no limit in-process
    #[arg(long, value_name = "N/s", value_parser = rate, help_heading = "How to talk to the target")]
    rate: Option<f64>,
    /// How long rate limits (429, 503) are waited out, in all
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration, help_heading = "How to talk to the target")]
    wait: Duration,
    /// Trust the certificates in this PEM file as well
    #[arg(long, value_name = "FILE", help_heading = "How to talk to the target")]
    ca: Option<PathBuf>,
    /// Do not verify the server's certificate
    #[arg(long, help_heading = "How to talk to the target")]
    insecure: bool,
    /// Send registration access tokens to this origin too
    #[arg(long, value_name = "URL", help_heading = "How to talk to the target")]
    allow_origin: Vec<String>,

    /// Keep the list of registered clients in this file
    #[arg(long, value_name = "FILE", help_heading = "Clean-up")]
    ledger: Option<PathBuf>,
    /// Leave the registered clients where they are
    #[arg(long, help_heading = "Clean-up")]
    no_cleanup: bool,

    /// Write the report as JSON (- for stdout)
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    json: Option<PathBuf>,
    /// Write the report as JUnit XML (- for stdout)
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    junit: Option<PathBuf>,
    /// Keep the exchanges of findings, or all of them, in the JSON report
    #[arg(long, value_name = "WHICH", default_value = "findings", value_parser = ["findings", "all"], help_heading = "Reports")]
    exchanges: String,
    /// Show notes and every verdict
    #[arg(long, short, help_heading = "Reports")]
    verbose: bool,
}

/// `10s`, `1m`, `500ms`, or a bare number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[number.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        other => return Err(format!("{other:?} is no unit of time; write ms, s or m")),
    };
    let value: f64 = number.parse().map_err(|_| format!("{text:?} is no length of time; write 10s or 500ms"))?;
    let seconds = value * unit;
    if !(0.001..=86_400.0).contains(&seconds) {
        return Err(format!("{text:?} is not between 1ms and a day"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// `10/s`, `30/m`, or a bare number a second.
fn rate(text: &str) -> Result<f64, String> {
    let (number, per) = match text.split_once('/') {
        None | Some((_, "s")) => (text.split('/').next().unwrap_or(text), 1.0),
        Some((number, "m" | "min")) => (number, 60.0),
        Some((_, other)) => return Err(format!("{other:?} is no unit; write 10/s or 30/m")),
    };
    match number.parse::<f64>() {
        Ok(n) if n > 0.0 && n.is_finite() => Ok(n / per),
        _ => Err(format!("{text:?} is no rate; write 10/s or 30/m")),
    }
}

pub fn main(args: Args) -> Done {
    let suites = choose_suites(&args.suite)?;
    let options = options(&args);
    if run::plan(&suites, &options).is_empty() {
        return Err(usage(format!(
            "no case fits {}; `dcrspec list cases` lists them",
            args.cases.iter().map(|c| format!("{c:?}")).collect::<Vec<_>>().join(" or ")
        )));
    }
    let outputs = Outputs::new(&args)?;
    let runtime = runtime()?;
    if args.dry_run {
        let target = target(&args)?;
        let report = runtime.block_on(run::dry_run(target, &suites, &options)).map_err(usage)?;
        print(&harmless_lines(&run::listing(&report)));
        return Ok(Exit::Clean);
    }
    let report = if args.reference {
        let defects = find_defects(&args.defect)?;
        interrupt::watch(options.stop.clone(), None)?;
        runtime.block_on(selftest::run_reference(&defects, &suites, &options))
    } else {
        run_target(&args, &suites, &options, &runtime)?
    };
    outputs.write(&report, args.verbose)?;
    Ok(report::exit(&report))
}

fn options(args: &Args) -> Options {
    Options {
        fail_on: args.fail_on.clone(),
        rate: args.rate,
        wait_budget: args.wait,
        clean_up: !args.no_cleanup,
        allow_unsafe: args.allow_unsafe,
        // The reference server is as repeatable as its seed; elsewhere two runs must not send the same names.
        seed: args
            .seed
            .unwrap_or_else(|| if args.reference { 1 } else { jiff::Timestamp::now().as_microsecond() as u64 }),
        cases: args.cases.clone(),
        all_exchanges: args.exchanges == "all",
        max_clients: args.max_clients,
        stop: run::Stop::new(),
    }
}

/// Names choose among the embedded suites; whatever is a file is loaded.
fn choose_suites(wanted: &[String]) -> Result<Vec<Suite>, Stop> {
    let (files, names): (Vec<String>, Vec<String>) = wanted.iter().cloned().partition(|w| Path::new(w).is_file());
    let mut chosen = Vec::new();
    if !names.is_empty() || files.is_empty() {
        chosen = suite::choose(&names)
            .map_err(|why| usage(format!("{why}, and no file; `dcrspec list suites` lists the suites")))?;
    }
    for file in files {
        let suite = suite::load_path(Path::new(&file)).map_err(|e| usage(e.to_string()))?;
        if chosen.iter().any(|c| c.name == suite.name) {
            return Err(usage(format!(
                "{file}: another suite is called {:?} already; give this one its own name",
                suite.name
            )));
        }
        chosen.push(suite);
    }
    Ok(chosen)
}

fn run_target(
    args: &Args,
    suites: &[Suite],
    options: &Options,
    runtime: &tokio::runtime::Runtime,
) -> Result<Report, Stop> {
    let target = target(args)?;
    let ledger = open_ledger(args)?;
    let path = ledger.path().map(Path::to_path_buf);
    interrupt::watch(options.stop.clone(), path.clone())?;
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
    for complaint in &outcome.complaints {
        eprintln!("dcrspec: {}", harmless(complaint));
    }
    let clients = &outcome.report.clients;
    if clients.left.is_empty() && clients.unknown == 0 {
        if let Err(why) = outcome.ledger.remove_if_clean() {
            eprintln!("dcrspec: {}", harmless(&why));
        }
    } else if let Some(path) = path {
        let what = if clients.left.is_empty() { "clients may stay behind" } else { "clients stay behind" };
        eprintln!("dcrspec: {what}; this names them, and tries to delete them: dcrspec cleanup {}", path.display());
    }
    Ok(outcome.report)
}

fn target(args: &Args) -> Result<Target, Stop> {
    let place = match (&args.url, &args.issuer) {
        (None, None) => {
            return Err(usage("no target: give the registration endpoint's URL, --issuer URL, or --reference"));
        }
        (Some(url), _) => url,
        (None, Some(issuer)) => issuer,
    };
    for url in [&args.url, &args.issuer].into_iter().flatten() {
        no_credentials(url)?;
    }
    if let Some(issuer) = &args.issuer {
        candidates(issuer).map_err(usage)?;
    }
    if let Some(url) = &args.url {
        let parsed =
            url::Url::parse(url).map_err(|e| usage(format!("{url:?} is no URL ({e}); write https://host/path")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(usage(format!("{url:?} is no http or https URL")));
        }
    }
    let mut settings = HttpSettings::default().with_timeout(args.timeout);
    settings.insecure = args.insecure;
    if let Some(path) = &args.ca {
        settings.extra_root_ca_pem = Some(read(path)?);
    }
    let transport = Transport::http(settings).map_err(usage)?;
    let mut target = Target::new(place.clone(), transport);
    target.endpoint = args.url.clone();
    target.issuer = args.issuer.clone();
    target.token = token(args)?;
    if let (Some(path), Some(issuer)) = (&args.statement_key, &args.statement_issuer) {
        let mut key =
            StatementKey::from_pem(&read(path)?, issuer).map_err(|e| usage(format!("{} {e}", path.display())))?;
        key.kid = args.statement_kid.clone();
        target.statement_key = Some(key);
    }
    target.declared = args.declare.clone();
    target.allowed_origins = args.allow_origin.clone();
    target.client = args.client.as_deref().map(client).transpose()?;
    for header in &args.headers {
        let (name, value) = header
            .split_once(':')
            // It is not repeated: it may be an API key.
            .ok_or_else(|| usage("a --header has no colon; write 'Name: value'"))?;
        let (name, value) = (name.trim(), value.trim());
        let valid = http::HeaderName::from_bytes(name.as_bytes()).is_ok() && http::HeaderValue::from_str(value).is_ok();
        if !valid {
            return Err(usage(format!(
                "the header field {name:?} cannot be sent: its name or value holds a character that none may hold"
            )));
        }
        target.headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(target)
}

/// A URL is shown in many places, so it holds no password; and neither does this message.
fn no_credentials(url: &str) -> Result<(), Stop> {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or("");
    match authority.contains('@') {
        true => Err(usage("the URL holds a user name or password; give credentials with --header or --token-env")),
        false => Ok(()),
    }
}

/// The initial access token from wherever it is; never shown.
fn token(args: &Args) -> Result<Option<Secret>, Stop> {
    let token = if let Some(token) = &args.token {
        token.clone()
    } else if let Some(name) = &args.token_env {
        std::env::var(name)
            .map_err(|_| usage(format!("the environment variable {name} of --token-env is not set, or is not text")))?
    } else if let Some(path) = &args.token_file {
        String::from_utf8(read(path)?).map_err(|_| usage(format!("{}: the token is not text", path.display())))?
    } else {
        return Ok(None);
    };
    let token = token.trim().to_owned();
    if token.is_empty() || !token.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
        return Err(usage(
            "the initial access token is empty, or holds a character that no Authorization header can carry",
        ));
    }
    Ok(Some(token.into()))
}

fn client(path: &Path) -> Result<Map<String, Value>, Stop> {
    match serde_json::from_slice(&read(path)?) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(usage(format!("{}: client metadata is one JSON object", path.display()))),
        Err(e) => Err(usage(format!("{}:{}:{}: {e}", path.display(), e.line(), e.column()))),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    std::fs::read(path).map_err(|e| usage(format!("cannot read {}: {e}", path.display())))
}

/// The file that names the registered clients: where it was asked for, else with the user's state.
fn open_ledger(args: &Args) -> Result<Ledger, Stop> {
    let path = args.ledger.clone().unwrap_or_else(|| {
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

/// Where reports go.
struct Outputs {
    json: Option<PathBuf>,
    junit: Option<PathBuf>,
}

impl Outputs {
    fn new(args: &Args) -> Result<Outputs, Stop> {
        let outputs = Outputs { json: args.json.clone(), junit: args.junit.clone() };
        let files: Vec<&PathBuf> = [&outputs.json, &outputs.junit].into_iter().flatten().collect();
        if files.iter().filter(|f| is_stdout(f)).count() > 1 {
            return Err(usage("only one report can go to stdout (-)"));
        }
        for file in files {
            if file.is_dir() {
                return Err(usage(format!("{} is a folder; name a file for the report", file.display())));
            }
        }
        Ok(outputs)
    }

    /// Writes what was asked for. The text report goes to stdout unless another one does.
    fn write(&self, report: &Report, verbose: bool) -> Result<(), Stop> {
        let files = [(&self.json, report::json as fn(&Report) -> String), (&self.junit, report::junit)];
        let taken = files.iter().any(|(f, _)| f.as_deref().is_some_and(is_stdout));
        let terminal = if taken { stderr_is_terminal() } else { std::io::stdout().is_terminal() };
        let style = Style { color: colored(terminal), width: 100, verbose };
        let text = report::terminal(report, style, Catalogue::embedded());
        if taken {
            eprint!("{text}");
        } else {
            print(&text);
        }
        let mut failures = Vec::new();
        for (file, render) in files {
            let Some(file) = file else { continue };
            if is_stdout(file) {
                print(&render(report));
            } else if let Err(why) = report::write_file(file, &render(report)) {
                failures.push(why);
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(Stop { exit: Exit::Usage, message: failures.join("; ") }) }
    }
}

fn is_stdout(path: impl AsRef<Path>) -> bool {
    path.as_ref().as_os_str() == "-"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_rates_are_read_with_their_units() {
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(duration("2").unwrap(), Duration::from_secs(2));
        assert_eq!(duration("1m").unwrap(), Duration::from_secs(60));
        assert!(duration("10h").is_err() && duration("0").is_err() && duration("x").is_err());
        assert_eq!(rate("10/s").unwrap(), 10.0);
        assert_eq!(rate("30/m").unwrap(), 0.5);
        assert!(rate("0").is_err() && rate("3/h").is_err() && rate("NaN").is_err());
    }
}
