//! What a fuzzer that lives elsewhere begins with: inputs that together make everything the generator can make, and the shortest
//! bytes for each of its parts. The same in every call, on every machine.

use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::generate::{self, Input, MUTATIONS, Mutation, Node};

/// The length of an input: long enough for nearly all that the generator makes of it.
pub const LENGTH: usize = 192;

/// How many inputs are drawn to choose from.
const DRAWN: u64 = 6_000;

/// The longest word that libFuzzer takes into a dictionary, in bytes.
const LONGEST: usize = 64;

fn drawn(stream: u64) -> impl Iterator<Item = [u8; LENGTH]> {
    (0..DRAWN).map(move |number| {
        let mut random = ChaCha8Rng::seed_from_u64(number);
        random.set_stream(stream);
        let mut bytes = [0; LENGTH];
        random.fill_bytes(&mut bytes);
        bytes
    })
}

/// The name of a family of mutations.
fn name(mutation: Mutation) -> &'static str {
    MUTATIONS.iter().find(|(m, _)| *m == mutation).map_or("", |(_, name)| name)
}

/// What a seed is kept for: each member with each kind of value and each mutation, each way of writing, everything around the
/// metadata, each step and each pair of steps that follow each other.
fn features(input: &Input) -> BTreeSet<String> {
    let mut found = BTreeSet::from([format!("base {:?}", input.base)]);
    found.extend(input.omit.iter().map(|name| format!("no {name}")));
    for member in &input.set {
        let row = generate::row(&member.name);
        found.insert(format!("{row} {}", name(member.mutation)));
        found.insert(format!("{row} as {}", kind(&member.value)));
    }
    let word = |debug: String| debug.split(['(', '{', ' ']).next().unwrap_or_default().to_owned();
    let (writing, envelope) = (&input.writing, &input.envelope);
    found.insert(format!("{:?} {} mark {}", writing.style, word(format!("{:?}", writing.shape)), writing.mark));
    found.insert(format!("tail {:?} {}", writing.tail, writing.utf16));
    found.insert(format!("{:?} {} {:?}", envelope.method, envelope.in_query, envelope.label));
    found.insert(format!("{:?} {:?}", envelope.credentials, envelope.framing));
    found.extend(envelope.headers.iter().map(|(name, value)| format!("{name}: {}", value.len())));
    found.extend(input.compare.as_ref().map(|v| format!("compare {v:?}")));
    found.extend(input.follow.iter().map(|f| format!("follow {f:?}")));
    found.extend(input.moves.iter().map(|step| format!("{step:?}")));
    found.extend(input.moves.windows(2).map(|pair| format!("{} then {}", pair[0].row(), pair[1].row())));
    found
}

/// The kind of a value.
fn kind(node: &Node) -> &'static str {
    match node {
        Node::Null => "null",
        Node::Bool(_) => "a boolean",
        Node::Number(_) => "a number",
        Node::Text(_) => "a text",
        Node::Long { .. } => "a long text",
        Node::Escaped(_) => "escapes",
        Node::Bytes(_) => "bytes",
        Node::Array(_) => "an array",
        Node::Object(_) => "an object",
        Node::Deep { .. } => "depth",
    }
}

/// Bytes of which the generator makes everything that a larger set of random ones stands for: the one with the most that is new
/// first.
pub fn cover(made: fn(&[u8]) -> Input) -> Vec<[u8; LENGTH]> {
    let mut open: Vec<([u8; LENGTH], BTreeSet<String>)> =
        drawn(1).map(|bytes| (bytes, features(&made(&bytes)))).collect();
    let mut chosen = Vec::new();
    while let Some(at) = (0..open.len()).max_by_key(|at| (open[*at].1.len(), std::cmp::Reverse(*at))) {
        let (bytes, new) = open.swap_remove(at);
        chosen.push(bytes);
        for (_, features) in &mut open {
            features.retain(|f| !new.contains(f));
        }
        open.retain(|(_, features)| !features.is_empty());
    }
    chosen
}

/// The fewest bytes that were seen to make each member with each mutation, and each step of a sequence, with what they make:
/// words of a dictionary for targets that give their bytes to the generator.
pub fn phrases() -> BTreeMap<String, Vec<u8>> {
    let mut shortest: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for bytes in drawn(2) {
        for (what, used) in generate::parts(&bytes) {
            let shorter = shortest.get(&what).is_none_or(|known| used < known.len());
            if shorter && used <= LONGEST {
                shortest.insert(what, bytes[..used].to_vec());
            }
        }
    }
    shortest
}

/// A line of a dictionary, as libFuzzer reads it.
pub fn entry(word: &[u8]) -> Option<String> {
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let mut line = String::from("\"");
    for byte in word {
        match byte {
            b'"' | b'\\' => line.extend(['\\', char::from(*byte)]),
            0x20..=0x7e => line.push(char::from(*byte)),
            _ => line.push_str(&format!("\\x{byte:02X}")),
        }
    }
    line.push('"');
    Some(line)
}

/// The texts that the generator puts into requests, and the names of members; without the words of this run.
pub fn words() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for bytes in drawn(3) {
        let input = generate::input(&bytes);
        for member in &input.set {
            if generate::is_registered(&member.name) {
                words.insert(member.name.clone());
            }
            member.value.each_text(&mut |text| words.extend([text.to_owned()]));
        }
    }
    words.retain(|word| !word.is_empty() && word.len() <= 48 && !word.contains("${"));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_make_what_there_is_to_make_and_are_the_same_each_time() {
        for made in [generate::input, generate::sequence] {
            let seeds = cover(made);
            assert_eq!(seeds, cover(made));
            let all: BTreeSet<String> = drawn(1).flat_map(|bytes| features(&made(&bytes))).collect();
            let kept: BTreeSet<String> = seeds.iter().flat_map(|bytes| features(&made(bytes))).collect();
            assert_eq!(kept, all);
            assert!(seeds.len() < 1_000, "{}", seeds.len());
        }
        let all: BTreeSet<String> = cover(generate::input).iter().flat_map(|b| features(&generate::input(b))).collect();
        for (_, family) in MUTATIONS {
            assert!(all.iter().any(|f| f.ends_with(family)), "{family}");
        }
        for wanted in
            ["redirect_uris as an object", "vp_formats type", "software_statement statement", "(unknown) unknown"]
        {
            assert!(all.contains(wanted), "{wanted}");
        }
    }

    #[test]
    fn a_phrase_makes_what_it_is_called_after() {
        let phrases = phrases();
        for (what, bytes) in &phrases {
            assert!(generate::parts(bytes).iter().any(|(part, used)| part == what && *used == bytes.len()), "{what}");
        }
        for wanted in ["redirect_uris type", "client_name unicode", "jwks key"] {
            assert!(phrases.contains_key(wanted), "{wanted}: {:?}", phrases.keys());
        }
        assert!(phrases.len() > 200, "{}", phrases.len());
    }

    #[test]
    fn a_word_is_written_as_libfuzzer_reads_it() {
        assert_eq!(entry(b"a\"b\\c\x00\xff~").unwrap(), r#""a\"b\\c\x00\xFF~""#);
        assert_eq!(entry(b""), None);
        assert_eq!(entry(&[b'a'; 65]), None);
        let words = words();
        for wanted in ["redirect_uris", "client_secret_basic", "authorization_code", "tls_client_auth"] {
            assert!(words.contains(wanted), "{wanted}");
        }
    }
}
