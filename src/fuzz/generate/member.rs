//! The members of the IANA registry "OAuth Dynamic Client Registration Metadata", each with the kind of value it takes.

use super::{
    dice::Dice,
    keys,
    structure::{Member, Mutation, Node},
    text, uri,
};

/// What a member's value is.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Uris,
    Uri,
    Method,
    Grants,
    Responses,
    /// Human-readable, with language variants (RFC 7591, 2.2).
    Human,
    HumanUri,
    Word,
    Scope,
    Contacts,
    Jwks,
    Statement,
    /// Assigned by the server: a text, or a time.
    ChosenText,
    ChosenTime,
    Algorithm,
    Bool,
    Integer,
    Words,
    Any,
}

use Kind::*;

/// The members that RFC 7591 and RFC 7592 define: the ones that every server knows.
const CORE: &[(&str, Kind)] = &[
    ("redirect_uris", Uris),
    ("token_endpoint_auth_method", Method),
    ("grant_types", Grants),
    ("response_types", Responses),
    ("client_name", Human),
    ("client_uri", HumanUri),
    ("logo_uri", HumanUri),
    ("scope", Scope),
    ("contacts", Contacts),
    ("tos_uri", HumanUri),
    ("policy_uri", HumanUri),
    ("jwks_uri", Uri),
    ("jwks", Jwks),
    ("software_id", Word),
    ("software_version", Word),
    ("software_statement", Statement),
    ("client_id", ChosenText),
    ("client_secret", ChosenText),
    ("client_id_issued_at", ChosenTime),
    ("client_secret_expires_at", ChosenTime),
    ("registration_access_token", ChosenText),
    ("registration_client_uri", Uri),
];

/// The others of the registry: OpenID Connect, mutual TLS, JAR, JARM, PAR, CIBA, DPoP, RAR, logout and more.
const OTHERS: &[(&str, Kind)] = &[
    ("application_type", Word),
    ("sector_identifier_uri", Uri),
    ("subject_type", Word),
    ("id_token_signed_response_alg", Algorithm),
    ("id_token_encrypted_response_alg", Algorithm),
    ("id_token_encrypted_response_enc", Algorithm),
    ("userinfo_signed_response_alg", Algorithm),
    ("userinfo_encrypted_response_alg", Algorithm),
    ("userinfo_encrypted_response_enc", Algorithm),
    ("request_object_signing_alg", Algorithm),
    ("request_object_encryption_alg", Algorithm),
    ("request_object_encryption_enc", Algorithm),
    ("token_endpoint_auth_signing_alg", Algorithm),
    ("default_max_age", Integer),
    ("require_auth_time", Bool),
    ("default_acr_values", Words),
    ("initiate_login_uri", Uri),
    ("request_uris", Uris),
    ("claims_redirect_uris", Uris),
    ("nfv_token_signed_response_alg", Algorithm),
    ("nfv_token_encrypted_response_alg", Algorithm),
    ("nfv_token_encrypted_response_enc", Algorithm),
    ("tls_client_certificate_bound_access_tokens", Bool),
    ("tls_client_auth_subject_dn", Word),
    ("tls_client_auth_san_dns", Word),
    ("tls_client_auth_san_uri", Uri),
    ("tls_client_auth_san_ip", Word),
    ("tls_client_auth_san_email", Word),
    ("require_signed_request_object", Bool),
    ("require_pushed_authorization_requests", Bool),
    ("introspection_signed_response_alg", Algorithm),
    ("introspection_encrypted_response_alg", Algorithm),
    ("introspection_encrypted_response_enc", Algorithm),
    ("frontchannel_logout_uri", Uri),
    ("frontchannel_logout_session_required", Bool),
    ("backchannel_logout_uri", Uri),
    ("backchannel_logout_session_required", Bool),
    ("post_logout_redirect_uris", Uris),
    ("authorization_details_types", Words),
    ("dpop_bound_access_tokens", Bool),
    ("backchannel_token_delivery_mode", Word),
    ("backchannel_client_notification_endpoint", Uri),
    ("backchannel_authentication_request_signing_alg", Algorithm),
    ("backchannel_user_code_parameter", Bool),
    ("authorization_signed_response_alg", Algorithm),
    ("authorization_encrypted_response_alg", Algorithm),
    ("authorization_encrypted_response_enc", Algorithm),
    ("client_registration_types", Words),
    ("signed_jwks_uri", Uri),
    ("organization_name", Human),
    ("vp_formats", Any),
    ("response_modes", Words),
    ("use_mtls_endpoint_aliases", Bool),
];

