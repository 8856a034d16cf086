//! From a structure to the bytes of a request at one target: slots are filled in, and every way of writing JSON is
//! taken literally, wrong ones too.

use serde_json::{Map, Value};

use super::generate::{Base, Credentials, Input, Label, Member, Mutation, Node, Shape, Style, Variant};
use crate::{
    suite::variables,
    wire::{Auth, Headers, Kind, Request},
};

/// What a target gives to a request.
pub struct Ground<'g> {
    pub endpoint: &'g str,
    pub content_type: &'g str,
    /// The metadata of the base client; empty where nothing is varied.
    pub base: &'g Map<String, Value>,
    /// The software_id that marks a client as ours.
    pub marker: &'g str,
    /// The value of a slot.
    pub bind: &'g dyn Fn(&str) -> Option<String>,
}

/// The request that an input stands for; `variant` is the other form that is compared with.
pub fn request(input: &Input, variant: Option<&Variant>, ground: &Ground) -> Request {
    let mut members = members(input, ground);
    let mut style = input.writing.style;
    let mut label = input.envelope.label.clone();
    match variant {
        Some(Variant::Style(other)) => style = *other,
        Some(Variant::Label(other)) => label = Label::Text(other.clone()),
        Some(Variant::Unknown(value)) => {
            // The marker makes the name as random as it is.
            members.push((format!("x-{}", ground.marker), value.clone()));
        }
        // How the message is framed is the bench's to say.
        Some(Variant::Chunks) | None => {}
    }
    if style == Style::Reverse {
        members.reverse();
    }
    let envelope = &input.envelope;
    let method = envelope.method.clone().unwrap_or_else(|| "POST".to_owned());
    let mut url = ground.endpoint.to_owned();
    let bodiless = envelope.in_query || matches!(method.as_str(), "HEAD" | "OPTIONS");
    if envelope.in_query {
        let query = String::from_utf8_lossy(&form(&members)).into_owned();
        url = format!("{url}{}{query}", if url.contains('?') { '&' } else { '?' });
    }
    let body = if bodiless { Vec::new() } else { body(input, &members, style, ground.bind) };
    let mut headers = Headers::default();
    if !envelope.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
        headers.push("accept", "application/json");
    }
    match label {
        _ if bodiless => {}
        Label::Own => headers.push("content-type", ground.content_type),
        Label::None => {}
        Label::Text(text) => headers.push("content-type", text),
    }
    for (name, value) in &envelope.headers {
        headers.push(name.clone(), fill(value, ground.bind).into_bytes());
    }
    let kind = if method == "POST" { Kind::Register } else { Kind::Probe };
    Request { kind, method, url, headers, body: body.into(), auth: Auth::None }
}

/// The credentials that an input asks for, at a target whose own are `own`.
pub fn auth(credentials: Credentials, own: Auth) -> Auth {
    match credentials {
        Credentials::Own => own,
        Credentials::None => Auth::None,
        Credentials::Random => Auth::Random,
        Credentials::Truncated if own == Auth::Initial => Auth::Truncated,
        Credentials::Truncated => Auth::Random,
    }
}

/// The members in the order in which they are written, slots filled in.
fn members(input: &Input, ground: &Ground) -> Vec<(String, Node)> {
    let mut members: Vec<(String, Node)> = Vec::new();
    if input.base != Base::Nothing {
        members.extend(ground.base.iter().map(|(name, value)| (name.clone(), Node::of(value))));
    }
    members.retain(|(name, _)| !input.omit.contains(name));
    let mut fresh: Vec<&Member> = Vec::new();
    for member in &input.set {
        let known = !fresh.iter().any(|m| m.name == member.name);
        fresh.push(member);
        match members.iter_mut().find(|(name, _)| *name == member.name) {
            Some((_, value)) if known => *value = filled(&member.value, ground.bind),
            _ => members.push((member.name.clone(), filled(&member.value, ground.bind))),
        }
    }
    let marked = |name: &str| name == "software_id";
    if !members.iter().any(|(name, _)| marked(name)) && !input.omit.iter().any(|name| marked(name)) {
        members.push(("software_id".into(), Node::text(ground.marker)));
    }
    members
}

