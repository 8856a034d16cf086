//! Deletion, and what is left after it (RFC 7592, 2.3 and 5).

use std::collections::HashMap;

use super::{Client, Life, Said, status};
use crate::{
    judge::Objection,
    spec::Level,
    wire::{Exchange, Kind, Response},
};

pub(super) fn delete(client: &mut Client, exchange: &Exchange, response: &Response, said: &mut Said) {
    let says = format!("a delete was answered {}", response.status);
    match response.status {
        204 if response.body.is_empty() => {
            said.holds("delete-is-204");
            client.deleted = Some((204, exchange.id));
        }
        204 => {
            client.deleted = Some((204, exchange.id));
            said.objects(
                "delete-is-204",
                Objection::new("body", "bytes follow the 204 to a delete, which has no content").expected("no body"),
            );
        }
        found @ 200..=299 => {
            client.deleted = Some((found, exchange.id));
            said.objects("delete-is-204", status(response, format!("{says}; a successful one is answered 204"), "204"));
        }
        403 => said.holds("forbidden-delete-is-403"),
        405 => said.holds("no-delete-is-405"),
        400 | 401 | 404 | 409 | 500 | 501 if client.spoilt => {}
        found @ (400 | 401 | 404 | 409 | 500 | 501) => {
            if client.read && found < 500 && !(found == 401 && client.refused.is_some()) {
                said.objects(
                    "forbidden-delete-is-403",
                    status(
                        response,
                        format!("{says}, though the token works for a read"),
                        "403 where a client may not delete itself, 405 where none may",
                    )
                    .with(client.shown_in),
                );
            }
            if !matches!(found, 401 | 409) {
                said.objects("no-delete-is-405", status(response, says, "204, 403 or 405"));
            }
        }
        _ => {}
    }
}

/// The last token of a deleted client.
pub(super) fn gone(client: &mut Client, exchange: &Exchange, response: &Response, said: &mut Said) {
    let Some((by, deleted_in)) = client.deleted else { return };
    let method = &exchange.request.method;
    let says = format!("{method} with the token of a deleted client was answered {}", response.status);
    let objection = || status(response, says.clone(), "401 with a challenge").with(deleted_in);
    if by != 204 {
        // A success of another kind: whether the client went is what a read shows.
        if exchange.request.kind == Kind::Read && response.status == 200 {
            said.objects(
                "no-delete-is-405",
                status(response, format!("a delete was answered {by}, and the client is still there"), "405")
                    .with(deleted_in),
            );
        }
        return;
    }
    match response.status {
        401 => {
            said.holds("token-dies-with-client");
            said.holds("unknown-client-is-401");
        }
        405 => {}
        403 => said.objects("token-dies-with-client", objection().level(Level::Should)),
        found => {
            said.objects("token-dies-with-client", objection());
            if matches!(found, 200 | 204 | 404 | 410 | 500..=599) {
                said.objects("unknown-client-is-401", objection());
            }
        }
    }
}

impl Life {
    /// A deleted client, unless another registration of the same identifier lives on.
    fn deleted(&self, client_id: &str) -> Option<&Client> {
        let all: Vec<&Client> = self.registrations(client_id).collect();
        all.iter().all(|c| c.deleted.is_some_and(|(by, _)| by == 204)).then(|| all.last().copied()).flatten()
    }

    /// The credentials of a deleted client at the token endpoint.
    pub(super) fn token_request(&self, exchange: &Exchange, said: &mut Said) {
        let Some(client) = client_of_form(exchange).and_then(|id| self.deleted(&id)) else { return };
        let Some(response) = exchange.response() else { return };
        let with_secret = client.secret().is_some();
        let error = response.member("error").unwrap_or_default();
        let deleted_in = client.deleted.map_or(client.shown_in, |(_, id)| id);
        let objection = |message: String| status(response, message, "invalid_client").with(deleted_in);
        match response.status {
            200..=299 => said.objects(
                "deleted-at-token-endpoint",
                objection("the token endpoint gave a token to a deleted client".into()),
            ),
            400 | 401 if matches!(error, "invalid_client" | "unauthorized_client") => {
                said.holds("deleted-at-token-endpoint");
            }
            // A nonsense code is refused either way; only an authenticated client is told so.
            400 if error == "invalid_grant" && with_secret => said.objects(
                "deleted-at-token-endpoint",
                objection(
                    "the token endpoint answers a deleted client with invalid_grant, so it authenticated it".into(),
                ),
            ),
            _ => {}
        }
    }

    /// The identifier of a deleted client at the authorization endpoint.
    pub(super) fn authorized(&self, exchange: &Exchange, said: &mut Said) {
        let Some((_, query)) = exchange.request.url.split_once('?') else { return };
        let query: HashMap<String, String> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let (Some(id), Some(redirect)) = (query.get("client_id"), query.get("redirect_uri")) else { return };
        let (Some(client), Some(response)) = (self.deleted(id), exchange.response()) else { return };
        let location = response.headers.first("location").unwrap_or_default();
        match response.status {
            300..=399 if location.starts_with(redirect.as_str()) => {
                let deleted_in = client.deleted.map_or(client.shown_in, |(_, id)| id);
                said.objects(
                    "deleted-at-authorization-endpoint",
                    Objection::new(
                        "header:location",
                        "the authorization endpoint sends the user agent to a client that was deleted",
                    )
                    .expected("an error page")
                    .actual_text(&location)
                    .with(deleted_in),
                );
            }
            400..=499 => said.holds("deleted-at-authorization-endpoint"),
            // A page for everyone, or the way to a login, tells nothing.
            _ => {}
        }
    }
}

/// The client_id of a token request: in the form, or as the user name of the scheme Basic.
fn client_of_form(exchange: &Exchange) -> Option<String> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let form = url::form_urlencoded::parse(&exchange.request.body);
    if let Some((_, id)) = form.into_owned().find(|(name, _)| name == "client_id") {
        return Some(id);
    }
    let value = exchange.request.headers.first("authorization")?;
    let pair = String::from_utf8(STANDARD.decode(value.strip_prefix("Basic ")?).ok()?).ok()?;
    let user = pair.split_once(':')?.0.to_owned();
    url::form_urlencoded::parse(format!("x={user}").as_bytes()).next().map(|(_, v)| v.into_owned())
}
