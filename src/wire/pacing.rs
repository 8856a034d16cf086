//! Not asking more than a target takes: a rate, the delay that a server asks for, and how long a run waits in all.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{Kind, Response, announced::announced};

/// How long a server is left alone after a 429 that does not say how long; after each further one twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// No such pause gets longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Spaces requests out to a rate, over all that share it, and to what the server announces.
#[derive(Debug, Default)]
pub struct Pacer {
    /// None: as fast as it goes.
    interval: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    next: Option<Instant>,
    /// How long the last 429 was waited out that did not say how long to wait.
    pause: Duration,
    /// Until when the server takes no more requests of a family.
    held: HashMap<Family, Instant>,
    /// The time between requests by which what the server has left lasts until its window ends, and when that is.
    spread: Option<(Duration, Instant)>,
    seen: Pace,
}

/// How requests were paced, to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// The most requests a second, where there is a limit of our own.
    pub rate: Option<f64>,
    /// The fewest requests that the server said it would still take; None where it announces nothing.
    pub lowest: Option<u64>,
    /// Whether requests were sent more slowly than the rate, for what was left.
    pub slowed: bool,
    /// How many answers were 429.
    pub refused: u64,
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.rate {
            Some(rate) => write!(f, "at most {} requests a second", (rate * 100.0).round() / 100.0)?,
            None => f.write_str("as fast as it goes")?,
        }
        match self.lowest {
            Some(lowest) => {
                write!(f, "; the server announces its limit: at the least {lowest} requests were left")?;
                f.write_str(if self.slowed { ", and requests were sent more slowly for it" } else { "" })?;
            }
            None => f.write_str("; the server announces no limit")?,
        }
        write!(f, "; {} refused (429)", self.refused)
    }
}

/// No request is delayed for longer than this to make what is left last: after it, the end of the window is waited for.
const LONGEST_SPREAD: Duration = Duration::from_secs(1);

/// Requests that a server is likely to count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Family {
    Registration,
    Configuration,
    Token,
    Other,
}

fn family(kind: Kind) -> Family {
    match kind {
        Kind::Register | Kind::Probe | Kind::Plaintext | Kind::Malformed => Family::Registration,
        Kind::Read | Kind::Update | Kind::Delete => Family::Configuration,
        Kind::Token => Family::Token,
        Kind::Authorize | Kind::Discover | Kind::Other => Family::Other,
    }
}

impl Pacer {
    /// At most `rate` requests a second. None, or what is no rate (zero, negative, not finite), does not pace at all.
    pub fn new(rate: Option<f64>) -> Pacer {
        let interval = rate.filter(|r| *r > 0.0).and_then(|r| Duration::try_from_secs_f64(1.0 / r).ok());
        Pacer { interval: interval.filter(|i| !i.is_zero()), state: Mutex::default() }
    }

    /// Returns when the next request may be sent. Those who wait take turns in the order of their calls.
    pub async fn wait(&self) {
        let turn = self.turn();
        // A timer counts in milliseconds, and no time at all would be one of them.
        if !turn.is_zero() {
            sleep(turn).await;
        }
    }

    /// How long it is until the next request may be sent, by the rate. The turn is taken.
    pub fn turn(&self) -> Duration {
        let Some(interval) = self.interval else { return Duration::ZERO };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // A pause is not made up for by a burst.
        let turn = state.next.map_or(now, |next| next.max(now));
        let spread = state.spread.filter(|(_, end)| now < *end).map_or(Duration::ZERO, |(spread, _)| spread);
        state.next = turn.checked_add(interval.max(spread));
        turn - now
    }

    /// How it went so far.
    pub fn pace(&self) -> Pace {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Pace { rate: self.interval.map(|i| 1.0 / i.as_secs_f64()), ..state.seen }
    }

    /// How long it is until the server takes a request of this kind again, by its own words.
    pub fn held(&self, kind: Kind) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held.get(&family(kind)).map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// Takes in what an answer says of the server's limits, and returns how long to wait before the same request is sent
    /// again, where it was refused for a limit.
    pub fn learn(&self, kind: Kind, response: &Response) -> Option<Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.seen.refused += u64::from(response.status == 429);
        if let Some(said) = announced(response, server_time(response)) {
            state.seen.lowest = Some(state.seen.lowest.map_or(said.remaining, |l| l.min(said.remaining)));
            if said.remaining == 0 {
                state.hold(kind, said.reset);
            }
            let fair = said.reset.checked_div(u32::try_from(said.remaining).unwrap_or(u32::MAX));
            let fair = fair.filter(|f| *f <= LONGEST_SPREAD);
            state.spread = fair.and_then(|fair| Some((fair, Instant::now().checked_add(said.reset)?)));
            state.seen.slowed |= self.interval.zip(fair).is_some_and(|(interval, fair)| fair > interval);
        }
        let Some(delay) = retry_delay(response) else {
            state.pause /= 2;
            return None;
        };
        let delay = if asked_delay(response).is_some() || response.status == 503 {
            delay
        } else {
            state.pause = (state.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
            state.pause
        };
        state.hold(kind, delay);
        Some(delay)
    }
}