/// Whether a name is written twice, so that readers may differ about its value.
pub fn is_ambiguous(input: &Input) -> bool {
    fn twice(mut names: Vec<&str>) -> bool {
        names.sort_unstable();
        names.windows(2).any(|pair| pair[0] == pair[1])
    }
    fn inside(node: &Node) -> bool {
        match node {
            Node::Array(items) => items.iter().any(inside),
            Node::Object(members) => {
                twice(members.iter().map(|(n, _)| n.as_str()).collect()) || members.iter().any(|(_, v)| inside(v))
            }
            _ => false,
        }
    }
    twice(input.set.iter().map(|m| m.name.as_str()).collect()) || input.set.iter().any(|m| inside(&m.value))
}

/// Fills in the slots that have a value; everything else stays as it stands.
fn fill(text: &str, bind: &dyn Fn(&str) -> Option<String>) -> String {
    if !text.contains("${") {
        return text.to_owned();
    }
    let known = |name: &str| Some(Value::String(bind(name).unwrap_or_else(|| format!("${{{name}}}"))));
    variables::fill_text(text, &known).unwrap_or_else(|_| text.to_owned())
}

fn filled(node: &Node, bind: &dyn Fn(&str) -> Option<String>) -> Node {
    match node {
        Node::Text(text) => Node::Text(fill(text, bind)),
        Node::Array(items) => Node::Array(items.iter().map(|i| filled(i, bind)).collect()),
        Node::Object(members) => Node::Object(members.iter().map(|(n, v)| (n.clone(), filled(v, bind))).collect()),
        other => other.clone(),
    }
}

fn body(input: &Input, members: &[(String, Node)], style: Style, bind: &dyn Fn(&str) -> Option<String>) -> Vec<u8> {
    let mut out = Vec::new();
    let object = |out: &mut Vec<u8>| write_object(members, style, out);
    match &input.writing.shape {
        Shape::Object => object(&mut out),
        Shape::InArray => {
            out.push(b'[');
            object(&mut out);
            out.push(b']');
        }
        Shape::InText => {
            let mut inner = Vec::new();
            object(&mut inner);
            write_text(&String::from_utf8_lossy(&inner), style, &mut out);
        }
        Shape::Two => {
            object(&mut out);
            object(&mut out);
        }
        Shape::Cut(thousandths) => {
            object(&mut out);
            let keep = out.len() * (*thousandths).min(999) as usize / 1000;
            out.truncate(keep);
        }
        Shape::Only(node) => write(&filled(node, bind), style, &mut out),
        Shape::Nothing => {}
        Shape::Form => out = form(members),
    }
    out.extend_from_slice(input.writing.tail.as_bytes());
    if input.writing.utf16 {
        let units: Vec<u8> = String::from_utf8_lossy(&out).encode_utf16().flat_map(u16::to_le_bytes).collect();
        out = if input.writing.mark { [&[0xff, 0xfe][..], &units].concat() } else { units };
    } else if input.writing.mark {
        out.splice(0..0, *b"\xef\xbb\xbf");
    }
    out
}

/// Names and values as a form (the items of an array are repeated).
fn form(members: &[(String, Node)]) -> Vec<u8> {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in members {
        match value {
            Node::Text(text) => {
                form.append_pair(name, text);
            }
            Node::Array(items) => {
                for item in items {
                    form.append_pair(name, &plain(item));
                }
            }
            other => {
                form.append_pair(name, &plain(other));
            }
        }
    }
    form.finish().into_bytes()
}

fn plain(node: &Node) -> String {
    match node {
        Node::Text(text) => text.clone(),
        other => {
            let mut out = Vec::new();
            write(other, Style::Plain, &mut out);
            String::from_utf8_lossy(&out).into_owned()
        }
    }
}

fn space(style: Style, out: &mut Vec<u8>) {
    if style == Style::Spaced {
        out.extend_from_slice(b" \r\n\t");
    }
}

fn write(node: &Node, style: Style, out: &mut Vec<u8>) {
    match node {
        Node::Null => out.extend_from_slice(b"null"),
        Node::Bool(true) => out.extend_from_slice(b"true"),
        Node::Bool(false) => out.extend_from_slice(b"false"),
        Node::Number(digits) => out.extend_from_slice(digits.as_bytes()),
        Node::Text(text) => write_text(text, style, out),
        Node::Long { text, times } => write_text(&text.repeat((*times).min(MAX_TIMES) as usize), style, out),
        Node::Escaped(text) => {
            out.push(b'"');
            out.extend_from_slice(text.as_bytes());
            out.push(b'"');
        }
        Node::Bytes(hex) => {
            out.push(b'"');
            let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
            out.extend(digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)));
            out.push(b'"');
        }
        Node::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                space(style, out);
                write(item, style, out);
                space(style, out);
            }
            out.push(b']');
        }
        Node::Object(members) => write_object(members, style, out),
        Node::Deep { objects, depth } => {
            let depth = (*depth).min(MAX_DEPTH) as usize;
            let (open, close) = if *objects { ("{\"a\":", "}") } else { ("[", "]") };
            out.extend_from_slice(open.repeat(depth).as_bytes());
            out.push(b'1');
            out.extend_from_slice(close.repeat(depth).as_bytes());
        }
    }
}

