//! Defects of the client configuration endpoint (RFC 7592).

use super::Fault::*;
use super::{Configuration, Defect};

pub(super) static DEFECTS: &[Defect] = &[
    Defect::open(
        "configuration-uri-relative",
        "rfc7592-3-registration-client-uri",
        ConfigurationUriRelative,
        "Writes registration_client_uri without its scheme and host.",
    ),
    Defect::open(
        "configuration-uri-plaintext",
        "rfc7592-5-client-uri-tls",
        ConfigurationUriPlaintext,
        "Hands out registration_client_uri as an http URL behind TLS.",
    )
    .within(Configuration::Tls),
    Defect::open(
        "managed-without-uri",
        "rfc7592-3-registration-client-uri",
        ManagedWithoutUri,
        "Leaves registration_client_uri out of reads and updates.",
    ),
    Defect::open(
        "configuration-uri-missing",
        "rfc7592-B-client-need-not-construct",
        ConfigurationUriMissing,
        "Issues a registration access token and no URL where it can be used.",
    )
    .also(&[("rfc7592-3-registration-client-uri", "the member is missing beside the token")]),
    Defect::open(
        "token-missing",
        "rfc7592-3-registration-access-token",
        TokenMissing,
        "Issues a registration_client_uri and no registration access token.",
    ),
    Defect::open(
        "managed-without-token",
        "rfc7592-3-registration-access-token",
        ManagedWithoutToken,
        "Leaves registration_access_token out of reads and updates.",
    ),
    Defect::open(
        "token-with-quotes",
        "rfc7592-2-token-is-bearer",
        TokenWithQuote,
        "Issues registration access tokens with quotation marks around them.",
    ),
    Defect::open(
        "token-refused",
        "rfc7592-2-token-is-bearer",
        TokenRefused,
        "Answers every registration access token 401.",
    ),
    Defect::open("token-short", "rfc7592-5-token-entropy", TokenShort, "Issues registration access tokens of 32 bits."),
    Defect::open(
        "token-shared",
        "rfc7592-5-token-entropy",
        TokenShared,
        "Gives every client the same registration access token.",
    )
    .also(&[
        ("rfc7592-2.1-read-is-current", "a read then shows the other client"),
        ("rfc7592-2.1-client-id-stable", "an update finds its client by the token, and takes the place of another one"),
        ("rfc7592-B-token-matches-client", "with one token for all, each client has the token of the others"),
    ]),
    Defect::open(
        "token-of-any-client",
        "rfc7592-B-token-matches-client",
        TokenOfAnyClient,
        "Takes the registration access token of any client for every client.",
    ),
    Defect::open("read-without-scope", "rfc7592-3-return-all-metadata", ReadWithoutScope, "Leaves scope out of reads."),
    Defect::open(
        "managed-without-secret",
        "rfc7592-A.1-credentials-returned",
        ManagedWithoutSecret,
        "Leaves the client_secret out of reads and updates.",
    ),
    Defect::open(
        "managed-secret-masked",
        "rfc7592-A.1-credentials-returned",
        ManagedSecretMasked,
        "Writes stars in place of the client_secret in reads and updates.",
    )
    .also(&[
        ("rfc7592-2.2-secret-must-match", "a client that sends back the mask is refused"),
        ("rfc7592-A.1-new-secret-works", "a client takes the mask for its new secret"),
    ]),
    Defect::open(
        "managed-without-expiry",
        "rfc7592-3-secret-expiry",
        ManagedWithoutExpiry,
        "Leaves client_secret_expires_at out of reads and updates.",
    ),
    Defect::open("managed-as-html", "rfc7592-3-json-body", ManagedHtml, "Labels reads and updates as text/html."),
    Defect::open(
        "managed-cacheable",
        "rfc7592-3-no-store",
        ManagedCacheable,
        "Sends reads and updates without Cache-Control.",
    ),
    Defect::open(
        "configuration-open",
        "rfc7592-2-token-required",
        ConfigurationOpen,
        "Lets anyone read a client without a token.",
    ),
    Defect::open(
        "token-prefix-taken",
        "rfc7592-2.1-read-invalid-token",
        TokenPrefixTaken,
        "Takes the beginning of a registration access token for the whole.",
    ),
    Defect::open(
        "update-with-any-token",
        "rfc7592-2.2-update-invalid-token",
        UpdateWithAnyToken,
        "Takes any token for an update.",
    )
    .also(&[("rfc7592-B-token-matches-client", "the token of another client is any token")]),
    Defect::open(
        "delete-with-any-token",
        "rfc7592-2.3-delete-invalid-token",
        DeleteWithAnyToken,
        "Takes any token for a delete.",
    )
    .also(&[("rfc7592-B-token-matches-client", "the token of another client is any token")]),
    Defect::open("gone-404", "rfc7592-2-unknown-client-401", Gone404, "Answers the token of a deleted client 404.")
        .also(&[("rfc7592-5-delete-invalidates-token", "the same answers, by whether they are 401")]),
    Defect::open(
        "token-outlives-client",
        "rfc7592-5-delete-invalidates-token",
        TokenOutlivesClient,
        "Goes on taking the token of a deleted client.",
    )
    .also(&[("rfc7592-2-unknown-client-401", "the same answers, by whether they are 401")]),
    Defect::protected(
        "initial-token-manages",
        "rfc7592-2-initial-token-not-enough",
        InitialTokenManages,
        "Takes the initial access token at every client's configuration endpoint.",
    ),
    Defect::open(
        "patch-crash",
        "rfc7592-2-unsupported-method",
        PatchCrash,
        "Answers 500 to PATCH at the configuration endpoint.",
    ),
    Defect::open(
        "no-delete-404",
        "rfc7592-2.3-delete-unsupported-405",
        NoDelete404,
        "Answers 404 to a delete, which it does not support.",
    )
    .within(Configuration::NoDelete)
    .also(&[
        ("rfc7592-2.3-delete-invalid-token", "404 is no answer to an invalid token either"),
        ("rfc7592-2.3-forbidden-delete", "404 tells no client that it may not delete itself either"),
    ]),
    Defect::open(
        "forbidden-read-404",
        "rfc7592-2.1-forbidden-read",
        ForbiddenRead404,
        "Answers 404 to a read by a client that may not read.",
    )
    .within(Configuration::Forbidding),
    Defect::open(
        "forbidden-update-404",
        "rfc7592-2.2-forbidden-update",
        ForbiddenUpdate404,
        "Answers 404 to an update by a client that may not update.",
    )
    .within(Configuration::Forbidding),
    Defect::open(
        "forbidden-delete-409",
        "rfc7592-2.3-forbidden-delete",
        ForbiddenDelete409,
        "Answers 409 to a delete by a client that may not delete itself.",
    )
    .within(Configuration::Forbidding),
    Defect::open("read-202", "rfc7592-2.1-read-200", Read202, "Answers 202 to a read."),
    Defect::open(
        "read-other-client-id",
        "rfc7592-2.1-client-id-stable",
        ReadOtherId,
        "Shows another client_id in reads.",
    )
    .also(&[(
        "rfc7591-3.1-registrations-independent",
        "the read names another client than the one that was registered",
    )]),
    Defect::open(
        "read-stale",
        "rfc7592-2.1-read-is-current",
        ReadStale,
        "Shows the first registration in reads, whatever was updated.",
    ),
    Defect::open("update-204", "rfc7592-2.2-update-200", Update204, "Answers 204 to an update."),
    Defect::open(
        "round-trip-refused",
        "rfc7592-2.2-update-roundtrip",
        RoundTripRefused,
        "Refuses updates that hold the grant_types which it returned.",
    ),
    Defect::open(
        "update-augments",
        "rfc7592-2.2-replace-not-augment",
        UpdateAugments,
        "Adds the redirection URIs and contacts of an update to the old ones.",
    ),
    Defect::open(
        "update-merges",
        "rfc7592-2.2-omitted-means-delete",
        UpdateMerges,
        "Keeps what an update leaves out, and deletes what it sets to null.",
    ),
    Defect::open(
        "update-by-body",
        "rfc7592-2.2-client-id-in-request",
        UpdateByBody,
        "Updates the client that the document names, whoever's token is presented.",
    )
    .also(&[
        ("rfc7592-2.1-read-is-current", "the other client changes without a request of its own"),
        ("rfc7592-2.1-client-id-stable", "the answer shows the client that the document names"),
    ]),
    Defect::open(
        "secret-chosen-in-update",
        "rfc7592-2.2-secret-not-chosen-by-client",
        SecretChosenInUpdate,
        "Takes over the client_secret of an update.",
    ),
    Defect::open(
        "right-secret-refused",
        "rfc7592-2.2-secret-must-match",
        RightSecretRefused,
        "Refuses updates that hold the client_secret which it issued.",
    ),
    Defect::open(
        "excluded-adopted",
        "rfc7592-2.2-excluded-members",
        ExcludedAdopted,
        "Takes over the client_id_issued_at of an update.",
    ),
    Defect::open(
        "update-422",
        "rfc7592-2.2-invalid-value-defaulted-or-error",
        Update422,
        "Answers 422 to an update with invalid metadata.",
    ),
    Defect::open(
        "update-half-applied",
        "rfc7592-2.2-failed-update-changes-nothing",
        UpdateHalfApplied,
        "Takes over the client_name of an update that it refuses.",
    ),
    Defect::open(
        "update-unknown-refused",
        "rfc7592-2.2-ignore-unknown",
        UpdateUnknownRefused,
        "Refuses updates with members that it does not know.",
    ),
    Defect::open(
        "update-unchecked",
        "rfc7592-2.2-same-rules-as-registration",
        UpdateUnchecked,
        "Takes over the redirect_uris of an update unchecked.",
    ),
    Defect::open(
        "new-token-dead",
        "rfc7592-A.1-new-token-works",
        NewTokenDead,
        "Hands out new registration access tokens and goes on taking the first alone.",
    )
    .within(Configuration::Rotating)
    .also(&[("rfc7592-A.1-old-token-discarded", "the first token is the one that goes on working")]),
    Defect::open(
        "old-token-lives",
        "rfc7592-A.1-old-token-discarded",
        OldTokenLives,
        "Goes on taking the tokens that it has replaced.",
    )
    .within(Configuration::Rotating),
    Defect::open(
        "refused-update-kills-token",
        "rfc7592-A.1-rotate-only-on-read-or-update",
        RefusedUpdateKillsToken,
        "Changes the registration access token when it refuses an update, and does not say the new one.",
    ),
    Defect::open(
        "new-secret-dead",
        "rfc7592-A.1-new-secret-works",
        NewSecretDead,
        "Shows a new client_secret and goes on taking the old one alone.",
    )
    .within(Configuration::Rotating)
    .also(&[("rfc7592-2.2-secret-must-match", "a client that sends back the secret it was shown is refused")]),
    Defect::open("delete-200", "rfc7592-2.3-delete-204", Delete200, "Answers 200 with a body to a delete."),
    Defect::open(
        "former-outlives-client",
        "rfc7592-5-delete-invalidates-former-tokens",
        FormerOutlivesClient,
        "Takes the former tokens of a deleted client.",
    )
    .within(Configuration::Rotating),
    Defect::open(
        "deleted-authenticates",
        "rfc7592-2.3-delete-ends-client-at-token-endpoint",
        DeletedAuthenticates,
        "Goes on authenticating deleted clients at the token endpoint.",
    ),
    Defect::open(
        "deleted-authorizes",
        "rfc7592-2.3-delete-ends-client-at-authorization-endpoint",
        DeletedAuthorizes,
        "Goes on sending user agents to deleted clients.",
    ),
    Defect::open(
        "grants-outlive-client",
        "rfc7592-2.3-delete-revokes-grants",
        GrantsOutliveClient,
        "Goes on calling the access tokens of deleted clients active.",
    ),
];
