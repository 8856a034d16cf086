//! The report as text for a person: what is broken, with the evidence, and a summary to read in ten seconds.

use crate::spec::{Catalogue, Level, Strength};

use super::{
    Exit, Finding, Report,
    campaign::has_compared,
    exit::exit,
    exit::fails,
    merge::weight,
    story,
    text::{cut, harmless, harmless_lines},
};

/// How the text is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether words are coloured. Nothing is said by colour alone.
    pub color: bool,
    /// The number of columns at which prose is wrapped; command lines are not, so that they can be copied.
    pub width: usize,
    /// Whether notes are shown, and not only counted.
    pub verbose: bool,
}

impl Default for Style {
    fn default() -> Self {
        Style { color: false, width: 100, verbose: false }
    }
}

/// The text report. What the specification says is taken from the catalogue; everything else from the report.
pub fn terminal(report: &Report, style: Style, catalogue: &Catalogue) -> String {
    let mut page = Page { report, catalogue, style, out: String::new() };
    page.findings();
    page.untestable();
    page.summary();
    page.out
}

/// How many of the clients left behind are named; the JSON report names them all.
const LEFT_SHOWN: usize = 12;

/// Server text is cut before it is shown.
const ANSWER_CHARS: usize = 300;

const RED: &str = "1;31";
const YELLOW: &str = "33";
const GREEN: &str = "1;32";
const BOLD: &str = "1";
const DIM: &str = "2";

struct Page<'a> {
    report: &'a Report,
    catalogue: &'a Catalogue,
    style: Style,
    out: String,
}

