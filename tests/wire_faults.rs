//! Servers that misbehave on the wire, each a canned listener on a free loopback port: every fault has its own kind and
//! a sentence that says where to look.

#[path = "support/pki.rs"]
mod pki;
#[path = "wire_faults/servers.rs"]
mod servers;

use std::{net::Ipv4Addr, time::Duration};

use dcrspec::wire::{
    Auth, Cut, Failure, FailureKind, Framing, Headers, HttpSettings, Kind, Manner, Outcome, Phase, Request, TlsVersion,
    Transport,
};
use pki::PKI;
use servers::{Then, canned, serve, tls_server, tls_server_of};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Far above what anything here takes, far below what a person would wait.
const AMPLE: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(300);

fn request(url: String) -> Request {
    let mut headers = Headers::default();
    headers.push("Content-Type", "application/json");
    Request { kind: Kind::Register, method: "POST".into(), url, headers, body: "{}".into(), auth: Auth::None }
}

async fn send_with(settings: HttpSettings, url: String) -> Outcome {
    let (outcome, took) = Transport::http(settings).unwrap().send(&request(url)).await;
    assert!(took < AMPLE, "took {took:?}");
    outcome
}

/// Limits that only a server which hangs reaches.
fn limits(first_byte: Duration, whole: Duration) -> HttpSettings {
    HttpSettings { connect_timeout: AMPLE, first_byte_timeout: first_byte, whole_timeout: whole, ..Default::default() }
}

async fn send(url: String) -> Outcome {
    send_with(limits(AMPLE, AMPLE), url).await
}

fn failure(outcome: Outcome) -> Failure {
    match outcome {
        Outcome::Failure(failure) => failure,
        Outcome::Response(response) => panic!("a response: {response:?}"),
    }
}

fn cut(outcome: Outcome) -> (Option<Cut>, Vec<u8>) {
    match outcome {
        Outcome::Response(response) => (response.cut, response.body.to_vec()),
        Outcome::Failure(failure) => panic!("no response: {failure:?}"),
    }
}

#[track_caller]
fn assert_failure(failure: &Failure, kind: FailureKind, phase: Phase, words: &[&str]) {
    assert_eq!((failure.kind, failure.phase), (kind, phase), "{}", failure.message);
    for word in words {
        assert!(failure.message.contains(word), "`{word}` is not in: {}", failure.message);
    }
}

#[tokio::test]
async fn a_normal_answer_keeps_the_order_of_its_headers_and_its_bytes() {
    let reply = b"HTTP/1.1 201 Created\r\nX-B: 1\r\nContent-Type: application/json\r\nX-A: \xff\xfe\r\nx-b: 2\r\n\
        Content-Length: 5\r\n\r\n\xef\xbb\xbf{}";
    let address = canned(reply, Then::Hang).await;
    let Outcome::Response(response) = send(format!("http://{address}/register")).await else { panic!() };
    assert_eq!((response.status, response.version.as_str(), response.cut), (201, "HTTP/1.1", None));
    assert_eq!(&response.body[..], b"\xef\xbb\xbf{}");
    let names: Vec<_> = response.headers.0.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["x-b", "x-b", "content-type", "x-a", "content-length"]);
    assert_eq!(response.headers.0[3].1, b"\xff\xfe");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let address = canned(b"HTTP/1.1 307 X\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", Then::Close).await;
    let Outcome::Response(response) = send(format!("http://{address}/")).await else { panic!() };
    assert_eq!(response.status, 307);
}

#[tokio::test]
async fn the_request_has_no_headers_that_nobody_asked_for() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"{}") {
            stream.read_buf(&mut seen).await.unwrap();
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        String::from_utf8(seen).unwrap()
    });
    send(format!("http://{address}/register?a=%7e")).await;
    let sent = server.await.unwrap();
    let mut lines: Vec<_> = sent.split("\r\n").collect();
    assert_eq!(lines[0], "POST /register?a=%7e HTTP/1.1");
    lines[1..].sort_unstable();
    let host = format!("host: {address}");
    assert_eq!(lines[1..], ["", "accept: */*", "content-length: 2", "content-type: application/json", &host, "{}"]);
}

