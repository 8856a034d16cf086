//! The steps of a client's life: what each sends, as metadata and tokens, and how a suite writes it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::suite::TokenWord;

/// Which of two clients a step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The one that is registered first.
    First,
    /// The other one.
    Second,
}

impl Who {
    /// The other of the two.
    pub fn other(self) -> Who {
        if self == Who::First { Who::Second } else { Who::First }
    }

    /// The id of the step of a suite that registers it.
    pub const fn name(self) -> &'static str {
        match self {
            Who::First => "first",
            Who::Second => "second",
        }
    }
}

/// A step in a client's life after its registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Move {
    /// GET with the newest token (RFC 7592, 2.1).
    Read(Who),
    /// GET with a token that nobody issued.
    ReadWithWrongToken(Who),
    /// PUT with another client_name (RFC 7592, 2.2).
    Rename(Who),
    /// PUT with another client_name and a redirection URI that no server may register.
    RefusedUpdate(Who),
    /// PUT of what the server returned.
    SendBack(Who),
    /// DELETE (RFC 7592, 2.3).
    Delete(Who),
    /// PUT with a change that the specification speaks of.
    Change(Who, Change),
    /// A request with a token that is not the client's newest one.
    Present(Who, Method, TokenWord),
    /// PATCH, which RFC 7592 does not know.
    Patch(Who),
}

/// What an update changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Other redirection URIs and contacts.
    Lists,
    /// Leaves client_name out.
    LeaveOut,
    /// Sets client_name to null.
    Null,
    /// Holds the client_secret that was last issued.
    Secret,
    /// Holds a client_secret of the client's choice.
    ChosenSecret,
    /// Holds a client_id_issued_at of the client's choice.
    Excluded,
    /// Names the other client.
    OfAnother,
}

/// The methods of a configuration endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// GET.
    Read,
    /// PUT of what the server returned.
    Update,
    /// DELETE.
    Delete,
}

/// What an update does to the document that the server last returned. Texts may hold variables of suites.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// Members set on top of it.
    pub with: Map<String, Value>,
    /// Members that are left out.
    pub omit: Vec<&'static str>,
    /// Whether it holds the client_secret that was last issued.
    pub with_secret: bool,
}

impl Move {
    /// The client that it is about.
    pub const fn who(self) -> Who {
        match self {
            Move::Read(who)
            | Move::ReadWithWrongToken(who)
            | Move::Rename(who)
            | Move::RefusedUpdate(who)
            | Move::SendBack(who)
            | Move::Delete(who)
            | Move::Change(who, _)
            | Move::Present(who, _, _)
            | Move::Patch(who) => who,
        }
    }

    /// The same step about another client.
    pub const fn about(self, who: Who) -> Move {
        match self {
            Move::Read(_) => Move::Read(who),
            Move::ReadWithWrongToken(_) => Move::ReadWithWrongToken(who),
            Move::Rename(_) => Move::Rename(who),
            Move::RefusedUpdate(_) => Move::RefusedUpdate(who),
            Move::SendBack(_) => Move::SendBack(who),
            Move::Delete(_) => Move::Delete(who),
            Move::Change(_, change) => Move::Change(who, change),
            Move::Present(_, method, token) => Move::Present(who, method, token),
            Move::Patch(_) => Move::Patch(who),
        }
    }

    /// Its row in a table of what was sent.
    pub const fn row(self) -> &'static str {
        match self {
            Move::Read(_) => "read",
            Move::ReadWithWrongToken(_) => "read with a wrong token",
            Move::Rename(_) => "rename",
            Move::RefusedUpdate(_) => "refused update",
            Move::SendBack(_) => "send back",
            Move::Delete(_) => "delete",
            Move::Change(..) => "other change",
            Move::Present(..) => "another token",
            Move::Patch(_) => "patch",
        }
    }

    /// Whether it takes the other client as well.
    pub const fn needs_both(self) -> bool {
        matches!(self, Move::Change(_, Change::OfAnother) | Move::Present(_, _, TokenWord::Another))
    }

    /// The method, where it is one of a configuration endpoint.
    pub const fn method(self) -> Option<Method> {
        match self {
            Move::Read(_) | Move::ReadWithWrongToken(_) => Some(Method::Read),
            Move::Rename(_) | Move::RefusedUpdate(_) | Move::SendBack(_) | Move::Change(..) => Some(Method::Update),
            Move::Delete(_) => Some(Method::Delete),
            Move::Present(_, method, _) => Some(method),
            Move::Patch(_) => None,
        }
    }

    /// The token that it presents, where that is not the client's newest one.
    pub const fn token(self) -> Option<TokenWord> {
        match self {
            Move::ReadWithWrongToken(_) => Some(TokenWord::Random),
            Move::Present(_, _, token) => Some(token),
            _ => None,
        }
    }

    /// What it does to the document, where it is an update; `number` tells the steps of a sequence apart.
    pub fn update(self, number: usize) -> Option<Update> {
        if self.method() != Some(Method::Update) {
            return None;
        }
        let mut update = Update::default();
        let mut with = |name: &str, value: Value| drop(update.with.insert(name.to_owned(), value));
        match self {
            Move::Rename(_) | Move::RefusedUpdate(_) => {
                with("client_name", json!(format!("step {number} ${{fresh.n{number}}}")));
                if matches!(self, Move::RefusedUpdate(_)) {
                    with("redirect_uris", json!(["http://client.example.org/callback#fragment"]));
                }
            }
            Move::Change(who, change) => match change {
                Change::Lists => {
                    with("redirect_uris", json!([format!("https://client.example.org/step/{number}")]));
                    with("contacts", json!([format!("step-{number}@client.example.org")]));
                }
                Change::Null => with("client_name", Value::Null),
                Change::ChosenSecret => with("client_secret", json!(format!("chosen-${{fresh.n{number}}}"))),
                Change::Excluded => with("client_id_issued_at", json!(1)),
                Change::OfAnother => {
                    with("client_id", json!(format!("${{steps.{}.response.client_id}}", who.other().name())));
                    with("client_name", json!(format!("step {number} ${{fresh.n{number}}}")));
                }
                Change::LeaveOut => update.omit.push("client_name"),
                Change::Secret => update.with_secret = true,
            },
            _ => {}
        }
        Some(update)
    }

    /// The step of a suite, in YAML.
    pub fn written(self, number: usize) -> String {
        let mut inside = format!("client: {}", self.who().name());
        if let Some(token) = self.token() {
            inside.push_str(&format!(", token: {}", token.as_str()));
            if token == TokenWord::Another {
                inside.push_str(&format!(", another: {}", self.who().other().name()));
            }
        }
        if let Some(update) = self.update(number) {
            if !update.with.is_empty() {
                let members: Vec<String> = update.with.iter().map(|(n, v)| format!("{n}: {v}")).collect();
                inside.push_str(&format!(", with: {{ {} }}", members.join(", ")));
            }
            if !update.omit.is_empty() {
                inside.push_str(&format!(", omit: [{}]", update.omit.join(", ")));
            }
            if update.with_secret {
                inside.push_str(", with-secret: true");
            }
        }
        let action = match self.method() {
            Some(Method::Read) => "read",
            Some(Method::Update) => "update",
            Some(Method::Delete) => "delete",
            None => {
                inside.push_str(", method: PATCH");
                "request"
            }
        };
        format!("{action}: {{ {inside} }}")
    }
}
