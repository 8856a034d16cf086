//! Requests to a `tower` service in this process: what `axum::serve` would hand it, without the socket.

use std::{
    error::Error,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
};

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};
use tower::{Service, ServiceExt};

use super::{
    Cut, Failure, FailureKind, Manner, Outcome, Phase, Request, Response,
    failure::{not_sent, root_cause},
    pipe,
    raw::Limits,
    transport::{HttpSettings, failed, headers_of},
};

type BoxError = Box<dyn Error + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = Result<http::Response<Body>, BoxError>> + Send>>;

/// A service as a function.
pub(super) type Call = Arc<dyn Fn(http::Request<Body>) -> Answer + Send + Sync>;

pub(super) struct ServiceTransport {
    call: Call,
    limits: Limits,
}

/// The function that calls a service.
pub(super) fn caller<S, B>(service: S) -> Call
where
    S: Service<http::Request<Body>, Response = http::Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    // The lock makes a service usable that is not Sync; it is held only while the service is cloned.
    let service = Mutex::new(service);
    Arc::new(move |request| {
        let service = service.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(
            async move { service.oneshot(request).await.map(|response| response.map(Body::new)).map_err(Into::into) },
        ) as Answer
    })
}

impl ServiceTransport {
    pub(super) fn new(call: Call, settings: &HttpSettings) -> Self {
        ServiceTransport { call, limits: Limits::of(settings) }
    }

    /// Sends a request in another way than the ordinary one: over a pipe, on which its bytes are what they are.
    pub(super) async fn send_as(&self, request: &Request, manner: Manner, start: Instant) -> Result<Outcome, Failure> {
        pipe::send_plain(&self.call, request, manner, self.limits, start).await
    }

    pub(super) async fn send(&self, request: &Request, start: Instant) -> Result<Outcome, Failure> {
        let request = build(request)?;
        let whole = start + self.limits.whole;
        let limit = whole.min(start + self.limits.first_byte);
        let response = match timeout_at(limit, unpanicked((self.call)(request))).await {
            Err(_) => {
                let message =
                    format!("the service gave no response within {:?}: does it wait for something?", limit - start);
                return Err(failed(FailureKind::FirstByteTimeout, Phase::Head, message));
            }
            // On a socket the peer of a handler that panics sees the connection close.
            Ok(Err(panic)) => {
                let message = format!("the service panicked before it gave a response: {panic}");
                return Err(failed(FailureKind::ClosedEarly, Phase::Head, message));
            }
            Ok(Ok(Err(error))) => {
                let message = format!("the service failed instead of giving a response: {}", root_cause(&*error));
                return Err(failed(FailureKind::ClosedEarly, Phase::Head, message));
            }
            Ok(Ok(Ok(response))) => response,
        };
        let (head, body) = response.into_parts();
        let (body, cut) = self.read(body, whole).await;
        let version = format!("{:?}", head.version);
        let headers = headers_of(&head.headers);
        Ok(Outcome::Response(Response::new(head.status.as_u16(), version, headers, body, cut)))
    }

    async fn read(&self, mut body: Body, whole: Instant) -> (Bytes, Option<Cut>) {
        let mut bytes = BytesMut::new();
        let cut = loop {
            match timeout_at(whole, unpanicked(Box::pin(body.frame()))).await {
                Err(_) => break Some(Cut::Stalled),
                Ok(Err(panic)) => break Some(Cut::Broken(format!("the service panicked: {panic}"))),
                Ok(Ok(None)) => break None,
                Ok(Ok(Some(Err(error)))) => break Some(Cut::Broken(root_cause(&error))),
                Ok(Ok(Some(Ok(frame)))) => {
                    if let Ok(data) = frame.into_data() {
                        bytes.extend_from_slice(&data);
                    }
                    if bytes.len() > self.limits.body_cap {
                        bytes.truncate(self.limits.body_cap);
                        break Some(Cut::Capped { limit: self.limits.body_cap });
                    }
                }
            }
        };
        (bytes.freeze(), cut)
    }
}

/// Turns a panic of the service into a value: the harness goes on and reports it.
async fn unpanicked<F: Future + Unpin>(mut future: F) -> Result<F::Output, String> {
    std::future::poll_fn(move |cx| match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut future).poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(payload) => Poll::Ready(Err(payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("no message")
            .to_owned())),
    })
    .await
}

/// What a server reads off the wire: the target in origin form, and the fields that HTTP demands.
fn build(request: &Request) -> Result<http::Request<Body>, Failure> {
    let uri: Uri = request
        .url
        .parse()
        .map_err(|e| not_sent(format!("the URL cannot be used ({e}): it has to be absolute, http or https")))?;
    let Some(authority) = uri.authority() else {
        return Err(not_sent("the URL names no host: it has to be absolute, http or https".to_owned()));
    };
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    let mut headers = header_map(request)?;
    if !headers.contains_key(header::HOST) {
        let host = HeaderValue::from_str(host).map_err(|e| not_sent(format!("the host of the URL: {e}")))?;
        headers.insert(header::HOST, host);
    }
    if !headers.contains_key(header::ACCEPT) {
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    }
    let method = method(request)?;
    let announces = !request.body.is_empty() || [Method::POST, Method::PUT, Method::PATCH].contains(&method);
    if announces && !headers.contains_key(header::CONTENT_LENGTH) && !headers.contains_key(header::TRANSFER_ENCODING) {
        headers.insert(header::CONTENT_LENGTH, request.body.len().into());
    }
    let target = uri.path_and_query().map_or("/", |p| p.as_str());
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    let mut built = http::Request::new(Body::from(request.body.clone()));
    *built.method_mut() = method;
    *built.uri_mut() = target.parse().map_err(|e| not_sent(format!("the path of the URL: {e}")))?;
    *built.headers_mut() = headers;
    Ok(built)
}

