//! Defects of refusals (RFC 7591, section 3.2.2), and of what a registration does (section 3.1).

use super::Defect;
use super::Fault::*;

pub(super) static DEFECTS: &[Defect] = &[
    Defect::open(
        "media-type-missing-crash",
        "rfc7591-3.2.2-error-status",
        MediaTypeMissingCrash,
        "Answers a request without Content-Type with 500.",
    ),
    Defect::open("error-422", "rfc7591-3.2.2-error-status", Error422, "Refuses bad metadata with 422.")
        .also(&[("rfc7592-2.2-invalid-value-defaulted-or-error", "updates are refused by the same code")]),
    Defect::open(
        "name-type-crash",
        "rfc7591-3.2.2-error-status",
        NameTypeCrash,
        "Answers 500 to a client_name that is not a string.",
    ),
    Defect::open(
        "error-200",
        "rfc7591-3.2.2-error-status",
        Error200,
        "Refuses bad metadata with 200 and an error object.",
    )
    .also(&[("rfc7592-2.2-update-200", "a refused update is answered 200 too")]),
    Defect::open("error-text", "rfc7591-3.2.2-error-json", ErrorText, "Refuses bad metadata with plain text."),
    Defect::open(
        "error-problem-json",
        "rfc7591-3.2.2-error-json",
        ErrorProblem,
        "Labels the error object application/problem+json.",
    ),
    Defect::open("error-missing", "rfc7591-3.2.2-error-member", ErrorMissing, "Leaves error out of the error object."),
    Defect::open(
        "error-phrase",
        "rfc7591-3.2.2-error-member",
        ErrorPhrase,
        "Writes the phrase Bad Request as the error code.",
    )
    .also(&[
        ("rfc7591-3.2.2-error-code-defined", "the phrase is none of the defined codes"),
        ("rfc7591-3.2.2-invalid-redirect-uri-code", "the phrase stands for a bad redirection URI too"),
    ]),
    Defect::open(
        "error-code-unknown",
        "rfc7591-3.2.2-error-code-defined",
        ErrorCodeUnknown,
        "Refuses bad metadata with the code validation_failed.",
    ),
    Defect::open(
        "description-quotes",
        "rfc7591-3.2.2-error-description-ascii",
        DescriptionQuotes,
        "Quotes the client's own text in error_description, whatever its characters.",
    ),
    Defect::open(
        "description-array",
        "rfc7591-3.2.2-error-description-ascii",
        DescriptionArray,
        "Writes error_description as an array.",
    ),
    Defect::open(
        "description-control",
        "rfc7591-3.2.2-error-description-ascii",
        DescriptionControl,
        "Ends error_description with a NUL character.",
    ),
    Defect::open(
        "client-in-error",
        "rfc7591-3.2.2-no-client-in-error",
        ErrorWithClient,
        "Sends a client_id and a client_secret with an error.",
    ),
    Defect::open("array-unwrapped", "rfc7591-3.1-object-body", ArrayUnwrapped, "Registers the object inside an array."),
    Defect::open(
        "non-object-crash",
        "rfc7591-3.1-object-body",
        NonObjectCrash,
        "Answers 500 to JSON that is not an object.",
    ),
    Defect::open(
        "same-second-replaces",
        "rfc7591-3.1-registrations-independent",
        SameSecondReplaces,
        "Forgets a client when another one registers in the same second.",
    )
    .also(&[
        ("rfc7592-2-token-is-bearer", "with the client its token goes"),
        ("rfc7592-2.3-forbidden-delete", "with the client its token goes"),
        ("rfc7592-A.1-rotate-only-on-read-or-update", "with the client its token goes"),
    ]),
];
