//! What a fuzzer objects to beyond the rules of the judge. Nothing here may object to a server that keeps the
//! specifications: a refusal by policy, by size or by rate, a value that was replaced, a code that also fits are no faults.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    bench::Known,
    generate::{Envelope, Input, Member, Mutation, Node, Variant, Writing},
    render,
};
use crate::{
    judge::{Context, Objection, relation},
    run::{finding_id, harness::Client},
    spec::{Catalogue, Level, Strength},
    target::CLAIMED_NAME,
    wire::{Cut, Exchange, FailureKind, Kind, Outcome, Phase, Response},
};

/// Something that is wrong with an exchange.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Of its cause: requirement, rule and place. The same as in the reports of conformance runs.
    pub id: String,
    pub requirement: String,
    pub rule: String,
    pub also: Vec<String>,
    pub level: Level,
    pub strength: Strength,
    pub objection: Objection,
    /// Which exchange of the shot shows it.
    pub exchange: usize,
}

impl Fault {
    /// Nothing for a mere note: that is no fault.
    pub fn new(requirement: &str, rule: &str, objection: Objection, exchange: usize) -> Option<Fault> {
        let (level, strength) = Catalogue::known().weigh(requirement, objection.level, objection.strength);
        (strength != Strength::Note).then(|| Fault {
            id: finding_id(requirement, rule, &objection.instance_path),
            requirement: requirement.to_owned(),
            rule: rule.to_owned(),
            also: Vec::new(),
            level,
            strength,
            objection,
            exchange,
        })
    }
}

/// A difference between two forms of one request, before it is known to be no whim of the server.
pub struct Difference {
    requirement: &'static str,
    rule: &'static str,
    objection: Objection,
}

impl Difference {
    /// The fault, shown beside the plain form.
    pub fn of(self, plain: &Exchange, exchange: usize) -> Fault {
        let objection = self.objection.with(plain.id);
        Fault::new(self.requirement, self.rule, objection, exchange)
            .expect("the requirements of relations are stronger than notes")
    }
}

/// Puts what breaks a `same-as` entry under its primary, where the same shot shows both.
pub fn group(faults: &mut Vec<Fault>) {
    let mut seen = HashSet::new();
    faults.retain(|f| seen.insert(f.id.clone()));
    let catalogue = Catalogue::known();
    let present: HashSet<String> = faults.iter().map(|f| f.requirement.clone()).collect();
    let mut index = 0;
    while index < faults.len() {
        let primary = catalogue.primary(&faults[index].requirement, &|id| present.contains(id)).to_owned();
        let under = faults.iter().position(|f| f.requirement == primary && f.strength == Strength::Broken);
        match under.filter(|under| *under != index && primary != faults[index].requirement) {
            Some(under) => {
                let secondary = faults[index].requirement.clone();
                faults[under].also.push(secondary);
                faults.remove(index);
            }
            None => index += 1,
        }
    }
}

/// Looks at one exchange.
pub fn look(
    input: &Input,
    exchange: &Exchange,
    context: &Context,
    pool: &[Known],
    faults: &mut Vec<Fault>,
    index: usize,
) {
    let mut add = |requirement: &str, rule: &str, objection: Objection| {
        faults.extend(Fault::new(requirement, rule, objection, index));
    };
    if !input.sends_credentials()
        && let Some(objection) = leak(exchange, pool)
    {
        add("rfc7591-3.1-registrations-independent", "fuzz-no-leak", objection);
    }
    if let Some(objection) = no_answer(input, exchange, context) {
        add("rfc7591-3.2.2-error-status", "fuzz-answered", objection);
    }
    if let Some(response) = exchange.response() {
        if exchange.request.kind == Kind::Register {
            statement(input, exchange, response, &mut add);
            code(input, response, &mut add);
        }
        let known = faults.iter().any(|f| f.exchange == index && f.objection.instance_path == "status");
        if let Some(objection) = server_error(exchange, response, context)
            && !known
        {
            faults.extend(Fault::new("rfc7591-3.2.2-error-status", "fuzz-server-error", objection, index));
        }
    }
}

