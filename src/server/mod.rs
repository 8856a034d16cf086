//! An authorization server in memory, right to the letter of RFC 7591 and RFC 7592, that can be told to misbehave in one way at a
//! time. It proves the harness: without a defect it yields no finding, with one it yields that defect's finding.

mod authorize;
mod awork;
mod body;
mod defects;
mod issue;
mod jwks;
mod manage;
mod metadata;
mod redirect;
mod respond;
mod statement;
mod store;
#[cfg(test)]
mod tests;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{any, get, post};
use http::header::{ALLOW, AUTHORIZATION, DATE, LOCATION, TRANSFER_ENCODING, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

pub use defects::{Defect, Fault, defect, defects};
pub use statement::{STATEMENT_ISSUER, TrustedKey, statement_key};

use defects::Faults;
use issue::{Mint, issue};
use respond::{Cause, Refusal};
use store::Store;

use crate::wire::Secret;

const REGISTRATION_PATH: &str = "/register";
const AUTHORIZATION_PATH: &str = "/authorize";
const TOKEN_PATH: &str = "/token";
const INTROSPECTION_PATH: &str = "/introspect";

/// The longest request body that is read, in bytes.
const BODY_LIMIT: usize = 256 * 1024;

/// How the reference server is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Configuration {
    /// Anyone may register (RFC 7591, section 3: open registration).
    Open,
    /// Registration needs an initial access token (RFC 7591, section 3).
    Protected,
    /// Anyone may register, and registrations that are alike are instances of one client: they get one `client_id` and a secret each
    /// (RFC 7591, section 3.2.1).
    SharedIds,
    /// Anyone may register, and software statements are understood (RFC 7591, sections 2.3 and 3.1.1). The others ignore them.
    Statement,
    /// Every read and update hands out a new registration access token and a new secret (RFC 7592, section 5).
    Rotating,
    /// Clients cannot be updated (RFC 7592, section 2).
    NoUpdate,
    /// Clients cannot be deleted (RFC 7592, section 2.3).
    NoDelete,
    /// Public clients may not read, and confidential ones neither update nor delete themselves (RFC 7592, sections 2.1 to 2.3).
    Forbidding,
    /// The registration endpoint is the configuration endpoint of all clients, told apart by their tokens (RFC 7592, appendix B).
    OneUrl,
    /// Anyone may register, over TLS alone: plain http is redirected (RFC 7591, sections 3 and 5).
    Tls,
    /// As awork's public documentation describes its endpoint: a Bearer token, its members, no RFC 7592, an administration
    /// interface, limits that are announced.
    Awork,
}

impl Configuration {
    /// Every configuration.
    pub const ALL: [Self; 11] = [
        Self::Open,
        Self::Protected,
        Self::SharedIds,
        Self::Statement,
        Self::Rotating,
        Self::NoUpdate,
        Self::NoDelete,
        Self::Forbidding,
        Self::OneUrl,
        Self::Tls,
        Self::Awork,
    ];

    /// The name used in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Protected => "protected",
            Self::SharedIds => "shared-ids",
            Self::Statement => "statement",
            Self::Rotating => "rotating",
            Self::NoUpdate => "no-update",
            Self::NoDelete => "no-delete",
            Self::Forbidding => "forbidding",
            Self::OneUrl => "one-url",
            Self::Tls => "tls",
            Self::Awork => "awork",
        }
    }

    /// Whether every client can be deleted by whoever registered it.
    pub const fn deletes(self) -> bool {
        !matches!(self, Self::NoDelete | Self::Forbidding | Self::Awork)
    }

    /// The path of the client registration endpoint (RFC 7591, section 3).
    pub const fn registration_path(self) -> &'static str {
        match self {
            Self::Awork => awork::REGISTRATION_PATH,
            _ => REGISTRATION_PATH,
        }
    }

    /// The vendor whose documentation the server follows: the folder of its suites.
    pub const fn vendor(self) -> Option<&'static str> {
        match self {
            Self::Awork => Some("awork"),
            _ => None,
        }
    }

    /// Whether registration needs the initial access token.
    pub const fn asks_for_token(self) -> bool {
        matches!(self, Self::Protected | Self::Awork)
    }
}

/// Where the server takes the time from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The clock of the machine.
    #[default]
    System,
    /// A clock that stands still, in seconds since 1970-01-01T00:00:00Z.
    Fixed(i64),
}

