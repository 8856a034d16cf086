//! Defects about software statements that are understood (RFC 7591, sections 2.3, 3.1.1, 3.2.1 and 3.2.2).

use super::Fault::*;
use super::{Defect, Fault};
use crate::server::Configuration;

const fn statement(id: &'static str, requirement: &'static str, which: Fault, says: &'static str) -> Defect {
    Defect::open(id, requirement, which, says).within(Configuration::Statement)
}

pub(super) static DEFECTS: &[Defect] = &[
    statement(
        "statement-signature-unchecked",
        "rfc7591-2.3-statement-signed",
        StatementSignatureUnchecked,
        "Uses a software statement whatever its signature.",
    ),
    statement(
        "statement-without-issuer-used",
        "rfc7591-2.3-statement-iss",
        StatementIssuerUnchecked,
        "Uses a software statement that does not name its issuer.",
    ),
    statement(
        "plain-member-wins",
        "rfc7591-3.1.1-statement-precedence",
        StatementPlainWins,
        "Prefers plain members to the claims of a software statement.",
    ),
    statement(
        "statement-rewritten",
        "rfc7591-3.2.1-statement-unmodified",
        StatementRewritten,
        "Returns a software statement with its claims written anew, in another order.",
    ),
    statement(
        "statement-dropped",
        "rfc7591-3.2.1-statement-unmodified",
        StatementDropped,
        "Uses a software statement and does not return it.",
    ),
    statement(
        "statement-claims-hidden",
        "rfc7591-3.2.1-statement-claims-returned",
        StatementClaimsHidden,
        "Returns a software statement, and what it claims nowhere else.",
    ),
    statement(
        "statement-invalid-code",
        "rfc7591-3.2.2-invalid-software-statement",
        StatementInvalidCode,
        "Refuses a broken software statement with the code invalid_request.",
    ),
    statement(
        "statement-unapproved-code",
        "rfc7591-3.2.2-unapproved-software-statement",
        StatementUnapprovedCode,
        "Refuses a software statement of an unknown publisher with the code invalid_token.",
    ),
];
