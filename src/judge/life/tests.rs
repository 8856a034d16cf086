use serde_json::{Value, json};

use super::*;
use crate::{
    judge::Claim,
    wire::{Auth, Headers, Outcome, Request},
};

const URL: &str = "https://as.example/register/one";

fn exchange(id: u32, kind: Kind, sent: &Value, status: u16, answer: &Value, beside: Option<u32>) -> Exchange {
    let mut headers = Headers::default();
    headers.push("authorization", "Bearer token-of-one");
    let body = if sent.is_null() { Vec::new() } else { sent.to_string().into_bytes() };
    let auth = if kind == Kind::Register { Auth::None } else { Auth::Registration };
    let request = Request { kind, method: "X".into(), url: URL.into(), headers, body: body.into(), auth };
    let response = Response::new(status, "HTTP/1.1", Headers::default(), answer.to_string().into(), None);
    let mut exchange =
        Exchange::new(id, jiff::Timestamp::UNIX_EPOCH, request, Outcome::Response(response), std::time::Duration::ZERO);
    exchange.beside = beside;
    exchange
}

fn record(name: &str, contact: &str) -> Value {
    json!({
        "client_id": "one", "client_name": name, "contacts": [contact],
        "registration_client_uri": URL, "registration_access_token": "token-of-one",
    })
}

/// What a read says after two updates at once.
fn after_two_updates(read: &Value) -> Vec<(&'static str, bool)> {
    let mut life = Life::new(1);
    life.observe(&exchange(1, Kind::Register, &json!({}), 201, &record("zero", "zero@a.example"), None));
    for (id, other, name) in [(2, 3, "one"), (3, 2, "two")] {
        let document = record(name, &format!("{name}@a.example"));
        assert!(life.observe(&exchange(id, Kind::Update, &document, 200, &document, Some(other))).is_empty());
    }
    let said = life.observe(&exchange(4, Kind::Read, &Value::Null, 200, read, None));
    let about = said.into_iter().filter(|j| j.rule == "read-as-returned");
    about.map(|j| (j.rule, matches!(j.claim, Claim::Holds))).collect()
}

#[test]
fn of_two_updates_at_once_either_may_win_and_no_mixture() {
    assert_eq!(after_two_updates(&record("one", "one@a.example")), [("read-as-returned", true)]);
    assert_eq!(after_two_updates(&record("two", "two@a.example")), [("read-as-returned", true)]);
    assert_eq!(after_two_updates(&record("one", "two@a.example")), [("read-as-returned", false)]);
    // Nor is it lawful that neither of two accepted updates is there.
    assert_eq!(after_two_updates(&record("zero", "zero@a.example")), [("read-as-returned", false)]);
}

#[test]
fn a_delete_that_a_read_ran_into_ends_the_client() {
    for (status, lawful) in [(401, true), (200, false)] {
        let mut life = Life::new(1);
        let client = record("zero", "zero@a.example");
        life.observe(&exchange(1, Kind::Register, &json!({}), 201, &client, None));
        assert!(life.observe(&exchange(2, Kind::Delete, &Value::Null, 204, &json!(""), Some(3))).is_empty());
        // Whichever came first: shown, or refused.
        assert!(life.observe(&exchange(3, Kind::Read, &Value::Null, 200, &client, Some(2))).is_empty());
        let said = life.observe(&exchange(4, Kind::Read, &Value::Null, status, &client, None));
        let token = said.iter().find(|j| j.rule == "token-dies-with-client").unwrap();
        assert_eq!(matches!(token.claim, Claim::Holds), lawful, "{status}");
    }
}

#[test]
fn one_accepted_form_of_the_document_is_a_round_trip() {
    let mut client = record("zero", "zero@a.example");
    client["client_secret"] = json!("the-secret");
    let mut without = client.clone();
    for name in ["registration_client_uri", "registration_access_token", "client_secret"] {
        without.as_object_mut().unwrap().shift_remove(name);
    }
    let mut with = without.clone();
    with["client_secret"] = json!("the-secret");
    let refusal = json!({ "error": "invalid_client_metadata" });
    for (second, accused) in [(200, false), (400, true)] {
        let mut life = Life::new(1);
        life.observe(&exchange(1, Kind::Register, &json!({}), 201, &client, None));
        let mut said = life.observe(&exchange(2, Kind::Update, &without, 400, &refusal, None));
        let answer = if second == 200 { &client } else { &refusal };
        said.extend(life.observe(&exchange(3, Kind::Update, &with, second, answer, None)));
        let objects = said.iter().any(|j| j.rule == "round-trip" && matches!(j.claim, Claim::Objects(_)));
        assert_eq!(objects, accused, "{second}");
    }
}

