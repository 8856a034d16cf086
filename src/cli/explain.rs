//! `dcrspec explain ID`: what a requirement, a defect or a case is about.

use super::{Done, did_you_mean, print, runtime, usage};
use crate::{
    judge,
    report::{ExchangeRecord, Exit, text::harmless},
    selftest::{self, Example},
    server,
    spec::{Binds, Catalogue, Requirement},
    suite,
};

#[derive(clap::Args)]
pub struct Args {
    /// The id of a requirement or a defect, or `suite/case`
    id: String,
}

pub fn main(args: Args) -> Done {
    let id = args.id.trim();
    let catalogue = Catalogue::known();
    let text = if let Some(requirement) = catalogue.get(id) {
        let example = runtime()?.block_on(selftest::example(&requirement.id, suite::embedded()));
        requirement_text(catalogue, requirement) + &example.map(|e| example_text(&e)).unwrap_or_default()
    } else if let Some(defect) = server::defect(id) {
        defect_text(defect)
    } else if let Some(text) = case_text(id) {
        text
    } else {
        let cases: Vec<String> = cases().map(|(name, _)| name).collect();
        let known = catalogue
            .iter()
            .map(|r| r.id.as_str())
            .chain(server::defects().iter().map(|d| d.id))
            .chain(cases.iter().map(String::as_str));
        let near = suite::nearest(id, known);
        return Err(usage(format!(
            "nothing has the id {id:?}{}; `dcrspec list requirements` lists them",
            did_you_mean(&near)
        )));
    };
    print(&text);
    Ok(Exit::Clean)
}

/// Every embedded case by its full name.
fn cases() -> impl Iterator<Item = (String, &'static suite::Case)> {
    suite::embedded().iter().flat_map(|s| s.cases.iter().map(move |c| (format!("{}/{}", s.name, c.id.value), c)))
}

fn wrapped(text: &str, indent: usize) -> String {
    let mut out = String::new();
    let mut width = 0;
    for word in text.split_whitespace() {
        if width > 0 && width + word.len() + 1 > 96 {
            out.push('\n');
            width = 0;
        }
        if width == 0 {
            out.push_str(&" ".repeat(indent));
            width = indent;
        } else {
            out.push(' ');
            width += 1;
        }
        out.push_str(word);
        width += word.len();
    }
    out + "\n"
}

fn requirement_text(catalogue: &Catalogue, r: &Requirement) -> String {
    let mut out = format!("{}\n{}, section {}, {}", r.id, catalogue.spec_of(r), r.section, r.level);
    if r.finding_level() != r.level {
        out.push_str(&format!(" (reported at {})", r.finding_level()));
    }
    if let Some(strength) = r.strength {
        out.push_str(&format!(", at most {strength}"));
    }
    if r.binds == Binds::Client {
        out.push_str(", binds the client");
    }
    out.push('\n');
    if let Some(url) = catalogue.url_of(r) {
        out.push_str(&format!("{url}\n"));
    }
    let mut part = |title: &str, text: &str| out.push_str(&format!("\n{title}\n{}", wrapped(text, 2)));
    part("What it says", &r.says);
    part("How it is seen", &r.observe);
    if let Some(doubt) = &r.ambiguous {
        part("In doubt", doubt);
    }
    if let Some(why) = r.why_not.as_ref().filter(|_| !r.killable) {
        part("Why no server can be staged that breaks it", why);
    }
    if !r.allowed.is_empty() {
        out.push_str("\nWhat is allowed, and never reported\n");
        for item in &r.allowed {
            out.push_str(&wrapped(&format!("- {item}"), 2));
        }
    }
    if !r.needs.is_empty() {
        let needs: Vec<&str> = r.needs.iter().map(|c| c.as_str()).collect();
        out.push_str(&format!("\nNeeds {}\n", needs.join(", ")));
    }
    let mut tested = Vec::new();
    for (rule, requirement) in judge::rule_ids() {
        if requirement == r.id {
            tested.push(format!("the rule {rule}, on every exchange"));
        }
    }
    tested.extend(
        cases()
            .filter(|(_, c)| c.requirements.iter().any(|q| q.value == r.id))
            .map(|(name, c)| format!("{name}: {}", c.title)),
    );
    if r.binds == Binds::Server {
        out.push_str("\nTested by\n");
        if tested.is_empty() {
            out.push_str("  no case yet\n");
        }
        for line in tested {
            out.push_str(&wrapped(&line, 2));
        }
        for d in server::defects().iter().filter(|d| d.requirement == r.id) {
            out.push_str(&wrapped(&format!("proven by the defect {}: {}", d.id, d.says), 2));
        }
    }
    out
}

