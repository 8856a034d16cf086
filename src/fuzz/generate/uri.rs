//! URIs at the edges. Hosts are names that RFC 2606 and RFC 6761 reserve, 192.0.2.0/24 (RFC 5737), or the own machine:
//! nothing here ever leads to a stranger, nor to an address at which clouds keep their secrets.

use super::{
    dice::Dice,
    structure::{Mutation, Node},
};

/// URIs that servers keep.
const GOOD: &[&str] = &[
    "https://client.example.org/callback",
    "https://client.example.org/other",
    "https://client.example.com:8443/cb?tenant=1",
    "http://127.0.0.1:33418/callback",
    "http://localhost/cb",
    "http://[::1]:9/cb",
    "com.example.app:/oauth/callback",
    "HTTPS://client.example.org/cb",
];

/// URIs that are wrong in one way each, or that parsers read in more than one way.
const ODD: &[&str] = &[
    "http://client.example.org/callback",
    "https://client.example.org/callback#frag",
    "https://client.example.org/callback#",
    "/callback",
    "client.example.org/callback",
    "//client.example.org/callback",
    "javascript:void(0)",
    "JavaScript:void(0)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/hostname",
    "about:blank",
    "https://client.example.org/call back",
    "https://client.example.org/callback https://other.client.example.org/callback",
    "https://client.example.org/call\r\nback",
    "https://client.example.org/call\tback",
    " https://client.example.org/callback",
    "https://client.example.org/callback\u{0}",
    "https://user:word@client.example.org/cb",
    "https://client.example.org@other.example/cb",
    "https://*.example.org/cb",
    "https://client.example.org:0/cb",
    "https://client.example.org:65536/cb",
    "https://client.example.org:/cb",
    "https://client.example.org:443/cb",
    "https:client.example.org",
    "https:/client.example.org/cb",
    "https:///cb",
    "https://",
    "https",
    ":",
    "://client.example.org",
    "https://client.example.org/a/../b/./c",
    "https://client.example.org/%2e%2e/cb",
    "https://client.example.org/%zz",
    "https://client.example.org/%00",
    "https://client.example.org\\@other.example/cb",
    "https:\\\\client.example.org\\cb",
    "https://client.example.org/größe",
    "https://bücher.example/cb",
    "https://xn--bcher-kva.example/cb",
    "https://client.example.org./cb",
    "https://client.example.org/cb?a=b&a=c#x?y",
    "https://192.0.2.7/cb",
    "http://192.0.2.7/cb",
    "https://[2001:db8::1]/cb",
    "https://[2001:db8::1/cb",
    "https://[::ffff:192.0.2.7]/cb",
    "http://127.0.0.1.example.org/cb",
    "http://localhost.example.org/cb",
    "http://2130706433/cb",
    "http://0x7f.1/cb",
    "http://localhost@client.example.org/cb",
    "urn:ietf:wg:oauth:2.0:oob",
    "mailto:a@client.example.org",
    "ms-word:ofe|u|https://client.example.org/x",
    "a:b",
    "${registration_client_uri#0}",
    "https://client.example.org/{template}",
    "https://client.example.org/<script>",
    "https://client.example.org/'\"",
    "https://client\u{202e}.example.org/cb",
    "https://client。example.org/cb",
];

/// Schemes that a redirection URI or a page could be given.
const SCHEMES: &[&str] = &["https", "http", "com.example.app", "javascript", "data", "ftp", "ws", "blob", "HtTpS"];
const HOSTS: &[&str] = &[
    "client.example.org",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "192.0.2.7",
    "client.example.org.",
    "CLIENT.EXAMPLE.ORG",
    "a.test",
    "b.invalid",
    "",
    "-.example",
    "a..example",
];
const PATHS: &[&str] = &["/callback", "", "/", "//", "/a;b=c", "/a%20b", "/%E2%82%AC", "/..;/", "/a|b", "/?", "/a b"];
const ENDS: &[&str] = &["", "?x=1", "?", "#f", "?redirect_uri=https%3A%2F%2Fother.example", "?a=${client_id#1}"];

/// Names and addresses at which nobody is but ourselves (RFC 2606, RFC 6761, RFC 5737, RFC 3849, loopback).
pub fn is_reserved(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let under = |name: &str| host == name || host.ends_with(&format!(".{name}"));
    ["example", "test", "invalid", "localhost", "example.org", "example.com", "example.net"].into_iter().any(under)
        || ["127.", "192.0.2.", "::1", "::ffff:192.0.2.", "2001:db8:"].iter().any(|start| host.starts_with(start))
}

/// The hosts that a text could be read to name: what follows two slashes, and every word with a dot in it.
pub fn hosts(text: &str) -> Vec<String> {
    let authority = |rest: &str| {
        let authority =
            rest.split(['/', '\\', '?', '#', ' ', '"', '\'', '<', '&', ',', ';', '{']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        match host.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default().to_ascii_lowercase(),
            None => host.split(':').next().unwrap_or_default().to_ascii_lowercase(),
        }
    };
    let slashes = text.split("//").skip(1).map(authority);
    let dotted = text
        .split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-' | '_')))
        .filter(|word| word.contains('.') && word.contains(char::is_alphabetic))
        .map(str::to_ascii_lowercase);
    slashes.chain(dotted).filter(|host| !host.is_empty()).collect()
}

/// Whether a part of a text names no host that the whole did not name: half a reserved name can be a stranger's.
pub fn stays_home(part: &str, whole: &str) -> bool {
    let known = hosts(whole);
    hosts(part).iter().all(|host| is_reserved(host) || known.contains(host))
}

/// A lawful URI.
pub fn good(dice: &mut Dice) -> String {
    dice.pick(GOOD).to_owned()
}

/// A URI that something is the matter with, more often than not.
pub fn odd(dice: &mut Dice) -> String {
    if dice.one_in(4) {
        let port = dice.pick(&["", ":8443", ":0", ":99999", ":-1", ":٣"]);
        return format!("{}://{}{port}{}{}", dice.pick(SCHEMES), dice.pick(HOSTS), dice.pick(PATHS), dice.pick(ENDS));
    }
    dice.pick(ODD).to_owned()
}

/// A URI as one text.
pub fn uri(dice: &mut Dice) -> (Node, Mutation) {
    match dice.weighted(&[3, 8, 1]) {
        0 => (Node::text(good(dice)), Mutation::Valid),
        1 => (Node::text(odd(dice)), Mutation::Uri),
        _ => (
            Node::Text(format!("https://client.example.org/{}", "a".repeat(dice.pick(&[1, 2000, 9000])))),
            Mutation::Long,
        ),
    }
}

/// An array of URIs.
pub fn uris(dice: &mut Dice) -> (Node, Mutation) {
    match dice.weighted(&[3, 8, 3, 1, 1]) {
        0 => {
            let count = 1 + dice.below(3);
            (Node::Array((0..count).map(|_| Node::text(good(dice))).collect()), Mutation::Valid)
        }
        1 => (Node::Array(vec![Node::text(odd(dice))]), Mutation::Uri),
        2 => {
            let mut items = vec![Node::text(good(dice)), Node::text(odd(dice))];
            if dice.one_in(2) {
                items.reverse();
            }
            (Node::Array(items), Mutation::Uri)
        }
        3 => {
            let uri = good(dice);
            (Node::Array(vec![Node::text(uri.clone()), Node::text(uri)]), Mutation::Twice)
        }
        _ => {
            let count = dice.pick(&[10, 100, 600]);
            let items = (0..count).map(|n| Node::Text(format!("https://client.example.org/{n}"))).collect();
            (Node::Array(items), Mutation::Long)
        }
    }
}
