//! Why there is no response: from an HTTP client's chain of errors to a kind and a sentence that a person can act on.

use std::{error::Error, io, time::Duration};

use reqwest::Url;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use super::{Cut, Failure, FailureKind, Phase, transport::failed};

/// Where a request goes.
pub(super) struct Place {
    /// `host:port`, the port always given.
    pub(super) name: String,
    /// As it stands in a URL: an IPv6 address in brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
}

impl Place {
    pub(super) fn parse(url: &str) -> Result<Place, Failure> {
        let url = Url::parse(url)
            .map_err(|e| not_sent(format!("the URL cannot be used ({e}): it has to be absolute, http or https")))?;
        Place::of(&url)
    }

    pub(super) fn of(url: &Url) -> Result<Place, Failure> {
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(not_sent(format!("the URL's scheme is {other}: it has to be http or https"))),
        };
        match (url.host_str(), url.port_or_known_default()) {
            (Some(host), Some(port)) if !host.is_empty() => {
                Ok(Place { name: format!("{host}:{port}"), host: host.to_owned(), port, tls })
            }
            _ => Err(not_sent("the URL names no host: it has to be absolute, http or https".to_owned())),
        }
    }
}

/// The harness could not even make the request.
pub(super) fn not_sent(why: String) -> Failure {
    failed(FailureKind::NotSent, Phase::Connect, format!("the request was not sent: {why}"))
}

pub(super) fn connect_timeout(place: &Place, after: Duration) -> Failure {
    let message = format!(
        "no connection to {} within {after:.1?}: check the address and port, and whether a firewall drops packets",
        place.name
    );
    failed(FailureKind::ConnectTimeout, Phase::Connect, message)
}

pub(super) fn first_byte_timeout(place: &Place, after: Duration) -> Failure {
    let message = format!(
        "{} took the connection and sent no complete response head within {after:.1?}: does the server hang, or is the \
         time limit too short?{}",
        place.name,
        if place.tls { "" } else { " (A port that speaks TLS can wait like this for an https client.)" }
    );
    failed(FailureKind::FirstByteTimeout, Phase::Head, message)
}

/// Every error of the chain, those inside of `io::Error` included, which `source()` passes over.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut found: Vec<&'a (dyn Error + 'static)> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        found.push(error);
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    found
}

/// The innermost error in words. The outer ones repeat it and name the URL, which can hold a secret.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn io_kind(chain: &[&(dyn Error + 'static)]) -> Option<io::ErrorKind> {
    // The innermost says most: the outer ones are often of the kind Other.
    chain.iter().rev().find_map(|e| e.downcast_ref::<io::Error>()).map(io::Error::kind)
}

fn hyper_error<'a>(chain: &[&'a (dyn Error + 'static)]) -> Option<&'a hyper::Error> {
    chain.iter().find_map(|e| e.downcast_ref::<hyper::Error>())
}

/// How a body ended early.
pub(super) fn cut(error: &(dyn Error + 'static)) -> Cut {
    let chain = chain(error);
    let cause = root_cause(error);
    let timed_out = chain.iter().any(|e| e.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout));
    match io_kind(&chain) {
        Some(io::ErrorKind::UnexpectedEof) => Cut::Truncated,
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted) => {
            Cut::Broken("the connection was reset".to_owned())
        }
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            Cut::Broken(format!("the framing of the body is wrong ({cause})"))
        }
        _ if hyper_error(&chain).is_some_and(hyper::Error::is_incomplete_message) => Cut::Truncated,
        _ if timed_out => Cut::Stalled,
        _ => Cut::Broken(cause),
    }
}

/// What went wrong before a response head was there. `spoken` says that the place has answered in HTTP before.
pub(super) fn classify(error: &reqwest::Error, place: &Place, spoken: bool, connect_limit: Duration) -> Failure {
    let chain = chain(error);
    let cause = root_cause(error);
    let phase = if error.is_connect() { Phase::Connect } else { Phase::Head };
    let name = &place.name;
    let kind = io_kind(&chain);
    let maybe_tls = maybe_tls(place, spoken);

    if error.is_timeout() && phase == Phase::Connect || kind == Some(io::ErrorKind::TimedOut) {
        return connect_timeout(place, connect_limit);
    }
    if error.is_builder() {
        return not_sent(cause);
    }
    if error.is_dns() {
        return no_name(place, &cause);
    }
    if let Some(failure) = by_cause(&chain, &cause, place, phase, maybe_tls) {
        return failure;
    }
    let hyper = hyper_error(&chain);
    if hyper.is_some_and(hyper::Error::is_user) {
        return not_sent(cause);
    }
    if hyper.is_some_and(hyper::Error::is_parse) {
        let what = if hyper.is_some_and(hyper::Error::is_parse_too_large) {
            "a response head that is too large"
        } else {
            "what is not an HTTP response"
        };
        let message = format!("{name} answered with {what} ({cause}): look at what listens there{maybe_tls}");
        return failed(FailureKind::NotHttp, phase, message);
    }
    let closed = hyper.is_some_and(|e| e.is_incomplete_message() || e.is_closed() || e.is_canceled());
    if closed || kind == Some(io::ErrorKind::UnexpectedEof) {
        return closed_early(place, phase, maybe_tls);
    }
    // HTTP/2 says so in frames; its error type is not ours to name.
    if cause.contains("stream error received") || cause.contains("connection error received") {
        let message = format!("{name} reset the HTTP/2 stream before any response ({cause}): look in the server's log");
        return failed(FailureKind::Reset, phase, message);
    }
    failed(FailureKind::Other, phase, format!("the exchange with {name} failed: {cause}"))
}

