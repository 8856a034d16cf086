//! Time stamps: when the identifier was issued, and when the secret expires (RFC 7591, 3.2.1).

use serde_json::Value;

use super::{
    coded::{Coded, holds, objects},
    rule::{Claims, Context, Evidence, Objection, shorten},
};
use crate::{spec::Strength, wire::Exchange};

pub(super) const RULES: &[Coded] = &[
    Coded {
        id: "expiry-is-an-instant",
        requirement: "rfc7591-3.2.1-client-secret-expires-at-value",
        evidence: Evidence::Passive,
        check: expires_at,
    },
    Coded {
        id: "issued-at-is-an-instant",
        requirement: "rfc7591-3.2.1-client-id-issued-at",
        evidence: Evidence::Passive,
        check: issued_at,
    },
];

const DAY: f64 = 86_400.0;
const YEAR: f64 = 365.25 * DAY;
/// Clocks of server and front end may differ by some minutes.
const SKEW: f64 = 600.0;

/// What a value that is no instant in seconds looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looks {
    NumberAsText,
    DateTime,
    OtherText,
    OtherType,
    Negative,
    Milliseconds,
    Microseconds,
    Lifetime,
    Past,
    Future,
}

/// The shape of a value that is not even a plausible number; `Ok` holds the number.
fn number(value: &Value) -> Result<f64, Looks> {
    match value {
        Value::Number(n) => {
            let n = n.as_f64().unwrap_or(f64::NAN);
            if n < 0.0 { Err(Looks::Negative) } else { Ok(n) }
        }
        Value::String(s) if s.trim().parse::<f64>().is_ok() => Err(Looks::NumberAsText),
        Value::String(s) if s.len() >= 10 && s.as_bytes()[..4].iter().all(u8::is_ascii_digit) && s.contains('-') => {
            Err(Looks::DateTime)
        }
        Value::String(s) if jiff::fmt::rfc2822::parse(s).is_ok() => Err(Looks::DateTime),
        Value::String(_) => Err(Looks::OtherText),
        _ => Err(Looks::OtherType),
    }
}

/// Whether `n` divided by `unit` lies between a day before and 100 years after now.
fn is_instant_in(n: f64, unit: f64, now: f64) -> bool {
    (now - DAY..=now + 100.0 * YEAR).contains(&(n / unit))
}

fn judge_expiry(value: &Value, now: f64) -> Result<(), Looks> {
    let n = number(value)?;
    if n == 0.0 {
        return Ok(());
    }
    // The last second of the year 9999 means "never" to some; divided by 1000 it is no instant near now.
    if is_instant_in(n, 1e3, now) {
        return Err(Looks::Milliseconds);
    }
    if is_instant_in(n, 1e6, now) {
        return Err(Looks::Microseconds);
    }
    if n < now - SKEW {
        return Err(if n <= 10.0 * YEAR { Looks::Lifetime } else { Looks::Past });
    }
    Ok(())
}

fn judge_issue(value: &Value, now: f64) -> Result<(), Looks> {
    let n = number(value)?;
    if n <= now + DAY {
        return Ok(());
    }
    Err(if is_instant_in(n, 1e3, now) {
        Looks::Milliseconds
    } else if is_instant_in(n, 1e6, now) {
        Looks::Microseconds
    } else {
        Looks::Future
    })
}

fn words(name: &str, looks: Looks, value: &Value, now: f64) -> String {
    let shown = shorten(&value.to_string(), 60);
    let what = match looks {
        Looks::NumberAsText => "is a number written as a string".to_owned(),
        Looks::DateTime => "looks like a date-time string".to_owned(),
        Looks::OtherText => "is a string".to_owned(),
        Looks::OtherType => format!("is {}", super::clause::type_of(value).trim_start_matches("the ")),
        Looks::Negative => "is negative".to_owned(),
        Looks::Milliseconds => "looks like milliseconds: divided by 1000 it is an instant near now".to_owned(),
        Looks::Microseconds => "looks like microseconds: divided by a million it is an instant near now".to_owned(),
        Looks::Lifetime => {
            "looks like a lifetime in seconds, not an instant: read as one, the secret expired long ago".to_owned()
        }
        Looks::Past => "lies before the time of the response, so the secret was issued expired".to_owned(),
        Looks::Future => "lies more than a day ahead of the time of the response".to_owned(),
    };
    format!("{name} is {shown}: that {what} (the response was made at {now:.0})")
}

