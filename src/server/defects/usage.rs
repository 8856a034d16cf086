//! Defects that show where a registered client is used: at the token and authorization endpoints (RFC 7591, sections 2, 3.1 and 5).

use super::Defect;
use super::Fault::*;

pub(super) static DEFECTS: &[Defect] = &[
    Defect::open(
        "authorize-unknown-client",
        "rfc7591-3.1-client-usable",
        AuthorizeUnknownClient,
        "Calls every client unknown at the authorization endpoint.",
    ),
    Defect::open(
        "token-unknown-client",
        "rfc7591-3.1-client-usable",
        TokenUnknownClient,
        "Answers every client with invalid_client at the token endpoint.",
    )
    .also(&[("rfc7591-2-auth-method-effective", "no method works where no client is known")]),
    Defect::open(
        "post-auth-refused",
        "rfc7591-2-auth-method-effective",
        PostAuthRefused,
        "Registers client_secret_post, and refuses it at the token endpoint.",
    ),
    Defect::open(
        "grant-default-missing",
        "rfc7591-2-grant-types-default",
        GrantDefaultMissing,
        "Registers no grant type when the request names none, and says nothing about it.",
    ),
    Defect::open(
        "grants-unchecked",
        "rfc7591-2-grant-types-enforced",
        GrantsUnchecked,
        "Gives a token for client_credentials to clients that did not register that grant type.",
    ),
    Defect::open(
        "redirect-anywhere",
        "rfc7591-2-unregistered-redirect-refused",
        RedirectAnywhere,
        "Sends the user agent to any redirect_uri.",
    ),
    Defect::open(
        "redirect-path-prefix",
        "rfc7591-2-unregistered-redirect-refused",
        RedirectPathPrefix,
        "Sends the user agent to what begins with a registered redirection URI, such as one with dot segments behind it.",
    ),
    Defect::open(
        "redirect-host-prefix",
        "rfc7591-2-unregistered-redirect-refused",
        RedirectHostPrefix,
        "Sends the user agent to what begins with the scheme and host of a registered redirection URI, such as a longer host.",
    ),
];