/// A server error to a request that no rule of the judge speaks of, such as one with another label or method.
fn server_error(exchange: &Exchange, response: &Response, context: &Context) -> Option<Objection> {
    let crashed = (500..600).contains(&response.status) && !matches!(response.status, 501..=505);
    let kind = exchange.request.kind;
    if !crashed || !context.accepted || !matches!(kind, Kind::Register | Kind::Probe | Kind::Malformed) {
        return None;
    }
    let method = &exchange.request.method;
    let http = if kind == Kind::Malformed { "that is no valid HTTP" } else { "in well-formed HTTP" };
    let objection = Objection::new("status", format!("a {method} {http} was answered {}", response.status))
        .expected("a refusal that says what the client did wrong")
        .actual_text(&response.status.to_string())
        .level(Level::Should);
    Some(if kind != Kind::Register { objection.strength(Strength::Warning) } else { objection })
}

/// A server that knows no chunks, wants a length or takes offence at the fields may say so: then nothing was said of the
/// registration.
pub fn is_about_framing(exchange: &Exchange) -> bool {
    exchange.manner.framing.is_some()
        && exchange.response().is_some_and(|r| matches!(r.status, 400 | 411 | 415 | 501 | 505))
}

/// Bodies up to here every server can be expected to answer in some way.
const SMALL: usize = 16 * 1024;

/// No answer at all, or none that ends, to a small request. Whatever could be a limit of size is left alone.
fn no_answer(input: &Input, exchange: &Exchange, context: &Context) -> Option<Objection> {
    let request = &exchange.request;
    let fields: usize = request.headers.0.iter().map(|(n, v)| n.len() + v.len()).sum();
    let small = request.body.len() <= SMALL && request.url.len() + fields <= 2048;
    if !context.accepted || !small || !matches!(request.kind, Kind::Register | Kind::Probe | Kind::Malformed) {
        return None;
    }
    // Whoever is sent odd framing may hang up; but not wait for more where nothing is missing.
    let framing = exchange.manner.framing;
    if framing.is_some_and(|framing| !framing.is_complete()) {
        return None;
    }
    let (place, what) = match &exchange.outcome {
        Outcome::Failure(f) if f.phase == Phase::Head => match f.kind {
            FailureKind::FirstByteTimeout => ("hang", f.message.clone()),
            _ if framing.is_some() => return None,
            FailureKind::Reset | FailureKind::ClosedEarly => ("connection", f.message.clone()),
            FailureKind::NotHttp => ("bytes", f.message.clone()),
            _ => return None,
        },
        Outcome::Response(r) => match &r.cut {
            Some(cut @ Cut::Stalled) => ("hang", cut.to_string()),
            Some(cut @ (Cut::Truncated | Cut::Broken(_))) if !r.is_created() && framing.is_none() => {
                ("body", cut.to_string())
            }
            _ => return None,
        },
        Outcome::Failure(_) => return None,
    };
    let objection = Objection::new(place, format!("a small request got no whole answer: {what}"))
        .expected("an answer")
        .level(Level::Should);
    let odd = request.kind == Kind::Probe || input.envelope != Envelope::default();
    Some(if odd { objection.strength(Strength::Warning) } else { objection })
}

/// A credential of another client of this run stands in an answer, and the request did not hold it.
fn leak(exchange: &Exchange, pool: &[Known]) -> Option<Objection> {
    if !matches!(exchange.request.kind, Kind::Register | Kind::Probe) {
        return None;
    }
    let response = exchange.response()?;
    let own = response.member("client_id");
    for known in pool {
        // Instances of one client may share whatever the server likes.
        if own == Some(known.client.client_id.as_str()) || known.exchange.id == exchange.id {
            continue;
        }
        // The place in the catalogue of a secret that all clients share is another one.
        let shared = |word: &[u8]| response.member("client_secret").is_some_and(|s| s.as_bytes() == word);
        if let Some((name, _)) = known.shown_in(&response.body).find(|(_, word)| !shared(word)) {
            return Some(
                Objection::new(
                    format!("leak:{name}"),
                    format!("the answer holds the {name} of another client, which the request did not"),
                )
                .expected("nothing of other clients")
                .with(known.exchange.id),
            );
        }
    }
    None
}