const METHODS: &[&str] = &[
    "none",
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "dcrspec-no-such-method",
    "NONE",
    "Client_Secret_Basic",
    "https://example.org/method",
];

const GRANTS: &[&str] = &[
    "authorization_code",
    "implicit",
    "refresh_token",
    "client_credentials",
    "password",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "AUTHORIZATION_CODE",
    "authorization-code",
    "größe 東京",
    "",
];

const RESPONSES: &[&str] = &["code", "token", "id_token", "code id_token", "token code", "none", "CODE", "code ", ""];

/// Language tags, right and wrong (RFC 5646, 2.1).
const TAGS: &[&str] = &["fr", "ja-Jpan-JP", "JA-jpan-jp", "de", "", "x", "not a tag", "fr#de", "1", "größe", "fr-"];

/// The name as the table of a campaign shows it.
pub fn row(name: &str) -> &'static str {
    let plain = name.split('#').next().unwrap_or(name);
    match CORE.iter().chain(OTHERS).find(|(known, _)| *known == plain) {
        Some((known, _)) => known,
        None => "(unknown)",
    }
}

/// Whether the registry holds a name.
pub fn is_registered(name: &str) -> bool {
    row(name) != "(unknown)"
}

/// One more member, or two that go together.
pub fn members(dice: &mut Dice, into: &mut Vec<Member>) {
    match dice.weighted(&[24, 6, 3, 2, 2, 2, 2]) {
        0 => one(dice, CORE, into),
        1 => one(dice, OTHERS, into),
        2 => types(dice, into),
        3 => unknown(dice, into),
        4 => spelling(dice, into),
        5 => {
            // Two members that exclude each other.
            into.push(member("jwks", keys::jwks(dice)));
            into.push(member("jwks_uri", (Node::text("https://client.example.org/jwks.json"), Mutation::Combination)));
        }
        _ => {
            let count = into.len();
            one(dice, CORE, into);
            if let Some(first) = into.get(count).cloned() {
                let value = if dice.one_in(2) { text::other_type(dice).0 } else { value(dice, kind(&first.name)).0 };
                into.push(Member { value, mutation: Mutation::Twice, ..first });
            }
        }
    }
}

fn kind(name: &str) -> Kind {
    CORE.iter().find(|(known, _)| *known == name).map_or(Any, |(_, kind)| *kind)
}

fn member(name: &str, (value, mutation): (Node, Mutation)) -> Member {
    Member { name: name.to_owned(), mutation, value }
}

fn one(dice: &mut Dice, from: &[(&str, Kind)], into: &mut Vec<Member>) {
    // The first of the defined members, redirect_uris, is where most can go wrong.
    let (name, kind) = from[if dice.one_in(6) { 0 } else { dice.below(from.len()) }];
    let value = if dice.one_in(6) { text::other_type(dice) } else { value(dice, kind) };
    let tagged = matches!(kind, Human | HumanUri) && dice.one_in(4);
    if tagged {
        let name = format!("{name}#{}", dice.pick(TAGS));
        into.push(Member { name, mutation: Mutation::Language, value: value.0 });
    } else {
        into.push(member(name, value));
    }
}

