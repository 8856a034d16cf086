use tokio::io::{AsyncReadExt, duplex};

use super::*;
use crate::wire::{Auth, Cut, FailureKind, Framing, Headers, Kind, Request, Response};

fn request(body: &str) -> Request {
    let mut headers = Headers::default();
    headers.push("Accept", "application/json");
    headers.push("Content-Type", "application/json");
    let url = "http://as.example:8080/a/../b?c=%7e".to_owned();
    Request {
        kind: Kind::Register,
        method: "POST".into(),
        url,
        headers,
        body: body.to_owned().into(),
        auth: Auth::None,
    }
}

fn bytes(framing: Framing) -> String {
    String::from_utf8(Message::new(&request("{\"a\":1}"), framing).unwrap().bytes).unwrap()
}

#[test]
fn the_bytes_of_every_framing() {
    assert_eq!(
        bytes(Framing::Length),
        "POST /a/../b?c=%7e HTTP/1.1\r\nhost: as.example:8080\r\nAccept: application/json\r\nContent-Type: \
         application/json\r\ncontent-length: 7\r\nconnection: close\r\n\r\n{\"a\":1}"
    );
    let chunked = bytes(Framing::Chunked);
    assert!(chunked.contains("transfer-encoding: chunked\r\n") && !chunked.contains("content-length"), "{chunked}");
    assert!(chunked.ends_with("\r\n\r\n2\r\n{\"\r\n2\r\na\"\r\n2\r\n:1\r\n1\r\n}\r\n0\r\n\r\n"), "{chunked}");
    assert!(!bytes(Framing::NoContentType).to_ascii_lowercase().contains("content-type"));
    assert_eq!(bytes(Framing::ContentTypeTwice).to_ascii_lowercase().matches("content-type: ").count(), 2);
    assert!(bytes(Framing::LengthTooLong).contains("content-length: 71\r\n"));
    assert!(bytes(Framing::LengthTooShort).contains("content-length: 3\r\n"));
    assert!(bytes(Framing::Folded).contains("Content-Type: application/json;\r\n charset=utf-8\r\n"));
    assert!(bytes(Framing::OddFields).contains("cOnTeNt-tYpE:\t  application/json \t\r\n"));
}

#[test]
fn only_one_framing_breaks_off_and_no_field_can_be_smuggled_in() {
    for framing in Framing::ALL {
        assert_eq!(Message::new(&request("{}"), framing).unwrap().breaks_off, framing == Framing::LengthTooLong);
        let mut bad = request("{}");
        bad.headers.push("X-A", "1\r\nX-B: 2");
        assert!(Message::new(&bad, framing).is_err_and(|f| f.kind == FailureKind::NotSent));
    }
    let own = |name: &str, value: &str| {
        let mut own = request("{}");
        own.headers.push(name, value);
        String::from_utf8(Message::new(&own, Framing::Chunked).unwrap().bytes).unwrap()
    };
    assert!(!own("Content-Length", "2").contains("Content-Length"));
    for url in ["", "/register", "http://"] {
        assert!(Message::new(&Request { url: url.into(), ..request("") }, Framing::Length).is_err(), "{url}");
    }
}

fn limits() -> Limits {
    let ample = Duration::from_secs(10);
    Limits { connect: ample, first_byte: ample, whole: ample, body_cap: 8 }
}

/// A peer that reads the request to its end, answers with these bytes and closes.
async fn answered(reply: &'static [u8], method: &str) -> Result<Outcome, Failure> {
    let message = Message::new(&Request { method: method.into(), ..request("{}") }, Framing::Length).unwrap();
    let (ours, mut theirs) = duplex(64);
    let length = message.bytes.len();
    let peer = tokio::spawn(async move {
        let mut seen = vec![0; length];
        theirs.read_exact(&mut seen).await.unwrap();
        let _ = theirs.write_all(reply).await;
    });
    let place = Place::parse("http://as.example/").unwrap();
    let outcome = exchange(ours, &message, &place, limits(), Instant::now()).await;
    peer.await.unwrap();
    outcome
}

