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
    insta::assert_snapshot!(digest, @"95dac92b0a5666e6");
}

/// The same of sequences.
#[test]
fn the_same_bytes_give_the_same_sequences_on_every_machine() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut hash = Sha256::new();
    let mut rows = std::collections::BTreeSet::new();
    for _ in 0..500 {
        let mut bytes = [0; 191];
        random.fill_bytes(&mut bytes);
        let input = sequence(&bytes);
        assert!(!input.moves.is_empty() && input.is_plain());
        rows.extend(input.moves.iter().map(|step| step.row()));
        let text = serde_json::to_string(&input).unwrap();
        assert_eq!(serde_json::from_str::<Input>(&text).unwrap(), input, "{text}");
        hash.update(text);
    }
    assert_eq!(rows.len(), 9, "every step is drawn: {rows:?}");
    let digest: String = hash.finalize()[..8].iter().map(|b| format!("{b:02x}")).collect();
    insta::assert_snapshot!(digest, @"4a8d712816bae624");
}

#[test]
fn a_few_bytes_are_enough_to_read_what_they_stand_for() {
    let text = serde_json::to_string(&input(&[0, 2, 0, 12, 1, 3, 9, 0, 0, 0])).unwrap();
    insta::assert_snapshot!(text, @r#"{"base":"any","set":[{"name":"token_endpoint_auth_method","mutation":"combination","value":{"text":"Client_Secret_Basic"}}]}"#);
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
    for framing in crate::wire::Framing::ALL {
        assert!(all.iter().any(|i| i.envelope.framing == Some(framing)), "{framing:?}");
    }
    assert!(all.iter().any(|i| i.compare == Some(Variant::Chunks)));
    assert!(all.iter().any(|i| i.compare.is_some()) && all.iter().any(|i| !i.follow.is_empty()));
}

#[test]
fn no_request_names_a_host_of_a_stranger() {
    // What looks like a host and is none: versions, names of members, traps without a name in them.
    let no_hosts = [
        "com.example.app",
        "text.",
        "a.b",
        "a.b.c",
        "..",
        "127.1",
        "0x7f.1",
        "2130706433",
        "-.example",
        "0.1e1",
        "jwks.json",
    ];
    let harmless = |host: &str| {
        is_reserved(host)
            || !host.is_ascii()
            || no_hosts.contains(&host)
            || !host.contains('.')
            || host.starts_with("ey")
    };
    let mut strangers = std::collections::BTreeSet::new();
    for input in inputs(20_000) {
        let mut texts = Vec::new();
        input.set.iter().for_each(|m| m.value.each_text(&mut |text| texts.push(text)));
        texts.extend(input.envelope.headers.iter().map(|(_, value)| value.as_str()));
        for text in texts.into_iter().filter(|t| !t.starts_with("${statement.")) {
            assert!(!text.contains("169.254.") && !text.contains("metadata.google"), "{text}");
            strangers.extend(hosts(text).into_iter().filter(|host| !harmless(host)));
        }
    }
    assert!(strangers.is_empty(), "{strangers:?}");
}

proptest! {
    #[test]
    fn any_bytes_give_a_request(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let input = input(&bytes);
        let request = rendered(&input);
        prop_assert!(request.body.len() < 200_000 && request.url.starts_with("https://as.example/register"));
    }
}
