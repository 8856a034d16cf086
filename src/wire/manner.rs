//! Ways to put a request on the wire that no HTTP client offers: one TLS version alone, and framings of every kind.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Request;

/// How a request is put on the wire, where that is not the ordinary way. Whatever is not ordinary has a connection of its
/// own, HTTP/1.1, and its bytes are written as they are here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// The only version that the TLS handshake offers.
    pub tls: Option<TlsVersion>,
    /// How the message is framed.
    pub framing: Option<Framing>,
}

impl Manner {
    /// An HTTP client's own way.
    pub fn is_ordinary(self) -> bool {
        self == Manner::default()
    }

    /// Whether the request is right by RFC 9110 and RFC 9112. What is not may meet a proxy that hands it to others.
    pub fn is_valid_http(self) -> bool {
        self.framing.is_none_or(Framing::is_valid_http)
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "1.2")]
    V1_2,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    V1_3,
}

impl TlsVersion {
    /// `1.2` or `1.3`.
    pub const fn as_str(self) -> &'static str {
        match self {
            TlsVersion::V1_2 => "1.2",
            TlsVersion::V1_3 => "1.3",
        }
    }
}

/// How a message is framed on the wire (RFC 9112).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// With Content-Length: what every client sends, in exact bytes.
    Length,
    /// With Transfer-Encoding: chunked, in several chunks.
    Chunked,
    /// Without Content-Type.
    NoContentType,
    /// Field names in a mixture of letters (`cOnTeNt-TyPe`), values with more white space around them than is usual.
    OddFields,
    /// Content-Type twice, which no sender may do (RFC 9110, 8.3). Not valid HTTP.
    ContentTypeTwice,
    /// A Content-Length larger than the body, which then breaks off. Not valid HTTP.
    LengthTooLong,
    /// A Content-Length smaller than the body: the rest stands where the next request would. Not valid HTTP.
    LengthTooShort,
    /// Content-Type folded over two lines, which no sender may do (RFC 9112, 5.2). Not valid HTTP.
    Folded,
}

impl Framing {
    /// Gives a request the header fields that this framing has on the wire, so that rules and reports see them too. Doing it
    /// twice changes nothing more.
    pub fn mark(self, request: &mut Request) {
        let length = request.body.len();
        let fields = &mut request.headers;
        let is = |name: &str, wanted: &str| name.eq_ignore_ascii_case(wanted);
        // What the request says of its own framing would contradict the one that is asked for.
        fields.0.retain(|(name, _)| {
            !["content-length", "transfer-encoding", "connection"].iter().any(|framing| is(name, framing))
        });
        match self {
            Framing::NoContentType => fields.0.retain(|(name, _)| !is(name, "content-type")),
            Framing::ContentTypeTwice if fields.all("content-type").count() < 2 => {
                let value = fields.first("content-type").unwrap_or_else(|| "application/json".into());
                fields.push("content-type", value);
            }
            _ => {}
        }
        match self {
            Framing::Chunked => fields.push("transfer-encoding", "chunked"),
            Framing::LengthTooLong => fields.push("content-length", (length + 64).to_string()),
            Framing::LengthTooShort => fields.push("content-length", (length / 2).to_string()),
            _ if length > 0 || ["POST", "PUT", "PATCH"].contains(&request.method.as_str()) => {
                fields.push("content-length", length.to_string());
            }
            _ => {}
        }
        fields.push("connection", "close");
    }

    /// Every framing.
    pub const ALL: [Framing; 8] = [
        Framing::Length,
        Framing::Chunked,
        Framing::NoContentType,
        Framing::OddFields,
        Framing::ContentTypeTwice,
        Framing::LengthTooLong,
        Framing::LengthTooShort,
        Framing::Folded,
    ];

    /// Whether a reader that goes by the framing gets all that it waits for.
    pub fn is_complete(self) -> bool {
        self != Framing::LengthTooLong
    }

    /// Whether a sender may frame a message like this.
    pub fn is_valid_http(self) -> bool {
        !matches!(self, Framing::ContentTypeTwice | Framing::LengthTooLong | Framing::LengthTooShort | Framing::Folded)
    }
}
