//! Updates: what they replace, what they must not take over, and what became of the document (RFC 7592, 2.2).

use serde_json::Value;

use super::{
    Client, Document, Said,
    document::{alike, empty, record, same_client, secret_shown},
    status, text,
};
use crate::{
    judge::{
        Objection,
        coded::{is_metadata, strings},
        parse::pointer_token,
    },
    spec::Strength,
    wire::{Exchange, Response},
};

/// Members that an update must not hold.
const EXCLUDED: [&str; 4] =
    ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];

pub(super) fn update(client: &mut Client, exchange: &Exchange, response: &Response, said: &mut Said) {
    let sent = exchange.sent().cloned().unwrap_or_default();
    match response.status {
        200 => {}
        found @ 201..=299 => {
            return said.objects(
                "update-is-200",
                status(response, format!("an update was answered {found}; a successful one is answered 200"), "200"),
            );
        }
        403 => return said.holds("forbidden-update-is-403"),
        401 | 404 if unchanged(client, &sent) && client.read && !client.updated && !client.spoilt => {
            return said.objects(
                "forbidden-update-is-403",
                status(
                    response,
                    format!(
                        "an update that changes nothing was answered {}, though the token works for a read",
                        response.status
                    ),
                    "403 where a client may not update, 405 where none may",
                )
                .with(client.shown_in),
            );
        }
        400..=499 => return refused(client, &sent, exchange, response, said),
        500..=599 if names_another(client, &sent) => {
            return said.objects(
                "update-by-client-id",
                status(
                    response,
                    format!("an update with another client_id than the client's own was answered {}", response.status),
                    "400, or 200 for the token's own client",
                ),
            );
        }
        _ => return,
    }
    let Some(document) = record("update-is-200", "an update", response, said) else { return };
    same_client(client, document, said);
    secret_shown(client, document, "an update", said);
    whose(client, &sent, document, said);
    chosen(client, &sent, document, said);
    replaced(client, &sent, document, said);
    left_out(client, exchange.id, &sent, document, said);
    if unchanged(client, &sent) && !client.shared {
        round_trip(client, document, said);
    }
    if sent.iter().any(|(n, v)| is_metadata(n) && !empty(document.get(n)) && !alike(n, document.get(n), Some(v))) {
        said.holds("update-substitutes");
    }
    if text(&sent, "client_secret").is_some_and(|s| client.secret() == Some(s)) {
        said.holds("right-secret-taken");
    }
    if !sent.contains_key("client_secret") && client.secret().is_some() {
        client.without_secret = Some(sent);
    }
}

/// Whether the same document was taken without the secret, so that it is the secret that is refused and nothing else in it.
fn taken_without_secret(client: &Client, sent: &Document) -> bool {
    let Some(taken) = &client.without_secret else { return false };
    let mut others = sent.iter().filter(|(n, _)| *n != "client_secret");
    sent.len() == taken.len() + 1 && others.all(|(n, v)| taken.get(n) == Some(v))
}

/// Whether the document is what was last returned, with the secret or without it.
fn unchanged(client: &Client, sent: &Document) -> bool {
    let wanted = client.shown.iter().filter(|(n, _)| !EXCLUDED.contains(&n.as_str()) && *n != "client_secret");
    let same = wanted.clone().all(|(n, v)| sent.get(n) == Some(v));
    let secret = sent.get("client_secret").is_none_or(|s| Some(s) == client.shown.get("client_secret"));
    let extra = sent.keys().filter(|n| *n != "client_secret").count();
    same && secret && extra == wanted.count() && !client.shown.is_empty()
}

fn names_another(client: &Client, sent: &Document) -> bool {
    sent.get("client_id").and_then(Value::as_str) != Some(client.client_id.as_str())
}

fn refused(client: &mut Client, sent: &Document, exchange: &Exchange, response: &Response, said: &mut Said) {
    // A token that was shown at another client's URL may have been ended for that (RFC 7592, 2.1), so that nothing was looked at.
    if response.status != 400 || client.spoilt {
        return;
    }
    if unchanged(client, sent) {
        let with_secret = sent.contains_key("client_secret");
        // The other form is right as well, and may be what this server wants: one accepted form is a round trip.
        if with_secret && taken_without_secret(client, sent) {
            said.objects(
                "right-secret-taken",
                status(
                    response,
                    "an update with the client_secret that was issued is refused, and without it it is taken".into(),
                    "200",
                )
                .with(client.shown_in),
            );
        } else if !client.accepted && client.secret().is_some() && client.refused_form != Some(!with_secret) {
            client.refused_form = Some(with_secret);
        } else if !client.accepted {
            said.objects(
                "round-trip",
                status(
                    response,
                    format!(
                        "what the server returned, sent back as it is, is refused: {}",
                        response
                            .member("error_description")
                            .or(response.member("error"))
                            .unwrap_or("no reason is given")
                    ),
                    "200",
                )
                .with(client.shown_in),
            );
        }
        return;
    }
    if names_another(client, sent) {
        said.holds("update-by-client-id");
    }
    if sent.get("client_secret").is_some_and(|s| Some(s) != client.shown.get("client_secret")) {
        said.holds("secret-not-chosen");
    }
    if EXCLUDED.iter().any(|n| sent.contains_key(*n)) {
        said.holds("excluded-not-adopted");
    }
    client.refused = Some((sent.clone(), exchange.id));
}