/// The kind of the software statement that an input sends, where the tool makes it.
fn statement_kind(input: &Input) -> Option<&str> {
    let mut kinds = input.set.iter().filter(|m| m.name == "software_statement").filter_map(|m| match &m.value {
        Node::Text(text) => text.strip_prefix("${statement.")?.strip_suffix('}'),
        _ => None,
    });
    kinds.next()
}

const STATEMENT_CODES: &[&str] =
    &["invalid_software_statement", "unapproved_software_statement", "invalid_client_metadata"];

/// Software statements: what the suites ask of them (RFC 7591, 2.3, 3.1.1, 3.2.1, 3.2.2), on whatever else is varied.
fn statement(input: &Input, exchange: &Exchange, response: &Response, add: &mut impl FnMut(&str, &str, Objection)) {
    let Some(kind) = statement_kind(input) else { return };
    let Some(sent) = exchange.sent_plainly() else { return };
    let Some(jwt) = sent.get("software_statement").and_then(Value::as_str).filter(|s| !s.contains("${")) else {
        return;
    };
    if let Some(body) = response.client() {
        let name = body.get("client_name").and_then(Value::as_str);
        let plain = sent.get("client_name").and_then(Value::as_str);
        let effect = name == Some(CLAIMED_NAME) && plain != name;
        let echoed = body.get("software_statement").and_then(Value::as_str);
        match kind {
            "altered" | "broken-signature" if effect => add(
                "rfc7591-2.3-statement-signed",
                "fuzz-statement-signature",
                Objection::new("/client_name", "the claims of a software statement with a wrong signature took effect")
                    .expected("a refusal, or a 201 without any trace of the statement"),
            ),
            "without-iss" if effect => add(
                "rfc7591-2.3-statement-iss",
                "fuzz-statement-issuer",
                Objection::new("/client_name", "the claims of a software statement without iss took effect")
                    .expected("a refusal, or a 201 without any trace of the statement"),
            ),
            "signed" => {
                if effect && echoed != Some(jwt) {
                    add(
                        "rfc7591-3.2.1-statement-unmodified",
                        "fuzz-statement-unmodified",
                        Objection::new(
                            "/software_statement",
                            "the claims of a software statement took effect, and it does not come back unmodified",
                        )
                        .expected("the statement as it was sent"),
                    );
                }
                if echoed.is_some() && !body.contains_key("client_name") && !body.contains_key("software_id") {
                    add(
                        "rfc7591-3.2.1-statement-claims-returned",
                        "fuzz-statement-claims",
                        Objection::new(
                            "/client_name",
                            "a software statement was used, and none of its claims stands at the top level",
                        )
                        .expected("the claims as ordinary members"),
                    );
                }
                if echoed.is_some() && plain.is_some() && plain != Some(CLAIMED_NAME) && name == plain {
                    add(
                        "rfc7591-3.1.1-statement-precedence",
                        "fuzz-statement-precedence",
                        Objection::new(
                            "/client_name",
                            "the plain client_name won over the one in the trusted statement",
                        )
                        .expected("the value of the statement, or a refusal"),
                    );
                }
            }
            _ => {}
        }
        return;
    }
    // The code says what is wrong, so it can be judged only where nothing else is.
    let alone = input.only_member().is_some() && input.compare.is_none();
    let Some(error) = response.member("error").filter(|_| response.status == 400 && alone) else { return };
    let wrong = |allowed: &[&str]| !allowed.contains(&error);
    let objection = |what: &str, expected: &str| {
        Objection::new("/error", format!("{what} is refused with the code {error:?}"))
            .expected(expected)
            .actual_text(error)
    };
    match kind {
        "broken-signature" | "altered" if wrong(STATEMENT_CODES) => add(
            "rfc7591-3.2.2-invalid-software-statement",
            "fuzz-statement-invalid-code",
            objection("a software statement with a wrong signature", "invalid_software_statement"),
        ),
        "unknown-key" if wrong(&STATEMENT_CODES[..2]) => add(
            "rfc7591-3.2.2-unapproved-software-statement",
            "fuzz-statement-unapproved-code",
            objection("a software statement of an unknown publisher", "unapproved_software_statement"),
        ),
        _ => {}
    }
}

