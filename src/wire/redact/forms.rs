//! The forms in which a secret can stand in a text.

use std::{borrow::Cow, ops::Range};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// One form of a secret. It is compared with a text character by character, where each character of the text may stand
/// for itself or be escaped: so escapes of every kind are found, mixed as they may be.
pub(super) struct Pattern {
    characters: Vec<char>,
    /// In the middle of base64: what stands around it in the same run of base64 belongs to the secret too.
    pub(super) within_base64: bool,
}

impl Pattern {
    pub(super) fn start(&self) -> Start {
        std::array::from_fn(|n| self.characters[n])
    }

    /// The longest match that starts at this place.
    pub(super) fn find_at(&self, text: &str, at: usize) -> Option<Range<usize>> {
        let mut plain = at;
        let mut wanted = self.characters.as_slice();
        // Most attempts end here, before anything has to be allocated.
        while let (Some((first, others)), Some(c)) = (wanted.split_first(), text[plain..].chars().next()) {
            if matches!(c, '\\' | '%' | '&') {
                break;
            }
            if c != *first {
                return None;
            }
            plain += c.len_utf8();
            wanted = others;
        }
        // Where the pattern has a character that also starts an escape, there is more than one way on: all are kept.
        let mut ends = vec![plain];
        for wanted in wanted {
            let mut next = Vec::with_capacity(ends.len());
            for end in ends {
                each_reading(text, end, &mut |c, after| {
                    if c == *wanted {
                        next.push(after);
                    }
                });
            }
            if next.is_empty() {
                return None;
            }
            next.sort_unstable();
            next.dedup();
            ends = next;
        }
        let end = ends.into_iter().max()?;
        if !self.within_base64 {
            return Some(at..end);
        }
        let bytes = text.as_bytes();
        let in_run = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_=".contains(b);
        let before = bytes[..at].iter().rev().take_while(|b| in_run(b)).count();
        let after = bytes[end..].iter().take_while(|b| in_run(b)).count();
        Some(at - before..end + after)
    }
}

/// A very long secret in pieces, which are looked for one by one: one that repeats itself would else be compared in full
/// at every place of a text that repeats it.
pub(super) fn pieces(secret: &str) -> impl Iterator<Item = Cow<'_, str>> {
    const PIECE: usize = 1024;
    let characters: Vec<char> = if secret.len() > 4 * PIECE { secret.chars().collect() } else { Vec::new() };
    // The last is a whole one too: a short rest would match where it is no secret.
    let starts = (0..characters.len().saturating_sub(PIECE)).step_by(PIECE).chain(characters.len().checked_sub(PIECE));
    let long: Vec<Cow<str>> = starts.map(|n| characters[n..n + PIECE].iter().collect::<String>().into()).collect();
    let short = long.is_empty().then_some(Cow::Borrowed(secret));
    short.into_iter().chain(long)
}

/// Every form of a secret: itself, its base64, and its base64 within something longer, such as Basic credentials.
pub(super) fn patterns(secret: &str) -> Vec<Pattern> {
    let mut found: Vec<Pattern> = Vec::new();
    let mut add = |form: &str, within_base64| {
        let characters: Vec<char> = form.chars().collect();
        // Secrets have more characters than that, and so has every form of one.
        if characters.len() >= START && found.iter().all(|p| p.characters != characters) {
            found.push(Pattern { characters, within_base64 });
        }
    };
    add(secret, false);
    // RFC 6749 (2.3.1) has both parts of Basic credentials encoded as a form; not every client does so.
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    // A form has + for a space, which is no escape anywhere else.
    add(&encoded, false);
    for form in [secret, &encoded] {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            // Without padding it is also the beginning of the padded form.
            add(&engine.encode(form), false);
            for shift in 0..3 {
                let mut bytes = vec![0; shift];
                bytes.extend_from_slice(form.as_bytes());
                let text = engine.encode(&bytes);
                // Characters that also hold bits of what stands before or after are left out.
                let start = [0, 2, 3][shift];
                let end = bytes.len() * 8 / 6;
                add(text.get(start..end).unwrap_or_default(), true);
            }
        }
    }
    found
}

/// How many characters patterns are found by: with fewer, a text is compared with too many of them where thousands are known.
const START: usize = 4;

/// The first characters of a pattern.
pub(super) type Start = [char; START];

/// The starts that a text can be read to have at this place.
pub(super) fn starts(text: &str, at: usize, found: &mut Vec<Start>) {
    found.clear();
    let mut plain = ['\0'; START];
    let mut count = 0;
    let escaped = text[at..].chars().take(START).any(|c| {
        plain[count] = c;
        count += 1;
        matches!(c, '\\' | '%' | '&')
    });
    // Most places are like this.
    if !escaped {
        if count == START {
            found.push(plain);
        }
        return;
    }
    let mut readings = vec![(['\0'; START], at)];
    for depth in 0..START {
        let mut next = Vec::with_capacity(readings.len());
        for (start, end) in readings {
            each_reading(text, end, &mut |c, after| {
                let mut start = start;
                start[depth] = c;
                next.push((start, after));
            });
        }
        next.sort_unstable();
        next.dedup();
        readings = next;
    }
    found.extend(readings.into_iter().map(|(start, _)| start));
    found.dedup();
}

