//! Defects of the registration endpoint itself: media types, methods, names and tokens (RFC 7591, sections 1.1, 3 and 3.2.2).

use super::Fault::*;
use super::{Configuration, Defect};

pub(super) static DEFECTS: &[Defect] = &[
    Defect::open(
        "json-needs-charset",
        "rfc7591-3-post-json",
        MediaTypeNeedsCharset,
        "Refuses application/json with 415 unless charset=utf-8 follows.",
    ),
    Defect::open(
        "chunked-crash",
        "rfc7591-3-post-json",
        ChunkedCrash,
        "Counts on Content-Length, and answers a body that comes in chunks with 500.",
    )
    .also(&[("rfc7591-3.2.2-error-status", "The crash is answered 500.")]),
    Defect::open(
        "plaintext-served",
        "rfc7591-3-tls-required",
        PlaintextServed,
        "Takes registrations over plain http as well as over TLS.",
    )
    .within(Configuration::Tls),
    Defect::open(
        "media-type-parameter-refused",
        "rfc7591-3-json-content-type-parameters",
        MediaTypeParametersRefused,
        "Refuses application/json with a charset parameter with 415.",
    ),
    Defect::open(
        "media-type-case-sensitive",
        "rfc7591-3-json-content-type-parameters",
        MediaTypeCaseSensitive,
        "Refuses Application/JSON with 415, knowing lower case only.",
    ),
    Defect::open(
        "escapes-kept",
        "rfc7591-3.1-json-equivalence",
        EscapesKept,
        "Registers a client_name written with backslash-u escapes without decoding them.",
    ),
    Defect::open(
        "member-order-matters",
        "rfc7591-3.1-json-equivalence",
        OrderMatters,
        "Reads members as they come, and finds redirect_uris missing when they come after grant_types.",
    ),
    Defect::open(
        "get-registers",
        "rfc7591-3-other-methods-do-not-register",
        GetRegisters,
        "Registers a client on GET, from the query or from a JSON body.",
    ),
    Defect::open(
        "names-ignore-case",
        "rfc7591-1.1-case-sensitive-names",
        NamesIgnoreCase,
        "Takes Client_Name for client_name.",
    ),
    Defect::open(
        "camel-case",
        "rfc7591-1.1-case-sensitive-names",
        CamelCase,
        "Spells grant_types as grantTypes in responses.",
    ),
    Defect::protected(
        "challenge-missing",
        "rfc7591-3.2.2-token-error-by-type",
        ChallengeMissing,
        "Answers 401 without a WWW-Authenticate header.",
    ),
    Defect::protected(
        "any-token-accepted",
        "rfc7591-3.2.2-token-error-by-type",
        AnyTokenAccepted,
        "Registers with any Bearer token whatever.",
    ),
    Defect::protected(
        "bad-token-400",
        "rfc7591-3.2.2-token-error-by-type",
        TokenError400,
        "Answers a bad initial access token with 400 and invalid_client_metadata.",
    ),
    Defect::protected(
        "challenge-without-error",
        "rfc7591-3.2.2-challenge-error-attribute",
        ChallengeWithoutError,
        "Leaves error out of the challenge to a token that was presented.",
    ),
];