impl State {
    fn hold(&mut self, kind: Kind, time: Duration) {
        let now = Instant::now();
        // An end beyond the clock's never comes.
        let until = now.checked_add(time).unwrap_or(now + Duration::from_secs(1 << 30));
        let held = self.held.entry(family(kind)).or_insert(until);
        *held = until.max(*held);
    }
}

/// How long a server asks to wait before the same request is sent again: for 429 and 503 alone, by Retry-After, else by
/// RateLimit-Reset or X-RateLimit-Reset, else a second.
pub fn retry_delay(response: &Response) -> Option<Duration> {
    let limited = matches!(response.status, 429 | 503);
    limited.then(|| asked_delay(response).unwrap_or(Duration::from_secs(1)))
}

/// The wait that is named in the header fields, whatever the status.
fn asked_delay(response: &Response) -> Option<Duration> {
    let now = server_time(response);
    let header = |name: &str| response.headers.first(name).and_then(|v| seconds(v.trim(), now));
    ["retry-after", "ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"]
        .into_iter()
        .find_map(header)
        .or_else(|| announced(response, now).map(|a| a.reset))
}

/// The server's own clock, where it shows it: a date is meant by that one.
fn server_time(response: &Response) -> i64 {
    let date = response.headers.first("date").and_then(|d| jiff::fmt::rfc2822::parse(d.trim()).ok());
    date.map_or_else(jiff::Timestamp::now, |z| z.timestamp()).as_second()
}

/// Seconds from now, an epoch (in seconds, or in milliseconds) or an HTTP-date. What lies in the past is no wait.
pub(super) fn seconds(value: &str, now: i64) -> Option<Duration> {
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

    #[tokio::test(start_paused = true)]
    async fn what_is_left_is_made_to_last_until_the_window_ends() {
        let pacer = Pacer::new(Some(50.0));
        let say = |remaining: &str, reset: &str| {
            let fields = [("RateLimit-Remaining", remaining), ("RateLimit-Reset", reset)];
            let headers = fields.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect();
            pacer.learn(Kind::Register, &Response::new(201, "HTTP/1.1", Headers(headers), Default::default(), None));
        };
        let between = || {
            let first = pacer.turn();
            pacer.turn() - first
        };
        assert_eq!(between(), Duration::from_millis(20));
        // Enough is left for the rate of our own.
        say("5000", "60");
        assert_eq!(between(), Duration::from_millis(20));
        assert!(!pacer.pace().slowed);
        say("300", "60");
        assert_eq!(between(), Duration::from_millis(200));
        // The window is over, and another answer says nothing.
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(between(), Duration::from_millis(20));
        say("300", "60");
        // Too little to go on with: the end of the window is waited for instead, when nothing is left.
        say("3", "60");
        assert_eq!(between(), Duration::from_millis(20));
        assert_eq!(pacer.held(Kind::Register), Duration::ZERO);
        say("0", "60");
        assert_eq!(pacer.held(Kind::Register), Duration::from_secs(60));
        let told = "at most 50 requests a second; the server announces its limit: at the least 0 requests were left, and \
                    requests were sent more slowly for it; 0 refused (429)";
        assert_eq!(pacer.pace().to_string(), told);
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

    fn answer(status: u16, headers: &[(&str, &str)]) -> Response {
        let headers = Headers(headers.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect());
        Response::new(status, "HTTP/1.1", headers, Default::default(), None)
    }

    #[tokio::test(start_paused = true)]
    async fn an_announced_limit_holds_requests_of_its_family_until_it_ends() {
        let pacer = Pacer::new(None);
        assert_eq!(pacer.learn(Kind::Register, &answer(201, &[("RateLimit", "\"a\";r=1;t=60")])), None);
        assert_eq!(pacer.held(Kind::Register), Duration::ZERO);
        assert_eq!(pacer.learn(Kind::Register, &answer(201, &[("RateLimit", "\"a\";r=0;t=60")])), None);
        assert_eq!(pacer.held(Kind::Probe), Duration::from_secs(60));
        assert_eq!(pacer.held(Kind::Delete), Duration::ZERO);
        // A shorter one does not end it early.
        pacer.learn(Kind::Register, &answer(400, &[("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "5")]));
        assert_eq!(pacer.held(Kind::Register), Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(pacer.held(Kind::Register), Duration::ZERO);
        pacer.learn(Kind::Register, &answer(201, &[("RateLimit", "\"a\";r=0;t=999999999999999")]));
        assert!(pacer.held(Kind::Register) > Duration::from_secs(1 << 29));
    }

    #[tokio::test(start_paused = true)]
    async fn a_429_that_says_nothing_is_left_alone_for_longer_each_time() {
        let pacer = Pacer::new(None);
        let blind = answer(429, &[]);
        let delays: Vec<_> = (0..7).map(|_| pacer.learn(Kind::Register, &blind).unwrap().as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pacer.held(Kind::Register), LONGEST_PAUSE);
        for _ in 0..10 {
            pacer.learn(Kind::Register, &answer(201, &[]));
        }
        assert_eq!(pacer.learn(Kind::Register, &blind), s(1));
        // One that says how long is believed.
        assert_eq!(pacer.learn(Kind::Read, &answer(429, &[("Retry-After", "0")])), s(0));
        assert_eq!(pacer.held(Kind::Read), Duration::ZERO);
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
