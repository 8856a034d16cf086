//! Defects of what a registration issues and answers (RFC 7591, sections 3.1 and 3.2.1).

use super::Defect;
use super::Fault::*;
use crate::server::Configuration;

pub(super) static DEFECTS: &[Defect] = &[
    Defect::open("created-as-200", "rfc7591-3.2.1-created-status", Status200, "Answers a registration with 200."),
    Defect::open("created-as-html", "rfc7591-3.2.1-json-body", SuccessHtml, "Labels the JSON of a 201 text/html."),
    Defect::open(
        "created-nested",
        "rfc7591-3.2.1-json-body",
        SuccessNested,
        "Puts the client information below a member named data.",
    )
    .also(&[("rfc7591-3.2.1-client-id", "the client_id is not at the top level")]),
    Defect::open(
        "created-as-hal",
        "rfc7591-3.2.1-json-body",
        SuccessHal,
        "Labels the JSON of a 201 application/hal+json.",
    ),
    Defect::open(
        "byte-order-mark",
        "rfc7591-3.2.1-json-strict",
        ByteOrderMark,
        "Begins the body of a 201 with a byte order mark.",
    ),
    Defect::open(
        "client-id-twice",
        "rfc7591-3.2.1-json-strict",
        ClientIdTwice,
        "Writes the member client_id twice into a 201.",
    ),
    Defect::open("trailing-text", "rfc7591-3.2.1-json-strict", TrailingText, "Writes text after the object of a 201."),
    Defect::open(
        "invalid-utf-8",
        "rfc7591-3.2.1-json-strict",
        InvalidUtf8,
        "Cuts a non-ASCII character of client_name in two, so that a 201 is not UTF-8.",
    ),
    Defect::open("client-id-missing", "rfc7591-3.2.1-client-id", ClientIdMissing, "Leaves client_id out of a 201."),
    Defect::open("client-id-number", "rfc7591-3.2.1-client-id", ClientIdNumber, "Issues a client_id that is a number."),
    Defect::open(
        "client-id-non-ascii",
        "rfc7591-3.2.1-client-id-charset",
        ClientIdNonAscii,
        "Issues a client_id with a letter outside ASCII.",
    ),
    Defect::open(
        "client-id-shared",
        "rfc7591-3.2.1-client-id-unique",
        ClientIdShared,
        "Gives every client the same client_id.",
    )
    .also(&[(
        "rfc7591-2-unregistered-redirect-refused",
        "whoever has the one client_id is sent to the redirection URIs of all clients",
    )]),
    Defect::open(
        "client-id-adopted",
        "rfc7591-3.1-client-id-server-assigned",
        ClientIdAdopted,
        "Takes the client_id that the client asks for.",
    )
    .also(&[("rfc7591-3.2.1-client-id-unique", "a client may ask for the client_id of another one")]),
    Defect::open(
        "no-secret-for-post",
        "rfc7591-3.2.1-secret-for-confidential",
        NoSecretForPost,
        "Issues no secret for client_secret_post.",
    ),
    Defect::open(
        "secret-for-public",
        "rfc7591-2-none-has-no-secret",
        SecretForNone,
        "Issues a secret to a client registered with the method none.",
    ),
    Defect::open(
        "secret-number",
        "rfc7591-3.2.1-client-secret-string",
        SecretNumber,
        "Issues a client_secret that is a number.",
    ),
    Defect::open(
        "secret-non-ascii",
        "rfc7591-3.2.1-client-secret-string",
        SecretNonAscii,
        "Issues a client_secret with a letter outside ASCII.",
    ),
    Defect::open(
        "secret-shared",
        "rfc7591-3.2.1-client-secret-unique",
        SecretShared,
        "Gives every client the same client_secret.",
    )
    .also(&[("rfc7591-3.2.1-client-secret-entropy", "whoever registers knows the secret of all others")]),
    Defect::open(
        "secret-hashed",
        "rfc7591-3.2.1-client-secret-is-the-secret",
        SecretHashed,
        "Returns the stored bcrypt hash as client_secret.",
    ),
    Defect::open(
        "secret-short",
        "rfc7591-3.2.1-client-secret-entropy",
        SecretShort,
        "Issues secrets of 8 hexadecimal digits.",
    ),
    Defect::open(
        "secret-from-client-id",
        "rfc7591-3.2.1-client-secret-entropy",
        SecretFromClientId,
        "Makes the client_secret out of the client_id and a suffix.",
    ),
    Defect::open(
        "secret-per-client-id",
        "rfc7591-3.2.1-client-secret-unique-per-instance",
        SecretPerClientId,
        "Gives all instances of a client the same client_secret.",
    )
    .within(Configuration::SharedIds),
    Defect::open(
        "expires-at-missing",
        "rfc7591-3.2.1-client-secret-expires-at",
        ExpiresAtMissing,
        "Leaves client_secret_expires_at out.",
    )
    .also(&[("rfc7592-3-secret-expiry", "reads and updates show the same expiry")]),
    Defect::open(
        "expires-at-string",
        "rfc7591-3.2.1-client-secret-expires-at-value",
        ExpiresAtString,
        "Writes client_secret_expires_at as a string.",
    )
    .also(&[("rfc7592-3-secret-expiry", "reads and updates show the same expiry")]),
    Defect::open(
        "expires-at-lifetime",
        "rfc7591-3.2.1-client-secret-expires-at-value",
        ExpiresAtLifetime,
        "Writes a lifetime of 3600 seconds as client_secret_expires_at.",
    ),
    Defect::open(
        "expires-at-milliseconds",
        "rfc7591-3.2.1-client-secret-expires-at-value",
        ExpiresAtMilliseconds,
        "Writes client_secret_expires_at in milliseconds.",
    ),
    Defect::open(
        "expires-at-past",
        "rfc7591-3.2.1-client-secret-expires-at-value",
        ExpiresAtPast,
        "Issues a secret that expired yesterday.",
    ),
    Defect::open(
        "expires-at-date-time",
        "rfc7591-3.2.1-client-secret-expires-at-value",
        ExpiresAtDateTime,
        "Writes client_secret_expires_at as a date and time in a string.",
    )
    .also(&[("rfc7592-3-secret-expiry", "reads and updates show the same expiry")]),
    Defect::open(
        "expires-at-negative",
        "rfc7591-3.2.1-client-secret-expires-at-value",
        ExpiresAtNegative,
        "Writes -1 as client_secret_expires_at, meaning never.",
    ),
    Defect::open(
        "issued-at-string",
        "rfc7591-3.2.1-client-id-issued-at",
        IssuedAtString,
        "Writes client_id_issued_at as a string.",
    ),
    Defect::open(
        "issued-at-milliseconds",
        "rfc7591-3.2.1-client-id-issued-at",
        IssuedAtMilliseconds,
        "Writes client_id_issued_at in milliseconds.",
    ),
    Defect::open(
        "issued-at-future",
        "rfc7591-3.2.1-client-id-issued-at",
        IssuedAtFuture,
        "Writes a client_id_issued_at ten days ahead.",
    ),
    Defect::open(
        "issued-at-negative",
        "rfc7591-3.2.1-client-id-issued-at",
        IssuedAtNegative,
        "Writes -1 as client_id_issued_at.",
    ),
    Defect::open(
        "scope-omitted",
        "rfc7591-3.2.1-return-all-metadata",
        ScopeOmitted,
        "Leaves scope out of the 201, though a read shows it.",
    )
    .also(&[("rfc7592-3-return-all-metadata", "the read that shows the scope is a client information response too")]),
    Defect::open(
        "caching-allowed",
        "rfc7591-3.2.1-no-store",
        CacheAllowed,
        "Sends credentials in a 201 without Cache-Control.",
    ),
];
