//! Text from servers, made harmless for where it is shown: a terminal, an XML file.
//!
//! A server under test, above all a fuzzed one, echoes whatever it likes. Evidence has to stay readable, so a dangerous
//! character is replaced by a visible escape and never dropped.

use std::fmt::Write as _;

/// One line for a terminal: every character that could steer it, hide or reorder text becomes `\u{1b}`.
pub fn harmless(text: &str) -> String {
    escape(text, |c| steers(c) || matches!(c, '\n' | '\t'))
}

/// As [`harmless`], with newline and tab kept.
pub fn harmless_lines(text: &str) -> String {
    escape(text, steers)
}

/// Text that an XML 1.0 document may hold, in an element or in CDATA.
///
/// Characters that XML 1.0 does not know are illegal even as entities, so they become visible escapes; `]]>`, which
/// would end CDATA, becomes `]]\u{3e}`.
pub fn xml_text(text: &str) -> String {
    escape(text, |c| !is_xml_char(c)).replace("]]>", "]]\\u{3e}")
}

/// The value of an XML attribute: [`xml_text`] on one line, of at most 200 characters.
pub fn xml_attribute(text: &str) -> String {
    const MOST: usize = 200;
    // A parser turns line ends and tabs in attributes into spaces, so they are spaces from the start.
    let text = xml_text(&cut(text, 4096));
    let mut line = String::with_capacity(text.len().min(1024));
    for word in text.split(|c: char| c.is_whitespace()).filter(|w| !w.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(MOST) {
        None => line,
        Some(_) => line.chars().take(MOST - 1).chain(['…']).collect(),
    }
}

/// At most `max_bytes` bytes of a text, with a mark at the end that says how many there were.
///
/// The mark is within the limit, unless the limit is shorter than the mark itself.
pub fn cut(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    let mark = format!("… [cut: {} bytes in all]", text.len());
    let mut end = max_bytes.saturating_sub(mark.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{mark}", &text[..end])
}

fn escape(text: &str, unwanted: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if unwanted(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// The production `Char` of XML 1.0.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether a terminal would act on the character, or a reader could not see it. Newline and tab are not among them.
fn steers(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // C0, DEL and C1: the escape sequences start here.
        c if c.is_control() => true,
        // Bidirectional controls reorder what stands around them.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Zero width, invisible and filler characters, the byte order mark among them.
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200d}' => true,
        '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' => true,
        // Line and paragraph separators, interlinear annotation, tags and supplementary variation selectors.
        '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => true,
        // Code points that are no characters.
        '\u{fdd0}'..='\u{fdef}' => true,
        c => u32::from(c) & 0xfffe == 0xfffe,
    }
}