#[tokio::test]
async fn nobody_listens() {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let f = failure(send(format!("http://{address}/")).await);
    assert_failure(&f, FailureKind::Refused, Phase::Connect, &["refused", &address.to_string()]);
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let f = failure(send("http://no-such-host.invalid/".into()).await);
    assert_failure(&f, FailureKind::Dns, Phase::Connect, &["no-such-host.invalid", "resolve"]);
}

#[tokio::test]
async fn reset_before_a_reply() {
    let address = canned(b"", Then::Reset).await;
    let f = failure(send(format!("http://{address}/")).await);
    assert_failure(&f, FailureKind::Reset, Phase::Head, &["reset", &address.to_string(), "https://"]);
}

#[tokio::test]
async fn closed_before_a_reply() {
    for reply in [&b""[..], b"HTTP/1.1 20"] {
        let address = canned(reply, Then::Close).await;
        let f = failure(send(format!("http://{address}/")).await);
        assert_failure(&f, FailureKind::ClosedEarly, Phase::Head, &["closed", &address.to_string()]);
    }
}

#[tokio::test]
async fn a_place_that_has_spoken_http_gets_no_hint_at_another_scheme() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for reply in [&b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"[..], b""] {
            serve(listener.accept().await.unwrap().0, reply, Then::Close).await.unwrap();
        }
    });
    let transport = Transport::http(limits(AMPLE, AMPLE)).unwrap();
    let request = request(format!("http://{address}/"));
    assert!(matches!(transport.send(&request).await.0, Outcome::Response(_)));
    let f = failure(transport.send(&request).await.0);
    assert_failure(&f, FailureKind::ClosedEarly, Phase::Head, &["log"]);
    assert!(!f.message.contains("https"), "{}", f.message);
}

#[tokio::test]
async fn what_is_not_http() {
    for reply in [
        &b"SSH-2.0-OpenSSH_9.9\r\n"[..],
        b"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n..",
    ] {
        let address = canned(reply, Then::Close).await;
        let f = failure(send(format!("http://{address}/")).await);
        assert_failure(&f, FailureKind::NotHttp, Phase::Head, &["not an HTTP response", &address.to_string()]);
    }
}

#[tokio::test]
async fn hangs_before_and_within_the_head() {
    for reply in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-"] {
        let address = canned(reply, Then::Hang).await;
        let f = failure(send_with(limits(SHORT, AMPLE), format!("http://{address}/")).await);
        assert_failure(&f, FailureKind::FirstByteTimeout, Phase::Head, &["head", &address.to_string()]);
        // The limit for everything holds too.
        let f = failure(send_with(limits(AMPLE, SHORT), format!("http://{address}/")).await);
        assert_failure(&f, FailureKind::FirstByteTimeout, Phase::Head, &["head"]);
    }
}

#[tokio::test]
async fn a_tls_handshake_that_hangs_is_a_connect_timeout() {
    let address = canned(b"", Then::Hang).await;
    let settings = HttpSettings { connect_timeout: SHORT, insecure: true, ..limits(AMPLE, AMPLE) };
    let f = failure(send_with(settings, format!("https://{address}/")).await);
    assert_failure(&f, FailureKind::ConnectTimeout, Phase::Connect, &["no connection", &address.to_string()]);
}

#[tokio::test]
async fn hangs_in_the_body() {
    let address = canned(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\"", Then::Hang).await;
    let (cut, body) = cut(send_with(limits(AMPLE, SHORT), format!("http://{address}/")).await);
    assert_eq!((cut, &body[..]), (Some(Cut::Stalled), &b"{\"a\""[..]));
}

#[tokio::test]
async fn never_stops_sending() {
    let address = canned(b"HTTP/1.1 200 OK\r\n\r\n", Then::Repeat(&[b'x'; 8192])).await;
    let settings = HttpSettings { body_cap: 100_000, ..limits(AMPLE, AMPLE) };
    let (cut, body) = cut(send_with(settings, format!("http://{address}/")).await);
    assert_eq!((cut, body.len()), (Some(Cut::Capped { limit: 100_000 }), 100_000));
}

