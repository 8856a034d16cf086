//! Defects about the other metadata members (RFC 7591, section 2), and software statements (section 2.3).

use super::Defect;
use super::Fault::*;

pub(super) static DEFECTS: &[Defect] = &[
    Defect::open(
        "auth-method-array",
        "rfc7591-2-auth-method-type",
        AuthMethodArray,
        "Returns token_endpoint_auth_method as an array.",
    )
    .also(&[("rfc7592-2.2-update-roundtrip", "what it returns it does not take back")]),
    Defect::open(
        "auth-method-silent",
        "rfc7591-2-auth-method-default",
        AuthMethodSilent,
        "Issues no secret when the request names no method, and says nothing about it.",
    ),
    Defect::open(
        "grant-types-text",
        "rfc7591-2-grant-types-type",
        GrantTypesText,
        "Returns grant_types as one string with spaces.",
    )
    .also(&[("rfc7592-2.2-update-roundtrip", "what it returns it does not take back")]),
    Defect::open(
        "grant-types-upper-case",
        "rfc7591-2-grant-types-exact-values",
        GrantTypesUpperCase,
        "Returns the grant type AUTHORIZATION_CODE.",
    )
    .also(&[("rfc7592-2.2-update-roundtrip", "what it returns it does not take back")]),
    Defect::open(
        "response-types-text",
        "rfc7591-2-response-types-type",
        ResponseTypesText,
        "Returns response_types as one string.",
    )
    .also(&[("rfc7592-2.2-update-roundtrip", "what it returns it does not take back")]),
    Defect::open(
        "response-types-upper-case",
        "rfc7591-2-response-types-exact-values",
        ResponseTypesUpperCase,
        "Returns the response type CODE.",
    )
    .also(&[("rfc7592-2.2-update-roundtrip", "what it returns it does not take back")]),
    Defect::open(
        "types-inconsistent",
        "rfc7591-2.1-consistent-types",
        TypesInconsistent,
        "Registers grant types and response types that contradict each other.",
    )
    .also(&[("rfc7592-2.2-same-rules-as-registration", "updates are checked by the same code")]),
    Defect::open("name-array", "rfc7591-2-client-name-type", NameArray, "Returns client_name in an array.")
        .also(&[("rfc7592-2.2-update-roundtrip", "what it returns it does not take back")]),
    Defect::open(
        "name-null",
        "rfc7591-2-client-name-type",
        NameNull,
        "Returns null for a client_name that nobody sent.",
    ),
    Defect::open(
        "name-any-type",
        "rfc7591-2-client-name-type",
        NameAnyType,
        "Registers a client_name of any JSON type.",
    ),
    Defect::open(
        "client-uri-object",
        "rfc7591-2-uri-members-type",
        ClientUriObject,
        "Returns client_uri as an object.",
    ),
    Defect::open(
        "client-uri-relative",
        "rfc7591-2-uri-members-type",
        ClientUriRelative,
        "Returns client_uri without its scheme and host.",
    ),
    Defect::open(
        "client-uri-null",
        "rfc7591-2-uri-members-type",
        ClientUriNull,
        "Returns null for a client_uri that nobody sent.",
    ),
    Defect::open(
        "client-uri-unchecked",
        "rfc7591-2-uri-members-valid",
        ClientUriUnchecked,
        "Registers any string as client_uri.",
    ),
    Defect::open(
        "logo-uri-script",
        "rfc7591-2-uri-members-valid",
        LogoUriScheme,
        "Registers a logo_uri of any scheme, javascript too.",
    ),
    Defect::open("scope-array", "rfc7591-2-scope-type", ScopeArray, "Returns scope as an array."),
    Defect::open("scope-commas", "rfc7591-2-scope-type", ScopeCommas, "Returns the scope values joined by commas."),
    Defect::open("contacts-text", "rfc7591-2-contacts-type", ContactsText, "Returns contacts as one string."),
    Defect::open("jwks-text", "rfc7591-2-jwks-type", JwksText, "Returns jwks as a string of JSON."),
    Defect::open(
        "jwks-keys-object",
        "rfc7591-2-jwks-type",
        JwksKeysObject,
        "Registers a jwks whose keys member is an object.",
    ),
    Defect::open(
        "jwks-private-kept",
        "rfc7591-2-jwks-private-key",
        JwksPrivateKept,
        "Registers and returns the private part of a key.",
    ),
    Defect::open("jwks-both-kept", "rfc7591-2-jwks-exclusive", JwksBothKept, "Registers jwks and jwks_uri together.")
        .also(&[("rfc7592-2.2-same-rules-as-registration", "updates are checked by the same code")]),
    Defect::open(
        "version-number",
        "rfc7591-2-software-id-type",
        VersionNumber,
        "Returns a software_version that looks like a number as a number.",
    ),
    Defect::open(
        "unknown-refused",
        "rfc7591-2-ignore-unknown",
        UnknownRefused,
        "Refuses members that it does not know.",
    )
    .also(&[("rfc7592-2.2-ignore-unknown", "updates are checked by the same code")]),
    Defect::open(
        "unknown-object-refused",
        "rfc7591-2-ignore-unknown",
        UnknownObjectRefused,
        "Refuses unknown members whose value is an object.",
    ),
    Defect::open(
        "unknown-null-crash",
        "rfc7591-2-ignore-unknown",
        UnknownNullCrash,
        "Answers 500 to an unknown member that is null.",
    )
    .also(&[("rfc7591-3.2.2-error-status", "a 500 to a well-formed request")]),
    Defect::open(
        "secret-adopted",
        "rfc7591-3.1-server-assigned-members",
        SecretAdopted,
        "Takes the client_secret that the client asks for.",
    ),
    Defect::open(
        "issued-at-adopted",
        "rfc7591-3.1-server-assigned-members",
        IssuedAtAdopted,
        "Takes the client_id_issued_at that the client asks for.",
    ),
    Defect::open(
        "variants-omitted",
        "rfc7591-2.2-language-variants-returned",
        VariantsOmitted,
        "Leaves language variants out of the 201, though a read shows them.",
    )
    .also(&[
        ("rfc7592-3-return-all-metadata", "the read that shows the variants is a client information response too"),
        ("rfc7591-3.2.1-return-all-metadata", "a read shows a member that the 201 lacked"),
    ]),
    Defect::open(
        "name-mojibake",
        "rfc7591-2.2-untagged-as-is",
        NameMojibake,
        "Reads the UTF-8 of client_name as Latin-1.",
    ),
    Defect::open(
        "unsigned-statement-used",
        "rfc7591-2.3-statement-signed",
        UnsignedStatementUsed,
        "Registers the claims of a software statement with the algorithm none.",
    ),
];