const CODES: &[&str] =
    &["invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement"];

/// Members of which it is clear that a value of a wrong type is bad client metadata.
const TYPED: &[&str] = &[
    "redirect_uris",
    "grant_types",
    "response_types",
    "token_endpoint_auth_method",
    "client_name",
    "scope",
    "contacts",
];

/// The code of a refusal, where one member of an accepted client was varied and nothing else can be at fault.
fn code(input: &Input, response: &Response, add: &mut impl FnMut(&str, &str, Objection)) {
    let Some(member) = input.only_member().filter(|_| response.status == 400) else { return };
    let Some(error) = response.member("error") else { return };
    let objection = |what: &str, expected: &str| {
        Objection::new("/error", format!("{what} is refused with the code {error:?}"))
            .expected(expected)
            .actual_text(error)
    };
    let Member { name, mutation, value } = member;
    let small = matches!(value, Node::Array(items) if items.len() <= 3);
    if name == "redirect_uris" && *mutation == Mutation::Uri && small && !CODES[..2].contains(&error) {
        add(
            "rfc7591-3.2.2-invalid-redirect-uri-code",
            "fuzz-redirect-uri-code",
            objection("a bad redirection URI", "invalid_redirect_uri or invalid_client_metadata"),
        );
    } else if TYPED.contains(&name.as_str()) && *mutation == Mutation::Type && !CODES.contains(&error) {
        add(
            "rfc7591-3.2.2-error-code-defined",
            "fuzz-defined-code",
            objection("a member of a wrong type", "a code that RFC 7591, 3.2.2 defines"),
        );
    }
}

/// Whether an input has forms that mean the same: plain metadata, of moderate length, that every reader reads alike.
pub fn can_be_compared(input: &Input, exchange: &Exchange) -> bool {
    input.writing == Writing::default()
        && input.envelope == Envelope::default()
        && !render::is_ambiguous(input)
        && exchange.sent_plainly().is_some()
        && exchange.request.body.len() <= 4096
}

fn relation_of(variant: &Variant) -> (&'static str, &'static str) {
    match variant {
        Variant::Style(_) => ("rfc7591-3.1-json-equivalence", "fuzz-same-json"),
        Variant::Unknown(_) => ("rfc7591-2-ignore-unknown", "fuzz-unknown-member"),
        Variant::Label(_) => ("rfc7591-3-json-content-type-parameters", "fuzz-same-media-type"),
        Variant::Chunks => ("rfc7591-3-post-json", "fuzz-same-in-chunks"),
    }
}

/// How another form of the same meaning came out otherwise.
pub fn differs(variant: &Variant, plain: &Exchange, other: &Exchange) -> Option<Difference> {
    if is_about_framing(other) {
        return None;
    }
    match relation::equivalent(plain, other) {
        relation::Agreement::Differs { message, place } => {
            let (requirement, rule) = relation_of(variant);
            Some(Difference { requirement, rule, objection: Objection::new(place, message) })
        }
        _ => None,
    }
}

/// Whether a server answers the same request twice alike.
pub fn agrees(first: &Exchange, again: &Exchange) -> bool {
    relation::class(first) == relation::class(again)
        && matches!(relation::equivalent(first, again), relation::Agreement::Agrees)
}

/// A client is unknown as soon as another one was registered, and that other one is known.
pub fn gone(client: &Client, other: &Exchange, read: &Exchange, control: &Exchange, index: usize) -> Option<Fault> {
    let status = |x: &Exchange| x.response().map(|r| r.status);
    let shown = read.response().and_then(|r| r.member("client_id"));
    let lost =
        matches!(status(read), Some(401 | 404)) || (status(read) == Some(200) && shown != Some(&client.client_id));
    if !lost || status(control) != Some(200) {
        return None;
    }
    let what = match status(read) {
        Some(200) => "is answered with another client".to_owned(),
        status => format!("is answered {}", status.unwrap_or_default()),
    };
    let objection = Objection::new(
        "status",
        format!("a read of a client {what} once another client is registered, which can be read"),
    )
    .expected("both clients")
    .with(other.id);
    Fault::new("rfc7591-3.1-registrations-independent", "fuzz-still-there", objection, index)
}
