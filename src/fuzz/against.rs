//! Two deployments side by side: the same input to both, and what came out otherwise. A difference accuses neither of them: both
//! answers may be lawful.
//!
//! What differs by its nature is no difference: clocks, identifiers, secrets, tokens, URLs with them in it, the words that mark
//! what this run has made. Nor is what one of the two answers now this way and now that way.

use serde_json::Value;

use super::{bench::Known, generate::Input, oracles::Fault};
use crate::{
    judge::{Objection, relation},
    report::DIFFERENCE,
    run::finding_id,
    spec::{Level, Strength},
    wire::{Exchange, FailureKind, Outcome, Phase, Response},
};

/// One way in which two answers differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    rule: &'static str,
    place: String,
    /// What it is about, whatever the values: the same subject twice in the answers of one server is a whim of that server.
    subject: String,
    first: String,
    second: String,
}

impl Difference {
    /// The fault, shown at the second server's answer beside the first's.
    pub fn fault(self, first: &Exchange, index: usize) -> Fault {
        let Difference { rule, place, subject, first: one, second: other } = self;
        let request = match first.request.kind {
            crate::wire::Kind::Register => "a registration".to_owned(),
            _ => format!("a {}", first.request.method),
        };
        let objection = Objection::new(
            &place,
            format!("{request}: {subject} is {one} at the first server and {other} at the second"),
        )
        .expected(&one)
        .actual_text(&other)
        .with(first.id);
        Fault {
            id: finding_id(DIFFERENCE, rule, &place),
            requirement: DIFFERENCE.to_owned(),
            rule: rule.to_owned(),
            also: Vec::new(),
            level: Level::Interop,
            strength: Strength::Note,
            objection,
            exchange: index,
        }
    }

    /// Where the two differ, whatever the values: `status`, `error`, `body`, `answer`, or a member.
    pub fn part(&self) -> &str {
        let end = self.place.find(':').unwrap_or(self.place.len());
        self.place[..end].trim_start_matches('/')
    }

    /// Whether this is the same whatever the values.
    pub fn is_like(&self, other: &Difference) -> bool {
        self.subject == other.subject
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Difference { place, subject, first, second, .. } = self;
        write!(f, "{place}: {subject} is {first} at the first server and {second} at the second")
    }
}

/// What of an input is out of the ordinary, in one line: with it differences are told apart by their cause.
pub fn about(input: &Input) -> String {
    let mut parts: Vec<String> = input.set.iter().map(|m| super::generate::row(&m.name).to_owned()).collect();
    parts.extend(input.omit.iter().map(|name| format!("no {name}")));
    parts.extend((input.writing != Default::default()).then(|| "writing".to_owned()));
    parts.extend((input.envelope != Default::default()).then(|| "envelope".to_owned()));
    parts.sort();
    parts.dedup();
    // The order of steps is their meaning.
    parts.extend(input.moves.iter().map(|step| step.row().to_owned()));
    parts.join(", ")
}

/// Whether an input is out of the ordinary in one thing at most, so that this thing is the cause.
pub fn is_about_one_thing(input: &Input) -> bool {
    input.moves.len() <= 1 && !about(input).contains(", ")
}

/// One server's view of an exchange: what is specific to it has names in place of values.
pub struct View<'x> {
    exchange: &'x Exchange,
    words: Vec<(String, &'static str)>,
}

