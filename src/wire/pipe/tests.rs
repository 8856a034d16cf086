use axum::{Router, http::StatusCode, routing};

use super::*;
use crate::wire::{Auth, Headers, Kind, Response, Transport, transport::HttpSettings};

async fn echo(request: http::Request<Body>) -> (StatusCode, String) {
    let (head, body) = request.into_parts();
    let header = |name: &str| format!("{:?}", head.headers.get(name).and_then(|v| v.to_str().ok()));
    let (host, kind) = (header("host"), header("content-type"));
    match axum::body::to_bytes(body, 1 << 20).await {
        Ok(body) => (StatusCode::CREATED, format!("{host} {kind} {}", String::from_utf8_lossy(&body))),
        Err(_) => (StatusCode::BAD_REQUEST, "torn".to_owned()),
    }
}

async fn panics() -> StatusCode {
    panic!("on purpose")
}

fn router() -> Router {
    Router::new().route("/register", routing::post(echo)).route("/panic", routing::post(panics))
}

fn transport(speaks: &[TlsVersion], plain: bool) -> Transport {
    let plain = plain.then(|| Router::new().fallback(|| async { StatusCode::UPGRADE_REQUIRED }));
    Transport::tls_service("as.example", speaks, router(), plain, &HttpSettings::default()).unwrap()
}

fn request(url: &str) -> Request {
    let mut headers = Headers::default();
    headers.push("content-type", "application/json");
    let (url, body) = (url.to_owned(), "{\"a\":1}".into());
    Request { kind: Kind::Register, method: "POST".into(), url, headers, body, auth: Auth::None }
}

async fn send(transport: &Transport, url: &str, manner: Manner) -> Result<Response, Failure> {
    match transport.send_as(&request(url), manner).await.0 {
        Outcome::Response(response) => Ok(response),
        Outcome::Failure(failure) => Err(failure),
    }
}

const URL: &str = "https://as.example/register";
const ONLY_1_2: Manner = Manner { tls: Some(TlsVersion::V1_2), framing: None };
const ONLY_1_3: Manner = Manner { tls: Some(TlsVersion::V1_3), framing: None };

fn framed(framing: Framing) -> Manner {
    Manner { tls: None, framing: Some(framing) }
}

#[tokio::test]
async fn a_service_answers_over_tls_of_either_version_again_and_again() {
    let transport = transport(&[], false);
    assert!(transport.is_in_process());
    for manner in [Manner::default(), ONLY_1_2, ONLY_1_3, Manner::default()] {
        let response = send(&transport, URL, manner).await.unwrap();
        assert_eq!((response.status, response.cut.clone()), (201, None));
        assert_eq!(&response.body[..], b"Some(\"as.example\") Some(\"application/json\") {\"a\":1}");
    }
}

#[tokio::test]
async fn a_version_that_the_server_does_not_speak_is_told_from_other_failures() {
    for (speaks, offers) in [(TlsVersion::V1_3, ONLY_1_2), (TlsVersion::V1_2, ONLY_1_3)] {
        let failure = send(&transport(&[speaks], false), URL, offers).await.unwrap_err();
        assert_eq!((failure.kind, failure.phase), (FailureKind::TlsVersion, Phase::Connect), "{}", failure.message);
        assert!(failure.message.contains("none of the TLS versions"), "{}", failure.message);
        send(&transport(&[speaks], false), URL, Manner::default()).await.unwrap();
    }
}

#[tokio::test]
async fn there_is_one_name_and_its_two_ports() {
    let with =
        |plain: bool, url: &'static str| async move { send(&transport(&[], plain), url, Manner::default()).await };
    assert_eq!(with(true, "http://as.example/register").await.unwrap().status, 426);
    let failed = |f: Result<Response, Failure>| f.map(|r| r.status).unwrap_err().kind;
    assert_eq!(failed(with(false, "http://as.example/register").await), FailureKind::Refused);
    assert_eq!(failed(with(true, "https://as.example:8443/register").await), FailureKind::Refused);
    assert_eq!(failed(with(true, "https://other.example/register").await), FailureKind::Dns);
    assert_eq!(failed(with(true, "nonsense").await), FailureKind::NotSent);
    let no_name = Transport::tls_service("no name", &[], router(), None, &HttpSettings::default());
    assert!(no_name.is_err() || send(&no_name.unwrap(), URL, Manner::default()).await.is_err());
}

#[tokio::test]
async fn framings_reach_a_service_with_tls_and_without() {
    let plain = Transport::service(router());
    for (transport, url) in [(transport(&[], false), URL), (plain, "http://localhost/register")] {
        let whole = |kind: &str| format!("Some({:?}) {kind} {{\"a\":1}}", url.split('/').nth(2).unwrap());
        let json = "Some(\"application/json\")";
        for (framing, expected) in [
            (Framing::Length, whole(json)),
            (Framing::Chunked, whole(json)),
            (Framing::OddFields, whole(json)),
            (Framing::NoContentType, whole("None")),
            (Framing::ContentTypeTwice, whole(json)),
        ] {
            let response = send(&transport, url, framed(framing)).await.unwrap();
            assert_eq!(String::from_utf8_lossy(&response.body), expected, "{framing:?}");
        }
        // What came of half a message is no success, whatever else it is.
        match send(&transport, url, framed(Framing::LengthTooLong)).await {
            Ok(response) => assert_eq!(response.status, 400),
            Err(failure) => assert_eq!(failure.kind, FailureKind::ClosedEarly, "{}", failure.message),
        }
        let short = send(&transport, url, framed(Framing::LengthTooShort)).await.unwrap();
        assert!(short.body.ends_with(b" {\"a"), "{:?}", short.body);
        // Folding is refused by the server's own HTTP.
        assert_eq!(send(&transport, url, framed(Framing::Folded)).await.unwrap().status, 400);
    }
}

#[tokio::test]
async fn a_service_that_panics_closes_the_connection() {
    let failure = send(&transport(&[], false), "https://as.example/panic", Manner::default()).await.unwrap_err();
    assert_eq!((failure.kind, failure.phase), (FailureKind::ClosedEarly, Phase::Head), "{}", failure.message);
}

#[tokio::test]
async fn a_service_without_tls_refuses_to_speak_it() {
    let failure = send(&Transport::service(router()), URL, ONLY_1_2).await.unwrap_err();
    assert!(failure.kind == FailureKind::NotSent && failure.message.contains("speaks no TLS"), "{}", failure.message);
}
