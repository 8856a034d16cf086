//! Defects about redirection URIs (RFC 7591, sections 2 and 5).

use super::Defect;
use super::Fault::*;

pub(super) static DEFECTS: &[Defect] = &[
    Defect::open(
        "redirect-uris-omitted",
        "rfc7591-2-redirect-uris-supported",
        RedirectUrisOmitted,
        "Leaves redirect_uris out of every response.",
    )
    .also(&[
        ("rfc7592-2.2-update-roundtrip", "what it returns it does not take back"),
        (
            "rfc7591-3.2.1-return-all-metadata",
            "the client has a redirect-based grant, so URIs were registered and not returned",
        ),
    ]),
    Defect::open(
        "redirect-uris-single",
        "rfc7591-2-redirect-uris-type",
        RedirectUrisSingle,
        "Returns a single redirection URI as a string.",
    )
    .also(&[("rfc7592-2.2-update-roundtrip", "what it returns it does not take back")]),
    Defect::open(
        "redirect-uris-not-required",
        "rfc7591-5-redirect-uris-required",
        RedirectUrisNotRequired,
        "Registers a redirect-based grant without redirection URIs.",
    )
    .also(&[("rfc7592-2.2-same-rules-as-registration", "updates are checked by the same code")]),
    Defect::open(
        "redirect-http-anywhere",
        "rfc7591-5-redirect-uri-kinds",
        RedirectHttpAnywhere,
        "Registers http redirection URIs on any host.",
    )
    .also(&[("rfc7592-2.2-same-rules-as-registration", "updates are checked by the same code")]),
    Defect::open(
        "redirect-active-scheme",
        "rfc7591-5-redirect-uri-active-scheme",
        RedirectActiveScheme,
        "Registers redirection URIs with the schemes javascript, data and the like.",
    )
    .also(&[("rfc7592-2.2-same-rules-as-registration", "updates are checked by the same code")]),
    Defect::open(
        "redirect-relative",
        "rfc7591-2-redirect-uri-absolute",
        RedirectRelativeKept,
        "Registers relative references as redirection URIs.",
    ),
    Defect::open(
        "redirect-white-space",
        "rfc7591-2-redirect-uri-syntax",
        RedirectWhitespaceKept,
        "Registers redirection URIs with raw spaces and control characters.",
    ),
    Defect::open(
        "redirect-split",
        "rfc7591-2-redirect-uri-syntax",
        RedirectSplitAtSpace,
        "Makes two redirection URIs of one with a space inside.",
    ),
    Defect::open(
        "redirect-fragment",
        "rfc7591-2-redirect-uri-no-fragment",
        RedirectFragmentKept,
        "Registers redirection URIs with a fragment.",
    )
    .also(&[("rfc7592-2.2-same-rules-as-registration", "updates are checked by the same code")]),
    Defect::open(
        "redirect-error-code",
        "rfc7591-3.2.2-invalid-redirect-uri-code",
        RedirectErrorCode,
        "Refuses a bad redirection URI with the code invalid_uri.",
    ),
];
