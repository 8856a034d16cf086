//! Changes to a structure that once brought something new.

use super::generate::{self, Base, Dice, Input, Member};

/// A neighbour of `parent`; `other` gives what is spliced in.
pub fn mutated(parent: &Input, other: &Input, bytes: &[u8]) -> Input {
    let mut dice = Dice::new(bytes);
    let mut input = parent.clone();
    if !parent.moves.is_empty() {
        return life(&mut dice, input, other);
    }
    let changes = 1 + dice.below(3);
    for _ in 0..changes {
        match dice.below(9) {
            0 | 1 => generate::add_member(&mut dice, &mut input),
            2 if !input.set.is_empty() => {
                let at = dice.below(input.set.len());
                input.set.remove(at);
            }
            3 | 4 if !input.set.is_empty() => revalue(&mut dice, &mut input),
            5 => input.set.extend(pick(&mut dice, &other.set)),
            6 => input.base = dice.pick(&[Base::Any, Base::Public, Base::Confidential, Base::Nothing]),
            7 => {
                input.writing = other.writing.clone();
                input.envelope = other.envelope.clone();
            }
            _ => generate::redraw_around(&mut dice, &mut input),
        }
    }
    // However long a lineage gets, its requests stay of a size that says something.
    input.set.truncate(12);
    input.omit.truncate(3);
    input
}

/// No sequence gets longer.
const LONGEST: usize = 20;

/// A neighbour of a sequence.
fn life(dice: &mut Dice, mut input: Input, other: &Input) -> Input {
    for _ in 0..1 + dice.below(3) {
        let at = dice.below(input.moves.len().max(1));
        match dice.below(6) {
            0 | 1 => drop(input.moves.splice(at..at, generate::moves(dice, 1))),
            2 if input.moves.len() > 1 => drop(input.moves.remove(at)),
            3 => {
                let end = (at + 1).min(input.moves.len());
                input.moves.splice(at..end, generate::moves(dice, 1));
            }
            4 => {
                let from = dice.below(other.moves.len().max(1));
                input.moves.truncate(at + 1);
                input.moves.extend(other.moves.iter().skip(from));
            }
            _ if input.set.is_empty() => generate::add_member(dice, &mut input),
            _ => input.set.clear(),
        }
    }
    input.moves.truncate(LONGEST);
    input
}

fn pick(dice: &mut Dice, members: &[Member]) -> Option<Member> {
    (!members.is_empty()).then(|| members[dice.below(members.len())].clone())
}

/// Another value for one of the members, taken from what the generator makes.
fn revalue(dice: &mut Dice, input: &mut Input) {
    let at = dice.below(input.set.len());
    let mut drawn = Input::default();
    generate::add_member(dice, &mut drawn);
    if let Some(member) = drawn.set.into_iter().next() {
        input.set[at].value = member.value;
        input.set[at].mutation = member.mutation;
    }
}