async fn response(reply: &'static [u8]) -> Response {
    match answered(reply, "POST").await {
        Ok(Outcome::Response(response)) => response,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_response_in_every_framing() {
    for (reply, body, cut) in [
        (&b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"[..], &b"{}"[..], None),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}more", b"{}", None),
        (b"HTTP/1.1 201\r\nContent-Length: 2, 2\r\n\r\n{}", b"{}", None),
        (b"HTTP/1.1 201 Created\nX: y\n\n{}", b"{}", None),
        (b"HTTP/1.0 201 Created\r\n\r\n{}", b"{}", None),
        (b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nT: 1\r\n\r\n", b"{}", None),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 201 C\r\n\r\n{}", b"{}", None),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b"", None),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\n{}", b"{}", Some(Cut::Truncated)),
        (b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}", b"{}", Some(Cut::Truncated)),
        (b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", b"{}", Some(Cut::Truncated)),
        (b"HTTP/1.1 201 Created\r\n\r\n123456789", b"12345678", Some(Cut::Capped { limit: 8 })),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n123456789", b"12345678", Some(Cut::Capped { limit: 8 })),
    ] {
        let response = response(reply).await;
        let shown = String::from_utf8_lossy(reply);
        assert_eq!((&response.body[..], &response.cut), (body, &cut), "{shown}");
        assert!(response.status == 201 || response.status == 204, "{shown}");
    }
    for reply in [
        &b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"[..],
        b"HTTP/1.1 201 C\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
    ] {
        assert!(matches!(response(reply).await.cut, Some(Cut::Broken(how)) if how.contains("framing")));
    }
}

#[tokio::test]
async fn fields_stay_as_they_came() {
    let response =
        response(b"HTTP/1.1 400 Bad\r\nX-A:  b \r\nno field\r\nx-a:c\r\n  folded\r\nX-B: \xff\r\n\r\n").await;
    let fields: Vec<(&str, &[u8])> = response.headers.0.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
    assert_eq!(fields, [("X-A", &b"b"[..]), ("x-a", b"c folded"), ("X-B", b"\xff")]);
    assert_eq!((response.status, response.version.as_str()), (400, "HTTP/1.1"));
}

#[tokio::test]
async fn a_response_to_head_has_no_body() {
    let Ok(Outcome::Response(r)) = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD").await else {
        panic!()
    };
    assert_eq!((r.status, r.cut), (200, None));
}

#[tokio::test]
async fn what_is_no_response() {
    for (reply, kind, words) in [
        (&b""[..], FailureKind::ClosedEarly, "closed the connection before any response"),
        (b"HTTP/1.1 201 Cre", FailureKind::ClosedEarly, "closed the connection"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", FailureKind::NotHttp, "what is not an HTTP response"),
        (b"HTTP/1.1 abc\r\n\r\n", FailureKind::NotHttp, "what is not an HTTP response"),
        (b"HTTP/1.1 201 C\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", FailureKind::NotHttp, "two different"),
        (b"HTTP/1.1 201 C\r\nContent-Length: -1\r\n\r\n{}", FailureKind::NotHttp, "no number"),
    ] {
        let failure = answered(reply, "POST").await.unwrap_err();
        assert_eq!(failure.kind, kind, "{}", failure.message);
        assert!(failure.message.contains(words) && failure.message.contains("as.example:80"), "{}", failure.message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_hangs_is_waited_for_no_longer_than_the_limits() {
    let message = Message::new(&request("{}"), Framing::Length).unwrap();
    let place = Place::parse("http://as.example/").unwrap();
    let limits = Limits { first_byte: Duration::from_secs(2), whole: Duration::from_secs(5), ..limits() };
    let (ours, _theirs) = duplex(4096);
    let start = Instant::now();
    let failure = exchange(ours, &message, &place, limits, start).await.unwrap_err();
    assert_eq!((failure.kind, start.elapsed()), (FailureKind::FirstByteTimeout, limits.first_byte));
    let (ours, mut theirs) = duplex(4096);
    theirs.write_all(b"HTTP/1.1 200 OK\r\n\r\nhalf").await.unwrap();
    let start = Instant::now();
    let Ok(Outcome::Response(r)) = exchange(ours, &message, &place, limits, start).await else { panic!() };
    assert_eq!((&r.body[..], r.cut, start.elapsed()), (&b"half"[..], Some(Cut::Stalled), limits.whole));
}

/// A server that answers before it has read everything, as with 413, is heard.
#[tokio::test]
async fn an_early_answer_is_read_while_the_request_is_still_being_sent() {
    let long = "x".repeat(100_000);
    let message = Message::new(&request(&long), Framing::Length).unwrap();
    let place = Place::parse("http://as.example/").unwrap();
    let (ours, mut theirs) = duplex(64);
    let peer = tokio::spawn(async move {
        theirs.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        theirs
    });
    let Ok(Outcome::Response(r)) = exchange(ours, &message, &place, limits(), Instant::now()).await else { panic!() };
    assert_eq!(r.status, 413);
    peer.await.unwrap();
}