impl Page<'_> {
    fn findings(&mut self) {
        let report = self.report;
        for group in groups(report) {
            let shown: Vec<&Finding> = group.iter().copied().filter(|f| self.is_shown(f)).collect();
            let Some(strongest) = shown.first() else { continue };
            self.heading(strongest);
            for (number, finding) in shown.iter().enumerate() {
                let told = shown[..number].iter().any(|before| is_alike(before, finding));
                match told && !self.style.verbose {
                    true => self.elsewhere(finding),
                    false => self.finding(finding),
                }
            }
            self.out.push('\n');
        }
        let notes = report.findings.iter().filter(|f| !self.is_shown(f)).count();
        if notes > 0 {
            self.line(&format!("{} not shown; --verbose shows them.\n", plural(notes as u64, "note")));
        }
    }

    /// A note stands back unless it is asked for, or fails the run, as a difference between deployments does.
    fn is_shown(&self, finding: &Finding) -> bool {
        self.style.verbose || finding.strength != Strength::Note || fails(self.report, finding)
    }

    /// Level and id, where it stands, and what it says.
    fn heading(&mut self, finding: &Finding) {
        let (word, color) = label(finding);
        let word = self.paint(color, word);
        let id = self.paint(BOLD, &harmless(&finding.requirement));
        let fate = if fails(self.report, finding) { "  (fails the run)" } else { "" };
        self.line(&format!("{word}  {}  {id}{fate}", finding.level));
        let entry = self.catalogue.get(&finding.requirement);
        if let Some(requirement) = story::requirement(self.report, &finding.requirement) {
            let url = entry.and_then(|e| self.catalogue.url_of(e)).map_or_else(String::new, |u| format!("  {u}"));
            self.line(&format!("  {}{}", harmless(&story::section(requirement)), harmless(&url)));
        }
        if let Some(entry) = entry {
            self.prose("  ", "  ", &format!("It says: {}", entry.says.trim()));
        }
    }

    /// What an earlier finding has said, at another place.
    fn elsewhere(&mut self, finding: &Finding) {
        let seen = if finding.count > 1 { format!(", seen {}", story::times(finding.count)) } else { String::new() };
        let at = if finding.instance_path.is_empty() { "elsewhere" } else { &finding.instance_path };
        self.prose("  - ", "    ", &format!("the same at {at}{seen}; finding: {}", finding.id));
    }

    fn finding(&mut self, finding: &Finding) {
        let strength = match finding.strength {
            Strength::Broken => String::new(),
            milder => format!("[{milder}] "),
        };
        let seen = if finding.count > 1 { format!(" (seen {})", story::times(finding.count)) } else { String::new() };
        self.prose("  - ", "    ", &format!("{strength}{}{seen}", cut(&finding.message, 2000)));
        let answer = shorten(&harmless(&story::in_brief(self.report, finding)));
        self.field("answer", &answer);
        self.field("expected", &shorten(&harmless(&finding.expected)));
        self.field("also", &finding.also.join(", "));
        self.field("waived", finding.waived.as_deref().unwrap_or(""));
        let case = if finding.case.is_empty() { String::new() } else { format!(", first seen in {}", finding.case) };
        self.field("finding", &format!("{}{case}", finding.id));
        if let Some(curl) = &finding.curl {
            self.command(curl);
        }
        if finding.script.is_some() {
            self.field("script", "the report holds a shell script that repeats it");
        }
    }

    fn untestable(&mut self) {
        let report = self.report;
        let Some(reason) = &report.untestable else { return };
        let word = self.paint(RED, "NOT TESTED");
        self.line(&word);
        self.prose("  ", "  ", reason);
        if !report.target.ladder.is_empty() {
            self.line("  What was tried, and what the server said:");
        }
        for rung in &report.target.ladder {
            let word = if rung.accepted { "accepted" } else { "refused" };
            let answer = shorten(&harmless(&rung.answer));
            self.prose("  - ", "    ", &format!("{}: {word}: {answer}", rung.rung));
            if let Some(hint) = &rung.hint {
                self.prose("    try: ", "         ", hint);
            }
        }
        self.out.push('\n');
    }

    /// Every requirement with its verdict and the reason for it.
    fn verdicts(&mut self) {
        for r in &self.report.requirements {
            let verdict = r.verdict.as_str();
            self.prose(&format!("{verdict:<15} {:<8} ", r.level), "    ", &format!("{}: {}", r.id, r.reason));
        }
        self.out.push('\n');
    }

    fn summary(&mut self) {
        let report = self.report;
        if self.style.verbose {
            self.verdicts();
        }
        self.verdict();
        let target = &report.target;
        let label = if target.label == target.endpoint { "" } else { &target.label };
        self.row("target", format!("{label} {}", target.endpoint).trim());
        let r = &report.totals.requirements;
        let words = format!(
            "{} met, {} broken, {} not exercised, {} not applicable",
            r.met, r.broken, r.not_exercised, r.not_applicable
        );
        self.row("requirements", &words);
        let of = |s: Strength| report.findings.iter().filter(|f| f.strength == s).count() as u64;
        let waived = report.findings.iter().filter(|f| f.waived.is_some()).count();
        let known = if waived > 0 { format!(" ({waived} waived)") } else { String::new() };
        let (warnings, notes) = (plural(of(Strength::Warning), "warning"), plural(of(Strength::Note), "note"));
        self.row("findings", &format!("{} broken, {warnings}, {notes}{known}", of(Strength::Broken)));
        let c = &report.totals.cases;
        let words = format!("{} passed, {} failed, {} skipped, {} errored", c.passed, c.failed, c.skipped, c.errored);
        self.row("cases", &words);
        let words = format!("{} in {:.1} s, seed {}", report.totals.exchanges, report.seconds, report.seed);
        self.row("exchanges", &words);
        self.clients();
        self.next();
    }

    fn verdict(&mut self) {
        let report = self.report;
        let broken = report.findings.iter().filter(|f| fails(report, f)).count() as u64;
        let mut levels = levels(&report.fail_on);
        if has_compared(report) {
            levels.push_str(", difference");
        }
        let found = if broken == 0 {
            "nothing found that fails the run".to_owned()
        } else {
            let verb = if broken == 1 { "fails" } else { "fail" };
            format!("{} {verb} the run ({levels})", plural(broken, "finding"))
        };
        let (word, color, text) = match exit(report) {
            Exit::Clean => ("CLEAN", GREEN, format!("no finding at the levels that fail the run ({levels})")),
            Exit::Findings => ("BROKEN", RED, found),
            Exit::Interrupted => ("INTERRUPTED", YELLOW, format!("the run was interrupted; so far {found}")),
            Exit::Untestable | Exit::Usage => {
                let why = match &report.untestable {
                    Some(_) => "the target could not be tested, see above",
                    None => "nothing could be judged at this target",
                };
                ("NOT TESTED", RED, format!("{why}; {found}"))
            }
        };
        let word = self.paint(color, word);
        self.line(&format!("{word}: {text}"));
    }

    /// How many clients were registered, and by name those that are still there.
    fn clients(&mut self) {
        let clients = &self.report.clients;
        let mut words = format!("{} registered, {} deleted", clients.registered, clients.deleted);
        if clients.left.is_empty() {
            words.push_str(", none left behind");
        } else {
            let shown = &clients.left[..clients.left.len().min(LEFT_SHOWN)];
            words.push_str(&format!(", {} left behind: {}", clients.left.len(), shown.join(", ")));
            if shown.len() < clients.left.len() {
                words.push_str(&format!(" and {} more; --json names them all", clients.left.len() - shown.len()));
            }
        }
        if clients.unknown > 0 {
            words.push_str(&format!("; {} more may exist: no client_id of theirs was read", clients.unknown));
        }
        self.row("clients", &words);
    }

    /// The next command to type.
    fn next(&mut self) {
        let first = groups(self.report).into_iter().flatten().find(|f| f.strength != Strength::Note);
        if let Some(finding) = first {
            self.row("next", &format!("dcrspec explain {}", finding.requirement));
        }
    }

    fn row(&mut self, name: &str, value: &str) {
        self.prose(&format!("  {name:<13} "), &" ".repeat(16), value);
    }

    fn field(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.prose(&format!("    {name}: "), "      ", value);
        }
    }

    /// Commands stand alone on their lines, as they are.
    fn command(&mut self, command: &str) {
        for line in harmless_lines(command).lines() {
            let line = self.paint(DIM, line);
            self.line(&format!("    {line}"));
        }
    }

    /// Text wrapped at spaces; a word that is longer than the line keeps its own.
    fn prose(&mut self, first: &str, rest: &str, text: &str) {
        let text = harmless_lines(text);
        let mut line = first.to_owned();
        let mut used = line.chars().count();
        let mut fresh = true;
        for word in text.split_whitespace() {
            let length = word.chars().count();
            if !fresh && used + 1 + length > self.style.width {
                self.line(&line);
                line = rest.to_owned();
                used = line.chars().count();
                fresh = true;
            }
            if !fresh {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
            fresh = false;
        }
        self.line(line.trim_end());
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.style.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Findings by requirement; the strongest group first, and the strongest finding first in each.
fn groups(report: &Report) -> Vec<Vec<&Finding>> {
    let place = |f: &Finding| report.requirements.iter().position(|r| r.id == f.requirement).unwrap_or(usize::MAX);
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in &report.findings {
        match groups.iter_mut().find(|g| g[0].requirement == finding.requirement) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    for group in &mut groups {
        group.sort_by_key(|f| std::cmp::Reverse(weight(f)));
    }
    groups.sort_by_cached_key(|g| (std::cmp::Reverse(weight(g[0])), place(g[0])));
    groups
}

/// Whether two findings of one requirement tell the same, and differ in their place alone.
fn is_alike(a: &Finding, b: &Finding) -> bool {
    let told =
        |f: &Finding| (f.rule.clone(), f.strength, f.level, f.expected.clone(), f.also.clone(), f.waived.clone());
    told(a) == told(b) && !b.expected.is_empty() && a.instance_path != b.instance_path
}

fn label(finding: &Finding) -> (&'static str, &'static str) {
    match finding.strength {
        _ if finding.waived.is_some() => ("WAIVED", DIM),
        Strength::Broken => ("BROKEN", RED),
        Strength::Warning => ("WARNING", YELLOW),
        Strength::Note => ("NOTE", DIM),
    }
}

fn levels(levels: &[Level]) -> String {
    if levels.is_empty() {
        return "no level fails it".into();
    }
    levels.iter().map(|l| l.as_str()).collect::<Vec<_>>().join(", ")
}

/// At most [`ANSWER_CHARS`] characters, with a mark that says how many bytes there were.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(ANSWER_CHARS) {
        None => text.to_owned(),
        Some((end, _)) => cut(text, end),
    }
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
