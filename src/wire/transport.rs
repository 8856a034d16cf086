//! Sending one request and reading one response: over HTTP, or into a `tower` service without a socket.

use std::{
    cell::Cell,
    collections::HashSet,
    error::Error,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, Once, OnceLock, PoisonError},
    time::Duration,
};

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use tokio::time::{Instant, timeout_at};
use tower::Service;

use super::{
    Cut, Failure, FailureKind, Framing, Headers, Manner, Outcome, Phase, Request, Response, TlsVersion,
    failure::{self, Place},
    pipe::PipeTransport,
    raw::{self, Limits, Message},
    service::{self, ServiceTransport},
    tls,
};

/// How HTTP is spoken to a target.
#[derive(Clone)]
pub struct HttpSettings {
    /// Name resolution, TCP and TLS together.
    pub connect_timeout: Duration,
    /// From the established connection to the complete response head.
    pub first_byte_timeout: Duration,
    /// The whole exchange, the body included.
    pub whole_timeout: Duration,
    /// How much of a response body is read.
    pub body_cap: usize,
    /// PEM certificates that are trusted besides those of the system.
    pub extra_root_ca_pem: Option<Vec<u8>>,
    /// A PEM client certificate and its private key, for servers that ask for one.
    pub identity_pem: Option<Vec<u8>>,
    /// Addresses to use for names instead of what they resolve to; the port stays that of the URL.
    pub resolve: Vec<(String, IpAddr)>,
    /// Accept any server certificate.
    pub insecure: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        HttpSettings {
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(10),
            whole_timeout: Duration::from_secs(20),
            body_cap: 1 << 20,
            extra_root_ca_pem: None,
            identity_pem: None,
            resolve: Vec::new(),
            insecure: false,
        }
    }
}

impl HttpSettings {
    /// The limit for the whole exchange; the other limits keep their proportions to it.
    pub fn with_timeout(self, whole: Duration) -> Self {
        HttpSettings { connect_timeout: whole / 4, first_byte_timeout: whole / 2, whole_timeout: whole, ..self }
    }
}

/// Does not show the client's private key.
impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings")
            .field("connect_timeout", &self.connect_timeout)
            .field("first_byte_timeout", &self.first_byte_timeout)
            .field("whole_timeout", &self.whole_timeout)
            .field("body_cap", &self.body_cap)
            .field("extra_root_ca", &self.extra_root_ca_pem.is_some())
            .field("identity", &self.identity_pem.is_some())
            .field("resolve", &self.resolve)
            .field("insecure", &self.insecure)
            .finish()
    }
}

/// What carries requests to the target. Cheap to clone; clones share their connections' settings.
#[derive(Clone)]
pub struct Transport(Way);

#[derive(Clone)]
enum Way {
    Http(Arc<HttpTransport>),
    Service(Arc<ServiceTransport>),
    Pipe(Arc<PipeTransport>),
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Way::Http(http) => f.debug_tuple("Transport::http").field(&http.settings).finish(),
            Way::Service(_) => f.write_str("Transport::service"),
            Way::Pipe(_) => f.write_str("Transport::tls_service"),
        }
    }
}

impl Transport {
    /// HTTP/1.1, or HTTP/2 where TLS negotiates it. Proxies of the environment are not used, redirects are not
    /// followed, nothing is retried, and each request has a connection of its own, but for [`Transport::send_kept`]: an
    /// idle connection that the server closes must never look like a reset.
    ///
    /// The path of a URL is sent in the form that the URL standard gives it: `/a/../b` goes out as `/b`.
    pub fn http(settings: HttpSettings) -> Result<Transport, String> {
        if let Some(pem) = &settings.extra_root_ca_pem {
            let found = reqwest::Certificate::from_pem_bundle(pem).map_err(|e| failure::root_cause(&e));
            match found {
                Ok(found) if !found.is_empty() => {}
                Ok(_) => return Err("the file of CA certificates holds no PEM certificate".to_owned()),
                Err(why) => return Err(format!("the file of CA certificates cannot be read as PEM: {why}")),
            }
        }
        install_crypto();
        let http = HttpTransport {
            settings,
            plain: OnceLock::new(),
            tls: OnceLock::new(),
            kept: OnceLock::new(),
            kept_tls: OnceLock::new(),
            configs: tls::Configs::default(),
            spoken: Mutex::default(),
        };
        if http.settings.identity_pem.is_some() {
            // Said now and not at the first request: a wrong key file is a mistake in the configuration.
            http.client(true, false)?;
        }
        Ok(Transport(Way::Http(Arc::new(http))))
    }

