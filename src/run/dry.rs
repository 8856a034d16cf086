//! What a run would send, without sending it.

use std::{collections::HashMap, fmt::Write};

use axum::body::Body;
use serde_json::Value;
use tower::ServiceExt;
use url::Url;

use super::{Options, run};
use crate::{
    report::{CaseOutcome, ExchangeRecord, Report},
    server::{ReferenceServer, ServerConfig},
    suite::Suite,
    target::Target,
    wire::{Ledger, Transport},
};

/// Where the metadata of an issuer is (RFC 8414, 3).
const METADATA: &str = "/.well-known/oauth-authorization-server";

/// What the server chooses, and nobody knows before it has: in a listing a name stands in its place.
const CHOSEN: [&str; 2] = ["registration_client_uri", "client_id"];

/// Makes the run, with the reference server of this crate answering in-process in the target's place, so that whatever a
/// step sends because of an answer is there too. Nothing leaves this process, and there is no ledger.
///
/// # Errors
///
/// The target's URL cannot be used.
pub async fn dry_run(mut target: Target, suites: &[Suite], options: &Options) -> Result<Report, String> {
    target.transport = stand_in(&target)?;
    // There is nobody to be spared.
    let options = Options { rate: Some(1e9), all_exchanges: true, clean_up: true, ..options.clone() };
    Ok(run(&target, suites, &options, Ledger::memory()).await.report)
}

/// The reference server at the target's URLs.
fn stand_in(target: &Target) -> Result<Transport, String> {
    let place = target.endpoint.as_ref().or(target.issuer.as_ref()).ok_or("no target was given")?;
    let url = Url::parse(place).map_err(|e| format!("{place:?} is no URL: {e}"))?;
    let (issuer, endpoint) = match &target.endpoint {
        Some(_) => (url.origin().ascii_serialization(), url.path().to_owned()),
        None => (
            place.trim_end_matches('/').to_owned(),
            format!("{}{}", url.path().trim_end_matches('/'), ReferenceServer::registration_path()),
        ),
    };
    let config = match &target.token {
        Some(token) => ServerConfig::protected(issuer, token.expose()),
        None => ServerConfig::open(issuer),
    };
    let prefix = if target.endpoint.is_some() { String::new() } else { url.path().trim_end_matches('/').to_owned() };
    let router = ReferenceServer::new(config).router();
    Ok(Transport::service(tower::service_fn(move |mut request: http::Request<Body>| {
        let path = request.uri().path();
        let path = if path == endpoint {
            ReferenceServer::registration_path().to_owned()
        } else if path.starts_with(METADATA) {
            METADATA.to_owned()
        } else {
            path.strip_prefix(prefix.as_str()).unwrap_or(path).to_owned()
        };
        let query = request.uri().query().map_or_else(String::new, |q| format!("?{q}"));
        if let Ok(uri) = format!("{path}{query}").parse() {
            *request.uri_mut() = uri;
        }
        router.clone().oneshot(request)
    })))
}

/// The requests of a dry run as text: where they belong, method, URL, header fields and body. Secrets are redacted, and
/// what only the server can choose is named by the request whose answer will say it: `${client_id of 3}`.
pub fn listing(report: &Report) -> String {
    let mut cases: HashMap<&str, String> = HashMap::new();
    for case in &report.cases {
        for id in &case.exchanges {
            // A shared client belongs to the case that registered it.
            cases.entry(id).or_insert_with(|| format!("{}/{}", case.suite, case.id));
        }
    }
    let mut out = format!("What a run would send to {}; nothing was sent.\n", report.target.label);
    out.push_str(
        "The answers that it would get are taken to be those of dcrspec's reference server: another one may refuse what\nthis one accepts, and be asked less for it, or more.\n",
    );
    let mut chosen: Vec<(String, String)> = Vec::new();
    let mut before = String::new();
    let mut registrations = 0;
    let sent: Vec<&ExchangeRecord> = report.exchanges.iter().filter(|x| x.failure.is_none()).collect();
    for (number, exchange) in sent.iter().enumerate().map(|(n, x)| (n + 1, *x)) {
        let request = &exchange.request;
        let place = match cases.get(exchange.id.as_str()) {
            Some(case) => case.as_str(),
            None if request.method == "DELETE" => "clean-up",
            None => "finding out what the target takes",
        };
        if place != before {
            let _ = write!(out, "\n# {place}\n");
            before = place.to_owned();
        }
        let named = |text: &str| chosen.iter().fold(text.to_owned(), |text, (value, name)| text.replace(value, name));
        let _ = writeln!(out, "{number}  {} {}", request.method, named(&request.url));
        for (name, value) in &request.headers {
            let _ = writeln!(out, "    {name}: {}", named(value));
        }
        if !request.body.is_empty() {
            let _ = writeln!(out, "    {}", named(&request.body));
        }
        let answer = exchange.response.as_ref().filter(|r| r.status == 201);
        registrations += usize::from(answer.is_some());
        let document = answer.and_then(|r| serde_json::from_str::<Value>(&r.body).ok());
        for name in CHOSEN {
            if let Some(value) = document.as_ref().and_then(|d| d.get(name)?.as_str()) {
                chosen.push((value.to_owned(), format!("${{{name} of {number}}}")));
            }
        }
    }
    let skipped: Vec<_> = report.cases.iter().filter(|c| c.outcome == CaseOutcome::Skipped).collect();
    if !skipped.is_empty() {
        out.push_str("\n# cases that would be skipped\n");
    }
    for case in skipped {
        let _ = writeln!(out, "{}/{}: {}", case.suite, case.id, case.reason);
    }
    let _ = write!(
        out,
        "\n{} requests, {registrations} of which register a client where all are accepted that may be\n",
        sent.len()
    );
    out
}
