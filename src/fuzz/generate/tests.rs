use proptest::prelude::*;
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use sha2::{Digest, Sha256};

use super::*;
use crate::fuzz::render;

/// Inputs from a stream that is the same on every machine.
fn inputs(count: usize) -> impl Iterator<Item = Input> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    (0..count).map(move |_| {
        let mut bytes = [0; 191];
        random.fill_bytes(&mut bytes);
        input(&bytes)
    })
}

/// The bytes that an input stands for at some target.
fn rendered(input: &Input) -> crate::wire::Request {
    let base = serde_json::json!({"client_name": "x", "redirect_uris": ["https://client.example.org/callback"]});
    let ground = render::Ground {
        endpoint: "https://as.example/register",
        content_type: "application/json",
        base: base.as_object().unwrap(),
        marker: "dcrspec-0",
        bind: &|_| None,
    };
    render::request(input, input.compare.as_ref(), &ground)
}

/// Findings and corpora hold what these bytes once stood for. When this fails, the generator has changed: that is
/// allowed, and old corpora of bytes then stand for something else; corpora of structures do not.
#[test]
fn the_same_bytes_give_the_same_requests_on_every_machine() {
    let mut hash = Sha256::new();
    for input in inputs(500) {
        hash.update(serde_json::to_vec(&input).unwrap());
        hash.update(&rendered(&input).body);
    }
    let digest: String = hash.finalize()[..8].iter().map(|b| format!("{b:02x}")).collect();
    insta::assert_snapshot!(digest, @"");
}

#[test]
fn a_few_bytes_are_enough_to_read_what_they_stand_for() {
    let text = serde_json::to_string(&input(&[0, 2, 0, 12, 1, 3, 9, 0, 0, 0])).unwrap();
    insta::assert_snapshot!(text, @"");
}

#[test]
fn a_structure_is_read_back_as_it_was_written() {
    for input in inputs(500) {
        let text = serde_json::to_string(&input).unwrap();
        assert_eq!(serde_json::from_str::<Input>(&text).unwrap(), input, "{text}");
    }
}

/// Every member of the registry, every mutation and every way of writing is drawn.
#[test]
fn everything_is_drawn_sooner_or_later() {
    let all: Vec<Input> = inputs(20_000).collect();
    for (mutation, name) in MUTATIONS {
        assert!(all.iter().any(|i| i.set.iter().any(|m| m.mutation == mutation)), "{name}");
    }
    for name in ["jwks", "software_statement", "sector_identifier_uri", "vp_formats", "registration_access_token"] {
        assert!(all.iter().any(|i| i.set.iter().any(|m| m.name == name)), "{name}");
    }
    for kind in crate::target::STATEMENT_KINDS.iter().map(|(k, _)| format!("${{statement.{k}}}")) {
        assert!(all.iter().any(|i| i.set.iter().any(|m| m.value == Node::text(&*kind))), "{kind}");
    }
    assert!(all.iter().any(|i| i.envelope.method.is_some()) && all.iter().any(|i| i.writing.utf16));
    assert!(all.iter().any(|i| i.compare.is_some()) && all.iter().any(|i| !i.follow.is_empty()));
}

/// Hosts after `//`, up to what ends an authority for the most careless of readers.
fn hosts(text: &str) -> Vec<String> {
    text.split("//")
        .skip(1)
        .map(|rest| {
            rest.split(['/', '?', '#', '"', '\\', ' ', '<', '\'', '&', ',', ';', '{']).next().unwrap_or_default()
        })
        .map(|authority| authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase())
        .filter(|host| !host.is_empty() && host.is_ascii())
        .collect()
}

#[test]
fn no_request_names_a_host_of_a_stranger() {
    let reserved = |host: &str| {
        let host = host.trim_start_matches('[');
        let name = host.split(':').next().unwrap_or_default().trim_end_matches('.');
        [".example", ".test", ".invalid", ".localhost", "example.org", "example.com", "localhost"]
            .iter()
            .any(|end| name.ends_with(end))
            || ["127.", "192.0.2.", "2130706433", "0x7f.", "a", "b", "*", "xn--", "-"]
                .iter()
                .any(|s| name.starts_with(s))
            || host.starts_with("::1]")
            || host.starts_with("::ffff:192.0.2.")
            || host.starts_with("2001:db8:")
            || name.is_empty()
    };
    for input in inputs(20_000) {
        for text in [serde_json::to_string(&input.set).unwrap(), serde_json::to_string(&input.envelope).unwrap()] {
            for host in hosts(&text) {
                assert!(reserved(&host), "{host} in {text}");
            }
            assert!(!text.contains("169.254.") && !text.contains("metadata.google"), "{text}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_give_a_request(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let input = input(&bytes);
        let request = rendered(&input);
        prop_assert!(request.body.len() < 200_000 && request.url.starts_with("https://as.example/register"));
    }
}
