//! A service in this process behind a pipe in memory: HTTP/1.1 as it is on the wire, with TLS on both ends where that is
//! wanted, and no socket.

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{
    ClientConfig, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{DuplexStream, duplex},
    time::Instant,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Failure, FailureKind, Framing, Manner, Outcome, Phase, Request, TlsVersion,
    failure::{Place, not_sent},
    raw::{self, Limits, Message, Stream},
    service::Call,
    tls,
    transport::failed,
};

/// How many bytes a pipe holds before the writer waits for the reader.
const PIPE_BYTES: usize = 64 * 1024;

/// A service behind TLS under a name of its own, and what answers plain http there.
pub(super) struct PipeTransport {
    name: String,
    secure: Call,
    /// Without it nothing listens at the port of http.
    plain: Option<Call>,
    authority: Authority,
    limits: Limits,
}

impl PipeTransport {
    /// `speaks` are the TLS versions of the server; none given are all. Fails when no certificate can be made, as for a
    /// name that is none.
    pub(super) fn new(
        name: &str,
        speaks: &[TlsVersion],
        secure: Call,
        plain: Option<Call>,
        limits: Limits,
    ) -> Result<PipeTransport, String> {
        let authority = Authority::new(name, speaks)?;
        Ok(PipeTransport { name: name.to_owned(), secure, plain, authority, limits })
    }

    pub(super) async fn send(&self, request: &Request, manner: Manner, start: Instant) -> Result<Outcome, Failure> {
        let message = Message::new(request, manner.framing.unwrap_or(Framing::Length))?;
        let place = Place::parse(&request.url)?;
        if place.host != self.name {
            let why = format!("the name {} does not resolve: in this process there is {} alone", place.host, self.name);
            return Err(failed(FailureKind::Dns, Phase::Connect, why));
        }
        let call = match (place.tls, place.port) {
            (true, 443) => Some(&self.secure),
            (false, 80) => self.plain.as_ref(),
            _ => None,
        };
        let Some(call) = call else {
            let why = format!("nothing listens at {} in this process", place.name);
            return Err(failed(FailureKind::Refused, Phase::Connect, why));
        };
        let (ours, theirs) = duplex(PIPE_BYTES);
        if !place.tls {
            serve(call.clone(), theirs);
            return raw::exchange(ours, &message, &place, self.limits, start).await;
        }
        serve_tls(call.clone(), theirs, self.authority.server.clone());
        let config = self.authority.client(manner.tls).map_err(not_sent)?;
        let limit = self.limits.connect;
        let stream = tls::handshake(ours, config, &place, Instant::now() + limit, limit).await?;
        raw::exchange(stream, &message, &place, self.limits, start).await
    }
}

/// Sends a request to a service over a pipe without TLS, whatever the scheme of its URL.
pub(super) async fn send_plain(
    call: &Call,
    request: &Request,
    manner: Manner,
    limits: Limits,
    start: Instant,
) -> Result<Outcome, Failure> {
    if manner.tls.is_some() {
        return Err(not_sent("this target is a service in this process, and speaks no TLS".to_owned()));
    }
    let message = Message::new(request, manner.framing.unwrap_or(Framing::Length))?;
    let place = Place::parse(&request.url)?;
    let (ours, theirs) = duplex(PIPE_BYTES);
    serve(call.clone(), theirs);
    raw::exchange(ours, &message, &place, limits, start).await
}

/// Serves one connection in a task of its own. A panic of the service ends the task, and the peer sees the connection close,
/// as on a socket.
fn serve(call: Call, stream: impl Stream + 'static) {
    tokio::spawn(connection(call, stream));
}

fn serve_tls(call: Call, stream: DuplexStream, config: Arc<ServerConfig>) {
    tokio::spawn(async move {
        // A handshake that fails has told the peer by an alert.
        if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
            connection(call, stream).await;
        }
    });
}

async fn connection(call: Call, stream: impl Stream + 'static) {
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let answer = call(request.map(Body::new));
        async move { answer.await.map_err(std::io::Error::other) }
    });
    // The peer sees whatever goes wrong here, and judges it.
    let _ = http1::Builder::new().half_close(true).serve_connection(TokioIo::new(stream), service).await;
}

/// A certificate authority made for one transport, a certificate from it, and the client that trusts it alone.
struct Authority {
    server: Arc<ServerConfig>,
    root: CertificateDer<'static>,
    clients: [OnceLock<Result<Arc<ClientConfig>, String>>; 3],
}

impl Authority {
    fn new(name: &str, speaks: &[TlsVersion]) -> Result<Authority, String> {
        let (root, certificate, key) = certificates(name).map_err(|e| format!("a certificate for {name}: {e}"))?;
        let versions: Vec<_> = match speaks {
            [] => tls::versions(None),
            some => some.iter().flat_map(|v| tls::versions(Some(*v))).collect(),
        };
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&versions)
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate], key.into()))
            .map_err(|e| format!("the server's side of TLS: {e}"))?;
        Ok(Authority { server: Arc::new(server), root, clients: Default::default() })
    }

    /// The client that offers this version alone. It keeps its sessions, so that only the first handshake costs signatures.
    fn client(&self, only: Option<TlsVersion>) -> Result<Arc<ClientConfig>, String> {
        let slot = match only {
            None => 0,
            Some(TlsVersion::V1_2) => 1,
            Some(TlsVersion::V1_3) => 2,
        };
        self.clients[slot]
            .get_or_init(|| {
                let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                    .with_protocol_versions(&tls::versions(only))
                    .map_err(|e| e.to_string())?
                    .with_root_certificates(tls::roots(vec![self.root.clone()])?)
                    .with_no_client_auth();
                Ok(Arc::new(config))
            })
            .clone()
    }
}

/// A CA, and a certificate for `name` that it signs: ECDSA on P-256, the cheapest that every client knows.
fn certificates(
    name: &str,
) -> Result<(CertificateDer<'static>, CertificateDer<'static>, PrivatePkcs8KeyDer<'static>), rcgen::Error> {
    let mut ca = CertificateParams::new(Vec::<String>::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    ca.distinguished_name.push(DnType::CommonName, "dcrspec, for one run");
    let ca_key = KeyPair::generate()?;
    let root = ca.self_signed(&ca_key)?;
    let mut leaf = CertificateParams::new(vec![name.to_owned()])?;
    leaf.distinguished_name.push(DnType::CommonName, name);
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &Issuer::new(ca, ca_key))?;
    Ok((root.der().clone(), certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der())))
}

#[cfg(test)]
mod tests;
