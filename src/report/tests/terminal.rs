use super::*;
use crate::spec::Catalogue;

fn plain(report: &Report) -> String {
    terminal(report, Style::default(), Catalogue::known())
}

#[test]
fn the_strongest_comes_first_and_notes_are_counted() {
    let text = plain(&sample());
    let places: Vec<usize> =
        ["f-rule", "f-case", "f-warn"].iter().map(|id| text.find(&format!("message of {id}")).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    assert!(!text.contains("message of f-note") && text.contains("1 note not shown"), "{text}");
    let verbose = terminal(&sample(), Style { verbose: true, ..Style::default() }, Catalogue::known());
    assert!(verbose.contains("[note] the message of f-note"));
}

#[test]
fn a_finding_has_its_evidence() {
    let text = plain(&sample());
    for part in [
        "BROKEN  MUST  rfc7591-3.2.1-client-secret-expires-at  (fails the run)",
        "RFC 7591, section 3.2.1",
        "answer: HTTP 201, /client_secret_expires_at = \"never\"",
        "also: oidc-2-a",
        "(seen 3 times)",
        "    curl -X POST https://as.example.com/register\n",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}");
    }
    let says = Catalogue::known().get("rfc7591-3-json-content-type-parameters").unwrap().says.as_str();
    let words = |t: &str| t.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&text).contains(&words(says)));
    assert!(text.contains("#section-3\n"), "the section has its address: {text}");
}

#[test]
fn the_summary_says_what_was_left_behind_and_what_to_type() {
    let text = plain(&sample());
    let summary = &text[text.find("BROKEN: ").unwrap()..];
    insta::assert_snapshot!(summary, @r"
    BROKEN: 1 finding fails the run (MUST, SECURITY)
      target        open https://as.example.com/register
      requirements  1 met, 2 broken, 1 not exercised, 1 not applicable
      findings      2 broken, 1 warning, 1 note
      cases         2 passed, 1 failed, 1 skipped, 1 errored
      exchanges     12 in 2.5 s, seed 7
      clients       3 registered, 2 deleted, 1 left behind: client-3; 1 more may exist: no client_id of
                    theirs was read
      next          dcrspec explain rfc7591-3.2.1-client-secret-expires-at
    ");
}

#[test]
fn the_verdict_line_is_the_exit_code_in_words() {
    let mut report = sample();
    report.findings[0].waived = Some("ticket 12".into());
    let text = plain(&report);
    assert!(text.contains("\nCLEAN: ") && text.contains("WAIVED  MUST") && text.contains("waived: ticket 12"));
    report.untestable = Some("every base client was refused".into());
    let text = plain(&report);
    for part in ["NOT TESTED\n  every base client", "- public native client: refused: 401", "try: give an initial"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    report.interrupted = true;
    assert!(plain(&report).contains("\nINTERRUPTED: "));
    report.interrupted = false;
    report.untestable = None;
    report.requirements.clear();
    assert!(plain(&report).contains("\nNOT TESTED: nothing could be judged"));
}

#[test]
fn no_server_text_reaches_the_terminal_as_it_is() {
    let mut report = hostile();
    report.untestable = Some(HOSTILE.into());
    let text = terminal(&report, Style { verbose: true, ..Style::default() }, Catalogue::known());
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(!text.contains('\u{202e}') && text.contains("\\u{202e}"));
    assert!(text.len() < 20_000, "{}", text.len());
}

#[test]
fn color_adds_nothing_but_color() {
    let style = Style { color: true, ..Style::default() };
    let mut text = terminal(&sample(), style, Catalogue::known());
    assert!(text.contains("\u{1b}[1;31mBROKEN\u{1b}[0m"));
    for code in ["1;31", "33", "1;32", "1", "2", "0"] {
        text = text.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(text, plain(&sample()));
}

#[test]
fn prose_keeps_to_the_width() {
    let text = terminal(&sample(), Style { width: 60, ..Style::default() }, Catalogue::known());
    for line in text.lines().filter(|l| !l.contains("http") && !l.contains("rfc7591-")) {
        assert!(line.chars().count() <= 60, "{line}");
    }
    terminal(&hostile(), Style { width: 0, ..Style::default() }, Catalogue::known());
}
