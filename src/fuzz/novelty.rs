//! What is new about an answer: the signal that steers a campaign where nothing of the server can be seen.

use std::{
    collections::HashSet,
    hash::{Hash, Hasher},
};

use super::generate::{Input, is_registered};
use crate::wire::{Exchange, Outcome};

/// More answers than these are not told apart; a server that makes up words could fill any memory.
const MOST: usize = 200_000;

/// The answers that were seen so far, by their shape.
#[derive(Default)]
pub struct Novelty(HashSet<u64>);

impl Novelty {
    /// Whether an answer of this shape is seen for the first time.
    pub fn is_new(&mut self, input: &Input, exchange: &Exchange) -> bool {
        let shape = shape(input, exchange);
        if self.0.contains(&shape) || self.0.len() >= MOST {
            return false;
        }
        self.0.insert(shape)
    }

    /// How many shapes there are.
    pub fn shapes(&self) -> usize {
        self.0.len()
    }
}

/// Status, media type, error code, the set of members and the shape of the description; never times, which differ by
/// chance, nor values. What was varied counts too where the server took it: another member that is accepted is new.
fn shape(input: &Input, exchange: &Exchange) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    match &exchange.outcome {
        Outcome::Failure(failure) => failure.kind.hash(&mut hasher),
        Outcome::Response(response) => {
            response.status.hash(&mut hasher);
            response.headers.media_type().hash(&mut hasher);
            response.cut.is_some().hash(&mut hasher);
            response.member("error").map(describe).hash(&mut hasher);
            response.member("error_description").map(describe).hash(&mut hasher);
            if let Some(object) = response.object() {
                let mut names: Vec<&str> = object.keys().map(|n| if is_registered(n) { n } else { "?" }).collect();
                names.sort_unstable();
                names.dedup();
                names.hash(&mut hasher);
            }
            if response.is_created() {
                let mut done: Vec<_> = super::render::done(input).collect();
                done.sort_unstable();
                done.hash(&mut hasher);
            }
        }
    }
    exchange.request.method.hash(&mut hasher);
    exchange.request.auth.hash(&mut hasher);
    hasher.finish()
}

/// A text with its values taken out: what stands in quotes, numbers, and characters beyond ASCII.
fn describe(text: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    for c in text.chars().take(400) {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => continue,
            None if matches!(c, '"' | '`') => quote = Some(c),
            None => {}
        }
        let shown = match c {
            '0'..='9' => '9',
            c if !c.is_ascii() => '?',
            c => c,
        };
        if !(matches!(shown, '9' | '?') && out.ends_with(shown)) {
            out.push(shown);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn a_description_is_told_by_its_words() {
        assert_eq!(describe("bad value \"abc\" at 12"), describe("bad value \"größe\" at 7345"));
        assert_ne!(describe("bad value"), describe("bad type"));
    }
}
