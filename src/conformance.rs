//! The suites in a test of one's own server, without a socket.
//!
//! ```
//! # async fn check() -> Result<(), dcrspec::ConformanceError> {
//! use dcrspec::{Conformance, server::{ReferenceServer, ServerConfig}};
//!
//! let app = ReferenceServer::new(ServerConfig::open("http://localhost")).router();
//! Conformance::new(app).run().await?.assert_clean();
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(check()).unwrap();
//! ```

use std::{error::Error, path::Path};

use serde_json::{Map, Value};

use crate::{
    report::{self, Exit, Finding, Report, Style},
    run::{self, Options},
    spec::{Capability, Catalogue, FailOn},
    suite::{self, Suite},
    target::Target,
    wire::Ledger,
};

/// A conformance run that cannot be made as it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ConformanceError {
    /// No suite has this name, or the file does not load.
    #[error("{0}")]
    Suite(String),
    /// A waiver names a requirement that is not in the catalogue.
    #[error("{0:?} is waived, and no requirement has that id")]
    Waiver(String),
    /// No case is left to run.
    #[error("no case fits what was asked for")]
    NothingToRun,
}

/// A run of the suites against a `tower::Service`, such as an `axum::Router` as it is.
pub struct Conformance {
    target: Target,
    suites: Vec<String>,
    files: Vec<std::path::PathBuf>,
    options: Options,
    waivers: Vec<(String, String)>,
}

impl Conformance {
    /// The service is called in-process, under `http://localhost`; its registration endpoint is taken to be
    /// `/register` unless [`Conformance::endpoint`] says otherwise.
    pub fn new<S, B>(service: S) -> Conformance
    where
        S: tower::Service<http::Request<axum::body::Body>, Response = http::Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let target = Target::of_service("http://localhost/register", service);
        Conformance { target, suites: Vec::new(), files: Vec::new(), options: Options::default(), waivers: Vec::new() }
    }

    /// The registration endpoint: a path, or a URL where the service looks at its own host.
    pub fn endpoint(mut self, endpoint: &str) -> Self {
        let url = if endpoint.starts_with('/') { format!("http://localhost{endpoint}") } else { endpoint.to_owned() };
        self.target.endpoint = Some(url);
        self
    }

    /// Finds the endpoint in this issuer's metadata (RFC 8414, 3), asked of the service.
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.target.issuer = Some(issuer.to_owned());
        self.target.endpoint = None;
        self
    }

    /// The initial access token (RFC 7591, 3).
    pub fn initial_access_token(mut self, token: &str) -> Self {
        self.target.token = Some(token.into());
        self
    }

    /// Client metadata that the service is known to accept (RFC 7591, 2).
    pub fn client(mut self, metadata: Map<String, Value>) -> Self {
        self.target.client = Some(metadata);
        self
    }

    /// Declares a capability that no probe can find out.
    pub fn declare(mut self, capability: Capability) -> Self {
        self.target.declared.push(capability);
        self
    }

    /// Runs only suites of this name, or whose name begins with it and a slash: `rfc7591`, `rfc7591/errors`.
    pub fn suite(mut self, name: &str) -> Self {
        self.suites.push(name.to_owned());
        self
    }

    /// Runs a suite file as well, or the suites of a vendor's folder; alone, when no suite is named beside it.
    pub fn suite_file(mut self, path: impl AsRef<Path>) -> Self {
        self.files.push(path.as_ref().to_owned());
        self
    }

    /// Runs only cases whose `suite/case` fits this glob (`*` for any characters).
    pub fn case(mut self, glob: &str) -> Self {
        self.options.cases.push(glob.to_owned());
        self
    }

    /// The levels at which a broken finding fails [`Conformed::assert_clean`]; MUST and SECURITY unless given.
    pub fn fail_on(mut self, levels: FailOn) -> Self {
        self.options.fail_on = levels;
        self
    }

    /// Accepts findings of a requirement, for a reason that stands in the report.
    pub fn waive(mut self, requirement: &str, reason: &str) -> Self {
        self.waivers.push((requirement.to_owned(), reason.to_owned()));
        self
    }

    /// Keeps every exchange in the report, not only those of findings.
    pub fn keep_exchanges(mut self) -> Self {
        self.options.all_exchanges = true;
        self
    }

    /// Runs the suites.
    pub async fn run(mut self) -> Result<Conformed, ConformanceError> {
        let mut suites: Vec<Suite> = Vec::new();
        if !self.suites.is_empty() || self.files.is_empty() {
            suites = suite::choose(&self.suites).map_err(ConformanceError::Suite)?;
        }
        for path in &self.files {
            let loaded = if path.is_dir() { suite::load_folder(path) } else { suite::load_path(path).map(|s| vec![s]) };
            suites.extend(loaded.map_err(|e| ConformanceError::Suite(e.to_string()))?);
        }
        self.target.vendors = suite::vendors(&suites);
        if let Some((id, _)) = self.waivers.iter().find(|(id, _)| Catalogue::known().get(id).is_none()) {
            return Err(ConformanceError::Waiver(id.clone()));
        }
        if run::plan(&suites, &self.options).is_empty() {
            return Err(ConformanceError::NothingToRun);
        }
        let mut report = run::run(&self.target, &suites, &self.options, Ledger::memory()).await.report;
        for finding in &mut report.findings {
            finding.waived = self.waivers.iter().find(|(id, _)| *id == finding.requirement).map(|(_, why)| why.clone());
        }
        Ok(Conformed { report })
    }
}

/// What a run found.
#[derive(Clone, Debug)]
pub struct Conformed {
    report: Report,
}

impl Conformed {
    /// The whole report, as `dcrspec run --json` writes it.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Every finding, the strongest first.
    pub fn findings(&self) -> &[Finding] {
        &self.report.findings
    }

    /// How the command line would have ended.
    pub fn exit(&self) -> Exit {
        report::exit(&self.report)
    }

    /// Panics with the report, unless something was judged and nothing was found at the levels that fail a run.
    ///
    /// # Panics
    ///
    /// When the service breaks a requirement, or could not be tested: a run that judged nothing is not clean.
    #[track_caller]
    pub fn assert_clean(&self) {
        if self.exit() != Exit::Clean {
            let style = Style { color: false, ..Style::default() };
            panic!("the service does not conform:\n{}", report::terminal(&self.report, style, Catalogue::known()));
        }
    }
}