/// A value of the kind, lawful or not.
fn value(dice: &mut Dice, kind: Kind) -> (Node, Mutation) {
    match kind {
        Uris => {
            if dice.one_in(5) {
                text::odd_items(dice, "https://client.example.org/callback")
            } else {
                uri::uris(dice)
            }
        }
        Uri | HumanUri => uri::uri(dice),
        Method => {
            let at = dice.below(METHODS.len());
            (Node::text(METHODS[at]), if at < 3 { Mutation::Valid } else { Mutation::Combination })
        }
        Grants => several(dice, GRANTS, 4),
        Responses => several(dice, RESPONSES, 2),
        Human => text::text(dice),
        Word => {
            if dice.one_in(3) {
                let words = ["native", "web", "pairwise", "public", "1.0", "10", "ping", "a.example"];
                (Node::text(dice.pick(&words)), Mutation::Valid)
            } else {
                text::text(dice)
            }
        }
        Kind::Scope => text::scope(dice),
        Kind::Contacts => text::contacts(dice),
        Kind::Jwks => keys::jwks(dice),
        Kind::Statement => keys::statement(dice),
        ChosenText => {
            let slots = [
                "dcrspec-chosen-by-the-client",
                "${client_id#0}",
                "${client_id#3}",
                "${client_secret#1}",
                "${registration_access_token#2}",
            ];
            (Node::text(dice.pick(&slots)), Mutation::Chosen)
        }
        ChosenTime => {
            // No instant that a server would come to by itself: that one had been adopted could not be told then.
            if dice.one_in(3) {
                text::number(dice)
            } else {
                let times = ["1", "2147483649", "4294967297", "9007199254740993"];
                (Node::Number(dice.pick(&times).to_owned()), Mutation::Chosen)
            }
        }
        Algorithm => {
            let words =
                ["RS256", "ES256", "none", "HS256", "RSA-OAEP", "A128CBC-HS256", "rs256", "dcrspec-no-such-alg"];
            (Node::text(dice.pick(&words)), Mutation::Combination)
        }
        Bool => match dice.below(4) {
            0 => (Node::Bool(true), Mutation::Valid),
            1 => (Node::Bool(false), Mutation::Valid),
            2 => (Node::text("true"), Mutation::Type),
            _ => (Node::Number("1".into()), Mutation::Type),
        },
        Integer => text::number(dice),
        Words => {
            if dice.one_in(2) {
                text::odd_items(dice, "word")
            } else {
                (Node::texts(&["query", "fragment"]), Mutation::Valid)
            }
        }
        Any => text::other_type(dice),
    }
}

/// Some of a list of known words; the first `lawful` of them are what most servers know.
fn several(dice: &mut Dice, from: &[&str], lawful: usize) -> (Node, Mutation) {
    if dice.one_in(8) {
        return text::odd_items(dice, from[0]);
    }
    let count = dice.weighted(&[0, 6, 4, 1]);
    let mut valid = true;
    let items = (0..count)
        .map(|_| {
            let at = dice.below(from.len());
            valid &= at < lawful;
            Node::text(from[at])
        })
        .collect();
    (Node::Array(items), if valid { Mutation::Valid } else { Mutation::Combination })
}

/// Grant types and response types together (RFC 7591, 2.1).
fn types(dice: &mut Dice, into: &mut Vec<Member>) {
    const PAIRS: &[(&[&str], &[&str])] = &[
        (&["client_credentials"], &["code"]),
        (&["authorization_code"], &["token"]),
        (&["implicit"], &["code"]),
        (&["implicit"], &["token"]),
        (&["authorization_code", "implicit"], &["code", "token"]),
        (&["authorization_code"], &["code", "token"]),
        (&["refresh_token"], &["code"]),
        (&["client_credentials"], &[]),
        (&[], &[]),
        (&["authorization_code"], &[]),
        (&["authorization_code", "implicit"], &["code id_token"]),
    ];
    let (grants, responses) = dice.pick(PAIRS);
    into.push(member("grant_types", (Node::texts(grants), Mutation::Combination)));
    into.push(member("response_types", (Node::texts(responses), Mutation::Combination)));
}

/// A member that no server can know, of any JSON type.
fn unknown(dice: &mut Dice, into: &mut Vec<Member>) {
    let name = match dice.below(6) {
        0..=2 => format!("dcrspec-{}", dice.word()),
        3 => dice.pick(&["", "__proto__", "constructor", "$ref", "@type", "\u{0}", "größe", "a.b[0]", "#"]).to_owned(),
        4 => "n".repeat(dice.pick(&[100, 1000])),
        _ => format!("dcrspec {}", dice.word()),
    };
    let value = if dice.one_in(3) { text::text(dice).0 } else { text::other_type(dice).0 };
    into.push(Member { name, mutation: Mutation::Unknown, value });
}

/// A defined name in another spelling.
fn spelling(dice: &mut Dice, into: &mut Vec<Member>) {
    const NAMES: &[&str] = &[
        "Client_Name",
        "CLIENT_NAME",
        "clientName",
        "client-name",
        "client_name ",
        "Redirect_URIs",
        "redirect_uri",
        "redirectUris",
        "GRANT_TYPES",
        "grantTypes",
        "Scope",
        "ｃlient_name",
    ];
    let name = dice.pick(NAMES);
    let value = match name.to_ascii_lowercase().as_str() {
        "client_name" | "clientname" | "client-name" | "client_name " | "scope" => Node::text("the wrong name"),
        "grant_types" | "granttypes" => Node::texts(&["implicit"]),
        _ => Node::texts(&["https://other.example/callback"]),
    };
    into.push(Member { name: name.to_owned(), mutation: Mutation::Spelling, value });
}