    /// A service in this process, such as an `axum::Router` as it is, with the default limits.
    pub fn service<S, B>(service: S) -> Transport
    where
        S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        Transport::service_with(service, &HttpSettings::default())
    }

    /// As [`Transport::service`], with the time limits and the body cap of `settings`.
    pub fn service_with<S, B>(service: S, settings: &HttpSettings) -> Transport
    where
        S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        Transport(Way::Service(Arc::new(ServiceTransport::new(service::caller(service), settings))))
    }

    /// A service in this process behind TLS, over a pipe in memory: `https://NAME` at its default port, with a certificate
    /// from an authority made for this transport, which no other client knows. `plain` answers `http://NAME`; without it
    /// nothing listens there. `speaks` are the TLS versions of the server, none given are all.
    ///
    /// Fails when no certificate can be made for the name. Sending needs a tokio runtime, as over a socket.
    pub fn tls_service<S, B>(
        name: &str,
        speaks: &[TlsVersion],
        secure: S,
        plain: Option<S>,
        settings: &HttpSettings,
    ) -> Result<Transport, String>
    where
        S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + 'static,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        S::Future: Send + 'static,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (secure, plain) = (service::caller(secure), plain.map(service::caller));
        let pipe = PipeTransport::new(name, speaks, secure, plain, Limits::of(settings))?;
        Ok(Transport(Way::Pipe(Arc::new(pipe))))
    }

    /// Whether requests stay in this process.
    pub fn is_in_process(&self) -> bool {
        matches!(self.0, Way::Service(_) | Way::Pipe(_))
    }

    /// Whether an https URL really means TLS here: not so for a bare service in this process.
    pub fn has_tls(&self) -> bool {
        !matches!(self.0, Way::Service(_))
    }

    /// Sends one request, once, and reads what comes. The duration is that of the whole exchange.
    pub async fn send(&self, request: &Request) -> (Outcome, Duration) {
        let start = Instant::now();
        let outcome = match &self.0 {
            // In boxes, since what waits for these moves with them, and they are large.
            Way::Http(http) => Box::pin(http.send(request, start, false)).await,
            Way::Service(service) => service.send(request, start).await,
            Way::Pipe(pipe) => Box::pin(pipe.send(request, Manner::default(), start)).await,
        };
        (outcome.unwrap_or_else(Outcome::Failure), start.elapsed())
    }

    /// As [`Transport::send`], on a connection that was kept from an earlier request of this kind, where there is one. A
    /// failure may then be that connection's, and even an answer may belong to what was sent before: nobody may be
    /// accused of what only this has shown.
    pub async fn send_kept(&self, request: &Request) -> (Outcome, Duration) {
        let Way::Http(http) = &self.0 else { return self.send(request).await };
        let start = Instant::now();
        let outcome = Box::pin(http.send(request, start, true)).await;
        (outcome.unwrap_or_else(Outcome::Failure), start.elapsed())
    }

    /// As [`Transport::send`], in a manner of its own: on a connection made for this request, over HTTP/1.1, with exactly
    /// the bytes that the manner says.
    pub async fn send_as(&self, request: &Request, manner: Manner) -> (Outcome, Duration) {
        if manner.is_ordinary() {
            return self.send(request).await;
        }
        let start = Instant::now();
        let outcome = match &self.0 {
            Way::Http(http) => Box::pin(http.send_as(request, manner, start)).await,
            Way::Service(service) => Box::pin(service.send_as(request, manner, start)).await,
            Way::Pipe(pipe) => Box::pin(pipe.send(request, manner, start)).await,
        };
        (outcome.unwrap_or_else(Outcome::Failure), start.elapsed())
    }
}

