//! Requests that look at the connection itself: which ones may be sent where, and what it says when there is no answer.

use super::{execute::End, harness::Harness};
use crate::wire::{FailureKind, Kind, Manner, Outcome};

impl Harness<'_> {
    /// Why a request in this manner is kept back, if it is.
    pub(super) fn sendable(&self, manner: Manner) -> Result<(), End> {
        if !manner.is_valid_http() && !self.is_near() {
            return Err(End::Skip(
                "what is no valid HTTP goes to loopback or to a service in this process alone: a proxy that is shared could \
                 hand it to others"
                    .into(),
            ));
        }
        if manner.tls.is_some() && !(self.target.transport.has_tls() && self.ground.endpoint.starts_with("https:")) {
            return Err(End::Skip("a version of TLS is asked for, and the endpoint is not behind TLS".into()));
        }
        Ok(())
    }

    /// Whether nobody is in between whom odd bytes could reach: the server is in this process, or on loopback.
    pub fn is_near(&self) -> bool {
        self.target.own || self.target.transport.is_in_process() || is_loopback(&self.ground.endpoint)
    }

    /// The http form of the endpoint's URL: the scheme alone differs, so the default port becomes 80 and any other one
    /// stays. For an http endpoint it is the endpoint.
    pub(super) fn plaintext_url(&self) -> Result<String, End> {
        let endpoint = &self.ground.endpoint;
        let skip = |why: &str| Err(End::Skip(why.into()));
        if !self.target.transport.has_tls() {
            return skip("a service in this process, which has no plain http beside it");
        }
        if is_loopback(endpoint) {
            return skip("the host is loopback, where plain http is allowed");
        }
        if endpoint.contains('?') {
            return skip("the endpoint's URL has a query, which could hold a secret");
        }
        let (scheme, rest) = endpoint.split_once("://").unwrap_or_default();
        match scheme.to_ascii_lowercase().as_str() {
            "https" => Ok(format!("http://{}", rest.replacen(":443/", "/", 1))),
            "http" => Ok(endpoint.clone()),
            _ => skip("the endpoint's URL is neither http nor https"),
        }
    }

    /// A request without an answer ends its case, unless the case asks whether a connection can be had at all: then that
    /// is the answer, and the rules judge it.
    pub(super) fn unanswered(&self, index: usize) -> Result<(), End> {
        let exchange = &self.exchanges[index];
        let Outcome::Failure(failure) = &exchange.outcome else { return Ok(()) };
        match failure.kind {
            // What the harness kept back is no fault of anyone.
            FailureKind::Withheld => Err(End::Skip(failure.message.clone())),
            FailureKind::Refused | FailureKind::Reset | FailureKind::ClosedEarly
                if exchange.request.kind == Kind::Plaintext =>
            {
                Ok(())
            }
            FailureKind::TlsVersion if exchange.manner.tls.is_some() => Ok(()),
            // Neither shows a fault of the server, nor of the case.
            FailureKind::Tls if exchange.manner.tls.is_some() => {
                let version = exchange.manner.tls.map_or("", |v| v.as_str());
                Err(End::Skip(format!(
                    "no handshake with TLS {version} alone, for another reason: {}",
                    failure.message
                )))
            }
            _ if exchange.request.kind == Kind::Plaintext => {
                Err(End::Skip(format!("plain http was not answered: {}", failure.message)))
            }
            _ => Err(End::Error(failure.message.clone())),
        }
    }
}

/// Whether a URL's host is this machine. A name other than localhost is not looked up.
fn is_loopback(url: &str) -> bool {
    let Ok(url) = url::Url::parse(url) else { return false };
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        run::Options,
        target::Target,
        wire::{Framing, HttpSettings, Ledger, Transport},
    };

    fn with<T>(endpoint: &str, look: impl FnOnce(&Harness<'_>) -> T) -> T {
        let target = Target::new(endpoint, Transport::http(HttpSettings::default()).unwrap());
        let options = Options::default();
        let mut harness = Harness::new(&target, &options, Ledger::memory());
        harness.ground.endpoint = endpoint.to_owned();
        look(&harness)
    }

    fn plaintext(endpoint: &str) -> Option<String> {
        with(endpoint, |h| h.plaintext_url().ok())
    }

    #[test]
    fn the_http_form_of_a_url_keeps_all_but_the_scheme() {
        assert_eq!(plaintext("https://as.example/register").as_deref(), Some("http://as.example/register"));
        assert_eq!(plaintext("https://as.example:443/a/../r").as_deref(), Some("http://as.example/a/../r"));
        assert_eq!(plaintext("https://as.example:8443/r").as_deref(), Some("http://as.example:8443/r"));
        assert_eq!(plaintext("http://as.example/register").as_deref(), Some("http://as.example/register"));
        for no in ["https://localhost/r", "http://127.0.0.1:80/r", "https://[::1]/r", "https://as.example/r?key=1"] {
            assert_eq!(plaintext(no), None, "{no}");
        }
    }

    #[test]
    fn what_is_no_valid_http_stays_on_this_machine() {
        let goes = |endpoint: &str, framing| {
            with(endpoint, |h| h.sendable(Manner { tls: None, framing: Some(framing) }).is_ok())
        };
        for framing in Framing::ALL {
            assert_eq!(goes("https://as.example/register", framing), framing.is_valid_http(), "{framing:?}");
            assert!(goes("http://127.0.0.1:1/register", framing) && goes("http://localhost/register", framing));
        }
    }
}