impl<'x> View<'x> {
    /// With the clients that the server is known to hold.
    pub fn new(exchange: &'x Exchange, pool: &[Known], endpoint: &str) -> View<'x> {
        let mut words: Vec<(String, &'static str)> = Vec::new();
        let mut learn = |value: Option<&str>, name| words.extend(value.map(|v| (v.to_owned(), name)));
        for known in std::iter::once(exchange).chain(pool.iter().map(|k| &k.exchange)) {
            let response = known.response();
            for name in SPECIFIC {
                learn(response.and_then(|r| r.member(name)), name);
            }
        }
        learn(crate::target::origin(endpoint).as_deref(), "origin");
        words.retain(|(word, _)| word.len() >= 6);
        // A URL before the identifier that stands in it.
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        View { exchange, words }
    }

    fn text(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (word, name) in self.words.iter().filter(|(word, _)| text.contains(word.as_str())) {
            out = out.replace(word, &format!("[{name}]"));
        }
        unmarked(&out)
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(map) => map.iter().map(|(name, v)| (self.text(name), self.value(v))).collect(),
            other => other.clone(),
        }
    }

    /// Whether the answer gives back what the request sent.
    fn echoes(&self, name: &str, value: &Value) -> bool {
        self.exchange.sent_plainly().is_some_and(|sent| sent.get(name) == Some(value))
    }
}

/// Members whose values no two registrations share.
const SPECIFIC: [&str; 4] = ["client_id", "client_secret", "registration_access_token", "registration_client_uri"];

/// The random words of this tool: 24 hexadecimal digits.
fn unmarked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    let flush = |run: &mut String, out: &mut String| {
        out.push_str(if run.len() >= 24 { "[word]" } else { run });
        run.clear();
    };
    for c in text.chars() {
        if c.is_ascii_digit() || ('a'..='f').contains(&c) {
            run.push(c);
        } else {
            flush(&mut run, &mut out);
            out.push(c);
        }
    }
    flush(&mut run, &mut out);
    out
}

/// How two answers to the same request differ; nothing where one of them says nothing about the request.
pub fn differences(first: &View, second: &View) -> Vec<Difference> {
    let one = |rule, place: String, subject: &str, first: String, second: String| {
        vec![Difference { rule, place, subject: subject.to_owned(), first, second }]
    };
    let (a, b) = match (&first.exchange.outcome, &second.exchange.outcome) {
        (a, b) if passing(a) || passing(b) => return Vec::new(),
        (Outcome::Response(a), Outcome::Response(b)) => (a, b),
        (a, b) => {
            let (a, b) = (answer(a), answer(b));
            return if a == b {
                Vec::new()
            } else {
                one("differs-answer", format!("answer:{a}|{b}"), "the answer", a, b)
            };
        }
    };
    let (code_a, code_b) = (code(a), code(b));
    if a.status != b.status {
        let (a, b) = (format!("{}{code_a}", a.status), format!("{}{code_b}", b.status));
        return one("differs-status", format!("status:{a}|{b}"), "the status", a, b);
    }
    if a.status >= 400 {
        if code_a == code_b {
            return Vec::new();
        }
        let (a, b) = (format!("{}{code_a}", a.status), format!("{}{code_b}", b.status));
        return one("differs-error", format!("error:{a}|{b}"), "the error code", a, b);
    }
    match (a.object(), b.object()) {
        (Some(a), Some(b)) => members(first, a, second, b),
        (None, None) => Vec::new(),
        (a, _) => {
            let word = |json: bool| if json { "a JSON object" } else { "no JSON object" }.to_owned();
            one("differs-body", "body".into(), "the body", word(a.is_some()), word(a.is_none()))
        }
    }
}

type Object = serde_json::Map<String, Value>;

fn members(first: &View, a: &Object, second: &View, b: &Object) -> Vec<Difference> {
    let mut found = Vec::new();
    let renamed = |view: &View, o: &Object| o.iter().map(|(n, v)| (view.text(n), (n.clone(), v.clone()))).collect();
    let (a, b): (std::collections::BTreeMap<String, (String, Value)>, std::collections::BTreeMap<_, _>) =
        (renamed(first, a), renamed(second, b));
    let names = a.keys().chain(b.keys().filter(|n| !a.contains_key(*n)));
    for name in names {
        let shown = crate::judge::shorten(name, 60);
        let place = format!("/{shown}");
        let mut differs = |rule, first: String, second: String| {
            found.push(Difference { rule, place: place.clone(), subject: shown.clone(), first, second });
        };
        let ((own_a, a), (own_b, b)) = match (a.get(name), b.get(name)) {
            (Some(a), Some(b)) => (a, b),
            (a, _) => {
                let word = |there: bool| if there { "there" } else { "missing" }.to_owned();
                differs("differs-members", word(a.is_some()), word(a.is_none()));
                continue;
            }
        };
        if SPECIFIC.contains(&name.as_str()) || name == "client_id_issued_at" {
            continue;
        }
        if name == "client_secret_expires_at" {
            let word = |v: &Value| if v.as_f64() == Some(0.0) { "never" } else { "a time" }.to_owned();
            if word(a) != word(b) {
                differs("differs-value", word(a), word(b));
            }
            continue;
        }
        match (first.echoes(own_a, a), second.echoes(own_b, b)) {
            // What each was sent came back, slots and marks filled in by its own.
            (true, true) => continue,
            // It was signed anew for each of the two.
            (false, false) if name == "software_statement" => continue,
            _ => {}
        }
        let (plain_a, plain_b) = (first.value(a), second.value(b));
        if !relation::same(name, &plain_a, &plain_b) {
            let word = |v: &Value| crate::judge::shorten(&v.to_string(), 80);
            differs("differs-value", word(&plain_a), word(&plain_b));
        }
    }
    found
}

