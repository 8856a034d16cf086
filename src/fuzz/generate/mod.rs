//! From bytes to a request: total (any bytes give one) and stable (the same bytes give the same one, always).
//!
//! A seed, a file of a corpus, an input of libFuzzer and a value in a test all go through [`input`].

mod dice;
mod envelope;
mod keys;
mod member;
mod structure;
mod text;
mod uri;

use crate::model::{self, Move};

pub use dice::Dice;
pub use member::{is_registered, row};
pub use structure::{
    Base, Credentials, Envelope, FORMAT, Follow, Input, Label, MUTATIONS, Member, Mutation, Node, Shape, Style,
    Variant, Writing,
};
pub use uri::{hosts, is_reserved, stays_home};

/// Members of base clients that can be left out.
const OMISSIBLE: &[&str] =
    &["redirect_uris", "token_endpoint_auth_method", "grant_types", "response_types", "client_name"];

/// The request that these bytes stand for. No bytes: the base client as it is.
pub fn input(bytes: &[u8]) -> Input {
    from_dice(&mut Dice::new(bytes))
}

fn from_dice(dice: &mut Dice) -> Input {
    let mut input = Input {
        base: match dice.weighted(&[10, 4, 4, 1]) {
            0 => Base::Any,
            1 => Base::Public,
            2 => Base::Confidential,
            _ => Base::Nothing,
        },
        ..Input::default()
    };
    // Most faults show with one member; the more there are, the likelier one is refused for the wrong reason.
    let count = [0, 1, 2, 3, 5][dice.weighted(&[2, 12, 5, 2, 2])];
    for _ in 0..count {
        member::members(dice, &mut input.set);
    }
    if input.base != Base::Nothing && dice.one_in(8) {
        input.omit.push(dice.pick(OMISSIBLE).to_owned());
    }
    envelope::around(dice, &mut input);
    input
}

/// The registration and the sequence of steps over RFC 7592 that these bytes stand for.
pub fn sequence(bytes: &[u8]) -> Input {
    let mut dice = Dice::new(bytes);
    let base = dice.pick(&[Base::Any, Base::Any, Base::Public, Base::Confidential]);
    let mut input = Input { base, ..Input::default() };
    // A client that is refused has no life.
    if dice.one_in(4) {
        member::members(&mut dice, &mut input.set);
    }
    let length = 1 + dice.below(14);
    input.moves = moves(&mut dice, length);
    input
}

/// Draws steps, for sequences and their mutation.
pub fn moves(dice: &mut Dice, length: usize) -> Vec<Move> {
    model::draw(&mut |n| dice.below(n), length, true)
}

/// What the parts of a structure are called that begin at these bytes, and how many bytes each takes: a member with its mutation, a
/// step of a sequence.
pub fn parts(bytes: &[u8]) -> Vec<(String, usize)> {
    let mut dice = Dice::new(bytes);
    let mut set = Vec::new();
    member::members(&mut dice, &mut set);
    let family = |of| MUTATIONS.iter().find(|(m, _)| *m == of).map_or("", |(_, name)| name);
    let used = bytes.len() - dice.left();
    let mut parts: Vec<_> = set.iter().map(|m| (format!("{} {}", row(&m.name), family(m.mutation)), used)).collect();
    let mut dice = Dice::new(bytes);
    let step = moves(&mut dice, 1).first().map(|step| format!("{step:?}"));
    parts.extend(step.map(|step| (step, bytes.len() - dice.left())));
    parts
}

/// Adds a member, for mutation.
pub fn add_member(dice: &mut Dice, input: &mut Input) {
    member::members(dice, &mut input.set);
}

/// Draws anew what is around the metadata, for mutation.
pub fn redraw_around(dice: &mut Dice, input: &mut Input) {
    input.writing = Writing::default();
    input.envelope = Envelope::default();
    input.compare = None;
    input.follow.clear();
    envelope::around(dice, input);
}

#[cfg(test)]
mod tests;