/// What is refused with the secret may be refused for something else in it, unless the same was taken without.
#[test]
fn the_right_secret_is_held_against_the_same_document_without_it() {
    let mut client = record("zero", "zero@a.example");
    client["client_secret"] = json!("the-secret");
    let mut without = client.clone();
    for name in ["registration_client_uri", "registration_access_token", "client_secret"] {
        without.as_object_mut().unwrap().shift_remove(name);
    }
    let mut with = without.clone();
    with["client_secret"] = json!("the-secret");
    let mut renamed = without.clone();
    renamed["client_name"] = json!("two");
    let refusal = json!({ "error": "invalid_client_metadata" });
    for (first, accused) in [(&without, true), (&renamed, false)] {
        let mut life = Life::new(1);
        life.observe(&exchange(1, Kind::Register, &json!({}), 201, &client, None));
        life.observe(&exchange(2, Kind::Update, first, 200, &client, None));
        let said = life.observe(&exchange(3, Kind::Update, &with, 400, &refusal, None));
        let objects = said.iter().any(|j| j.rule == "right-secret-taken" && matches!(j.claim, Claim::Objects(_)));
        assert_eq!(objects, accused);
    }
}

/// A token shown at the URL of a client that is gone may be ended for it (RFC 7592, 2.1): what it is refused from then on says
/// nothing of the document.
#[test]
fn a_token_that_was_shown_elsewhere_may_have_ended() {
    let refusal = json!({ "error": "access_denied" });
    let of = |id: u32, kind, body: &Value, status, answer: &Value, client: &str, token: &str| {
        let mut exchange = exchange(id, kind, body, status, answer, None);
        exchange.request.url = format!("{URL}-{client}");
        exchange.request.headers = crate::wire::Headers::default();
        exchange.request.headers.push("authorization", format!("Bearer token-of-{token}"));
        exchange
    };
    for shown_elsewhere in [false, true] {
        let mut life = Life::new(1);
        let mut documents = Vec::new();
        for (id, name) in [(1, "a"), (2, "b")] {
            let mut client = record("zero", "zero@a.example");
            client["client_id"] = json!(format!("client-{name}"));
            client["registration_access_token"] = json!(format!("token-of-{name}"));
            client["registration_client_uri"] = json!(format!("{URL}-{name}"));
            life.observe(&exchange(id, Kind::Register, &json!({}), 201, &client, None));
            for member in ["registration_client_uri", "registration_access_token"] {
                client.as_object_mut().unwrap().shift_remove(member);
            }
            documents.push(client);
        }
        life.observe(&of(3, Kind::Delete, &Value::Null, 204, &json!(""), "a", "a"));
        if shown_elsewhere {
            life.observe(&of(4, Kind::Update, &documents[0], 401, &refusal, "a", "b"));
        }
        let said = life.observe(&of(5, Kind::Update, &documents[1], 400, &refusal, "b", "b"));
        let accused = said.iter().any(|j| matches!(j.claim, Claim::Objects(_)));
        assert_eq!(accused, !shown_elsewhere);
    }
}

/// What is looked up for every registration does not grow with the campaign.
#[test]
fn forgotten_clients_are_in_no_index() {
    let mut life = Life::bounded(1, 200);
    for id in 1..=700 {
        let mut client = record("zero", "zero@a.example");
        client["client_id"] = json!(format!("client-{id}"));
        client["registration_access_token"] = json!(format!("token-{id}"));
        client["registration_client_uri"] = json!(format!("{URL}-{id}"));
        life.observe(&exchange(id, Kind::Register, &json!({}), 201, &client, None));
    }
    let sizes = [life.clients.len(), life.by_token.len(), life.by_uri.len(), life.by_id.len()];
    assert_eq!(sizes, [200; 4]);
    // An identifier of several registrations stays known as long as one of them is.
    let shared = record("zero", "zero@a.example");
    for id in [9001, 9002] {
        life.observe(&exchange(id, Kind::Register, &json!({}), 201, &shared, None));
    }
    assert!(life.clients[&9001].shared && life.clients[&9002].shared && !life.clients[&699].shared);
}