/// A hint for a plain port that may be the wrong one. `spoken` says that the place has answered in HTTP before.
fn maybe_tls(place: &Place, spoken: bool) -> &'static str {
    if place.tls || spoken { "" } else { "; if this port speaks TLS, use https://" }
}

fn no_name(place: &Place, cause: &str) -> Failure {
    let message = format!("the name {} does not resolve ({cause}): check its spelling and the resolver", place.host);
    failed(FailureKind::Dns, Phase::Connect, message)
}

fn closed_early(place: &Place, phase: Phase, maybe_tls: &str) -> Failure {
    let message = format!(
        "{} closed the connection before any response: look for a crash in the server's log{maybe_tls}",
        place.name
    );
    failed(FailureKind::ClosedEarly, phase, message)
}

/// On a connection of our own: the name could not be resolved.
pub(super) fn resolving(error: &io::Error, place: &Place) -> Failure {
    no_name(place, &root_cause(error))
}

/// On a connection of our own: it could not be established, or its TLS handshake failed.
pub(super) fn connecting(error: &io::Error, place: &Place, limit: Duration) -> Failure {
    if error.kind() == io::ErrorKind::TimedOut {
        return connect_timeout(place, limit);
    }
    on_stream(error, place, Phase::Connect)
}

/// On a connection of our own: it broke off before there was a response head.
pub(super) fn before_head(error: &io::Error, place: &Place) -> Failure {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return closed_early(place, Phase::Head, maybe_tls(place, false));
    }
    on_stream(error, place, Phase::Head)
}

/// On a connection of our own: what came was no response.
pub(super) fn not_http(place: &Place, what: &str) -> Failure {
    let hint = maybe_tls(place, false);
    let message = format!("{} answered with {what}: look at what listens there{hint}", place.name);
    failed(FailureKind::NotHttp, Phase::Head, message)
}

fn on_stream(error: &io::Error, place: &Place, phase: Phase) -> Failure {
    let (chain, cause) = (chain(error), root_cause(error));
    by_cause(&chain, &cause, place, phase, maybe_tls(place, false)).unwrap_or_else(|| {
        failed(FailureKind::Other, phase, format!("the exchange with {} failed: {cause}", place.name))
    })
}

/// What TLS and the operating system say of a connection, whoever made it.
fn by_cause(
    chain: &[&(dyn Error + 'static)],
    cause: &str,
    place: &Place,
    phase: Phase,
    maybe_tls: &str,
) -> Option<Failure> {
    let name = &place.name;
    if let Some(tls) = chain.iter().find_map(|e| e.downcast_ref::<rustls::Error>()) {
        let kind = match tls {
            rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => FailureKind::TlsVersion,
            _ => FailureKind::Tls,
        };
        return Some(failed(kind, phase, tls_message(tls, place)));
    }
    let failure = match io_kind(chain) {
        Some(io::ErrorKind::ConnectionRefused) => {
            let message =
                format!("nothing listens at {name} (connection refused): check the port, and that the server runs");
            failed(FailureKind::Refused, phase, message)
        }
        Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown) => {
            let message = format!("there is no route to {name} ({cause}): check the network, or a VPN that is off");
            failed(FailureKind::Other, phase, message)
        }
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe) => {
            let when =
                if phase == Phase::Connect && place.tls { "during the TLS handshake" } else { "before any response" };
            let message =
                format!("{name} reset the connection {when}: look for a crash in the server's log{maybe_tls}");
            failed(FailureKind::Reset, phase, message)
        }
        Some(io::ErrorKind::UnexpectedEof) if phase == Phase::Connect && place.tls => {
            let message = format!(
                "{name} closed the connection during the TLS handshake: does this port speak TLS, and under this name?"
            );
            failed(FailureKind::Tls, phase, message)
        }
        _ => return None,
    };
    Some(failure)
}

fn tls_message(error: &rustls::Error, place: &Place) -> String {
    let (name, host) = (&place.name, &place.host);
    match error {
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            format!("{name} does not answer in TLS, though the URL says https: if it is a plain port, use http://")
        }
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
                "the certificate of {name} is untrusted (unknown issuer): give its CA certificate, or check that the \
                 server sends its intermediate certificates"
            ),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("the certificate of {name} has expired ({error}): renew it, or check the clock of this machine")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("the certificate of {name} is not valid yet ({error}): check the clock of this machine")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => format!(
                "the certificate of {name} is for another name than {host} ({error}): use the name in the certificate, \
                 or fix the certificate"
            ),
            CertificateError::Revoked => format!("the certificate of {name} is revoked: replace it"),
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => format!(
                "the certificate of {name} is untrusted (a CA certificate used as the server's own): issue a server \
                 certificate from that CA"
            ),
            other => format!("the certificate of {name} is not accepted ({other}): look at the certificate chain"),
        },
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired)
        | rustls::Error::NoCertificatesPresented => {
            format!("{name} wants a client certificate (mutual TLS): give one with its key")
        }
        rustls::Error::AlertReceived(
            alert @ (AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::AccessDenied),
        ) => format!("{name} refused the client certificate (TLS alert {alert:?}): look at which CA it trusts"),
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => format!(
            "{name} broke off the TLS handshake (alert HandshakeFailure): it may want a client certificate, or share no \
             cipher with this client"
        ),
        rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            format!("{name} serves no certificate for the name {host} (TLS alert UnrecognisedName): check the name")
        }
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => format!(
            "{name} speaks none of the TLS versions that were offered (alert ProtocolVersion): look at which it permits"
        ),
        other => format!("the TLS handshake with {name} failed ({other}): look at its TLS versions and ciphers"),
    }
}
