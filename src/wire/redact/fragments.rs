//! Pieces of secrets: a server that shows half of a token in one field and half in another has shown it all.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use super::forms::each_reading;

/// As many characters in a row are a piece.
const PIECE: usize = 12;

/// Shorter secrets are not looked for in pieces: too little would be left over to tell them from other words.
const SHORTEST: usize = 20;

type Piece = [char; PIECE];

/// Every piece of every secret, with the description of the secret.
#[derive(Default)]
pub(super) struct Fragments {
    pieces: HashMap<Piece, Arc<str>>,
    /// What may be read: a token can be made from the client's public name.
    public: HashSet<Piece>,
}

impl Fragments {
    pub(super) fn learn(&mut self, secret: &str, marker: &Arc<str>) {
        let characters: Vec<char> = secret.chars().collect();
        if characters.len() < SHORTEST {
            return;
        }
        // The first part of a JWT names its algorithm, and is the same in statements that are no secret.
        let from = if secret.starts_with("eyJ") { characters.iter().position(|c| *c == '.').unwrap_or(0) } else { 0 };
        for piece in pieces(&characters[from..]).filter(random) {
            self.pieces.entry(piece).or_insert_with(|| marker.clone());
        }
    }

    pub(super) fn allow(&mut self, text: &str) {
        let characters: Vec<char> = text.chars().collect();
        self.public.extend(pieces(&characters).filter(random));
    }

    /// The places of pieces in a text, escapes of any kind undone. Pieces that overlap are one.
    pub(super) fn find<'a>(&'a self, text: &str, found: &mut Vec<(Range<usize>, &'a str)>) {
        if self.pieces.is_empty() {
            return;
        }
        let mut read: Vec<(char, usize)> = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let mut last = (' ', text.len());
            // The last reading undoes the most.
            each_reading(text, at, &mut |c, after| last = (c, after));
            let (c, after) = last;
            read.push((c, at));
            at = after;
        }
        let end_of = |n: usize| read.get(n).map_or(text.len(), |(_, at)| *at);
        let mut run = 0;
        for n in 0..read.len() {
            // Spares nearly all places of prose the comparison.
            run = if is_token(read[n].0) { run + 1 } else { 0 };
            if run < PIECE {
                continue;
            }
            let start = n + 1 - PIECE;
            let piece: Piece = std::array::from_fn(|i| read[start + i].0);
            let Some(marker) = self.pieces.get(&piece).filter(|_| !self.public.contains(&piece)) else { continue };
            let range = read[start].1..end_of(n + 1);
            match found.last_mut() {
                Some((before, m)) if before.end > range.start && *m == &**marker => {
                    before.end = before.end.max(range.end)
                }
                _ => found.push((range, marker)),
            }
        }
    }
}

fn pieces(characters: &[char]) -> impl Iterator<Item = Piece> + '_ {
    characters.windows(PIECE).filter_map(|window| Piece::try_from(window).ok())
}

/// What tokens are made of (RFC 6750, 2.1).
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~+/=".contains(c)
}

/// Whether a piece looks made up: words are left alone, or `initial-access-token` would be hidden wherever a token holds
/// it.
fn random(piece: &Piece) -> bool {
    let count = |test: fn(&char) -> bool| piece.iter().filter(|c| test(c)).count();
    let distinct = piece.iter().collect::<HashSet<_>>().len();
    let digits = count(char::is_ascii_digit);
    let mixed = count(char::is_ascii_uppercase) >= 2 && count(char::is_ascii_lowercase) >= 2;
    distinct >= 6 && piece.iter().all(|c| is_token(*c)) && (digits >= 2 || mixed)
}

#[cfg(test)]
mod tests {
    use super::super::*;

    const SECRET: &str = "q7Rt2LmX9vBz4KpW8sNd1HcJ6yGf3QaE";

    fn redactor() -> Redactor {
        let redactor = Redactor::new();
        redactor.learn("client_secret", SECRET);
        redactor
    }

    #[test]
    fn halves_are_found_however_they_are_written() {
        let r = redactor();
        let (left, right) = SECRET.split_at(16);
        let escaped: String = left.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
        let percent: String = right.bytes().map(|b| format!("%{b:02X}")).collect();
        for text in [left, right, &escaped, &percent, &SECRET[3..20]] {
            let said = r.text(&format!("before {text}, after"));
            assert!(said.starts_with("before [client_secret: 32 "), "{said}");
            assert!(said.ends_with("], after"), "{said}");
        }
        assert_eq!(r.text(&SECRET[..11]), &SECRET[..11]);
    }

    #[test]
    fn words_and_public_names_stay() {
        let r = Redactor::new();
        r.learn("token", "an-initial-access-token-for-the-test");
        assert_eq!(r.text("initial-access-token"), "initial-access-token");
        let id = "0123456789abcdef0123";
        r.learn("token", &format!("{id}-{SECRET}"));
        r.allow(id);
        assert_eq!(r.text(&format!("client {id}")), format!("client {id}"));
        assert!(!r.text(&SECRET[..16]).contains(&SECRET[..16]));
    }
}
