//! Reading an HTTP/1.x response off a stream. Tolerant: what a browser would make sense of is read, and only what is no HTTP
//! response at all, or announces two lengths at once, is turned away.

use std::io;

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::{Instant, timeout_at},
};

use super::super::{Cut, Headers, Response, failure};

/// The longest response head that is read, in bytes.
const HEAD_CAP: usize = 256 * 1024;

/// Interim responses (1xx) that are passed over.
const INTERIM_CAP: usize = 16;

/// Why there is no response head.
pub(super) enum Stop {
    Io(io::Error),
    /// What came instead, in words.
    NotHttp(&'static str),
}

pub(super) struct Head {
    status: u16,
    version: String,
    headers: Headers,
    length: Length,
}

/// How the end of a body is known (RFC 9112, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Bytes(usize),
    Chunked,
    UntilClose,
}

pub(super) struct Reader<R> {
    stream: R,
    /// Read and not used yet.
    buffer: BytesMut,
    cap: usize,
    no_body: bool,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(stream: R, cap: usize, no_body: bool) -> Reader<R> {
        Reader { stream, buffer: BytesMut::with_capacity(4096), cap, no_body }
    }

    /// The head of the final response.
    pub(super) async fn head(&mut self) -> Result<Head, Stop> {
        for _ in 0..INTERIM_CAP {
            let text = self.head_bytes().await?;
            let head = parse(&text).map_err(Stop::NotHttp)?;
            // 101 ends HTTP on this connection, so it is final.
            if !(100..200).contains(&head.status) || head.status == 101 {
                return Ok(head);
            }
        }
        Err(Stop::NotHttp("interim responses without end"))
    }

