//! Rules in code, for what a schema over one message cannot say. One topic a file; this is what they share.

use serde_json::{Map, Value};
use smallvec::smallvec;

use super::rule::{Claim, Claims, Context, Evidence, Objection, Rule};
use crate::wire::Exchange;

/// A rule that is one function.
pub(super) struct Coded {
    pub id: &'static str,
    pub requirement: &'static str,
    pub evidence: Evidence,
    pub check: fn(&Exchange, &Context) -> Claims,
}

impl Rule for &'static Coded {
    fn id(&self) -> &'static str {
        self.id
    }
    fn requirement(&self) -> &'static str {
        self.requirement
    }
    fn evidence(&self) -> Evidence {
        self.evidence
    }
    fn check(&self, exchange: &Exchange, context: &Context) -> Claims {
        (self.check)(exchange, context)
    }
}

pub(super) fn holds() -> Claims {
    smallvec![Claim::Holds]
}

pub(super) fn objects(objection: Objection) -> Claims {
    smallvec![Claim::objects(objection)]
}

/// The strings of an array member; nothing when it is absent or of another type.
pub(super) fn strings<'a>(body: &'a Map<String, Value>, name: &str) -> Option<Vec<&'a str>> {
    body.get(name)?.as_array()?.iter().map(Value::as_str).collect()
}

/// Members that RFC 7591, 2 and 3.2.1, and RFC 7592, 3 define.
pub(super) const DEFINED: &[&str] = &[
    "redirect_uris",
    "token_endpoint_auth_method",
    "grant_types",
    "response_types",
    "client_name",
    "client_uri",
    "logo_uri",
    "scope",
    "contacts",
    "tos_uri",
    "policy_uri",
    "jwks_uri",
    "jwks",
    "software_id",
    "software_version",
    "software_statement",
    "client_id",
    "client_secret",
    "client_id_issued_at",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
];

/// Whether a member is metadata of RFC 7591, 2, a language variant included.
pub(super) fn is_metadata(name: &str) -> bool {
    let plain = name.split('#').next().unwrap_or(name);
    DEFINED[..16].contains(&plain)
}
