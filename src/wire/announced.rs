//! The rate limit that a server announces, in each of the forms that are in use.

use std::time::Duration;

use super::{Response, pacing::seconds};

/// What a server says of its own limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// How many further requests it takes now.
    pub remaining: u64,
    /// From the response until it takes more.
    pub reset: Duration,
}

/// Reads `RateLimit` (draft-ietf-httpapi-ratelimit-headers: as a list of policies, and as the dictionary of earlier
/// drafts), `RateLimit-Remaining` with `RateLimit-Reset`, the same with `X-` before it, and `X-RateLimit-Remaining-Minute` or another unit. Of several the tightest
/// counts. `now` is the server's time in seconds since the epoch.
pub fn announced(response: &Response, now: i64) -> Option<Announced> {
    let mut found: Vec<Announced> = Vec::new();
    for field in response.headers.all("ratelimit") {
        found.extend(by_policy(&field));
        found.extend(by_dictionary(&field));
    }
    for prefix in ["", "x-", "x-rate-"] {
        let name = |what: &str| match prefix {
            "x-rate-" => format!("x-rate-limit-{what}"),
            _ => format!("{prefix}ratelimit-{what}"),
        };
        let first = |what: &str| response.headers.first(&name(what)).map(|v| v.trim().to_owned());
        // Several policies may stand in one field: `49, 4;w=60`. The first is the one that counts.
        let Some(remaining) = first("remaining").and_then(|v| number(v.split([',', ';']).next().unwrap_or(""))) else {
            continue;
        };
        let reset = first("reset").and_then(|v| seconds(&v, now));
        let after = || response.headers.first("retry-after").and_then(|v| seconds(v.trim(), now));
        found.push(Announced { remaining, reset: reset.or_else(after).unwrap_or(Duration::from_secs(1)) });
    }
    // `X-RateLimit-Remaining-Minute` and its like: what is left of such a time ends before a whole one is over.
    for (unit, time) in [("second", 1), ("minute", 60), ("hour", 3600), ("day", 86_400)] {
        let left = response.headers.first(&format!("x-ratelimit-remaining-{unit}")).and_then(|v| number(&v));
        // The field without a unit says when it ends, and of which unit it speaks is not said.
        let known = response.headers.first("ratelimit-reset").and_then(|v| seconds(v.trim(), now));
        if let Some(remaining) = left {
            let whole = Duration::from_secs(time);
            found.push(Announced { remaining, reset: known.map_or(whole, |k| k.min(whole)) });
        }
    }
    found.into_iter().min_by_key(|a| (a.remaining, std::cmp::Reverse(a.reset)))
}

/// `"default";r=50;t=30, "burst";r=0;t=1`
fn by_policy(field: &str) -> impl Iterator<Item = Announced> + '_ {
    field.split(',').filter_map(|policy| {
        let value = |key: &str| {
            policy.split(';').skip(1).find_map(|p| {
                let (name, value) = p.split_once('=')?;
                (name.trim() == key).then(|| number(value))?
            })
        };
        let reset = Duration::from_secs(value("t").unwrap_or(1));
        Some(Announced { remaining: value("r")?, reset })
    })
}

/// `limit=100, remaining=50, reset=5`
fn by_dictionary(field: &str) -> Option<Announced> {
    let value = |key: &str| {
        field.split(',').find_map(|member| {
            let (name, value) = member.split_once('=')?;
            (name.trim() == key).then(|| number(value.split(';').next().unwrap_or("")))?
        })
    };
    Some(Announced { remaining: value("remaining")?, reset: Duration::from_secs(value("reset").unwrap_or(1)) })
}

/// A whole number; what is below zero leaves nothing.
fn number(text: &str) -> Option<u64> {
    text.trim().parse::<i64>().ok().map(|n| u64::try_from(n).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Headers;

    fn of(headers: &[(&str, &str)]) -> Option<(u64, u64)> {
        let headers = Headers(headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect());
        let response = Response::new(201, "HTTP/1.1", headers, Default::default(), None);
        announced(&response, 2_014_879_777).map(|a| (a.remaining, a.reset.as_secs()))
    }

    #[test]
    fn each_form_is_read() {
        assert_eq!(of(&[("RateLimit", "\"default\";r=50;t=30")]), Some((50, 30)));
        assert_eq!(of(&[("RateLimit", "\"hour\";r=50;t=3000, \"burst\"; r=0; t=2")]), Some((0, 2)));
        assert_eq!(of(&[("RateLimit", "limit=100, remaining=0, reset=5")]), Some((0, 5)));
        assert_eq!(of(&[("RateLimit-Remaining", "7"), ("RateLimit-Reset", "3")]), Some((7, 3)));
        assert_eq!(of(&[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "2014879867")]), Some((0, 90)));
        assert_eq!(of(&[("X-Rate-Limit-Remaining", "-1"), ("X-Rate-Limit-Reset", "4")]), Some((0, 4)));
        assert_eq!(of(&[("X-RateLimit-Remaining", "0"), ("Retry-After", "8")]), Some((0, 8)));
        assert_eq!(of(&[("X-RateLimit-Remaining", "0")]), Some((0, 1)));
        let by_unit = ("X-RateLimit-Remaining-Minute", "0");
        assert_eq!(of(&[by_unit]), Some((0, 60)));
        assert_eq!(of(&[by_unit, ("RateLimit-Remaining", "0"), ("RateLimit-Reset", "7")]), Some((0, 7)));
        assert_eq!(of(&[by_unit, ("X-RateLimit-Remaining-Second", "0")]), Some((0, 60)));
    }

    #[test]
    fn nonsense_announces_nothing() {
        for value in ["", "soon", "r=1", "\"a\";r=x", "remaining=", "99999999999999999999999", ";;,,=,="] {
            assert_eq!(of(&[("RateLimit", value), ("X-RateLimit-Remaining", value)]), None, "{value}");
        }
        assert_eq!(of(&[("RateLimit-Reset", "5")]), None);
    }
}
