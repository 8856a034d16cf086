//! Defects against awork's public documentation.

use super::Fault::*;
use super::{Configuration, Defect, Fault};

const fn awork(id: &'static str, requirement: &'static str, which: Fault, says: &'static str) -> Defect {
    Defect::open(id, requirement, which, says).within(Configuration::Awork)
}

pub(super) static DEFECTS: &[Defect] = &[
    awork(
        "awork-without-token",
        "awork-token-required",
        AworkTokenOptional,
        "Registers clients without the Bearer token.",
    ),
    awork("awork-name-needed", "awork-members-optional", AworkNameRequired, "Refuses a client without client_name."),
    awork("awork-null-refused", "awork-members-nullable", AworkNullRefused, "Refuses members that are null.")
        .also(&[("rfc7591-2-ignore-unknown", "unknown members that are null are refused with the others")]),
    awork(
        "awork-application-type-dropped",
        "awork-application-type-returned",
        AworkApplicationTypeDropped,
        "Leaves application_type out of the answer.",
    ),
    awork(
        "awork-application-type-list",
        "awork-response-types",
        AworkApplicationTypeList,
        "Returns application_type as an array.",
    )
    .also(&[("awork-documented-example", "the example asks for the string")]),
    awork(
        "awork-times-fraction",
        "awork-times-are-integers",
        AworkTimesFraction,
        "Returns the times with halves of seconds.",
    ),
    awork(
        "awork-secret-for-public",
        "awork-secret-for-confidential-only",
        SecretForNone,
        "Gives a client_secret to a client registered for none.",
    )
    .also(&[("rfc7591-2-none-has-no-secret", "the same is said there")]),
    awork(
        "awork-offline-access-dropped",
        "awork-documented-example",
        AworkOfflineAccessDropped,
        "Drops offline_access from the scope.",
    ),
    awork(
        "awork-public-refused",
        "awork-mcp-client",
        AworkPublicRefused,
        "Refuses clients that do not authenticate at the token endpoint.",
    ),
    awork("awork-error-422", "awork-errors-are-400", Error422, "Refuses bad metadata with 422.")
        .also(&[("rfc7591-3.2.2-error-status", "the same is said there")]),
    awork("awork-limits-silent", "awork-limits-announced", AworkLimitsSilent, "Says nothing of its limits."),
    awork(
        "awork-reset-epoch",
        "awork-limit-reset-in-seconds",
        AworkResetEpoch,
        "Gives the end of the minute as seconds since 1970 in RateLimit-Reset.",
    ),
    awork(
        "awork-members-null",
        "awork-response-without-null",
        AworkMembersNull,
        "Returns null for documented members that the client does not have, as the documentation allows.",
    )
    .also(&[("rfc7591-2-client-name-type", "null is no string"), ("rfc7591-2-uri-members-type", "null is no string")]),
];