impl Clock {
    fn now(self) -> i64 {
        match self {
            Self::Fixed(seconds) => seconds,
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .ok()
                .and_then(|elapsed| i64::try_from(elapsed.as_secs()).ok())
                .unwrap_or_default(),
        }
    }
}

/// The settings of a reference server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    pub configuration: Configuration,
    /// The issuer identifier, e.g. `https://as.example`, without a slash at the end.
    pub issuer: String,
    /// The token that [`Configuration::Protected`] and [`Configuration::Awork`] ask for; without one they refuse every request.
    pub initial_access_token: Option<Secret>,
    /// Whose software statements [`Configuration::Statement`] believes; without it none.
    pub statement_key: Option<TrustedKey>,
    pub defects: Vec<&'static Defect>,
    /// Makes identifiers, secrets and tokens the same in every run.
    pub seed: Option<u64>,
    pub clock: Clock,
    /// How many requests a minute [`Configuration::Awork`] takes before it answers 429. It announces the limit, so there is one.
    pub limit: u32,
    /// Whether [`Configuration::Awork`] says null for documented members that a client does not have. Its documentation allows it.
    pub nulls: bool,
}

impl ServerConfig {
    /// A server without defects where anyone may register.
    pub fn open(issuer: impl Into<String>) -> Self {
        Self {
            configuration: Configuration::Open,
            issuer: issuer.into(),
            initial_access_token: None,
            statement_key: None,
            defects: Vec::new(),
            seed: None,
            clock: Clock::System,
            limit: awork::LIMIT,
            nulls: false,
        }
    }

    /// A server without defects that asks for an initial access token (RFC 7591, section 3).
    pub fn protected(issuer: impl Into<String>, token: impl Into<Secret>) -> Self {
        Self { configuration: Configuration::Protected, initial_access_token: Some(token.into()), ..Self::open(issuer) }
    }

    /// A server without defects as awork documents its own, with nulls in place of members that a client does not have.
    pub fn awork(issuer: impl Into<String>, token: impl Into<Secret>) -> Self {
        Self { configuration: Configuration::Awork, nulls: true, ..Self::protected(issuer, token) }
    }

    /// A server without defects that gives one `client_id` to registrations that are alike (RFC 7591, section 3.2.1).
    pub fn shared_ids(issuer: impl Into<String>) -> Self {
        Self { configuration: Configuration::SharedIds, ..Self::open(issuer) }
    }

    /// A server without defects in a configuration that takes no further settings.
    pub fn plain(configuration: Configuration, issuer: impl Into<String>) -> Self {
        Self { configuration, ..Self::open(issuer) }
    }

    /// A server without defects that believes the software statements which [`STATEMENT_ISSUER`] makes with [`statement_key`] (RFC 7591,
    /// section 2.3).
    pub fn statement(issuer: impl Into<String>) -> Self {
        let key = TrustedKey::from_secret(STATEMENT_ISSUER, statement_key());
        Self { configuration: Configuration::Statement, statement_key: Some(key), ..Self::open(issuer) }
    }

    /// A server without defects behind TLS (RFC 7591, section 5); the issuer is an https URL. TLS itself is the transport's:
    /// the server answers by [`ReferenceServer::router`] there, and by [`ReferenceServer::plaintext_router`] over plain http.
    pub fn tls(issuer: impl Into<String>) -> Self {
        Self { configuration: Configuration::Tls, ..Self::open(issuer) }
    }

    /// Adds a defect.
    #[must_use]
    pub fn with_defect(mut self, defect: &'static Defect) -> Self {
        self.defects.push(defect);
        self
    }
}

/// The reference authorization server. Clones share their clients.
#[derive(Clone)]
pub struct ReferenceServer(Arc<Shared>);

struct Shared {
    config: ServerConfig,
    faults: Faults,
    state: Mutex<Mutable>,
    window: awork::Window,
}

struct Mutable {
    store: Store,
    mint: Mint,
    /// Deleted clients by handle, for the defects that cannot forget.
    gone: HashMap<String, Arc<issue::Client>>,
    /// The client_id of whoever was given an access token, by token.
    granted: HashMap<String, String>,
}

impl ReferenceServer {
    /// # Panics
    ///
    /// Without a seed, when the operating system has no randomness to give.
    pub fn new(config: ServerConfig) -> Self {
        let faults = Faults::new(&config.defects);
        let state = Mutex::new(Mutable {
            store: Store::default(),
            mint: Mint::new(config.seed),
            gone: HashMap::new(),
            granted: HashMap::new(),
        });
        let window = awork::Window::new(config.limit);
        Self(Arc::new(Shared { config, faults, state, window }))
    }