/// Without a provider installed, building a TLS client panics; with two providers in the build none is the default.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that the program which uses this library has installed one already; then that one is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

struct HttpTransport {
    settings: HttpSettings,
    /// Clients, each built when first needed: loading the system's root certificates takes tens of milliseconds, which a
    /// target at plain http should not pay for.
    plain: OnceLock<Result<reqwest::Client, String>>,
    tls: OnceLock<Result<reqwest::Client, String>>,
    /// The same, with connections that are kept.
    kept: OnceLock<Result<reqwest::Client, String>>,
    kept_tls: OnceLock<Result<reqwest::Client, String>>,
    /// For connections of our own.
    configs: tls::Configs,
    /// Places that have answered in HTTP before: a hint that the scheme may be wrong would mislead there.
    spoken: Mutex<HashSet<String>>,
}

/// The most connections to one place that are kept.
const MOST_KEPT: usize = 256;

/// How long a connection is kept without a request: less than servers do, so that it is seldom closed under one.
const KEPT_FOR: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// When the connection of the exchange in this task was established.
    static CONNECTED: Cell<Option<Instant>>;
}

impl HttpTransport {
    fn client(&self, tls: bool, kept: bool) -> Result<&reqwest::Client, String> {
        let slot = match (tls, kept) {
            (false, false) => &self.plain,
            (true, false) => &self.tls,
            (false, true) => &self.kept,
            (true, true) => &self.kept_tls,
        };
        slot.get_or_init(|| self.build(tls, kept)).as_ref().map_err(Clone::clone)
    }

    fn build(&self, tls: bool, kept: bool) -> Result<reqwest::Client, String> {
        let s = &self.settings;
        let extra = match &s.extra_root_ca_pem {
            Some(pem) => reqwest::Certificate::from_pem_bundle(pem).map_err(|e| failure::root_cause(&e))?,
            None => Vec::new(),
        };
        let identity = match &s.identity_pem {
            Some(pem) => Some(
                reqwest::Identity::from_pem(pem)
                    .map_err(|e| format!("the client certificate or its key: {}", failure::root_cause(&e)))?,
            ),
            None => None,
        };
        let base = || {
            let mut b = reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .pool_max_idle_per_host(if kept { MOST_KEPT } else { 0 })
                .pool_idle_timeout(KEPT_FOR)
                .connect_timeout(s.connect_timeout)
                .http1_max_headers(256)
                .connector_layer(tower::layer::layer_fn(|inner| {
                    tower::util::MapFuture::new(inner, |connecting| async move {
                        let connection = connecting.await;
                        // Outside of the scope when the pool finishes a connection on its own; then no limit waits.
                        let _ = CONNECTED.try_with(|at| at.set(Some(Instant::now())));
                        connection
                    })
                }));
            for (host, ip) in &s.resolve {
                b = b.resolve(host, (*ip, 0).into());
            }
            b
        };
        if !tls {
            return base().tls_certs_only([]).build().map_err(|e| failure::root_cause(&e));
        }
        let secure = || match &identity {
            Some(identity) => base().identity(identity.clone()),
            None => base(),
        };
        if s.insecure {
            return secure().tls_danger_accept_invalid_certs(true).build().map_err(|e| failure::root_cause(&e));
        }
        let with_system = secure().tls_certs_merge(extra.clone()).build();
        match with_system {
            // A machine without root certificates can still reach a server whose CA was given.
            Err(_) if !extra.is_empty() => secure().tls_certs_only(extra).build().map_err(|e| failure::root_cause(&e)),
            other => other.map_err(|e| {
                format!(
                    "no client for https could be made ({}): install the system's root certificates, or name a CA file",
                    failure::root_cause(&e)
                )
            }),
        }
    }

    async fn send_as(&self, request: &Request, manner: Manner, start: Instant) -> Result<Outcome, Failure> {
        let message = Message::new(request, manner.framing.unwrap_or(Framing::Length))?;
        let place = Place::parse(&request.url)?;
        if manner.tls.is_some() && !place.tls {
            return Err(failure::not_sent("a TLS version is asked for, and the URL is http".to_owned()));
        }
        let stream = tls::connect(&self.settings, &self.configs, &place, manner.tls).await?;
        raw::exchange(stream, &message, &place, Limits::of(&self.settings), start).await
    }