fn check(exchange: &Exchange, name: &str, expected: &str, judge: fn(&Value, f64) -> Result<(), Looks>) -> Claims {
    let Some(value) = exchange.created().and_then(|r| r.object()).and_then(|b| b.get(name)) else {
        return Claims::new();
    };
    if value.is_null() {
        return Claims::new();
    }
    let now = exchange.response_time() as f64;
    match judge(value, now) {
        Ok(()) => holds(),
        Err(looks) => {
            objects(Objection::new(format!("/{name}"), words(name, looks, value, now)).expected(expected).actual(value))
        }
    }
}

fn expires_at(exchange: &Exchange, _: &Context) -> Claims {
    check(
        exchange,
        "client_secret_expires_at",
        "0 (never), or a later instant in seconds since 1970-01-01T00:00:00Z",
        judge_expiry,
    )
}

fn issued_at(exchange: &Exchange, _: &Context) -> Claims {
    let mut claims = check(
        exchange,
        "client_id_issued_at",
        "an instant in seconds since 1970-01-01T00:00:00Z, not more than a day ahead",
        judge_issue,
    );
    let zero = exchange
        .created()
        .and_then(|r| r.object())
        .and_then(|b| b.get("client_id_issued_at"))
        .is_some_and(|v| v.as_f64() == Some(0.0));
    if zero {
        claims = objects(
            Objection::new("/client_id_issued_at", "client_id_issued_at is 0, to which the text gives no meaning")
                .expected("the second of the issue, or no such member")
                .actual_text("0")
                .strength(Strength::Note),
        );
    }
    claims
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: f64 = 1_790_000_000.0;

    #[test]
    fn every_wrong_expiry_is_told_apart() {
        for (value, looks) in [
            (json!("1790003600"), Looks::NumberAsText),
            (json!("2026-11-25T00:00:00Z"), Looks::DateTime),
            (json!("Wed, 25 Nov 2026 00:00:00 GMT"), Looks::DateTime),
            (json!("never"), Looks::OtherText),
            (json!(true), Looks::OtherType),
            (json!(-1), Looks::Negative),
            (json!(1_790_003_600_000_i64), Looks::Milliseconds),
            (json!(1_790_003_600_000_000_i64), Looks::Microseconds),
            (json!(3600), Looks::Lifetime),
            (json!(1_700_000_000), Looks::Past),
        ] {
            assert_eq!(judge_expiry(&value, NOW), Err(looks), "{value}");
        }
    }

    #[test]
    fn every_allowed_expiry_passes() {
        for value in [
            json!(0),
            json!(0.0),
            json!(1_790_000_001),
            json!(253_402_300_799_i64),
            json!(1.7900036e9),
            json!(NOW - 60.0),
        ] {
            assert_eq!(judge_expiry(&value, NOW), Ok(()), "{value}");
        }
    }

    #[test]
    fn an_issue_in_the_past_is_allowed_and_one_far_ahead_is_not() {
        assert_eq!(judge_issue(&json!(1_600_000_000), NOW), Ok(()));
        assert_eq!(judge_issue(&json!(NOW + 3600.0), NOW), Ok(()));
        assert_eq!(judge_issue(&json!(NOW + 10.0 * DAY), NOW), Err(Looks::Future));
        assert_eq!(judge_issue(&json!(1_790_000_000_000_i64), NOW), Err(Looks::Milliseconds));
    }
}