/// Load, gateways and limits, and what never reached the server: they come and go.
fn passing(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Response(r) => matches!(r.status, 408 | 425 | 429 | 502..=504),
        Outcome::Failure(f) => {
            f.phase == Phase::Connect || matches!(f.kind, FailureKind::NotSent | FailureKind::Withheld)
        }
    }
}

fn answer(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Response(r) => r.status.to_string(),
        Outcome::Failure(f) => format!("none ({:?})", f.kind),
    }
}

/// The code of a refusal, where it looks like one.
fn code(response: &Response) -> String {
    let word = |code: &&str| code.len() <= 60 && code.bytes().all(|b| b.is_ascii_graphic());
    match response.member("error").filter(word) {
        Some(code) if response.status >= 400 => format!(" {code}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::Headers;

    fn exchange(sent: Value, status: u16, answer: Value) -> Exchange {
        let request =
            crate::target::registration("https://as.example/register", Some("application/json"), sent.to_string());
        let response = Response::new(status, "HTTP/1.1", Headers::default(), answer.to_string().into(), None);
        Exchange::new(1, jiff::Timestamp::UNIX_EPOCH, request, Outcome::Response(response), Default::default())
    }

    fn rules(a: &Exchange, b: &Exchange) -> Vec<(&'static str, String)> {
        let view = |x| View::new(x, &[], "https://as.example/register");
        differences(&view(a), &view(b)).into_iter().map(|d| (d.rule, d.place)).collect()
    }

    #[test]
    fn what_differs_by_its_nature_is_no_difference() {
        let one = |id: &str, word: &str, at: u32| {
            exchange(
                json!({"client_name": format!("n {word}"), "software_id": word}),
                201,
                json!({
                    "client_id": id, "client_secret": format!("secret-of-{id}"), "client_secret_expires_at": at,
                    "client_id_issued_at": at, "registration_client_uri": format!("https://as.example/register/{id}"),
                    "client_name": format!("n {word}"), "software_id": word, "self": format!("https://as.example/x/{id}"),
                    "mark": format!("by {word}"), "grant_types": if at > 1 { ["a", "b"] } else { ["b", "a"] },
                }),
            )
        };
        let word = |c: &str| c.repeat(24);
        assert_eq!(rules(&one("client-a", &word("a"), 7), &one("client-b", &word("b"), 1)), []);
        let never = one("client-b", &word("b"), 0);
        let at = "/client_secret_expires_at".to_owned();
        assert_eq!(rules(&one("client-a", &word("a"), 7), &never), [("differs-value", at)]);
    }

    #[test]
    fn status_code_members_and_values_are_compared() {
        let refused = |status, code: &str| exchange(json!({}), status, json!({"error": code}));
        let created = |answer| exchange(json!({"scope": "a b"}), 201, answer);
        let status = ("differs-status", "status:201|400 invalid_client_metadata".to_owned());
        assert_eq!(rules(&created(json!({"client_id": "x"})), &refused(400, "invalid_client_metadata")), [status]);
        let error = ("differs-error", "error:400 a|400 b".to_owned());
        assert_eq!(rules(&refused(400, "a"), &refused(400, "b")), [error]);
        assert_eq!(rules(&refused(400, "a"), &refused(429, "b")), []);
        let a = created(json!({"client_id": "x", "scope": "b a", "jwks_uri": null}));
        let b = created(json!({"client_id": "y", "scope": "a", "logo_uri": "z"}));
        let expected =
            [("differs-value", "/scope"), ("differs-members", "/jwks_uri"), ("differs-members", "/logo_uri")];
        let mut found = rules(&a, &b);
        found.sort();
        let mut expected = expected.map(|(rule, place)| (rule, place.to_owned()));
        expected.sort();
        assert_eq!(found, expected);
    }
}