    /// Everything up to the empty line.
    async fn head_bytes(&mut self) -> Result<BytesMut, Stop> {
        let mut seen = 0;
        loop {
            if let Some(end) = head_end(&self.buffer, seen) {
                return Ok(self.buffer.split_to(end));
            }
            if self.buffer.len() > HEAD_CAP {
                return Err(Stop::NotHttp("a response head that is too large"));
            }
            let start = &self.buffer[..self.buffer.len().min(5)];
            if !b"HTTP/".starts_with(start) {
                return Err(Stop::NotHttp("what is not an HTTP response"));
            }
            seen = self.buffer.len().saturating_sub(3);
            if self.more().await.map_err(Stop::Io)? == 0 {
                return Err(Stop::Io(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    async fn more(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.buffer).await
    }

    /// The body, up to the cap and until the limit.
    pub(super) async fn body(&mut self, head: Head, whole: Instant) -> Response {
        let mut body = BytesMut::new();
        let nothing = self.no_body || matches!(head.status, 101 | 204 | 304);
        let cut = if nothing {
            None
        } else {
            match timeout_at(whole, self.read_body(head.length, &mut body)).await {
                Ok(cut) => cut,
                Err(_) => Some(Cut::Stalled),
            }
        };
        body.truncate(self.cap);
        Response::new(head.status, head.version, head.headers, body.freeze(), cut)
    }

    async fn read_body(&mut self, length: Length, body: &mut BytesMut) -> Option<Cut> {
        match length {
            Length::Chunked => loop {
                let line = match self.line().await {
                    Ok(line) => line,
                    Err(cut) => return Some(cut),
                };
                let digits = line.split(';').next().unwrap_or_default().trim();
                let Ok(size) = usize::from_str_radix(digits, 16) else {
                    return Some(Cut::Broken("the framing of the body is wrong (a chunk without a size)".to_owned()));
                };
                if size == 0 {
                    return self.trailers().await;
                }
                if let Some(cut) = self.take(size, body).await {
                    return Some(cut);
                }
                match self.line().await {
                    Ok(line) if line.is_empty() => {}
                    Ok(_) => {
                        let message = "the framing of the body is wrong (a chunk is longer than its size)";
                        return Some(Cut::Broken(message.to_owned()));
                    }
                    Err(cut) => return Some(cut),
                }
            },
            Length::Bytes(length) => self.take(length, body).await,
            Length::UntilClose => loop {
                body.unsplit(self.buffer.split());
                if body.len() > self.cap {
                    return Some(Cut::Capped { limit: self.cap });
                }
                match self.more().await {
                    Ok(0) => return None,
                    Ok(_) => {}
                    // TLS ended by closing the connection alone: common, and no sign that something is missing.
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
                    Err(error) => return Some(failure::cut(&error)),
                }
            },
        }
    }

    /// Moves so many bytes to the body; the cut when they do not come.
    async fn take(&mut self, mut length: usize, body: &mut BytesMut) -> Option<Cut> {
        loop {
            let part = self.buffer.split_to(length.min(self.buffer.len()));
            length -= part.len();
            body.extend_from_slice(&part);
            if body.len() > self.cap {
                return Some(Cut::Capped { limit: self.cap });
            }
            if length == 0 {
                return None;
            }
            match self.more().await {
                Ok(0) => return Some(Cut::Truncated),
                Ok(_) => {}
                Err(error) => return Some(failure::cut(&error)),
            }
        }
    }

    /// A line of a chunked body, without its end.
    async fn line(&mut self) -> Result<String, Cut> {
        loop {
            if let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
                let line = self.buffer.split_to(end + 1);
                return Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned());
            }
            if self.buffer.len() > HEAD_CAP {
                return Err(Cut::Broken("the framing of the body is wrong (a line without end)".to_owned()));
            }
            match self.more().await {
                Ok(0) => return Err(Cut::Truncated),
                Ok(_) => {}
                Err(error) => return Err(failure::cut(&error)),
            }
        }
    }

    /// What follows the last chunk.
    async fn trailers(&mut self) -> Option<Cut> {
        loop {
            match self.line().await {
                Ok(line) if line.is_empty() => return None,
                Ok(_) => {}
                Err(cut) => return Some(cut),
            }
        }
    }
}

/// Where the head ends: behind an empty line, with CR or without. `from` is where to look on.
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    let bare = bytes[from..].windows(2).position(|w| w == b"\n\n").map(|at| from + at + 2);
    let full = bytes[from..].windows(4).position(|w| w == b"\r\n\r\n").map(|at| from + at + 4);
    match (bare, full) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn parse(bytes: &[u8]) -> Result<Head, &'static str> {
    const NOT_HTTP: &str = "what is not an HTTP response";
    let mut lines = bytes.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut words = first.split(' ').filter(|word| !word.is_empty());
    let version = words.next().filter(|word| word.starts_with("HTTP/")).ok_or(NOT_HTTP)?;
    let status = words.next().filter(|word| word.len() == 3).and_then(|word| word.parse().ok());
    let status = status.filter(|status| (100..=999).contains(status)).ok_or(NOT_HTTP)?;
    let mut headers = Headers::default();
    for line in lines.filter(|line| !line.is_empty()) {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            // A folded value goes on (RFC 9112, 5.2).
            if let Some((_, value)) = headers.0.last_mut() {
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            }
            continue;
        }
        // A line that is no field says nothing, and hides nothing of the others.
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        headers.push(String::from_utf8_lossy(&line[..colon]).trim().to_owned(), line[colon + 1..].trim_ascii());
    }
    let length = length(&headers)?;
    Ok(Head { status, version: version.to_owned(), headers, length })
}

fn length(headers: &Headers) -> Result<Length, &'static str> {
    let coded = headers.all("transfer-encoding").collect::<Vec<_>>().join(",");
    if let Some(last) = coded.split(',').map(str::trim).rfind(|coding| !coding.is_empty()) {
        return Ok(if last.eq_ignore_ascii_case("chunked") { Length::Chunked } else { Length::UntilClose });
    }
    let mut lengths: Vec<String> = headers
        .all("content-length")
        .flat_map(|v| v.split(',').map(|l| l.trim().to_owned()).collect::<Vec<_>>())
        .collect();
    lengths.dedup();
    match lengths.as_slice() {
        [] => Ok(Length::UntilClose),
        [one] if one.bytes().all(|b| b.is_ascii_digit()) => {
            one.parse().map(Length::Bytes).map_err(|_| "a Content-Length that is no number")
        }
        [_] => Err("a Content-Length that is no number"),
        _ => Err("two different Content-Lengths"),
    }
}