    /// The server's endpoints: client registration (RFC 7591, section 3), client configuration (RFC 7592, section 2), authorization and
    /// token (RFC 6749, section 3), introspection (RFC 7662, section 2) and metadata (RFC 8414, section 3).
    pub fn router(&self) -> Router {
        let clients = match self.0.config.configuration {
            Configuration::Awork => awork::router(self),
            _ => Router::new()
                .route(REGISTRATION_PATH, any(registration))
                .route("/register/{client_id}", any(manage::configuration)),
        };
        clients
            .route(AUTHORIZATION_PATH, get(authorize::authorization))
            .route(TOKEN_PATH, post(token::token))
            .route(INTROSPECTION_PATH, post(token::introspection))
            .route("/.well-known/oauth-authorization-server", get(metadata_document))
            .fallback(async || respond::empty(StatusCode::NOT_FOUND))
            .layer(axum::middleware::map_response_with_state(self.clone(), stamp))
            .with_state(self.clone())
    }

    /// What answers plain http beside a server behind TLS: a redirection to https, and nothing else (RFC 7591, section 3).
    pub fn plaintext_router(&self) -> Router {
        if self.faults().has(Fault::PlaintextServed) {
            return self.router();
        }
        Router::new().fallback(to_https).with_state(self.clone())
    }

    /// The path of the client registration endpoint (RFC 7591, section 3), except where a configuration has its own.
    pub const fn registration_path() -> &'static str {
        REGISTRATION_PATH
    }

    /// How many clients are registered now.
    pub fn client_count(&self) -> usize {
        self.lock().store.len()
    }

    fn lock(&self) -> MutexGuard<'_, Mutable> {
        // No code panics halfway through a change, so the state is sound after a panic elsewhere.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// What `registration_client_uri` begins with, before a slash and the client's handle; or all of it, without the slash.
    fn configuration_base(&self) -> respond::ConfigurationUrl {
        let url = self.registration_endpoint();
        match self.0.config.configuration {
            Configuration::OneUrl => respond::ConfigurationUrl::One(url),
            _ => respond::ConfigurationUrl::Each(url),
        }
    }

    fn registration_endpoint(&self) -> String {
        format!("{}{}", self.0.config.issuer, self.0.config.configuration.registration_path())
    }

    /// The refusal, where an initial access token is asked for and not there (RFC 6750, sections 2.1 and 3).
    fn refuse_token(&self, headers: &HeaderMap) -> Option<Response> {
        if !self.0.config.configuration.asks_for_token() {
            return None;
        }
        let faults = self.faults();
        let token = bearer_token(headers);
        if faults.has(Fault::AworkTokenOptional) && !headers.contains_key(AUTHORIZATION) {
            return None;
        }
        let wanted = self.0.config.initial_access_token.as_ref().map(Secret::expose);
        let accepted = match token {
            Some(token) => wanted == Some(token) || faults.has(Fault::AnyTokenAccepted),
            None => false,
        };
        if accepted {
            return None;
        }
        let presented = headers.contains_key(AUTHORIZATION);
        if presented && faults.has(Fault::TokenError400) {
            let refusal = Refusal::new(Cause::Metadata, "The initial access token is not valid.");
            return Some(respond::refused(&refusal, None, faults, &mut self.lock().mint));
        }
        Some(respond::unauthorized(
            presented,
            !faults.has(Fault::ChallengeMissing),
            !faults.has(Fault::ChallengeWithoutError),
        ))
    }

    /// Registers a client, or says why not.
    fn register(&self, request: &Map<String, Value>) -> Result<Response, Refusal> {
        let (config, faults) = (&self.0.config, self.faults());
        let now = config.clock.now();
        let metadata = self.checked(request, faults)?;
        let share_ids = config.configuration == Configuration::SharedIds;
        let mut state = self.lock();
        let Mutable { store, mint, .. } = &mut *state;
        let mut client = issue(request, metadata, share_ids, faults, mint, now);
        if config.configuration == Configuration::Awork {
            awork::name(&mut client);
        }
        if faults.has(Fault::SameSecondReplaces) {
            store.remove_newest_of(now);
        }
        let client = store.insert(client);
        drop(state);
        let mut document = respond::client_information(&client, &self.configuration_base(), faults);
        if config.configuration == Configuration::Awork {
            awork::shape(&mut document, config.nulls, faults);
        }
        Ok(respond::created(document, faults))
    }

    /// The metadata of a registration or an update, with defaults filled in, or why it is refused.
    fn checked(&self, request: &Map<String, Value>, faults: &Faults) -> Result<Map<String, Value>, Refusal> {
        let config = &self.0.config;
        let stated = match config.configuration {
            Configuration::Statement => {
                statement::read(request, config.statement_key.as_ref(), config.clock.now(), faults)?
            }
            _ if faults.has(Fault::UnsignedStatementUsed) => statement::unsigned(request),
            _ => None,
        };
        if config.configuration == Configuration::Awork {
            awork::check(request, faults)?;
        }
        metadata::register(request, stated.as_ref(), config.configuration == Configuration::Awork, faults)
    }

    fn refuse(&self, refusal: &Refusal, client_name: Option<&str>) -> Response {
        respond::refused(refusal, client_name, self.faults(), &mut self.lock().mint)
    }
}

