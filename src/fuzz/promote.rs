//! A finding as a case of a suite: what was found once is asked in every conformance run from then on.

use serde_json::{Map, Value, json};

use super::{
    finding::Finding,
    generate::{Base, Credentials, Follow, Input, Label, Node, Shape, Style, Variant, Writing},
    render,
};
use crate::{model::Who, target::CLAIMED_NAME, wire::Framing};

/// The suite file. The error says why the finding cannot be put that way.
pub fn promote(finding: &Finding) -> Result<String, String> {
    if finding.is_difference() {
        return Err(
            "a difference between two servers accuses neither, so no case of a suite can say it; replay it instead"
                .into(),
        );
    }
    let scenario = &finding.scenario;
    if scenario.ask.is_some() {
        return Err(format!("{}: no case of a suite can ask what shows it; replay it instead", finding.rule));
    }
    let input = &scenario.input;
    let mut steps: Vec<Value> = Vec::new();
    let slots = uses_slots(input) || scenario.before.iter().any(uses_slots);
    if slots {
        steps.push(json!({"id": "earlier", "register": {}}));
    }
    let both = input.moves.iter().any(|step| step.who() == Who::Second || step.needs_both());
    if both {
        let software = "${fresh.second}";
        let marked = json!({"client_name": format!("second {software}"), "software_id": format!("dcrspec-{software}")});
        steps.push(json!({"id": Who::Second.name(), "register": { "with": marked }}));
    }
    for before in &scenario.before {
        steps.push(json!({ "register": register(before, None, finding)? }));
    }
    let mut case = Map::new();
    case.insert("id".into(), json!(case_id(finding)));
    case.insert("title".into(), json!(title(finding)));
    case.insert("requirements".into(), json!([finding.requirement]));
    if input.base != Base::Any && input.base != Base::Nothing {
        case.insert("base".into(), json!(input.base));
    }
    if finding.rule.starts_with("fuzz-")
        && input.compare.is_none()
        && expectation(finding).is_none()
        && input.follow.is_empty()
        && input.moves.is_empty()
    {
        return Err(format!(
            "{}: no expectation of a suite says what this oracle says; replay it instead",
            finding.rule
        ));
    }
    if let Some(variant) = &input.compare {
        let control = register(input, None, finding)?;
        case.insert("control".into(), json!({ "register": control }));
        steps.push(json!({
            "register": register(input, Some(variant), finding)?,
            "expect": match variant {
                // Whoever knows no chunks may say so.
                Variant::Chunks => json!({
                    "given": { "status": { "one-of": [200, 201, 404, 405, 406, 500] } },
                    "equivalent": "control",
                }),
                _ => json!({ "equivalent": "control" }),
            },
        }));
    } else if input.envelope.method.as_deref().is_some_and(|m| m != "POST") {
        steps.push(json!({ "request": other_method(input, finding)? }));
    } else {
        for number in 0..scenario.times.max(1) {
            let mut step = Map::new();
            if number == 0 && !input.moves.is_empty() {
                step.insert("id".into(), json!(Who::First.name()));
            } else if number == 0 && !input.follow.is_empty() {
                step.insert("id".into(), json!("registered"));
            }
            step.insert("register".into(), register(input, None, finding)?);
            if let Some(expect) = expectation(finding) {
                step.insert("expect".into(), expect);
            }
            steps.push(Value::Object(step));
        }
        for follow in &input.follow {
            match follow {
                Follow::ReadOwn => steps.push(json!({"read": {"client": "registered"}})),
                Follow::ReadEarlier => {
                    steps.push(json!({"register": {}}));
                    steps.push(json!({"read": {"client": "registered"}, "expect": {"status": {"one-of": [200], "none-of": [401, 404]}}}));
                }
            }
        }
    }
    let mut out = format!(
        "# Promoted from the finding {} of dcrspec fuzz: {}.\nsuite: fuzz/{}\ntitle: {}\ncases:\n",
        finding.id,
        finding.message.replace(|c: char| c.is_control(), " "),
        finding.id,
        yaml(&json!(title(finding)))
    );
    let mut lead = "  - ";
    for (key, value) in &case {
        out.push_str(&format!("{lead}{key}: {}\n", yaml(value)));
        lead = "    ";
    }
    out.push_str("    steps:\n");
    for step in &steps {
        let mut lead = "      - ";
        for (key, value) in step.as_object().into_iter().flatten() {
            out.push_str(&format!("{lead}{key}: {}\n", yaml(value)));
            lead = "        ";
        }
    }
    for (number, step) in input.moves.iter().enumerate() {
        out.push_str(&format!("      - {}\n", step.written(number)));
    }
    Ok(out)
}

fn case_id(finding: &Finding) -> String {
    let words: String =
        finding.rule.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    format!("{}-{}", words.trim_matches('-'), finding.id)
}

