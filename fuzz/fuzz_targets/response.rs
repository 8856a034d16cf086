//! Whatever a server may answer: the judge and the record of the exchange come through it, and the token stays hidden.
#![no_main]

use dcrspec::{
    judge::{Context, Judge},
    target::registration,
    wire::{Exchange, Headers, Outcome, Redactor, Response},
};
use libfuzzer_sys::fuzz_target;

const TOKEN: &str = "hush-5f1c-initial-access-token";

fuzz_target!(|data: &[u8]| {
    let Some(((head, fields), body)) = data.split_at_checked(2).map(|(h, rest)| {
        let fields = usize::from(h[1]).min(rest.len());
        ((h[0], &rest[..fields]), &rest[fields..])
    }) else {
        return;
    };
    let mut headers = Headers::default();
    for line in fields.split(|b| *b == b'\n') {
        let mut parts = line.splitn(2, |b| *b == b':');
        if let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            headers.push(String::from_utf8_lossy(name).into_owned(), value.to_vec());
        }
    }
    let status = [200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 503, 599][usize::from(head) % 12];
    // A server may send the token back.
    let body = String::from_utf8_lossy(body).replace("TOKEN", TOKEN);
    let mut request = registration("https://as.example/register", Some("application/json"), "{}");
    request.headers.push("authorization", format!("Bearer {TOKEN}"));
    let response = Response::new(status, "HTTP/1.1", headers, body.into(), None);
    let exchange = Exchange::new(1, jiff::Timestamp::UNIX_EPOCH, request, Outcome::Response(response), Default::default());
    let redactor = Redactor::new();
    redactor.learn("initial_access_token", TOKEN);
    redactor.learn_from(&exchange);
    for judgement in Judge::embedded().judge(&exchange, &Context::default()) {
        if let dcrspec::judge::Claim::Objects(objection) = judgement.claim {
            assert!(!redactor.text(&objection.message).contains(TOKEN));
        }
    }
    let record = serde_json::to_string(&redactor.record(&exchange)).expect("a record is JSON");
    assert!(!record.contains(TOKEN), "{record}");
});