/// A finding's file could ask for more; no request here shall be a flood.
const MAX_TIMES: u32 = 100_000;
const MAX_DEPTH: u32 = 100_000;

fn write_object(members: &[(String, Node)], style: Style, out: &mut Vec<u8>) {
    space(style, out);
    out.push(b'{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        space(style, out);
        write_text(name, style, out);
        space(style, out);
        out.push(b':');
        space(style, out);
        write(value, style, out);
        space(style, out);
    }
    out.push(b'}');
    space(style, out);
}

fn write_text(text: &str, style: Style, out: &mut Vec<u8>) {
    if style == Style::Escaped {
        out.push(b'"');
        for unit in text.encode_utf16() {
            let digit = |shift: u32| b"0123456789abcdef"[usize::from(unit >> shift) & 15];
            out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
        }
        out.push(b'"');
    } else {
        serde_json::to_writer(out, text).expect("a text is written to memory");
    }
}

/// What stands for a member in the table of a campaign: the mutation that an input makes to it.
pub fn done(input: &Input) -> impl Iterator<Item = (&'static str, Mutation)> {
    input.set.iter().map(|m| (super::generate::row(&m.name), m.mutation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::generate;

    fn rendered(input: &Input, variant: Option<&Variant>) -> Request {
        let base = serde_json::json!({"client_name": "x", "redirect_uris": ["https://client.example.org/callback"]});
        let ground = Ground {
            endpoint: "https://as.example/register",
            content_type: "application/json",
            base: base.as_object().unwrap(),
            marker: "dcrspec-0",
            bind: &|name| (name == "client_id#3").then(|| "c3".into()),
        };
        request(input, variant, &ground)
    }

    fn json(input: &Input, variant: Option<&Variant>) -> Value {
        serde_json::from_slice(&rendered(input, variant).body).unwrap()
    }

    #[test]
    fn no_bytes_are_the_base_client_with_its_mark() {
        let input = generate::input(&[]);
        assert_eq!(
            json(&input, None),
            serde_json::json!({
                "client_name": "x",
                "redirect_uris": ["https://client.example.org/callback"],
                "software_id": "dcrspec-0"
            })
        );
    }

    #[test]
    fn every_style_means_the_same() {
        let value = Node::Array(vec![Node::text("größe \u{1f600}\u{0}"), Node::Number("1.5".into()), Node::Null]);
        let member = Member { name: "contacts".into(), mutation: Mutation::Valid, value };
        let input = Input { set: vec![member], ..Input::default() };
        let plain = json(&input, None);
        for style in [Style::Reverse, Style::Spaced, Style::Escaped] {
            assert_eq!(json(&input, Some(&Variant::Style(style))), plain, "{style:?}");
        }
    }

    #[test]
    fn slots_are_filled_in_and_what_is_no_slot_stays() {
        let text = Node::text("${client_id#3} ${7*7} ${client_id#9");
        let member = Member { name: "client_name".into(), mutation: Mutation::Valid, value: text };
        let input = Input { set: vec![member], ..Input::default() };
        assert_eq!(json(&input, None)["client_name"], "c3 ${7*7} ${client_id#9");
    }

    #[test]
    fn what_json_leaves_open_is_written_as_it_stands() {
        let member = |value| Member { name: "client_name".into(), mutation: Mutation::Bytes, value };
        let set = vec![member(Node::Bytes("ff".into())), member(Node::Number("1e400".into()))];
        let input = Input { base: Base::Nothing, set, ..Input::default() };
        assert!(is_ambiguous(&input));
        let body = rendered(&input, None).body;
        assert_eq!(&body[..], b"{\"client_name\":\"\xff\",\"client_name\":1e400,\"software_id\":\"dcrspec-0\"}");
    }
}