/// The Bearer token of a request (RFC 6750, section 2.1), if there is just one Authorization header and it holds one.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty()).then_some(token)
}

/// The client registration endpoint (RFC 7591, section 3).
async fn registration(State(server): State<ReferenceServer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let by_get = parts.method == Method::GET && server.faults().has(Fault::GetRegisters);
    let managed = [Method::GET, Method::HEAD, Method::PUT, Method::DELETE].contains(&parts.method);
    if managed && server.0.config.configuration == Configuration::OneUrl {
        return server.manage(&parts.method, None, &parts.headers, body).await;
    }
    if parts.method != Method::POST && !by_get {
        return not_allowed("POST");
    }
    if let Some(response) = server.refuse_token(&parts.headers) {
        return response;
    }
    if by_get && !query.is_empty() {
        let request = body::from_query(query);
        return server.register(&request).unwrap_or_else(|refusal| server.refuse(&refusal, None));
    }
    if parts.headers.contains_key(TRANSFER_ENCODING) && server.faults().has(Fault::ChunkedCrash) {
        return server.refuse(&Refusal::new(Cause::Crash, "Internal error."), None);
    }
    if let Err(refusal) = body::check_media_type(&parts.headers, server.faults()) {
        return if by_get { not_allowed("POST") } else { server.refuse(&refusal, None) };
    }
    let Ok(bytes) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return server.refuse(&Refusal::new(Cause::TooLarge, "The body is too long."), None);
    };
    let request = match body::parse(&bytes, server.faults()) {
        Ok(request) => request,
        Err(refusal) => return server.refuse(&refusal, None),
    };
    let name = request.get("client_name").and_then(Value::as_str);
    server.register(&request).unwrap_or_else(|refusal| server.refuse(&refusal, name))
}

/// The server's metadata (RFC 8414, section 2).
async fn metadata_document(State(server): State<ReferenceServer>) -> Response {
    let issuer = &server.0.config.issuer;
    respond::document(&json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}{AUTHORIZATION_PATH}"),
        "token_endpoint": format!("{issuer}{TOKEN_PATH}"),
        "introspection_endpoint": format!("{issuer}{INTROSPECTION_PATH}"),
        "registration_endpoint": server.registration_endpoint(),
        "response_types_supported": metadata::RESPONSE_TYPES,
        "grant_types_supported": metadata::GRANT_TYPES,
        "token_endpoint_auth_methods_supported": metadata::AUTH_METHODS,
    }))
}

/// The same path under the issuer, which is https (RFC 9110, section 15.4.9).
async fn to_https(State(server): State<ReferenceServer>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    let mut response = respond::empty(StatusCode::PERMANENT_REDIRECT);
    if let Ok(location) = HeaderValue::try_from(format!("{}{path}", server.0.config.issuer)) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn not_allowed(allowed: &'static str) -> Response {
    let mut response = respond::empty(StatusCode::METHOD_NOT_ALLOWED);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Dates every response by the server's own clock, against which the times in a registration are read (RFC 9110, section 6.6.1).
async fn stamp(State(server): State<ReferenceServer>, mut response: Response) -> Response {
    let date = jiff::Timestamp::from_second(server.0.config.clock.now())
        .ok()
        .and_then(|instant| jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&instant).ok())
        .and_then(|date| HeaderValue::try_from(date).ok());
    let headers = response.headers_mut();
    if let Some(date) = date {
        headers.insert(DATE, date);
    }
    // Names and URIs of strangers stand in the bodies; no browser shall guess them to be a page.
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
