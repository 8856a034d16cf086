//! One request and what came of it: what every rule, expectation and relation looks at.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use serde_json::Value;

use super::Manner;
use crate::judge::parse::{self, ParsedBody};

/// Header fields in the order in which they were sent or received, names as they were, values as bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, Vec<u8>)>);

/// Names, and how long each value is: any of them may be a credential. A report shows them, redacted.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, Length(value.len())))).finish()
    }
}

/// How long something is that is not shown.
struct Length(usize);

impl fmt::Debug for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0)
    }
}

impl Headers {
    /// Every value of a field, by its name without regard to letter case, invalid UTF-8 replaced.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = String> + 'a {
        self.0
            .iter()
            .filter(move |(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| String::from_utf8_lossy(v).into_owned())
    }

    /// The first value of a field.
    pub fn first(&self, name: &str) -> Option<String> {
        self.all(name).next()
    }

    /// The media type of Content-Type in lower case, without parameters.
    pub fn media_type(&self) -> Option<String> {
        self.first("content-type").map(|v| v.split(';').next().unwrap_or("").trim().to_ascii_lowercase())
    }

    /// Whether Content-Type says `application/json`, whatever its parameters.
    pub fn is_json(&self) -> bool {
        let value = self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")).map(|(_, value)| value);
        let media_type = value.and_then(|value| value.split(|b| *b == b';').next());
        media_type.is_some_and(|t| t.trim_ascii().eq_ignore_ascii_case(b"application/json"))
    }

    /// Adds a field at the end.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.push((name.into(), value.into()));
    }
}

/// What a request was meant as. Rules apply by kind; `Other` is judged by expectations alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// POST to the registration endpoint (RFC 7591, 3.1).
    Register,
    /// GET, PUT, DELETE of a client configuration endpoint (RFC 7592, 2).
    Read,
    /// PUT of a client configuration endpoint (RFC 7592, 2.2).
    Update,
    /// DELETE of a client configuration endpoint (RFC 7592, 2.3).
    Delete,
    /// A request to the token endpoint (RFC 6749, 3.2).
    Token,
    /// A request to the authorization endpoint (RFC 6749, 3.1).
    Authorize,
    /// A metadata document.
    Discover,
    /// Anything else sent to the registration endpoint, such as another method.
    Probe,
    /// A registration over plain http to find out whether it is taken (RFC 7591, 3 and 5). It never carries a token.
    Plaintext,
    /// A registration whose framing is no valid HTTP: what is specified for registrations does not apply to the answer.
    Malformed,
    /// Another method at a client configuration endpoint.
    Other,
}

/// The credentials that a request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Auth {
    /// None at all.
    None,
    /// The initial access token that the target was given.
    Initial,
    /// A Bearer token made up by the harness, which no server issued.
    Random,
    /// The initial access token, or at a client configuration endpoint the registration access token, with its end cut
    /// off.
    Truncated,
    /// The newest registration access token of the client that the request is about (RFC 7592).
    Registration,
    /// That token with one character changed.
    Altered,
    /// A registration access token that a newer one has replaced.
    Former,
    /// The registration access token of another client.
    Another,
    /// The credentials of a registered client (RFC 6749, 2.3).
    Client,
}

/// A request as it is sent. The body is exact bytes.
#[derive(Clone)]
pub struct Request {
    /// What it is for.
    pub kind: Kind,
    /// The method, as it is sent.
    pub method: String,
    /// Absolute URL, as a string: parsing would rewrite it.
    pub url: String,
    /// The fields, in order.
    pub headers: Headers,
    /// The body; empty for none.
    pub body: Bytes,
    /// Whose credentials it carries.
    pub auth: Auth,
}

/// Without header values and body, which may hold credentials.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("kind", &self.kind)
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &self.headers)
            .field("body", &Length(self.body.len()))
            .field("auth", &self.auth)
            .finish()
    }
}

impl Request {
    /// The body as one JSON object, where it is that.
    pub fn object(&self) -> Option<serde_json::Map<String, Value>> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(map)) => Some(map),
            _ => None,
        }
    }
}

/// A response as it was received.
#[derive(Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// `HTTP/1.1` and the like.
    pub version: String,
    /// The fields, in the order of arrival.
    pub headers: Headers,
    /// The body, up to the cap.
    pub body: Bytes,
    /// Set when the body did not end as it was announced.
    pub cut: Option<Cut>,
    parsed: OnceLock<Arc<ParsedBody>>,
}

