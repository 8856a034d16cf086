//! TLS on connections of our own: what an HTTP client would hide is chosen and seen here.

use std::{
    io,
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    Failure, TlsVersion,
    failure::{self, Place},
    raw::Stream,
    transport::HttpSettings,
};

/// The versions to offer: one alone, or all that this build knows.
pub(super) fn versions(only: Option<TlsVersion>) -> Vec<&'static SupportedProtocolVersion> {
    match only {
        None => rustls::ALL_VERSIONS.to_vec(),
        Some(TlsVersion::V1_2) => vec![&rustls::version::TLS12],
        Some(TlsVersion::V1_3) => vec![&rustls::version::TLS13],
    }
}

/// The TLS configurations of one target, each made when it is first needed.
#[derive(Default)]
pub(super) struct Configs([OnceLock<Result<Arc<ClientConfig>, String>>; 3]);

impl Configs {
    /// The configuration that offers this version alone. An error says what is wrong with the settings.
    fn get(&self, settings: &HttpSettings, only: Option<TlsVersion>) -> Result<Arc<ClientConfig>, String> {
        let slot = match only {
            None => 0,
            Some(TlsVersion::V1_2) => 1,
            Some(TlsVersion::V1_3) => 2,
        };
        self.0[slot].get_or_init(|| client(settings, only).map(Arc::new)).clone()
    }
}

fn client(settings: &HttpSettings, only: Option<TlsVersion>) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(only))
        .map_err(|e| e.to_string())?;
    let builder = if settings.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anyone(provider)))
    } else {
        let extra = match &settings.extra_root_ca_pem {
            Some(pem) => certificates(pem)?,
            None => Vec::new(),
        };
        match Verifier::new_with_extra_roots(extra.clone(), provider) {
            Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
            // A machine without root certificates can still reach a server whose CA was given.
            Err(_) if !extra.is_empty() => builder.with_root_certificates(roots(extra)?),
            Err(error) => return Err(format!("the system's root certificates cannot be used: {error}")),
        }
    };
    let mut config = match &settings.identity_pem {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let key = PrivateKeyDer::from_pem_slice(pem).map_err(|e| format!("the client's key: {e}"))?;
            builder
                .with_client_auth_cert(certificates(pem)?, key)
                .map_err(|e| format!("the client certificate or its key: {e}"))?
        }
    };
    // What is written by hand is HTTP/1.1.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|e| format!("a PEM certificate: {e}"))
}

/// A store that trusts these and no other.
pub(super) fn roots(certificates: Vec<CertificateDer<'static>>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|e| format!("a CA certificate cannot be used: {e}"))?;
    }
    Ok(roots)
}

/// A connection to a place: name resolution, TCP and TLS within the limit for connecting.
pub(super) async fn connect(
    settings: &HttpSettings,
    configs: &Configs,
    place: &Place,
    only: Option<TlsVersion>,
) -> Result<Box<dyn Stream>, Failure> {
    let config = if place.tls { Some(configs.get(settings, only).map_err(failure::not_sent)?) } else { None };
    let limit = settings.connect_timeout;
    let until = Instant::now() + limit;
    let stream = match timeout_at(until, tcp(settings, place)).await {
        Ok(stream) => stream?,
        Err(_) => return Err(failure::connect_timeout(place, limit)),
    };
    match config {
        None => Ok(Box::new(stream)),
        Some(config) => Ok(Box::new(handshake(stream, config, place, until, limit).await?)),
    }
}

async fn tcp(settings: &HttpSettings, place: &Place) -> Result<TcpStream, Failure> {
    let host = bare(&place.host);
    let overridden = settings.resolve.iter().find(|(name, _)| name.eq_ignore_ascii_case(host)).map(|(_, ip)| *ip);
    let addresses = match overridden {
        Some(ip) => vec![(ip, place.port).into()],
        None => {
            let found = lookup_host((host, place.port)).await.map_err(|e| failure::resolving(&e, place))?;
            found.collect()
        }
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address");
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(failure::connecting(&last, place, settings.connect_timeout))
}

/// The client's side of a handshake, over any stream.
pub(super) async fn handshake<S: Stream>(
    stream: S,
    config: Arc<ClientConfig>,
    place: &Place,
    until: Instant,
    limit: Duration,
) -> Result<TlsStream<S>, Failure> {
    let name = ServerName::try_from(bare(&place.host).to_owned())
        .map_err(|e| failure::not_sent(format!("{} cannot stand in a certificate: {e}", place.host)))?;
    match timeout_at(until, TlsConnector::from(config).connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(failure::connecting(&error, place, limit)),
        Err(_) => Err(failure::connect_timeout(place, limit)),
    }
}

/// An IPv6 address stands in brackets in a URL, and nowhere else.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host)
}

/// Accepts any certificate, where that was asked for; the server still has to hold its key.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match end_entity.is_empty() {
            true => Err(rustls::Error::InvalidCertificate(CertificateError::BadEncoding)),
            false => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
