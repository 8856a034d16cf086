//! The proof that every check can fail: each defect of the reference server is caught, and the clean server yields nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;

use crate::{
    judge,
    report::{ExchangeRecord, Finding, Report, Verdict},
    run::{self, Options},
    server::{self, Configuration, Defect, ReferenceServer, ServerConfig, defects},
    spec::{Binds, Capability, Catalogue, Level, Strength},
    suite::Suite,
    target::{StatementKey, Target},
    wire::{HttpSettings, Ledger, Transport},
};

/// The issuer of a reference server that is held in-process. On loopback, so that plain http is lawful.
pub const ISSUER: &str = "http://localhost";

/// The host of the reference server in-process where it speaks TLS; reserved, so that it is nobody's (RFC 6761).
pub const TLS_HOST: &str = "as.example";

/// The initial access token in-process, where a configuration asks for one.
const TOKEN: &str = "reference-initial-access-token";

/// A target that holds the reference server in-process.
pub fn reference_target(configuration: Configuration, defects: &[&'static Defect], seed: u64) -> Target {
    let mut config = match configuration {
        Configuration::Open => ServerConfig::open(ISSUER),
        Configuration::Protected => ServerConfig::protected(ISSUER, TOKEN),
        Configuration::SharedIds => ServerConfig::shared_ids(ISSUER),
        Configuration::Statement => ServerConfig::statement(ISSUER),
        Configuration::Tls => ServerConfig::tls(format!("https://{TLS_HOST}")),
        // Nobody waits for a minute in here. And without nulls, which are allowed, and yet worth a warning.
        Configuration::Awork => ServerConfig { limit: u32::MAX, nulls: false, ..ServerConfig::awork(ISSUER, TOKEN) },
        other => ServerConfig::plain(other, ISSUER),
    };
    let issuer = config.issuer.clone();
    config.seed = Some(seed);
    config.defects = defects.to_vec();
    let server = ReferenceServer::new(config);
    let endpoint = format!("{issuer}{}", configuration.registration_path());
    let transport = match configuration {
        Configuration::Tls => {
            let plain = Some(server.plaintext_router());
            Transport::tls_service(TLS_HOST, &[], server.router(), plain, &HttpSettings::default())
                .expect("a certificate can be made for a reserved name")
        }
        _ => Transport::service(server.router()),
    };
    let mut target = Target::new(endpoint, transport);
    target.label = configuration.name().to_owned();
    target.issuer = Some(issuer);
    if configuration == Configuration::Tls {
        // There is no proxy in between, and nobody else's server at that name.
        target.declared.push(Capability::PlaintextProbe);
    }
    target.own = true;
    target.token = configuration.asks_for_token().then(|| TOKEN.into());
    target.vendors = configuration.vendor().map(str::to_owned).into_iter().collect();
    target.statement_key = (configuration == Configuration::Statement)
        .then(|| StatementKey::from_secret(server::statement_key(), server::STATEMENT_ISSUER));
    target
}

/// Runs suites against the reference server in every configuration, and adds the reports up.
pub async fn run_reference(defects: &[&'static Defect], suites: &[Suite], options: &Options) -> Report {
    let clock = std::time::Instant::now();
    let jobs = Configuration::ALL.map(|configuration| (configuration, defects.to_vec()));
    let reports: Vec<Report> = side_by_side(jobs.to_vec(), suites, options).collect().await;
    let mut report = crate::report::merge(reports).expect("there is at least one configuration");
    // They ran side by side, so their times do not add up.
    report.seconds = clock.elapsed().as_secs_f64();
    report
}

/// Runs of one server each, as many at a time as there are processors, in order.
fn side_by_side(
    jobs: Vec<(Configuration, Vec<&'static Defect>)>,
    suites: &[Suite],
    options: &Options,
) -> impl Stream<Item = Report> {
    let suites: Arc<[Suite]> = suites.into();
    let options = options.clone();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let run = move |(configuration, defects): (Configuration, Vec<&'static Defect>)| {
        let (suites, options) = (Arc::clone(&suites), options.clone());
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime starts where one runs already");
            runtime.block_on(run_configuration(configuration, &defects, &suites, &options))
        };
        async { tokio::task::spawn_blocking(work).await.expect("a run does not panic") }
    };
    stream::iter(jobs).map(run).buffered(processors)
}

async fn run_configuration(
    configuration: Configuration,
    defects: &[&'static Defect],
    suites: &[Suite],
    options: &Options,
) -> Report {
    let mut target = reference_target(configuration, defects, options.seed);
    // A vendor that this build does not know has no configuration of its own: each is held against its documentation.
    let strangers = crate::suite::vendors(suites).into_iter().filter(|v| !Catalogue::embedded().is_vendor(v));
    target.vendors.extend(strangers);
    let mut report = run::run(&target, suites, options, Ledger::memory()).await.report;
    if !configuration.deletes() {
        // What cannot be deleted ends with its server, which is this run's own.
        report.clients.left.clear();
    }
    report
}

/// A wrong exchange that breaks a requirement, and the right one in its place: made on the reference server, with and
/// without a defect.
#[derive(Clone, Debug)]
pub struct Example {
    /// What the server was told to do wrong.
    pub defect: &'static Defect,
    /// What the judge says of it.
    pub finding: Finding,
    /// The exchange with the defect.
    pub wrong: ExchangeRecord,
    /// The same without it, where one fits.
    pub right: Option<ExchangeRecord>,
}

/// The example for a requirement; nothing where no defect breaks it.
pub async fn example(requirement: &str, suites: &[Suite]) -> Option<Example> {
    let defect = defects().iter().find(|d| d.requirement == requirement)?;
    let options = Options { all_exchanges: true, ..Options::default() };
    let broken = run_configuration(defect.configuration, &[defect], suites, &options).await;
    let finding = broken.findings.iter().find(|f| f.requirement == requirement)?.clone();
    let by_id = |report: &Report, id: &str| report.exchanges.iter().find(|x| x.id == id).cloned();
    let wrong = by_id(&broken, &finding.exchange)?;
    // The same step of the same case at the clean server; outside of cases, the same place on the ladder.
    let clean = run_configuration(defect.configuration, &[], suites, &options).await;
    let case_of =
        |report: &Report| report.cases.iter().find(|c| format!("{}/{}", c.suite, c.id) == finding.case).cloned();
    let right = match (case_of(&broken), case_of(&clean)) {
        (Some(bad), Some(good)) => {
            let step = bad.exchanges.iter().position(|x| *x == finding.exchange);
            step.and_then(|i| good.exchanges.get(i).cloned())
        }
        _ => Some(finding.exchange.clone()),
    };
    let right = right.and_then(|id| by_id(&clean, &id)).filter(|r| r.request.method == wrong.request.method);
    Some(Example { defect, finding, wrong, right })
}

/// What one defect brought about.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The id of the defect.
    pub defect: &'static str,
    /// The requirement that it breaks.
    pub requirement: &'static str,
    /// The configuration in which it was tried.
    pub configuration: &'static str,
    /// A finding of its requirement was made.
    pub killed: bool,
    /// Rules and expectations that objected on its requirement.
    pub by: Vec<String>,
    /// Other requirements that turned red or were warned of.
    pub side_effects: Vec<String>,
    /// Side effects that the defect's entry does not explain, and explained ones that did not show.
    pub unexplained: Vec<String>,
    /// Explained side effects that did not show.
    pub stale: Vec<String>,
}

/// The matrix of defects and requirements, and every gap in it.
#[derive(Clone, Debug, Serialize)]
pub struct Matrix {
    /// One for each defect.
    pub rows: Vec<Row>,
    /// Requirements that the clean server meets and that can be broken.
    pub met: usize,
    /// Sentences; any of them makes the self-test fail.
    pub gaps: Vec<String>,
    /// Requirements that no server can be staged to break.
    pub not_killable: Vec<String>,
}

/// A finding that an owner would have to do something about.
fn counts(finding: &Finding) -> bool {
    finding.strength != Strength::Note
}

/// Requirements with a finding that counts.
fn red(report: &Report) -> BTreeSet<&str> {
    report
        .findings
        .iter()
        .filter(|f| counts(f))
        .flat_map(|f| std::iter::once(&f.requirement).chain(&f.also))
        .map(String::as_str)
        .collect()
}

/// Runs the clean server and every defect.
pub async fn selftest(suites: &[Suite], options: &Options) -> Matrix {
    let catalogue = Catalogue::known();
    let mut gaps = Vec::new();
    let mut verdicts: BTreeMap<String, Verdict> = BTreeMap::new();
    let mut clean_runs =
        std::pin::pin!(side_by_side(Configuration::ALL.map(|c| (c, Vec::new())).to_vec(), suites, options));
    for configuration in Configuration::ALL {
        let clean = clean_runs.next().await.expect("there is a run for each configuration");
        if let Some(why) = &clean.untestable {
            gaps.push(format!("the clean {} server could not be tested: {why}", configuration.name()));
        }
        for finding in clean.findings.iter().filter(|f| counts(f)) {
            gaps.push(format!(
                "the clean {} server is accused: {} ({}): {}",
                configuration.name(),
                finding.requirement,
                finding.rule,
                finding.message
            ));
        }
        for case in clean.cases.iter().filter(|c| c.outcome == crate::report::CaseOutcome::Errored) {
            gaps.push(format!("{}/{} could not be judged: {}", case.suite, case.id, case.reason));
        }
        if clean.clients.left.len() as u64 + clean.clients.unknown > 0 {
            gaps.push(format!("clients stay behind at the clean {} server", configuration.name()));
        }
        for r in clean.requirements {
            let verdict = verdicts.entry(r.id).or_insert(r.verdict);
            *verdict = (*verdict).max(r.verdict);
        }
    }
    let mut fired: BTreeSet<String> = BTreeSet::new();
    let mut rows = Vec::new();
    let jobs = defects().iter().map(|defect| (defect.configuration, vec![defect])).collect();
    let mut runs = std::pin::pin!(side_by_side(jobs, suites, options));
    for defect in defects() {
        let report = runs.next().await.expect("there is a run for each defect");
        fired.extend(report.findings.iter().map(|f| f.rule.clone()));
        // A rule whose finding went under its primary has objected too.
        for (rule, requirement) in judge::rule_ids() {
            if report.findings.iter().any(|f| f.also.iter().any(|a| a == requirement)) {
                fired.insert(rule.to_owned());
            }
        }
        rows.push(row(defect, &report));
    }
    for row in &rows {
        if !row.killed {
            gaps.push(format!("the defect {} is not caught: nothing objects on {}", row.defect, row.requirement));
        }
        for id in &row.unexplained {
            gaps.push(format!("the defect {} also turns {id} red, and its entry does not say why", row.defect));
        }
        for id in &row.stale {
            gaps.push(format!("the entry of the defect {} explains {id}, which stays green", row.defect));
        }
    }
    let killed = |id: &str| rows.iter().any(|r| r.killed && r.requirement == id);
    let mut met = 0;
    let mut not_killable = Vec::new();
    for requirement in catalogue.iter().filter(|r| r.binds == Binds::Server) {
        let is_met = verdicts.get(&requirement.id) == Some(&Verdict::Met);
        if !requirement.killable {
            not_killable.push(requirement.id.clone());
        } else if is_met {
            met += 1;
            if !killed(&requirement.id) {
                gaps.push(format!("{} is met by the clean server and no defect breaks it", requirement.id));
            }
        } else if killed(&requirement.id) {
            gaps.push(format!("{} has a defect, and yet the clean server does not meet it", requirement.id));
        }
    }
    for (rule, requirement) in judge::rule_ids() {
        let observes = catalogue.get(requirement).is_none_or(|r| r.level == Level::May || !r.killable);
        if !observes && !fired.contains(rule) {
            gaps.push(format!("the rule {rule} ({requirement}) objects to no defect"));
        }
    }
    Matrix { rows, met, gaps, not_killable }
}

fn row(defect: &'static Defect, report: &Report) -> Row {
    let red = red(report);
    let side_effects: Vec<String> =
        red.iter().filter(|id| **id != defect.requirement).map(|id| (*id).to_owned()).collect();
    let explained: Vec<&str> = defect.also.iter().map(|(id, _)| *id).collect();
    Row {
        defect: defect.id,
        requirement: defect.requirement,
        configuration: defect.configuration.name(),
        killed: red.contains(defect.requirement),
        by: report
            .findings
            .iter()
            .filter(|f| {
                counts(f) && (f.requirement == defect.requirement || f.also.iter().any(|a| a == defect.requirement))
            })
            .map(|f| f.rule.clone())
            .collect(),
        unexplained: side_effects.iter().filter(|id| !explained.contains(&id.as_str())).cloned().collect(),
        stale: explained.iter().filter(|id| !red.contains(*id)).map(|id| (*id).to_owned()).collect(),
        side_effects,
    }
}