/// Without header values and body, which may hold credentials.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("headers", &self.headers)
            .field("body", &Length(self.body.len()))
            .field("cut", &self.cut)
            .finish()
    }
}

impl Response {
    /// A response as it was received; the body is parsed when first asked for.
    pub fn new(status: u16, version: impl Into<String>, headers: Headers, body: Bytes, cut: Option<Cut>) -> Self {
        Response { status, version: version.into(), headers, body, cut, parsed: OnceLock::new() }
    }

    /// One tolerant parse, done when first asked for.
    pub fn parsed(&self) -> &ParsedBody {
        self.parsed.get_or_init(|| Arc::new(parse::tolerant(&self.body)))
    }

    /// The same, to be kept.
    pub fn shared_parse(&self) -> Arc<ParsedBody> {
        self.parsed();
        self.parsed.get().cloned().unwrap_or_default()
    }

    /// The body as a JSON object, read tolerantly (byte order mark, trailing bytes and bad UTF-8 notwithstanding).
    pub fn object(&self) -> Option<&serde_json::Map<String, Value>> {
        self.parsed().value.as_ref()?.as_object()
    }

    /// The same object as a JSON value, for schemas.
    pub fn object_value(&self) -> Option<&Value> {
        self.parsed().value.as_ref().filter(|value| value.is_object())
    }

    /// A string member of the body's object.
    pub fn member(&self, name: &str) -> Option<&str> {
        self.object()?.get(name)?.as_str()
    }

    /// As [`Response::member`], and where no value can hold the body, too: a client that it names has to be deleted. Rules do
    /// not ask this: they would miss the members beside it.
    pub fn credential(&self, name: &str) -> Option<&str> {
        let head = || self.parsed().beyond.as_ref().map(|beyond| &beyond.head);
        self.object().or_else(head)?.get(name)?.as_str()
    }

    /// Whether this answers a registration with a client: a 2xx with a client_id, or a 201 whatever it holds.
    pub fn is_created(&self) -> bool {
        self.status == 201
            || ((200..300).contains(&self.status) && self.object().is_some_and(|o| o.contains_key("client_id")))
    }

    /// The client information of a created client, when it can be read and names the client at all.
    pub fn client(&self) -> Option<&serde_json::Map<String, Value>> {
        self.object().filter(|o| self.is_created() && o.get("client_id").is_some_and(|id| !id.is_null()))
    }

    /// Whether the body was given up before its end, so that nothing can be said about it as a whole.
    pub fn is_unread(&self) -> bool {
        matches!(self.cut, Some(Cut::Capped { .. } | Cut::Stalled))
    }
}

/// How a body ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The connection ended before the announced end.
    Truncated,
    /// More came than the harness reads.
    /// More came than the harness reads: `limit` bytes were kept.
    Capped { limit: usize },
    /// Nothing more came within the limit for the whole exchange.
    Stalled,
    /// Reset, or broken framing, in the middle of the body.
    Broken(String),
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cut::Truncated => f.write_str("the connection was closed before the announced end of the body"),
            Cut::Capped { limit } => write!(f, "the body did not end within {limit} bytes; the rest was not read"),
            Cut::Stalled => f.write_str("the body did not end within the time limit"),
            Cut::Broken(how) => write!(f, "the body broke off: {how}"),
        }
    }
}

/// How far an exchange had got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Name resolution, TCP or TLS.
    Connect,
    /// The request was sent and no complete response head had come.
    Head,
}

/// Why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The name of the host did not resolve.
    Dns,
    /// Nobody listens at that address and port.
    Refused,
    /// Certificate or handshake.
    Tls,
    /// The server speaks none of the TLS versions that were offered.
    TlsVersion,
    /// No connection within the limit.
    ConnectTimeout,
    /// Connected, and no response head within the limit.
    FirstByteTimeout,
    /// The peer reset the connection.
    Reset,
    /// Closed before any response.
    ClosedEarly,
    /// What came is no HTTP response.
    NotHttp,
    /// The harness could not even build the request.
    NotSent,
    /// The harness kept the request back on purpose: the run was interrupted, or a limit is reached.
    Withheld,
    /// None of these.
    Other,
}

