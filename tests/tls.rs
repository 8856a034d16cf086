//! The binary against a server behind TLS on a socket: mutual TLS, names that are told where they are, tokens from commands.

#[path = "support/pki.rs"]
mod pki;
mod support;

use std::{net::Ipv4Addr, sync::Arc};

use dcrspec::server::{ReferenceServer, ServerConfig};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pki::PKI;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use support::{Home, verdicts};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

const TOKEN: &str = "initial-access-token-of-the-test";

/// The reference server behind TLS with client certificates, on a free port of loopback; it ends with the test's runtime.
struct Behind {
    port: u16,
    _runtime: tokio::runtime::Runtime,
}

fn mutual_tls() -> Behind {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(PKI.ca.as_bytes()).unwrap()).unwrap();
    let clients =
        rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap();
    let certificate = CertificateDer::from_pem_slice(PKI.good.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(PKI.good.key.as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = ReferenceServer::new(ServerConfig::protected(format!("https://as.example:{port}"), TOKEN));
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, router) = (acceptor.clone(), server.router());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    router.clone().oneshot(request.map(axum::body::Body::new))
                });
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Behind { port, _runtime: runtime }
}

fn home() -> Home {
    let home = Home::new();
    home.file("ca.pem", &PKI.ca);
    home.file("client.pem", &PKI.good.certificate);
    home.file("client.key", &PKI.good.key);
    home.file("token", TOKEN);
    home
}

#[test]
fn a_server_behind_mutual_tls_under_a_name_of_its_own_is_tested() {
    let (behind, home) = (mutual_tls(), home());
    let port = behind.port;
    let url = format!("https://as.example:{port}/register");
    let resolve = format!("as.example:{port}:127.0.0.1");
    let common =
        ["run", &url, "--suite", "rfc7591/transport", "--rate", "1000/s", "--ca", "ca.pem", "--resolve", &resolve];
    let certified = ["--cert", "client.pem", "--key", "client.key", "--token-command", "cat token", "--json", "-"];
    let ran = home.run(common.iter().chain(&certified));
    let report = ran.exits(0).json();
    assert_eq!(verdicts(&report)["rfc7591-5-tls12-supported"], "met");
    assert_eq!(verdicts(&report)["rfc7591-3-tls-required"], "not-exercised");
    assert!(!ran.stdout.contains(TOKEN) && !ran.stderr.contains(TOKEN), "the token is shown");

    let ran = home.run(common.iter().chain(&["--token-file", "token"]));
    ran.exits(3);
    assert!(ran.stdout.contains("client certificate"), "{}", ran.stdout);
}
