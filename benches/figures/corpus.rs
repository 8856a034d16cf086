//! What is sent in every section: registrations of the generator, the same in each run.

use dcrspec::{
    fuzz::{
        generate,
        render::{self, Ground},
    },
    wire::{Auth, Kind, Request},
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use serde_json::{Map, Value, json};

/// How many bytes one input is drawn from, as in a campaign.
const BYTES: usize = 191;

/// Byte strings for the generator.
pub fn bytes(count: usize) -> Vec<[u8; BYTES]> {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut draw = || {
        let mut bytes = [0; BYTES];
        random.fill_bytes(&mut bytes);
        bytes
    };
    (0..count).map(|_| draw()).collect()
}

/// The metadata that the inputs vary.
fn base() -> Map<String, Value> {
    let base = json!({
        "client_name": "figures",
        "redirect_uris": ["https://client.example.org/callback"],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
    });
    base.as_object().cloned().unwrap_or_default()
}

/// Registrations that any HTTP client can send: POST, JSON, one line each.
pub fn registrations(endpoint: &str, count: usize) -> Vec<Request> {
    let base = base();
    let plain = |request: &Request| {
        request.kind == Kind::Register
            && request.headers.first("content-type").as_deref() == Some("application/json")
            && request.headers.0.len() == 2
            && request.url == endpoint
            && !request.body.contains(&b'\n')
            && !request.body.is_empty()
    };
    let made = |(number, bytes): (usize, [u8; BYTES])| {
        let marker = format!("figures-{number}");
        let ground =
            Ground { endpoint, content_type: "application/json", base: &base, marker: &marker, bind: &|_| None };
        let mut request = render::request(&generate::input(&bytes), None, &ground);
        request.auth = Auth::None;
        request
    };
    bytes(count * 3).into_iter().enumerate().map(made).filter(plain).take(count).collect()
}