/// A request that got no response, in words that a person can act on.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What happened.
    pub kind: FailureKind,
    /// How far it had got.
    pub phase: Phase,
    /// One sentence: what happened and what to look at.
    pub message: String,
}

/// What came of a request.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly every outcome is a response")]
pub enum Outcome {
    /// An answer, whatever it says.
    Response(Response),
    /// None, and why.
    Failure(Failure),
}

/// A request, its outcome, and when.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Counts up from 1 within a run.
    pub id: u32,
    /// Time of day at which the request was sent.
    pub at: jiff::Timestamp,
    /// What was sent.
    pub request: Request,
    /// How the request was put on the wire.
    pub manner: Manner,
    /// The exchange that was under way at the same time on purpose: which of the two the server took first is not known.
    pub beside: Option<u32>,
    /// What came of it.
    pub outcome: Outcome,
    /// How long the whole exchange took.
    pub took: Duration,
    sent: OnceLock<Sent>,
}

/// What the request's body is, as JSON.
#[derive(Clone, Debug)]
struct Sent {
    object: Option<Arc<serde_json::Map<String, Value>>>,
    /// The body is one JSON object, and every reader of JSON finds the same in it.
    plain: bool,
}

impl Exchange {
    /// A plain exchange; its [`Manner`] is the default one.
    pub fn new(id: u32, at: jiff::Timestamp, request: Request, outcome: Outcome, took: Duration) -> Exchange {
        Exchange { id, at, request, manner: Manner::default(), beside: None, outcome, took, sent: OnceLock::new() }
    }

    /// The request's body as one JSON object, where it is that. Of a name that occurs twice the last value stands.
    pub fn sent(&self) -> Option<&serde_json::Map<String, Value>> {
        self.parsed_request().object.as_deref()
    }

    /// The same, unless readers of JSON may differ about it: a name occurs twice. What a server has registered can then
    /// not be held against what was asked for.
    pub fn sent_plainly(&self) -> Option<&serde_json::Map<String, Value>> {
        let sent = self.parsed_request();
        sent.object.as_deref().filter(|_| sent.plain)
    }

    /// As [`Exchange::sent_plainly`], to be kept; empty where that is nothing.
    pub fn shared_sent(&self) -> Arc<serde_json::Map<String, Value>> {
        let sent = self.parsed_request();
        sent.object.clone().filter(|_| sent.plain).unwrap_or_default()
    }

    fn parsed_request(&self) -> &Sent {
        self.sent.get_or_init(|| {
            let parsed = parse::tolerant(&self.request.body);
            let plain = parsed.duplicates.is_empty();
            match parsed.strict() {
                Some(Value::Object(object)) => Sent { object: Some(Arc::new(object)), plain },
                _ => Sent { object: None, plain: false },
            }
        })
    }

    /// The answer, where there was one.
    pub fn response(&self) -> Option<&Response> {
        match &self.outcome {
            Outcome::Response(r) => Some(r),
            Outcome::Failure(_) => None,
        }
    }

    /// Whether the request was sent at all, or tried to be.
    pub fn was_sent(&self) -> bool {
        !matches!(&self.outcome, Outcome::Failure(failure) if matches!(failure.kind, FailureKind::NotSent | FailureKind::Withheld))
    }

    /// The 200 to a read or an update of a client with its own token: a client information response (RFC 7592, 3).
    pub fn managed(&self) -> Option<&Response> {
        let asked = matches!(self.request.kind, Kind::Read | Kind::Update) && self.request.auth == Auth::Registration;
        asked.then(|| self.response()).flatten().filter(|r| r.status == 200)
    }

    /// Seconds since the epoch at which the response was made: its Date header, else the harness's clock.
    pub fn response_time(&self) -> i64 {
        self.response()
            .and_then(|r| r.headers.first("date"))
            .and_then(|d| jiff::fmt::rfc2822::parse(&d).ok())
            .map_or_else(|| self.at.as_second(), |z| z.timestamp().as_second())
    }

    /// Whether this is a registration that was answered with a client.
    pub fn created(&self) -> Option<&Response> {
        (self.request.kind == Kind::Register).then(|| self.response()).flatten().filter(|r| r.is_created())
    }
}