#[tokio::test]
async fn a_body_of_exactly_the_cap_is_whole() {
    let address = canned(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabcd", Then::Hang).await;
    let settings = HttpSettings { body_cap: 4, ..limits(AMPLE, AMPLE) };
    assert_eq!(cut(send_with(settings, format!("http://{address}/")).await), (None, b"abcd".to_vec()));
}

#[tokio::test]
async fn bodies_that_end_early() {
    for reply in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\""[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"a\"",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n",
    ] {
        let address = canned(reply, Then::Close).await;
        let (cut, body) = cut(send(format!("http://{address}/")).await);
        assert_eq!((cut, &body[..]), (Some(Cut::Truncated), &b"{\"a\""[..]));
    }
}

#[tokio::test]
async fn a_bad_chunk() {
    let address =
        canned(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nzz\r\n", Then::Close).await;
    let (cut, body) = cut(send(format!("http://{address}/")).await);
    assert_eq!(body, b"abcd");
    let Some(Cut::Broken(how)) = cut else { panic!("{cut:?}") };
    assert!(how.contains("framing"), "{how}");
}

#[tokio::test]
async fn reset_in_the_body() {
    let address = canned(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", Then::Reset).await;
    match send(format!("http://{address}/")).await {
        Outcome::Response(r) => assert_eq!(r.cut, Some(Cut::Broken("the connection was reset".into()))),
        // The reset can overtake the head.
        Outcome::Failure(f) => assert_eq!(f.kind, FailureKind::Reset, "{}", f.message),
    }
}

#[tokio::test]
async fn https_to_a_plain_port() {
    let address = canned(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", Then::Close).await;
    let settings = HttpSettings { insecure: true, ..limits(AMPLE, AMPLE) };
    let f = failure(send_with(settings, format!("https://{address}/")).await);
    assert_failure(&f, FailureKind::Tls, Phase::Connect, &["http://", &address.to_string()]);
}

#[tokio::test]
async fn http_to_a_tls_port() {
    let url = tls_server(&PKI.good, false).replace("https", "http");
    let f = failure(send(url).await);
    assert!(matches!(f.kind, FailureKind::NotHttp | FailureKind::ClosedEarly | FailureKind::Reset), "{f:?}");
    assert!(f.message.contains("use https://"), "{f:?}");
}

#[tokio::test]
async fn what_cannot_be_sent() {
    for url in ["", "/register", "register", "ftp://127.0.0.1/", "http://", "http://[::1", "mailto:a@b.example"] {
        let f = failure(send(url.into()).await);
        assert_failure(&f, FailureKind::NotSent, Phase::Connect, &["not sent"]);
    }
    let mut bad = request("http://127.0.0.1:1/".into());
    bad.headers.push("Authorization", "Bearer s3cret\r\nX: y");
    let f = failure(Transport::http(HttpSettings::default()).unwrap().send(&bad).await.0);
    assert_failure(&f, FailureKind::NotSent, Phase::Connect, &["authorization"]);
    assert!(!f.message.contains("s3cret"));
}

fn with_ca() -> HttpSettings {
    HttpSettings { extra_root_ca_pem: Some(PKI.ca.clone().into()), ..limits(AMPLE, AMPLE) }
}

#[tokio::test]
async fn tls_with_the_right_ca_or_none_at_all() {
    let url = tls_server(&PKI.good, false);
    for settings in [with_ca(), HttpSettings { insecure: true, ..limits(AMPLE, AMPLE) }] {
        let Outcome::Response(response) = send_with(settings, url.clone()).await else { panic!() };
        assert_eq!(response.status, 204);
    }
}

#[tokio::test]
async fn certificates_that_are_not_accepted() {
    let f = failure(send(tls_server(&PKI.good, false)).await);
    assert_failure(&f, FailureKind::Tls, Phase::Connect, &["untrusted", "localhost:", "CA"]);

    let f = failure(send_with(with_ca(), tls_server(&PKI.expired, false)).await);
    assert_failure(&f, FailureKind::Tls, Phase::Connect, &["expired"]);

    let url = tls_server(&PKI.good, false).replace("localhost", "127.0.0.1");
    let f = failure(send_with(with_ca(), url).await);
    assert_failure(&f, FailureKind::Tls, Phase::Connect, &["another name", "127.0.0.1"]);
}

#[tokio::test]
async fn a_client_certificate_is_wanted() {
    let url = tls_server(&PKI.good, true);
    let f = failure(send_with(with_ca(), url.clone()).await);
    assert_eq!(f.kind, FailureKind::Tls, "{}", f.message);
    assert!(f.message.contains("client certificate"), "{}", f.message);

    let settings = HttpSettings { identity_pem: Some(PKI.good.pem()), ..with_ca() };
    let Outcome::Response(response) = send_with(settings, url).await else { panic!() };
    assert_eq!(response.status, 204);
}

#[test]
fn files_that_hold_no_certificate_are_refused_at_once() {
    let refused = |settings| Transport::http(settings).unwrap_err();
    let ca = refused(HttpSettings { extra_root_ca_pem: Some(b"hello".to_vec()), ..Default::default() });
    assert!(ca.contains("CA certificates"), "{ca}");
    let key = refused(HttpSettings { identity_pem: Some(PKI.ca.clone().into()), ..Default::default() });
    assert!(key.contains("client certificate"), "{key}");
}

#[tokio::test]
async fn a_resolved_name_goes_where_it_is_told() {
    let address = canned(b"HTTP/1.1 204 X\r\n\r\n", Then::Close).await;
    let resolve = vec![("as.example".to_owned(), Ipv4Addr::LOCALHOST.into())];
    let settings = HttpSettings { resolve, ..limits(AMPLE, AMPLE) };
    let Outcome::Response(response) = send_with(settings, format!("http://as.example:{}/", address.port())).await
    else {
        panic!()
    };
    assert_eq!(response.status, 204);
}

const RAW: Manner = Manner { tls: None, framing: Some(Framing::Length) };

async fn send_raw(settings: HttpSettings, url: String, manner: Manner) -> Outcome {
    let (outcome, took) = Transport::http(settings).unwrap().send_as(&request(url), manner).await;
    assert!(took < AMPLE, "took {took:?}");
    outcome
}

#[tokio::test]
async fn a_connection_of_our_own_sees_the_same_faults() {
    let raw = |url: String| send_raw(limits(AMPLE, AMPLE), url, RAW);
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let f = failure(raw(format!("http://{nobody}/")).await);
    assert_failure(&f, FailureKind::Refused, Phase::Connect, &["refused", &nobody.to_string()]);
    let f = failure(raw("http://no-such-host.invalid/".into()).await);
    assert_failure(&f, FailureKind::Dns, Phase::Connect, &["no-such-host.invalid", "resolve"]);
    for (reply, then, kind, words) in [
        (&b""[..], Then::Reset, FailureKind::Reset, "reset the connection before any response"),
        (b"", Then::Close, FailureKind::ClosedEarly, "closed the connection before any response"),
        (b"SSH-2.0-x\r\n", Then::Hang, FailureKind::NotHttp, "what is not an HTTP response"),
    ] {
        let f = failure(raw(format!("http://{}/", canned(reply, then).await)).await);
        assert_failure(&f, kind, Phase::Head, &[words]);
    }
    let hanging = canned(b"HTTP/1.1 200 OK\r\n", Then::Hang).await;
    let f = failure(send_raw(limits(SHORT, AMPLE), format!("http://{hanging}/"), RAW).await);
    assert_failure(&f, FailureKind::FirstByteTimeout, Phase::Head, &["no complete response head"]);
    let stalled = canned(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", Then::Hang).await;
    let found = cut(send_raw(limits(AMPLE, SHORT), format!("http://{stalled}/"), RAW).await);
    assert_eq!(found, (Some(Cut::Stalled), b"abc".to_vec()));
}

#[tokio::test]
async fn a_connection_of_our_own_speaks_tls_as_the_client_does() {
    let raw = |settings, url| send_raw(settings, url, RAW);
    let url = tls_server(&PKI.good, false);
    for settings in [with_ca(), HttpSettings { insecure: true, ..limits(AMPLE, AMPLE) }] {
        let Outcome::Response(response) = raw(settings, url.clone()).await else { panic!() };
        assert_eq!(response.status, 204);
    }
    let f = failure(raw(limits(AMPLE, AMPLE), url.clone()).await);
    assert_failure(&f, FailureKind::Tls, Phase::Connect, &["untrusted", "CA"]);
    let f = failure(raw(with_ca(), tls_server(&PKI.expired, false)).await);
    assert_failure(&f, FailureKind::Tls, Phase::Connect, &["expired"]);
    let f = failure(raw(with_ca(), url.replace("localhost", "127.0.0.1")).await);
    assert_failure(&f, FailureKind::Tls, Phase::Connect, &["another name", "127.0.0.1"]);

    let mutual = tls_server(&PKI.good, true);
    let f = failure(raw(with_ca(), mutual.clone()).await);
    assert_eq!(f.kind, FailureKind::Tls, "{}", f.message);
    assert!(f.message.contains("client certificate"), "{}", f.message);
    let settings = HttpSettings { identity_pem: Some(PKI.good.pem()), ..with_ca() };
    let Outcome::Response(response) = raw(settings, mutual).await else { panic!() };
    assert_eq!(response.status, 204);
}

#[tokio::test]
async fn one_tls_version_alone_is_offered() {
    let only = |version| Manner { tls: Some(version), framing: None };
    let servers = [
        (tls_server_of(&PKI.good, false, &[&rustls::version::TLS12]), TlsVersion::V1_2, TlsVersion::V1_3),
        (tls_server_of(&PKI.good, false, &[&rustls::version::TLS13]), TlsVersion::V1_3, TlsVersion::V1_2),
    ];
    for (url, right, wrong) in servers {
        let Outcome::Response(response) = send_raw(with_ca(), url.clone(), only(right)).await else { panic!() };
        assert_eq!(response.status, 204);
        let f = failure(send_raw(with_ca(), url, only(wrong)).await);
        assert_failure(&f, FailureKind::TlsVersion, Phase::Connect, &["none of the TLS versions", "localhost:"]);
    }
    let plain = canned(b"HTTP/1.1 204 X\r\n\r\n", Then::Close).await;
    let f = failure(send_raw(with_ca(), format!("http://{plain}/"), only(TlsVersion::V1_2)).await);
    assert_failure(&f, FailureKind::NotSent, Phase::Connect, &["the URL is http"]);
}

#[tokio::test]
async fn a_resolved_name_is_used_by_a_connection_of_our_own() {
    let address = canned(b"HTTP/1.1 204 X\r\n\r\n", Then::Close).await;
    let settings =
        HttpSettings { resolve: vec![("as.example".to_owned(), Ipv4Addr::LOCALHOST.into())], ..limits(AMPLE, AMPLE) };
    let Outcome::Response(response) = send_raw(settings, format!("http://as.example:{}/", address.port()), RAW).await
    else {
        panic!()
    };
    assert_eq!(response.status, 204);
}

/// Answers each request with 204, for as long as the client keeps the connection. Says how many connections there were.
async fn patient() -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let connections = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tokio::spawn(async move {
                let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
                while let Ok(n @ 1..) = stream.read(&mut buffer).await {
                    seen.extend_from_slice(&buffer[..n]);
                    if seen.ends_with(b"{}") {
                        seen.clear();
                        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
                    }
                }
            });
        }
    });
    (url, connections)
}

#[tokio::test]
async fn connections_are_kept_only_where_that_is_asked_for() {
    let (url, connections) = patient().await;
    let transport = Transport::http(limits(AMPLE, AMPLE)).unwrap();
    let request = request(url);
    let status = |outcome: Outcome| match outcome {
        Outcome::Response(response) => response.status,
        Outcome::Failure(failure) => panic!("{failure:?}"),
    };
    for _ in 0..20 {
        assert_eq!(status(transport.send(&request).await.0), 204);
    }
    assert_eq!(connections.swap(0, std::sync::atomic::Ordering::Relaxed), 20);
    for _ in 0..20 {
        assert_eq!(status(transport.send_kept(&request).await.0), 204);
    }
    // One, or a few: a connection is free again a little after its answer is read.
    assert!(connections.load(std::sync::atomic::Ordering::Relaxed) < 20);
}
