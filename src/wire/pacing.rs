//! Not asking more than a target takes: a rate, the delay that a server asks for, and how long a run waits in all.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::Response;

/// Spaces requests out to a rate, over all that share it.
#[derive(Debug, Default)]
pub struct Pacer {
    /// None: as fast as it goes.
    interval: Option<Duration>,
    next: Mutex<Option<Instant>>,
}

impl Pacer {
    /// At most `rate` requests a second. None, or what is no rate (zero, negative, not finite), does not pace at all.
    pub fn new(rate: Option<f64>) -> Pacer {
        let interval = rate.filter(|r| *r > 0.0).and_then(|r| Duration::try_from_secs_f64(1.0 / r).ok());
        Pacer { interval: interval.filter(|i| !i.is_zero()), next: Mutex::new(None) }
    }

    /// Returns when the next request may be sent. Those who wait take turns in the order of their calls.
    pub async fn wait(&self) {
        let Some(interval) = self.interval else { return };
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            // A pause is not made up for by a burst.
            let turn = next.map_or(now, |next| next.max(now));
            *next = turn.checked_add(interval);
            turn
        };
        sleep_until(turn).await;
    }
}

/// How long a server asks to wait before the same request is sent again: for 429 and 503 alone, by Retry-After, else by
/// RateLimit-Reset or X-RateLimit-Reset, else a second.
pub fn retry_delay(response: &Response) -> Option<Duration> {
    if !matches!(response.status, 429 | 503) {
        return None;
    }
    let header = |name| response.headers.first(name).map(|v| v.trim().to_owned());
    // The server's own clock, where it shows it: a date is meant by that one.
    let now = header("date")
        .and_then(|d| jiff::fmt::rfc2822::parse(&d).ok())
        .map_or_else(jiff::Timestamp::now, |z| z.timestamp())
        .as_second();
    let retry_after = header("retry-after").and_then(|v| seconds(&v, now));
    let reset = || {
        ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"]
            .into_iter()
            .find_map(|name| header(name).and_then(|v| seconds(&v, now)))
    };
    Some(retry_after.or_else(reset).unwrap_or(Duration::from_secs(1)))
}

/// Seconds from now, an epoch (in seconds, or in milliseconds) or an HTTP-date. What lies in the past is no wait.
fn seconds(value: &str, now: i64) -> Option<Duration> {
    if let Ok(number) = value.parse::<f64>() {
        let delta = match number {
            n if n > 1e12 => n / 1e3 - now as f64,
            n if n > 1e9 => n - now as f64,
            n => n,
        };
        return Duration::try_from_secs_f64(delta.max(0.0)).ok();
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    Some(Duration::from_secs(u64::try_from(date.timestamp().as_second() - now).unwrap_or(0)))
}

/// How long a run may wait in all for servers that ask it to.
#[derive(Debug)]
pub struct WaitBudget(Mutex<Duration>);

impl Default for WaitBudget {
    fn default() -> Self {
        WaitBudget::new(Duration::from_secs(60))
    }
}

impl WaitBudget {
    pub fn new(total: Duration) -> WaitBudget {
        WaitBudget(Mutex::new(total))
    }

    /// Whether there is time for this wait; then it counts as spent. A wait that is too long takes nothing.
    pub fn take(&self, wait: Duration) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match left.checked_sub(wait) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }

    pub fn left(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Headers;

    fn delay(status: u16, headers: &[(&str, &str)]) -> Option<Duration> {
        let headers = Headers(headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect());
        retry_delay(&Response::new(status, "HTTP/1.1", headers, Default::default(), None))
    }

    fn s(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn a_server_says_how_long_to_wait() {
        let date = ("Date", "Sun, 06 Nov 2033 08:49:37 GMT");
        assert_eq!(delay(429, &[]), s(1));
        assert_eq!(delay(503, &[("Retry-After", " 7 ")]), s(7));
        assert_eq!(delay(503, &[("retry-after", "Sun, 06 Nov 2033 08:50:07 GMT"), date]), s(30));
        assert_eq!(delay(429, &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), s(0));
        assert_eq!(delay(429, &[("RateLimit-Reset", "3"), ("X-RateLimit-Reset", "4")]), s(3));
        assert_eq!(delay(429, &[("X-RateLimit-Reset", "2014879867"), date]), s(90));
        assert_eq!(delay(429, &[("Retry-After", "soon"), ("X-RateLimit-Reset", "9")]), s(9));
        assert_eq!(delay(429, &[("Retry-After", "-5")]), s(0));
        assert_eq!(delay(429, &[("Retry-After", "NaN")]), s(0));
    }

    #[test]
    fn nothing_else_is_waited_for() {
        assert_eq!(delay(400, &[("Retry-After", "7")]), None);
        assert_eq!(delay(201, &[("X-RateLimit-Reset", "7")]), None);
    }

    #[test]
    fn a_budget_is_spent_once() {
        let budget = WaitBudget::default();
        assert!(budget.take(Duration::from_secs(59)));
        assert!(!budget.take(Duration::from_secs(2)));
        assert!(budget.take(Duration::from_secs(1)));
        assert_eq!(budget.left(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_rate_spaces_requests_out() {
        let pacer = Pacer::new(Some(50.0));
        let start = Instant::now();
        for _ in 0..4 {
            pacer.wait().await;
        }
        assert!(start.elapsed() >= Duration::from_millis(60), "{:?}", start.elapsed());
    }

    #[tokio::test]
    async fn what_is_no_rate_does_not_wait() {
        for rate in [None, Some(0.0), Some(-1.0), Some(f64::NAN), Some(f64::INFINITY)] {
            let pacer = Pacer::new(rate);
            for _ in 0..1000 {
                pacer.wait().await;
            }
            assert!(pacer.interval.is_none(), "{rate:?}");
        }
    }
}