/// The token says whose client is updated, whatever the document names.
fn whose(client: &Client, sent: &Document, document: &Document, said: &mut Said) {
    if !names_another(client, sent) {
        return;
    }
    if text(document, "client_id") == Some(client.client_id.as_str()) {
        return said.holds("update-by-client-id");
    }
    said.objects(
        "update-by-client-id",
        Objection::new("/client_id", "an update that named another client_id was answered with another client_id")
            .expected("a refusal, or the token's own client")
            .actual(document.get("client_id").unwrap_or(&Value::Null))
            .with(client.shown_in),
    );
}

/// Values that only the server assigns.
fn chosen(client: &Client, sent: &Document, document: &Document, said: &mut Said) {
    if let Some(secret) = text(sent, "client_secret").filter(|s| client.secret() != Some(s)) {
        if text(document, "client_secret") == Some(secret) {
            said.objects(
                "secret-not-chosen",
                Objection::new("/client_secret", "the client put a secret of its own in place of the issued one")
                    .expected("a refusal, the issued secret, or a new one")
                    .with(client.shown_in),
            );
        } else {
            said.holds("secret-not-chosen");
        }
    }
    for name in EXCLUDED {
        let Some(wanted) = sent.get(name).filter(|v| !empty(Some(v)) && client.shown.get(name) != Some(v)) else {
            continue;
        };
        if document.get(name) == Some(wanted) {
            said.objects(
                "excluded-not-adopted",
                Objection::new(format!("/{name}"), format!("an update put a value of the client's choice into {name}"))
                    .expected("a refusal, or the server's own value")
                    .with(client.shown_in),
            );
        } else {
            said.holds("excluded-not-adopted");
        }
    }
}

/// New values take the place of the old ones.
fn replaced(client: &Client, sent: &Document, document: &Document, said: &mut Said) {
    for name in ["redirect_uris", "contacts"] {
        let lists = (strings(sent, name), strings(&client.shown, name), strings(document, name));
        let (Some(wanted), Some(before), Some(after)) = lists else { continue };
        let removed: Vec<&&str> = before.iter().filter(|v| !wanted.contains(v)).collect();
        let added: Vec<&&str> = wanted.iter().filter(|v| !before.contains(v)).collect();
        if removed.is_empty() || added.is_empty() {
            continue;
        }
        let kept = removed.iter().find(|v| after.contains(**v));
        let taken = added.iter().any(|v| after.contains(*v));
        match kept {
            None => said.holds("update-replaces"),
            Some(old) if taken => said.objects(
                "update-replaces",
                Objection::new(
                    format!("/{name}"),
                    format!("{name} holds the new value and still {old:?}, which the update left out"),
                )
                .expected("the new values alone, or the old list as a whole")
                .actual(document.get(name).unwrap_or(&Value::Null))
                .with(client.shown_in),
            ),
            Some(_) => {}
        }
    }
}

/// Members without which a client can be, and that an update may take away.
const REMOVABLE: [&str; 6] = ["client_uri", "logo_uri", "tos_uri", "policy_uri", "contacts", "client_name"];

/// A member that is left out, and one that is null, are asked to be deleted alike.
fn left_out(client: &mut Client, exchange: u32, sent: &Document, document: &Document, said: &mut Said) {
    for name in REMOVABLE {
        let Some(before) = client.shown.get(name).filter(|v| !empty(Some(v))) else { continue };
        let kept = document.get(name) == Some(before);
        match sent.get(name) {
            None => {
                client.omitted.insert(name.to_owned(), (kept, exchange));
            }
            Some(value) if empty(Some(value)) => {
                said.holds("null-ignored");
                client.nulled.insert(name.to_owned(), (kept, exchange));
            }
            Some(_) => continue,
        }
        let (Some((omitted, _)), Some((nulled, other))) = (client.omitted.get(name), client.nulled.get(name)) else {
            continue;
        };
        let place = format!("/{}", pointer_token(name));
        match (omitted, nulled) {
            (true, false) => said.objects(
                "omitted-as-null",
                Objection::new(
                    place,
                    format!("{name} goes when an update sets it to null, and stays when one leaves it out: the server merges instead of replacing"),
                )
                .expected("the same for both")
                .with(*other),
            ),
            (true, true) => said.objects(
                "omitted-as-null",
                Objection::new(place, format!("{name} stays, whether an update leaves it out or sets it to null"))
                    .strength(Strength::Note)
                    .with(*other),
            ),
            (false, _) => said.holds("omitted-as-null"),
        }
    }
}

/// The document came back as it was sent, and should be as it was.
fn round_trip(client: &Client, document: &Document, said: &mut Said) {
    let names = client.shown.keys().chain(document.keys().filter(|n| !client.shown.contains_key(*n)));
    let changed = names.filter(|n| is_metadata(n)).find(|n| !alike(n, client.shown.get(*n), document.get(*n))).cloned();
    match changed {
        None => said.holds("round-trip"),
        Some(name) => said.objects(
            "round-trip",
            Objection::new(
                format!("/{}", pointer_token(&name)),
                format!("{name} changed, though the update sent back what the server had returned"),
            )
            .expected(client.shown.get(&name).map_or("no such member".to_owned(), Value::to_string))
            .actual(document.get(&name).unwrap_or(&Value::Null))
            .with(client.shown_in),
        ),
    }
}
