//! The target: where and how to talk, what it can do, and the base clients that it accepts.

mod capabilities;
mod discovery;
mod ladder;
mod statement;

pub use capabilities::{Capabilities, Known};
pub use discovery::{Discovered, candidates};
pub use ladder::{Rung, confidential_rungs, public_rungs, smallest_rungs};
pub use statement::{CLAIMED_NAME, KINDS as STATEMENT_KINDS, StatementKey, statement};

use serde_json::{Map, Value};

use crate::{
    run::Administration,
    spec::Capability,
    suite::BaseKind,
    wire::{Auth, Headers, Kind, Request, Secret, Transport},
};

/// Where the registration endpoint is, and what its owner says about it.
pub struct Target {
    /// Shown in reports; never with credentials in it.
    pub label: String,
    /// The registration endpoint, when it is known without discovery.
    pub endpoint: Option<String>,
    /// The issuer whose metadata names the endpoint.
    pub issuer: Option<String>,
    pub transport: Transport,
    /// The initial access token.
    pub token: Option<Secret>,
    /// The key that signs software statements which the target trusts (RFC 7591, 2.3).
    pub statement_key: Option<StatementKey>,
    /// Further header fields of every request.
    pub headers: Vec<(String, String)>,
    /// Metadata that the target's owner knows to be accepted (`--client`).
    pub client: Option<Map<String, Value>>,
    /// Capabilities that its owner declares.
    pub declared: Vec<Capability>,
    /// Dcrspec holds the server in-process or started it: unsafe cases may run, and no delay is kept.
    pub own: bool,
    /// Origins besides the endpoint's and the issuer's to which a registration_client_uri may point.
    pub allowed_origins: Vec<String>,
    /// Deletes what no registration access token can.
    pub administration: Option<Administration>,
    /// The vendors whose documentation it is held against, too: the folders of their suites.
    pub vendors: Vec<String>,
}

impl Target {
    /// A target at a URL.
    pub fn new(endpoint: impl Into<String>, transport: Transport) -> Target {
        let endpoint = endpoint.into();
        Target {
            label: endpoint.clone(),
            endpoint: Some(endpoint),
            issuer: None,
            transport,
            token: None,
            statement_key: None,
            headers: Vec::new(),
            client: None,
            declared: Vec::new(),
            own: false,
            allowed_origins: Vec::new(),
            administration: None,
            vendors: Vec::new(),
        }
    }

    /// A service in this process, such as an `axum::Router` as it is, at a URL that it is told to have.
    pub fn of_service<S, B>(endpoint: impl Into<String>, service: S) -> Target
    where
        S: tower::Service<http::Request<axum::body::Body>, Response = http::Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        Target { label: "in-process".into(), own: true, ..Target::new(endpoint, Transport::service(service)) }
    }
}

/// Everything that was found out before the suites run.
#[derive(Debug, Default)]
pub struct Ground {
    pub endpoint: String,
    pub issuer: Option<String>,
    pub metadata: Option<Map<String, Value>>,
    /// The media type under which the target takes JSON.
    pub content_type: String,
    /// The first accepted client of each kind, with the exchange that showed it.
    pub bases: Vec<(BaseKind, Base)>,
    pub capabilities: Capabilities,
    /// Set when no base client was accepted: why nothing more can be tested.
    pub untestable: Option<String>,
}

/// A client that the target accepted.
#[derive(Clone, Debug)]
pub struct Base {
    /// The metadata that was sent, without the marking software_id.
    pub metadata: Map<String, Value>,
    pub exchange: u32,
}

impl Ground {
    /// The base client for a case: of one kind, or the first that there is, confidential before public.
    pub fn base(&self, kind: BaseKind) -> Option<&Base> {
        match kind {
            BaseKind::Any => self.base(BaseKind::Confidential).or_else(|| self.base(BaseKind::Public)),
            kind => self.bases.iter().find(|(k, _)| *k == kind).map(|(_, b)| b),
        }
    }

    /// Scope values for cases about scope: what the metadata names, else such as most servers know.
    pub fn scope(&self) -> String {
        let known = self.metadata.as_ref().and_then(|m| m.get("scopes_supported")).and_then(Value::as_array);
        let words: Vec<&str> = known.into_iter().flatten().filter_map(Value::as_str).take(2).collect();
        if words.is_empty() { "openid profile".into() } else { words.join(" ") }
    }
}

/// A POST to the registration endpoint with the headers that every registration has.
pub fn registration(endpoint: &str, content_type: Option<&str>, body: impl Into<bytes::Bytes>) -> Request {
    let mut headers = Headers::default();
    headers.push("accept", "application/json");
    if let Some(media_type) = content_type {
        headers.push("content-type", media_type);
    }
    Request {
        kind: Kind::Register,
        method: "POST".into(),
        url: endpoint.to_owned(),
        headers,
        body: body.into(),
        auth: Auth::None,
    }
}

/// Scheme, host and port of a URL, in the form in which origins are compared.
pub fn origin(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    Some(url.origin().ascii_serialization())
}