/// The character at this place as it is, and the one that an escape there stands for, each with where it ends.
pub(super) fn each_reading(text: &str, at: usize, reading: &mut impl FnMut(char, usize)) {
    let Some(rest) = text.get(at..) else { return };
    let Some(plain) = rest.chars().next() else { return };
    reading(plain, at + plain.len_utf8());
    let escaped = match plain {
        '\\' => {
            // A backslash is two of them in JSON, four in JSON within a JSON string, and so on.
            [2, 4, 8].iter().filter(|n| **n <= slashes(rest)).for_each(|n| reading('\\', at + n));
            backslash(rest)
        }
        '%' => percent(rest),
        '&' => entity(rest),
        _ => None,
    };
    if let Some((c, length)) = escaped {
        reading(c, at + length);
    }
}

/// How many backslashes the text starts with. No nesting needs more than are counted, and a long run of them must not
/// be counted again at each of its places.
fn slashes(rest: &str) -> usize {
    rest.bytes().take(8).take_while(|b| *b == b'\\').count()
}

/// A JSON escape, behind any number of backslashes: JSON within a JSON string has more of them.
fn backslash(rest: &str) -> Option<(char, usize)> {
    let slashes = slashes(rest);
    let simple = |c| Some((c, slashes + 1));
    match rest.as_bytes().get(slashes) {
        Some(b'u') => {
            let unit =
                |at: usize| rest.get(at..at + 4).filter(|h| is_hex(h)).and_then(|h| u32::from_str_radix(h, 16).ok());
            let first = unit(slashes + 1)?;
            let end = slashes + 5;
            if let Some(c) = char::from_u32(first) {
                return Some((c, end));
            }
            // A surrogate pair, with as many backslashes before its second half.
            let after = rest.get(end..)?;
            let more = self::slashes(after);
            let second = unit(end + more + 1).filter(|_| more > 0 && after.as_bytes().get(more) == Some(&b'u'))?;
            let pair = u16::try_from(first).ok().zip(u16::try_from(second).ok())?;
            let c = char::decode_utf16([pair.0, pair.1]).next()?.ok()?;
            Some((c, end + more + 5))
        }
        Some(b'n') => simple('\n'),
        Some(b'r') => simple('\r'),
        Some(b't') => simple('\t'),
        Some(b'b') => simple('\u{8}'),
        Some(b'f') => simple('\u{c}'),
        Some(b'"') => simple('"'),
        Some(b'/') => simple('/'),
        Some(b'\'') => simple('\''),
        _ => None,
    }
}

/// A percent-encoded character, encoded once or more often (`%252F`).
fn percent(rest: &str) -> Option<(char, usize)> {
    let byte = |at: usize| -> Option<(u8, usize)> {
        let mut digits = at + rest.get(at..)?.strip_prefix('%').map(|_| 1)?;
        loop {
            let hex = rest.get(digits..digits + 2).filter(|h| is_hex(h))?;
            // A percent sign that starts another such escape.
            let nested = rest.get(digits + 2..digits + 4).is_some_and(is_hex);
            if hex == "25" && nested && digits < at + 16 {
                digits += 2;
                continue;
            }
            return u8::from_str_radix(hex, 16).ok().map(|b| (b, digits + 2));
        }
    };
    let (first, mut end) = byte(0)?;
    let length = match first {
        0..0x80 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..=0xff => 4,
        _ => return None,
    };
    let mut bytes = vec![first];
    for _ in 1..length {
        let (next, after) = byte(end)?;
        bytes.push(next);
        end = after;
    }
    Some((std::str::from_utf8(&bytes).ok()?.chars().next()?, end))
}

/// A character reference of HTML, of those that escaping makes.
fn entity(rest: &str) -> Option<(char, usize)> {
    let end = rest.bytes().take(12).position(|b| b == b';')?;
    let name = rest.get(1..end)?;
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 1))
}

pub(super) fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What a secret is made of, in words.
pub(super) fn alphabet(secret: &str) -> &'static str {
    let all = |also: &[u8]| secret.bytes().all(|b| b.is_ascii_alphanumeric() || also.contains(&b));
    let parts = secret.split('.').count();
    match () {
        () if secret.is_empty() => "empty",
        () if secret.bytes().all(|b| b.is_ascii_digit()) => "digits",
        () if is_hex(secret) => "hex",
        () if all(b"") => "letters and digits",
        () if all(b"-_") => "base64url",
        () if (3..=5).contains(&parts) && secret.starts_with("eyJ") && all(b"-_.") => "JWT",
        () if all(b"+/=") => "base64",
        () if all(b"-._~+/=") => "token68",
        () if secret.bytes().all(|b| (0x20..0x7f).contains(&b)) => "printable ASCII",
        () if secret.is_ascii() => "ASCII with control characters",
        () => "Unicode",
    }
}
