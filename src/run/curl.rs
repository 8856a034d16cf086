//! A line that repeats a request by hand.

use crate::wire::{Auth, Kind, Redactor, Request};

/// The curl line for a request, or nothing when a shell cannot carry its bytes. The initial access token is left to the
/// variable `DCRSPEC_TOKEN`, a registration access token to `REGISTRATION_ACCESS_TOKEN`.
pub fn line(request: &Request, redactor: &Redactor) -> Option<String> {
    let body = std::str::from_utf8(&request.body).ok()?;
    if body.contains('\0') || body.len() > 100_000 {
        return None;
    }
    // Without data curl expects no body after HEAD only when it is told so.
    let mut line = match request.method.as_str() {
        "HEAD" => "curl -sS --head".to_owned(),
        method => format!("curl -sS -i -X {method}"),
    };
    line.push_str(&format!(" {}", quoted(&request.url)));
    for (name, value) in &request.headers.0 {
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
        line.push_str(&format!(" --data-binary {}", quoted(&redactor.text(body))));
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