    async fn send(&self, request: &Request, start: Instant, kept: bool) -> Result<Outcome, Failure> {
        let (request, place) = build_request(request)?;
        let client = self.client(place.tls, kept).map_err(failure::not_sent)?;
        let whole = start + self.settings.whole_timeout;
        // A kept connection stands already.
        let connected = Cell::new(kept.then_some(start));
        let mut response = CONNECTED.scope(connected, self.head(client, request, &place, start, whole)).await?;
        self.spoken.lock().unwrap_or_else(PoisonError::into_inner).insert(place.name.clone());

        let status = response.status().as_u16();
        let version = format!("{:?}", response.version());
        let headers = headers_of(response.headers());
        // Without a length or chunks the end of the connection is the end of the body, announced or not.
        let until_close = headers.first("content-length").is_none() && headers.first("transfer-encoding").is_none();
        let cap = self.settings.body_cap;
        let mut body = BytesMut::new();
        let cut = loop {
            match timeout_at(whole, response.chunk()).await {
                Err(_) => break Some(Cut::Stalled),
                Ok(Ok(None)) => break None,
                Ok(Ok(Some(chunk))) => {
                    body.extend_from_slice(&chunk);
                    if body.len() > cap {
                        body.truncate(cap);
                        break Some(Cut::Capped { limit: cap });
                    }
                }
                Ok(Err(error)) => {
                    let cut = failure::cut(&error);
                    // TLS ended by closing the connection alone: common, and no sign that something is missing.
                    break if until_close && cut == Cut::Truncated { None } else { Some(cut) };
                }
            }
        };
        Ok(Outcome::Response(Response::new(status, version, headers, body.freeze(), cut)))
    }

    /// Up to the response head. The limit for it starts when the connection stands, for which the connector itself
    /// has a limit.
    async fn head(
        &self,
        client: &reqwest::Client,
        request: reqwest::Request,
        place: &Place,
        start: Instant,
        whole: Instant,
    ) -> Result<reqwest::Response, Failure> {
        let mut answer = std::pin::pin!(client.execute(request));
        let mut limit = start + self.settings.first_byte_timeout;
        loop {
            match timeout_at(limit.min(whole), &mut answer).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => {
                    let spoken = self.spoken.lock().unwrap_or_else(PoisonError::into_inner).contains(&place.name);
                    return Err(failure::classify(&error, place, spoken, self.settings.connect_timeout));
                }
                Err(_) => {
                    let since = CONNECTED.with(Cell::get);
                    let later =
                        since.unwrap_or(start + self.settings.connect_timeout) + self.settings.first_byte_timeout;
                    if later > limit && limit < whole {
                        limit = later;
                        continue;
                    }
                    return Err(match since {
                        Some(_) => failure::first_byte_timeout(place, limit.min(whole) - start),
                        None => failure::connect_timeout(place, limit.min(whole) - start),
                    });
                }
            }
        }
    }
}

/// The request for the client, and where it goes.
fn build_request(request: &Request) -> Result<(reqwest::Request, Place), Failure> {
    let url = reqwest::Url::parse(&request.url).map_err(|e| {
        failure::not_sent(format!("the URL cannot be used ({e}): it has to be absolute, http or https"))
    })?;
    let place = Place::of(&url)?;
    let method = service::method(request)?;
    let mut built = reqwest::Request::new(method, url);
    *built.headers_mut() = service::header_map(request)?;
    if !request.body.is_empty() {
        *built.body_mut() = Some(request.body.clone().into());
    }
    Ok((built, place))
}

/// Fields in the order of arrival; those that came more than once stand together, at the place of the first.
pub(super) fn headers_of(map: &http::HeaderMap) -> Headers {
    Headers(map.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect())
}

pub(super) fn failed(kind: FailureKind, phase: Phase, message: String) -> Failure {
    Failure { kind, phase, message }
}