fn title(finding: &Finding) -> String {
    let says = crate::spec::Catalogue::known().get(&finding.requirement).map(|r| r.says.clone());
    says.unwrap_or_else(|| finding.requirement.clone())
}

fn uses_slots(input: &Input) -> bool {
    let mut used = false;
    input.set.iter().for_each(|m| m.value.each_text(&mut |text| used |= text.contains("#") && text.contains("${")));
    used
}

/// The words of suites for the slots of a structure; what is no slot must not look like a variable.
fn variable(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        out.push_str(&rest[..start]);
        let end = rest[start..].find('}').ok_or_else(|| no_text(text))?;
        let name = &rest[start + 2..start + end];
        if name == "fresh" {
            out.push_str("${fresh.word}");
        } else if name.starts_with("statement.") {
            out.push_str(&format!("${{{name}}}"));
        } else if let Some((member, number)) = name.split_once('#')
            && number.bytes().all(|b| b.is_ascii_digit())
        {
            out.push_str(&format!("${{steps.earlier.response.{member}}}"));
        } else {
            return Err(no_text(text));
        }
        rest = &rest[start + end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn no_text(text: &str) -> String {
    format!("{text:?} looks like a variable of suites and is none, so no suite can hold it; replay the finding instead")
}

/// The value in a suite, where JSON in YAML can say it.
fn value(node: &Node) -> Result<Option<Value>, String> {
    Ok(match node {
        Node::Null => Some(Value::Null),
        Node::Bool(b) => Some(json!(b)),
        Node::Number(digits) => {
            let small = digits.parse::<i64>().ok().filter(|n| n.unsigned_abs() < 1 << 53);
            small.filter(|n| n.to_string() == *digits).map(|n| json!(n))
        }
        Node::Text(text) => Some(json!(variable(text)?)),
        Node::Long { text, times } => Some(json!(variable(&text.repeat(*times as usize))?)),
        Node::Array(items) => {
            let items: Option<Vec<Value>> = items.iter().map(value).collect::<Result<_, _>>()?;
            items.map(Value::Array)
        }
        Node::Object(members) => {
            let mut map = Map::new();
            for (name, node) in members {
                let Some(value) = value(node)? else { return Ok(None) };
                if map.insert(variable(name)?, value).is_some() {
                    return Ok(None);
                }
            }
            Some(Value::Object(map))
        }
        Node::Escaped(_) | Node::Bytes(_) | Node::Deep { .. } => None,
    })
}

/// The action that sends an input, or another form of it.
fn register(input: &Input, variant: Option<&Variant>, finding: &Finding) -> Result<Value, String> {
    let mut action = Map::new();
    let mut with = Map::new();
    let mut exact = input.writing != Writing::default() && input.writing.style == Style::Plain
        || input.writing.shape != Shape::Object
        || input.writing.mark
        || !input.writing.tail.is_empty();
    for member in &input.set {
        match value(&member.value)? {
            Some(value) => exact |= with.insert(variable(&member.name)?, value).is_some(),
            None => exact = true,
        }
    }
    if let Some(Variant::Unknown(node)) = variant {
        with.insert("dcrspec-${fresh.unknown}".into(), value(node)?.unwrap_or(Value::Null));
    }
    let style = match variant {
        Some(Variant::Style(style)) => *style,
        _ => input.writing.style,
    };
    if exact {
        action.insert("raw".into(), json!(raw(input, finding)?));
    } else if input.base == Base::Nothing {
        action.insert("body".into(), Value::Object(with));
    } else {
        if !with.is_empty() {
            action.insert("with".into(), Value::Object(with));
        }
        if !input.omit.is_empty() {
            action.insert("omit".into(), json!(input.omit));
        }
    }
    let transform = match style {
        _ if exact => None,
        Style::Plain => None,
        Style::Reverse => Some("reverse-members"),
        Style::Spaced => Some("white-space"),
        Style::Escaped => Some("escape"),
    };
    if let Some(transform) = transform {
        action.insert("transform".into(), json!(transform));
    }
    match (variant, &input.envelope.label) {
        (Some(Variant::Label(label)), _) | (_, Label::Text(label)) => {
            action.insert("content-type".into(), json!(label));
        }
        (_, Label::None) => return Err("no suite can leave Content-Type out; replay the finding instead".into()),
        (_, Label::Own) => {}
    }
    match (variant, input.envelope.framing) {
        (Some(Variant::Chunks), _) => drop(action.insert("framing".into(), json!(Framing::Chunked))),
        (_, Some(framing)) => drop(action.insert("framing".into(), json!(framing))),
        _ => {}
    }
    if !input.envelope.headers.is_empty() {
        let headers: Map<String, Value> =
            input.envelope.headers.iter().map(|(n, v)| (n.clone(), json!(v.replace("${fresh}", "1")))).collect();
        action.insert("headers".into(), Value::Object(headers));
    }
    match input.envelope.credentials {
        Credentials::Own => {}
        Credentials::None => drop(action.insert("auth".into(), json!("none"))),
        Credentials::Random => drop(action.insert("auth".into(), json!("random"))),
        Credentials::Truncated => drop(action.insert("auth".into(), json!("truncated"))),
    }
    Ok(Value::Object(action))
}

/// The exact bytes, as text with variables.
fn raw(input: &Input, finding: &Finding) -> Result<String, String> {
    let mut unknown = None;
    for member in &input.set {
        member.value.each_text(&mut |text| unknown = unknown.take().or(variable(text).err()));
    }
    if let Some(why) = unknown {
        return Err(why);
    }
    let ground = render::Ground {
        endpoint: "",
        content_type: "",
        base: &finding.base,
        marker: "${fresh.software}",
        bind: &|slot| variable(&format!("${{{slot}}}")).ok(),
    };
    let request = render::request(input, None, &ground);
    String::from_utf8(request.body.to_vec())
        .map_err(|_| "the body is not UTF-8, so no suite can hold it; replay the finding instead".into())
}

fn other_method(input: &Input, finding: &Finding) -> Result<Value, String> {
    let method = input.envelope.method.clone().unwrap_or_default();
    if !input.set.is_empty() || !input.omit.is_empty() {
        return Err("no suite can send these members with another method; replay the finding instead".into());
    }
    if !input.envelope.in_query {
        return Ok(json!({"method": method, "with-base-body": true}));
    }
    let ground =
        render::Ground { endpoint: "", content_type: "", base: &finding.base, marker: "dcrspec", bind: &|_| None };
    let url = render::request(input, None, &ground).url;
    Ok(json!({"method": method, "query": url.trim_start_matches('?')}))
}

/// What the oracle demands, where it is no rule of the judge.
fn expectation(finding: &Finding) -> Option<Value> {
    const CODES: [&str; 4] = [
        "invalid_redirect_uri",
        "invalid_client_metadata",
        "invalid_software_statement",
        "unapproved_software_statement",
    ];
    let codes = |codes: &[&str]| json!({"given": {"rejected": {}}, "rejected": {"error": codes}});
    let not = |name: &str| {
        json!({"any-of": [
            {"created": {"body": {"properties": {"client_name": {"not": {"const": name}}}}}},
            {"rejected": {}},
        ]})
    };
    Some(match finding.rule.as_str() {
        "fuzz-redirect-uri-code" => codes(&CODES[..2]),
        "fuzz-defined-code" => codes(&CODES),
        "fuzz-statement-invalid-code" => codes(&CODES[1..]),
        "fuzz-statement-unapproved-code" => codes(&CODES[2..]),
        "fuzz-statement-signature" | "fuzz-statement-issuer" => not(CLAIMED_NAME),
        "fuzz-statement-precedence" => {
            let plain = finding.scenario.input.set.iter().find(|m| m.name == "client_name");
            let plain = match plain.map(|m| &m.value) {
                Some(Node::Text(text)) => text.clone(),
                _ => finding.base.get("client_name")?.as_str()?.to_owned(),
            };
            not(&plain)
        }
        "fuzz-statement-unmodified" => json!({
            "given": {"created": {"body": {"required": ["client_name"], "properties": {"client_name": {"const": CLAIMED_NAME}}}}},
            "created": {"body": {"required": ["software_statement"], "properties": {"software_statement": {"const": "${statement.signed}"}}}},
        }),
        "fuzz-statement-claims" => json!({
            "given": {"created": {"body": {"required": ["software_statement"]}}},
            "created": {"body": {"anyOf": [{"required": ["client_name"]}, {"required": ["software_id"]}]}},
        }),
        _ => return None,
    })
}

/// JSON is YAML, but for what a YAML text may not hold as it is.
fn yaml(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let mut out = String::from("\"");
            for c in text.chars() {
                match c {
                    '"' => out.push_str("\\\""),
                    '\\' => out.push_str("\\\\"),
                    ' '..='~' => out.push(c),
                    c if (c as u32) < 0x1_0000 => out.push_str(&format!("\\u{:04X}", c as u32)),
                    c => out.push_str(&format!("\\U{:08X}", c as u32)),
                }
            }
            out.push('"');
            out
        }
        Value::Array(items) => format!("[{}]", items.iter().map(yaml).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let members: Vec<String> = map.iter().map(|(k, v)| format!("{}: {}", yaml(&json!(k)), yaml(v))).collect();
            format!("{{ {} }}", members.join(", ")).replace("{  }", "{}")
        }
        scalar => scalar.to_string(),
    }
}