pub(super) fn method(request: &Request) -> Result<Method, Failure> {
    Method::from_bytes(request.method.as_bytes())
        .map_err(|_| not_sent(format!("`{}` cannot be sent as an HTTP method", request.method.escape_debug())))
}

pub(super) fn header_map(request: &Request) -> Result<HeaderMap, Failure> {
    let mut map = HeaderMap::new();
    for (name, value) in &request.headers.0 {
        let field = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| not_sent(format!("`{}` cannot be sent as a header name", name.escape_debug())))?;
        // The value may be a credential: it is not shown.
        let value = HeaderValue::from_bytes(value)
            .map_err(|_| not_sent(format!("the value of the header {field} holds bytes that HTTP does not allow")))?;
        map.append(field, value);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Duration};

    use axum::{Router, http::StatusCode, routing};

    use super::*;
    use crate::wire::{Auth, Headers, Kind, Transport};

    fn request(path: &str) -> Request {
        let mut headers = Headers::default();
        headers.push("X-Twice", "1");
        headers.push("x-twice", "2");
        let url = format!("https://as.example{path}");
        Request { kind: Kind::Register, method: "POST".into(), url, headers, body: "{}".into(), auth: Auth::None }
    }

    fn short() -> HttpSettings {
        HttpSettings {
            first_byte_timeout: Duration::from_millis(50),
            whole_timeout: Duration::from_millis(100),
            body_cap: 8,
            ..HttpSettings::default()
        }
    }

    async fn send(router: Router, path: &str) -> Outcome {
        Transport::service_with(router, &short()).send(&request(path)).await.0
    }

    #[tokio::test]
    async fn a_router_as_it_is() {
        let echo = |r: http::Request<Body>| async move {
            let twice: Vec<_> = r.headers().get_all("x-twice").iter().map(|v| v.to_str().unwrap().to_owned()).collect();
            let host = r.headers()["host"].to_str().unwrap().to_owned();
            let length = r.headers()["content-length"].to_str().unwrap().to_owned();
            (StatusCode::CREATED, format!("{} {host} {length} {twice:?}", r.uri()))
        };
        let transport = Transport::service(Router::new().route("/a/{*rest}", routing::post(echo)));
        let (outcome, _) = transport.clone().send(&request("/a/../b?c=%7e")).await;
        let Outcome::Response(response) = outcome else { panic!("{outcome:?}") };
        assert_eq!((response.status, response.cut.clone()), (201, None));
        assert_eq!(&response.body[..], b"/a/../b?c=%7e as.example 2 [\"1\", \"2\"]");
    }

    #[tokio::test]
    async fn a_service_that_is_not_sync_and_fails_with_a_box() {
        fn shared<T: Clone + Send + Sync + 'static>(value: T) -> T {
            value
        }
        let state = Cell::new(1);
        let service = tower::service_fn(move |_: http::Request<Body>| {
            state.set(state.get() + 1);
            async { Err::<http::Response<Body>, BoxError>("out of order".into()) }
        });
        let (outcome, _) = shared(Transport::service(service)).send(&request("/")).await;
        let Outcome::Failure(f) = outcome else { panic!() };
        assert!(f.kind == FailureKind::ClosedEarly && f.message.contains("out of order"), "{f:?}");
    }

    #[tokio::test]
    async fn faults_of_a_service() {
        async fn hang() {
            std::future::pending().await
        }
        async fn panics() -> StatusCode {
            panic!("on purpose")
        }
        let stall = || async { Body::new(Endless) };
        let router = Router::new()
            .route("/hang", routing::post(hang))
            .route("/panic", routing::post(panics))
            .route("/stall", routing::post(stall))
            .route("/long", routing::post(|| async { "123456789" }));
        let Outcome::Failure(f) = send(router.clone(), "/hang").await else { panic!() };
        assert_eq!(f.kind, FailureKind::FirstByteTimeout);
        let Outcome::Failure(f) = send(router.clone(), "/panic").await else { panic!() };
        assert!(f.kind == FailureKind::ClosedEarly && f.message.contains("on purpose"), "{f:?}");
        let Outcome::Response(r) = send(router.clone(), "/stall").await else { panic!() };
        assert_eq!(r.cut, Some(Cut::Stalled));
        let Outcome::Response(r) = send(router, "/long").await else { panic!() };
        assert_eq!((&r.body[..], r.cut), (&b"12345678"[..], Some(Cut::Capped { limit: 8 })));
    }

    /// A body of which nothing ever comes.
    struct Endless;

    impl HttpBody for Endless {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn what_cannot_be_sent() {
        let transport = Transport::service(Router::new());
        for url in ["", "/register", "http://"] {
            let (outcome, _) = transport.send(&Request { url: url.into(), ..request("") }).await;
            assert!(matches!(outcome, Outcome::Failure(Failure { kind: FailureKind::NotSent, .. })), "{url}");
        }
    }
}