/// A wrong and a right answer to the same request, and how to mend the wrong one.
fn example_text(example: &Example) -> String {
    let finding = &example.finding;
    let mut out = format!("\nA wrong exchange (the reference server with the defect {})\n", example.defect.id);
    out.push_str(&exchange_text(&example.wrong));
    out.push_str(&wrapped(&format!("-> {}", harmless(&finding.message)), 2));
    if let Some(right) = &example.right {
        out.push_str("\nA right one in its place\n");
        out.push_str(&exchange_text(right));
    }
    if !finding.expected.is_empty() {
        let place = match finding.instance_path.strip_prefix("header:") {
            Some(header) => format!("the header {header}"),
            None if finding.instance_path.starts_with('/') => {
                format!("{} of the answer", finding.instance_path.trim_start_matches('/'))
            }
            None => format!("the {} of the answer", finding.instance_path),
        };
        out.push_str(&format!(
            "\nHow to mend it\n{}",
            wrapped(&format!("Look at {place}. Due is: {}.", finding.expected), 2)
        ));
    }
    out
}

/// Request and response in short: the start line, what is said about the media type, and the body.
fn exchange_text(x: &ExchangeRecord) -> String {
    let cut = |text: &str| crate::judge::shorten(&harmless(text), 600);
    let mut out = format!("  > {} {}\n", x.request.method, x.request.url);
    let shown = ["content-type", "authorization", "www-authenticate", "cache-control", "location"];
    let headers = |mark: char, headers: &[(String, String)]| -> String {
        let kept = headers.iter().filter(|(n, _)| shown.contains(&n.to_ascii_lowercase().as_str()));
        kept.map(|(n, v)| format!("  {mark} {n}: {}\n", harmless(v))).collect()
    };
    out.push_str(&headers('>', &x.request.headers));
    if !x.request.body.is_empty() {
        out.push_str(&format!("  > {}\n", cut(&x.request.body)));
    }
    if let Some(response) = &x.response {
        out.push_str(&format!("  < {} {}\n", response.version, response.status));
        out.push_str(&headers('<', &response.headers));
        if !response.body.is_empty() {
            out.push_str(&format!("  < {}\n", cut(&response.body)));
        }
    }
    out
}

fn defect_text(d: &server::Defect) -> String {
    let mut out = format!(
        "{}\nA defect of the reference server, in the configuration {}.\n{}\n",
        d.id,
        d.configuration.name(),
        d.says
    );
    out.push_str(&format!("\nBreaks {}\n", d.requirement));
    for (id, why) in d.also {
        out.push_str(&format!("and {id}: {why}\n"));
    }
    out.push_str(&format!("\nSee it caught: dcrspec run --reference --defect {}\n", d.id));
    out
}

fn case_text(id: &str) -> Option<String> {
    let (name, case) = cases().find(|(name, _)| name == id)?;
    let mut out = format!("{name}\n{}\n\nRequirements\n", case.title);
    for r in &case.requirements {
        out.push_str(&format!("  {}\n", r.value));
    }
    if !case.needs.is_empty() {
        let needs: Vec<&str> = case.needs.iter().map(|c| c.value.as_str()).collect();
        out.push_str(&format!("Needs {}\n", needs.join(", ")));
    }
    out.push_str(&format!("{} step{}\n", case.steps.len(), if case.steps.len() == 1 { "" } else { "s" }));
    Some(out)
}
