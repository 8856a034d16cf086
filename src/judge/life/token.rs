//! Registration access tokens: that they work, how long, and for whom (RFC 7592, 2, 3, 5, A.1 and B).

use super::{Client, Life, Said, status, text};
use crate::{
    judge::Objection,
    spec::{Level, Strength},
    wire::{Exchange, Kind, Response},
};

/// The newest token at its own URL: whether it was taken.
pub(super) fn used(client: &mut Client, exchange: &Exchange, response: &Response, said: &mut Said) {
    let kind = exchange.request.kind;
    match response.status {
        200..=299 => {
            if client.rotated() {
                said.holds("new-token-works");
            } else {
                said.holds("token-taken");
            }
            if client.read || client.updated {
                said.holds("token-lives-on");
            }
            client.read |= kind == Kind::Read;
            client.updated |= kind == Kind::Update;
            client.accepted |= kind == Kind::Update;
        }
        // An answer about the document: the token was taken.
        400 if kind == Kind::Update => client.updated |= response.member("error").is_some(),
        401 if !client.spoilt => refused(client, kind, response, said),
        _ => {}
    }
}

/// 401 to the newest token.
fn refused(client: &Client, kind: Kind, response: &Response, said: &mut Said) {
    let before = if kind == Kind::Read { client.read } else { client.updated };
    let other = if kind == Kind::Read { client.updated } else { client.read };
    let objection =
        |message: &str| status(response, message.to_owned(), "an answer to the request").with(client.shown_in);
    if before {
        said.objects(
            "token-lives-on",
            objection("the registration access token is refused, though it worked before and no answer gave a new one"),
        );
    } else if other {
        // It works for another method: then this one is forbidden, and 403 says so. That rule has spoken.
    } else if client.rotated() {
        said.objects("new-token-works", objection("the token that the last answer gave is refused"));
    } else {
        said.objects("token-taken", objection("the registration access token is refused right after the registration"));
    }
}

impl Life {
    /// A living client's token at the URL of another one.
    pub(super) fn of_another(
        &mut self,
        key: u32,
        here: &[u32],
        exchange: &Exchange,
        response: &Response,
        said: &mut Said,
    ) {
        self.spoil(key);
        here.iter().for_each(|k| self.spoil(*k));
        let (Some(own), Some(other)) = (self.clients.get(&key), here.first().and_then(|k| self.clients.get(k))) else {
            return;
        };
        if own.deleted.is_some() || other.deleted.is_some() || own.client_id == other.client_id {
            return;
        }
        let what = match exchange.request.kind {
            Kind::Read => "reads",
            Kind::Update => "updates",
            _ => "deletes",
        };
        let expected = "401 or 403";
        match response.status {
            401 | 403 => said.holds("token-of-another"),
            404 => said.objects(
                "token-of-another",
                status(response, "a token of another client was answered 404".into(), expected)
                    .strength(Strength::Note),
            ),
            200..=299 => {
                let (own_id, shown_in) = (own.client_id.clone(), other.shown_in);
                if exchange.request.kind != Kind::Read {
                    here.iter().for_each(|key| self.upset(*key));
                }
                let shows_own = response.object().and_then(|o| text(o, "client_id")).is_some_and(|id| id == own_id);
                let message = if shows_own {
                    "at the URL of one client the token of another is answered with the other's own record: a mild break, nothing leaks".to_owned()
                } else {
                    format!("the token of one client {what} another one")
                };
                said.objects("token-of-another", status(response, message, expected).with(shown_in));
            }
            _ => {}
        }
    }

    /// A token that a newer one has replaced.
    pub(super) fn former(&mut self, key: u32, exchange: &Exchange, response: &Response, said: &mut Said) {
        self.spoil(key);
        let newest = response.object().and_then(|o| text(o, "registration_access_token")).map(|t| self.hash(t));
        let Some(client) = self.clients.get(&key) else { return };
        if client.deleted.is_some() {
            match response.status {
                401 => said.holds("former-tokens-die-too"),
                405 => {}
                found => said.objects(
                    "former-tokens-die-too",
                    status(response, format!("a former token of a deleted client was answered {found}"), "401")
                        .with(client.shown_in),
                ),
            }
            return;
        }
        match response.status {
            401 => said.holds("old-token-dead"),
            200 if newest.is_some() && newest.as_ref() == client.tokens.last() => {}
            200..=299 => said.objects(
                "old-token-dead",
                Objection::new("status", "a token goes on working after a newer one has replaced it")
                    .expected("401; a short overlap is lawful, and so are tokens that cannot be withdrawn")
                    .actual_text(&response.status.to_string())
                    .level(Level::Should)
                    .with(client.shown_in),
            ),
            _ => {}
        }
        if exchange.request.kind != Kind::Read && (200..300).contains(&response.status) {
            self.upset(key);
        }
    }
}
