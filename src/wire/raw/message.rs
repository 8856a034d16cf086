//! From a request to the bytes of an HTTP/1.1 message.

use http::{HeaderValue, Uri};

use super::super::{Failure, Framing, Headers, Request, failure::not_sent, service};

/// The bytes of a request, and how they end.
pub(in crate::wire) struct Message {
    pub(super) bytes: Vec<u8>,
    /// Nothing follows, though more was announced: the sending side of the connection is closed.
    pub(super) breaks_off: bool,
    method: String,
}

impl Message {
    /// A response to HEAD has no body, whatever its fields say (RFC 9112, 6.3).
    pub(super) fn expects_no_body(&self) -> bool {
        self.method == "HEAD"
    }

    /// The message for a request, framed by hand. The connection is to be closed after it. Fails where the URL, the method
    /// or a field holds what HTTP does not allow: a line end in a value would make up fields that nobody asked for.
    pub(in crate::wire) fn new(request: &Request, framing: Framing) -> Result<Message, Failure> {
        let method = service::method(request)?;
        service::header_map(request)?;
        let (host, target) = place(&request.url)?;
        let mut marked = request.clone();
        framing.mark(&mut marked);
        let mut fields = Headers::default();
        fields.push("host", host);
        fields.0.extend(marked.headers.0);
        if fields.first("accept").is_none() {
            fields.push("accept", "*/*");
        }
        if framing == Framing::Folded {
            for (_, value) in fields.0.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                value.extend_from_slice(b";\r\n charset=utf-8");
            }
        }
        let mut bytes = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
        for (name, value) in &fields.0 {
            let odd = framing == Framing::OddFields;
            bytes.extend_from_slice(if odd { mixed(name) } else { name.clone() }.as_bytes());
            bytes.extend_from_slice(if odd { b":\t  " } else { b": " });
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(if odd { b" \t\r\n" } else { b"\r\n" });
        }
        bytes.extend_from_slice(b"\r\n");
        match framing {
            Framing::Chunked => chunk(&request.body, &mut bytes),
            _ => bytes.extend_from_slice(&request.body),
        }
        Ok(Message { bytes, breaks_off: framing == Framing::LengthTooLong, method: method.to_string() })
    }
}

/// The authority for Host and the target in origin form, neither of them rewritten.
fn place(url: &str) -> Result<(String, String), Failure> {
    let uri: Uri = url
        .parse()
        .map_err(|e| not_sent(format!("the URL cannot be used ({e}): it has to be absolute, http or https")))?;
    let Some(authority) = uri.authority() else {
        return Err(not_sent("the URL names no host: it has to be absolute, http or https".to_owned()));
    };
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    HeaderValue::from_str(host).map_err(|e| not_sent(format!("the host of the URL: {e}")))?;
    let target = uri.path_and_query().map_or("/", |p| p.as_str());
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    Ok((host.to_owned(), target))
}

/// `content-type` as `cOnTeNt-tYpE`: the same name (RFC 9110, 5.1).
fn mixed(name: &str) -> String {
    let letter = |(i, c): (usize, char)| if i % 2 == 1 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    name.chars().enumerate().map(letter).collect()
}

/// Several chunks, so that a reader of the first one alone is found out (RFC 9112, 7.1).
fn chunk(body: &[u8], bytes: &mut Vec<u8>) {
    for part in body.chunks((body.len() / 3).max(1)) {
        bytes.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
}
