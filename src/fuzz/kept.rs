//! Tests of campaigns on connections that are kept: what is the connection's is nobody's fault, and what is the server's is found.

use std::{
    io,
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tower::ServiceExt;

use super::{
    campaign::{self, Options, Outcome},
    finding::Repeats,
};
use crate::{
    run,
    server::{ReferenceServer, ServerConfig, defect},
    target::Target,
    wire::{HttpSettings, Ledger, Transport},
};

/// The reference server on a socket, where every fifth request on a connection is read and never answered. Counts connections.
async fn serve(broken: Option<&str>) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let mut config = ServerConfig::open(&issuer);
    if let Some(id) = broken {
        config = config.with_defect(defect(id).unwrap());
    }
    let router = ReferenceServer::new(config).router();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            let (router, read) = (router.clone(), AtomicUsize::new(0));
            let service = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let answers = read.fetch_add(1, Ordering::Relaxed) % 5 < 4;
                let router = router.clone();
                async move {
                    match answers {
                        true => Ok(router.oneshot(request.map(axum::body::Body::new)).await.unwrap()),
                        false => Err(io::Error::other("closed")),
                    }
                }
            });
            let stream = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(stream, service));
        }
    });
    (format!("{issuer}/register"), connections)
}

/// What came of a campaign, and the number of connections.
fn fuzzed(broken: Option<&str>, keep_alive: bool) -> (Outcome, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (url, connections) = serve(broken).await;
        let target = Target::new(url, Transport::http(HttpSettings::default()).unwrap());
        let run = run::Options { seed: 7, rate: Some(1_000_000.0), ..run::Options::default() };
        let options = Options { run, count: Some(60), keep_alive, ..Options::default() };
        let outcome = campaign::run(&target, &options, Ledger::memory(), &mut |_| {}).await;
        (outcome, connections.load(Ordering::Relaxed))
    })
}

#[test]
fn a_connection_that_is_closed_while_it_is_kept_accuses_nobody() {
    let (outcome, connections) = fuzzed(None, true);
    let findings: Vec<_> = outcome.findings.iter().map(|f| (&f.rule, &f.message)).collect();
    assert!(findings.is_empty(), "{findings:#?}");
    assert_eq!((outcome.untestable, outcome.inputs), (None, 60));
    assert!(outcome.exchanges > connections as u64, "{} exchanges, {connections} connections", outcome.exchanges);
    // It was seen, and is told: it may be the server's all the same.
    assert!(outcome.complaints.iter().any(|c| c.contains("left out") && c.contains("--keep-alive")));
    // Whether these clients were registered is not known.
    assert!(outcome.clients.unknown > 0);
}

#[test]
fn each_request_has_a_connection_of_its_own_unless_told_otherwise() {
    let (outcome, connections) = fuzzed(None, false);
    assert!(outcome.findings.is_empty() && outcome.complaints.is_empty());
    assert_eq!(outcome.clients.unknown, 0);
    assert!(connections as u64 >= outcome.exchanges);
}

#[test]
fn a_defect_is_found_on_kept_connections_too() {
    let (outcome, _) = fuzzed(Some("expires-at-missing"), true);
    let [finding] = &outcome.findings[..] else { panic!("{}", outcome.findings.len()) };
    assert_eq!(finding.repeats, Repeats::Always);
}
