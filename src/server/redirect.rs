//! Which redirection URIs the reference server registers (RFC 7591, sections 2 and 5; RFC 6749, section 3.1.2; RFC 8252, section 7).

use std::net::{Ipv4Addr, Ipv6Addr};

use fluent_uri::{Uri, UriRef, component::Authority};

use super::defects::{Fault, Faults};

/// Schemes that are not private to one application: a browser runs or resolves them, or another program owns them. The first six are
/// the ones that a browser runs, or that open what no application owns.
const FOREIGN_SCHEMES: [&str; 20] = [
    "javascript",
    "data",
    "vbscript",
    "blob",
    "about",
    "file",
    "view-source",
    "filesystem",
    "jar",
    "ftp",
    "ftps",
    "ws",
    "wss",
    "mailto",
    "tel",
    "sms",
    "smb",
    "intent",
    "urn",
    "chrome",
];

/// How many of `FOREIGN_SCHEMES` are active content.
const ACTIVE: usize = 6;

/// Why a redirection URI is refused. The sentence is ASCII and quotes nothing of what the client sent.
pub(super) type Reason = &'static str;

/// Checks one redirection URI.
pub(super) fn check(uri: &str, faults: &Faults) -> Result<(), Reason> {
    let cleaned: String;
    let uri = if faults.has(Fault::RedirectWhitespaceKept) {
        cleaned = uri.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
        &cleaned
    } else {
        uri
    };
    let Ok(parsed) = Uri::parse(uri) else {
        let relative = !uri.is_empty() && UriRef::parse(uri).is_ok();
        return match relative {
            true if faults.has(Fault::RedirectRelativeKept) => Ok(()),
            true => Err("A redirection URI must be absolute."),
            false => Err("A redirection URI must be a URI as RFC 3986 defines it."),
        };
    };
    // RFC 3986, section 3.5: the fragment component is there as soon as the number sign is, be it empty.
    if parsed.has_fragment() && !faults.has(Fault::RedirectFragmentKept) {
        return Err("A redirection URI must not have a fragment.");
    }
    let scheme = parsed.scheme().as_str().to_ascii_lowercase();
    match scheme.as_str() {
        "https" => check_authority(parsed.authority()).map(|_| ()),
        "http" => {
            let authority = check_authority(parsed.authority())?;
            if is_loopback(authority.host()) || faults.has(Fault::RedirectHttpAnywhere) {
                Ok(())
            } else {
                Err("A redirection URI with the scheme http must lead to the local machine.")
            }
        }
        scheme => match FOREIGN_SCHEMES.iter().position(|known| *known == scheme) {
            Some(index) if index < ACTIVE && faults.has(Fault::RedirectActiveScheme) => Ok(()),
            Some(_) => Err("The scheme of a redirection URI must be https, http or private to the client."),
            None if scheme.starts_with("ms-") => Err("The scheme of a redirection URI must be private to the client."),
            None => Ok(()),
        },
    }
}

/// The authority of a web URI: a host without user information, which would hide the host from a reader, and without a wildcard,
/// which some server further on might honour.
fn check_authority(authority: Option<Authority<'_>>) -> Result<Authority<'_>, Reason> {
    let authority = authority.ok_or("A redirection URI with the scheme https or http must name a host.")?;
    let host = authority.host();
    if host.is_empty() {
        return Err("A redirection URI with the scheme https or http must name a host.");
    }
    if authority.has_userinfo() {
        return Err("A redirection URI must not have user information.");
    }
    if host.contains(['*', '%']) {
        return Err("The host of a redirection URI must not have wildcards or percent-encoded characters.");
    }
    if authority.port_to_u16().is_err() {
        return Err("The port of a redirection URI is out of range.");
    }
    Ok(authority)
}

/// The local machine, by name or by address; no other spelling of the address is taken for it.
fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(address) => address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback()),
        None => {
            host.eq_ignore_ascii_case("localhost")
                || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_web_loopback_and_private_uris() {
        for uri in [
            "https://client.example.org/callback",
            "HTTPS://client.example.org:8443/cb?tenant=1",
            "http://127.0.0.1:33418/callback",
            "http://127.8.8.8/cb",
            "http://localhost/cb",
            "http://[::1]:9/cb",
            "com.example.app:/cb",
            "cursor://anysphere.cursor-retrieval/oauth/callback",
        ] {
            assert_eq!(check(uri, &Faults::default()), Ok(()), "{uri}");
        }
    }

    #[test]
    fn refuses_what_is_no_redirection_uri() {
        for uri in [
            "",
            "/callback",
            "client.example.org/cb",
            "//client.example.org/cb",
            "https://client.example.org/cb#",
            "https://client.example.org/cb#frag",
            "https://client.example.org/a b",
            "https://client.example.org/cb\r\n",
            "https://b\u{fc}cher.example/cb",
            "https:///cb",
            "https://user@client.example.org/cb",
            "https://*.example.org/cb",
            "http://client.example.org/cb",
            "http://localhost.example.org/cb",
            "http://127.0.0.1.example.org/cb",
            "http://127.1/cb",
            "JavaScript:void(0)",
            "data:text/html,x",
            "ms-word:x",
        ] {
            assert!(check(uri, &Faults::default()).is_err(), "{uri}");
        }
    }
}
