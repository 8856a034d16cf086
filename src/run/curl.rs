//! A line that repeats a request by hand.

use crate::wire::{Auth, Exchange, Framing, Kind, Redactor, Request, TlsVersion};

/// The curl line for the request of an exchange, or nothing when a shell cannot carry its bytes, curl cannot frame them, or they
/// hold a secret.
/// The initial access token is left to the variable `DCRSPEC_TOKEN`, a registration access token to
/// `REGISTRATION_ACCESS_TOKEN`.
pub fn line(exchange: &Exchange, redactor: &Redactor) -> Option<String> {
    let request = &exchange.request;
    match exchange.manner.framing {
        None | Some(Framing::Length | Framing::Chunked | Framing::NoContentType) => {}
        // curl writes names and lengths as it likes.
        Some(_) => return None,
    }
    let body = std::str::from_utf8(&request.body).ok()?;
    if body.contains('\0') || body.len() > 100_000 {
        return None;
    }
    // What hides a secret of the payload is not what was sent.
    let shown = redactor.text(body);
    if request.kind == Kind::Register && shown != body {
        return None;
    }
    // Without data curl expects no body after HEAD only when it is told so.
    let mut line = match request.method.as_str() {
        "HEAD" => "curl -sS --head".to_owned(),
        method => format!("curl -sS -i -X {method}"),
    };
    line.push_str(match exchange.manner.tls {
        None => "",
        Some(TlsVersion::V1_2) => " --tlsv1.2 --tls-max 1.2",
        Some(TlsVersion::V1_3) => " --tlsv1.3",
    });
    line.push_str(&format!(" {}", quoted(&request.url)));
    for (name, value) in &request.headers.0 {
        // The length is curl's own to count, and each of its calls has a connection of its own.
        if exchange.manner.framing.is_some() && ["content-length", "connection"].contains(&name.as_str()) {
            continue;
        }
        let value = std::str::from_utf8(value).ok()?;
        if name.eq_ignore_ascii_case("authorization") {
            match request.auth {
                Auth::Initial => line.push_str(" -H \"authorization: Bearer $DCRSPEC_TOKEN\""),
                Auth::Truncated if about_client(request) => {
                    line.push_str(" -H \"authorization: Bearer ${REGISTRATION_ACCESS_TOKEN%????}\"");
                }
                Auth::Truncated => line.push_str(" -H \"authorization: Bearer ${DCRSPEC_TOKEN%???}\""),
                Auth::Registration => line.push_str(" -H \"authorization: Bearer $REGISTRATION_ACCESS_TOKEN\""),
                Auth::Altered => line.push_str(" -H \"authorization: Bearer $ALTERED_REGISTRATION_ACCESS_TOKEN\""),
                Auth::Former => line.push_str(" -H \"authorization: Bearer $FORMER_REGISTRATION_ACCESS_TOKEN\""),
                Auth::Another => line.push_str(" -H \"authorization: Bearer $REGISTRATION_ACCESS_TOKEN_OF_ANOTHER\""),
                Auth::Client => line.push_str(" -u \"$CLIENT_ID:$CLIENT_SECRET\""),
                Auth::Random | Auth::None => line.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}")))),
            }
        } else {
            line.push_str(&format!(" -H {}", quoted(&redactor.text(&format!("{name}: {value}")))));
        }
    }
    if !request.headers.0.iter().any(|(n, _)| n.eq_ignore_ascii_case("content-type")) && !body.is_empty() {
        // curl would label the data as a form.
        line.push_str(" -H content-type:");
    }
    if !body.is_empty() {
        line.push_str(&format!(" --data-binary {}", quoted(&shown)));
    }
    Some(line)
}

/// Whether the request goes to a client configuration endpoint (RFC 7592, 2).
fn about_client(request: &Request) -> bool {
    matches!(request.kind, Kind::Read | Kind::Update | Kind::Delete | Kind::Other)
}

/// A word in single quotes, as every POSIX shell reads it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        target::registration,
        wire::{Failure, FailureKind, Manner, Outcome, Phase},
    };

    fn line_of(manner: Manner) -> Option<String> {
        let mut request = registration("https://as.example/register", Some("application/json"), "{}");
        if let Some(framing) = manner.framing {
            framing.mark(&mut request);
        }
        let failure = Failure { kind: FailureKind::Other, phase: Phase::Head, message: String::new() };
        let (at, outcome) = (jiff::Timestamp::UNIX_EPOCH, Outcome::Failure(failure));
        let mut exchange = Exchange::new(1, at, request, outcome, Default::default());
        exchange.manner = manner;
        line(&exchange, &Redactor::new())
    }

    #[test]
    fn curl_says_what_it_can_and_nothing_else() {
        let plain = "curl -sS -i -X POST 'https://as.example/register' -H 'accept: application/json' \
                     -H 'content-type: application/json' --data-binary '{}'";
        assert_eq!(line_of(Manner::default()).as_deref(), Some(plain));
        let framed = |framing| line_of(Manner { tls: None, framing: Some(framing) });
        assert_eq!(framed(Framing::Length).as_deref(), Some(plain));
        let chunked = framed(Framing::Chunked).unwrap();
        assert!(chunked.ends_with(" -H 'transfer-encoding: chunked' --data-binary '{}'"), "{chunked}");
        let untyped = framed(Framing::NoContentType).unwrap();
        assert!(untyped.ends_with("-H 'accept: application/json' -H content-type: --data-binary '{}'"), "{untyped}");
        for framing in Framing::ALL.into_iter().filter(|f| !f.is_valid_http()) {
            assert_eq!(framed(framing), None, "{framing:?}");
        }
        let tls = line_of(Manner { tls: Some(TlsVersion::V1_2), framing: None }).unwrap();
        assert!(tls.starts_with("curl -sS -i -X POST --tlsv1.2 --tls-max 1.2 'https://"), "{tls}");
    }
}
