//! The story of a finding in plain text: what it says, what was sent, what came back. Nothing is made harmless here;
//! each output does that for itself.

use std::fmt::Write as _;

use serde_json::Value;

use super::{ExchangeRecord, Finding, Report, RequirementResult, text::cut};

/// The most that is shown of one request or one response.
const MESSAGE_BYTES: usize = 4096;

/// Everything there is to say about a finding.
pub(super) fn story(report: &Report, finding: &Finding) -> String {
    let mut out = String::new();
    let requirement = requirement(report, &finding.requirement);
    line(&mut out, &finding.message);
    let place = requirement.map_or_else(String::new, |r| format!(" ({})", section(r)));
    line(&mut out, &format!("requirement: {}{place}", finding.requirement));
    line(&mut out, &format!("level: {}, {}", finding.level, finding.strength));
    for (name, value) in [
        ("waived", finding.waived.as_deref().unwrap_or("")),
        ("also", &finding.also.join(", ")),
        ("place", &finding.instance_path),
        ("expected", &finding.expected),
        ("actual", &finding.actual),
        ("first seen in", &finding.case),
    ] {
        if !value.is_empty() {
            line(&mut out, &format!("{name}: {value}"));
        }
    }
    line(&mut out, &format!("seen: {} (finding {})", times(finding.count), finding.id));
    if let Some(exchange) = exchange(report, &finding.exchange) {
        line(&mut out, &format!("\nsent (exchange {}):\n{}", exchange.id, cut(&sent(exchange), MESSAGE_BYTES)));
        line(&mut out, &format!("\ncame back:\n{}", cut(&came_back(exchange), MESSAGE_BYTES)));
    }
    if let Some(curl) = &finding.curl {
        line(&mut out, &format!("\nrepeat it by hand:\n{}", cut(curl, MESSAGE_BYTES)));
    }
    out
}

/// The request as it went over the wire: line, header fields, body.
pub(super) fn sent(exchange: &ExchangeRecord) -> String {
    let request = &exchange.request;
    message(format!("{} {}", request.method, request.url), &request.headers, &request.body)
}

/// The response as it came, or why there is none.
pub(super) fn came_back(exchange: &ExchangeRecord) -> String {
    match &exchange.response {
        None => format!("no response: {}", exchange.failure.as_deref().unwrap_or("the reason is not on record")),
        Some(response) => {
            let head = format!("{} {}", response.version, response.status);
            let mut out = message(head, &response.headers, &response.body);
            if let Some(reason) = &response.cut {
                let _ = write!(out, "\n[the body ended early: {reason}]");
            }
            out
        }
    }
}

/// What came back, in one line: the status, and the member or header field that the finding points at.
pub(super) fn in_brief(report: &Report, finding: &Finding) -> String {
    let Some(exchange) = exchange(report, &finding.exchange) else { return finding.actual.clone() };
    let Some(response) = &exchange.response else { return came_back(exchange) };
    let status = format!("HTTP {}", response.status);
    let place = finding.instance_path.as_str();
    let detail = if let Some(name) = place.strip_prefix("header:") {
        let fields: Vec<String> = response
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(n, v)| format!("{n}: {v}"))
            .collect();
        if fields.is_empty() { format!("no header field {name}") } else { fields.join(", ") }
    } else if place.starts_with('/') && place != "/" {
        match serde_json::from_str::<Value>(&response.body) {
            Ok(body) => match body.pointer(place) {
                Some(value) => format!("{place} = {value}"),
                None => format!("no member {place} in {}", response.body),
            },
            Err(_) => response.body.clone(),
        }
    } else {
        response.body.clone()
    };
    if detail.is_empty() { status } else { format!("{status}, {detail}") }
}

/// `RFC 7591, section 3.2.1`.
pub(super) fn section(requirement: &RequirementResult) -> String {
    match requirement.section.as_str() {
        "" | "-" => requirement.spec.clone(),
        section => format!("{}, section {section}", requirement.spec),
    }
}

pub(super) fn requirement<'a>(report: &'a Report, id: &str) -> Option<&'a RequirementResult> {
    report.requirements.iter().find(|r| r.id == id)
}

pub(super) fn exchange<'a>(report: &'a Report, id: &str) -> Option<&'a ExchangeRecord> {
    report.exchanges.iter().find(|e| e.id == id)
}

/// `1 time`, `3 times`.
pub(super) fn times(count: u64) -> String {
    if count == 1 { "1 time".into() } else { format!("{count} times") }
}

fn message(head: String, headers: &[(String, String)], body: &str) -> String {
    let mut out = head;
    for (name, value) in headers {
        let _ = write!(out, "\n{name}: {value}");
    }
    if !body.is_empty() {
        let _ = write!(out, "\n\n{body}");
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
