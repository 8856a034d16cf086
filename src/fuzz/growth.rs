//! Super-linear time: one member grows, and the time that the server takes for it grows faster. Measured when nothing else is in
//! flight, on as many requests as are counted here, and only what no noise can explain is reported, as a note with its figures.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    bench::{Bench, Shot},
    generate::{Input, Member, Mutation, Node},
    oracles::Fault,
};
use crate::{
    judge::Objection,
    run::finding_id,
    spec::{Level, Strength},
    wire::Exchange,
};

/// What stands in the place of a requirement: no specification says how long an answer may take.
pub const SUPER_LINEAR: &str = "super-linear-time";

/// What grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grown {
    RedirectUris,
    Contacts,
    Scope,
    ClientName,
    Jwks,
    /// Members that no server can know.
    Unknown,
}

impl Grown {
    /// Everything that can grow.
    pub const ALL: [Grown; 6] =
        [Grown::RedirectUris, Grown::Contacts, Grown::Scope, Grown::ClientName, Grown::Jwks, Grown::Unknown];

    /// The member.
    pub const fn name(self) -> &'static str {
        match self {
            Grown::RedirectUris => "redirect_uris",
            Grown::Contacts => "contacts",
            Grown::Scope => "scope",
            Grown::ClientName => "client_name",
            Grown::Jwks => "jwks",
            Grown::Unknown => "unknown members",
        }
    }

    /// A registration with so many of it.
    pub fn input(self, size: usize) -> Input {
        let texts = |each: &dyn Fn(usize) -> String| Node::Array((0..size).map(|i| Node::text(each(i))).collect());
        let value = match self {
            Grown::RedirectUris => texts(&|i| format!("https://client.example.org/callback/{i}")),
            Grown::Contacts => texts(&|i| format!("contact-{i}@client.example.org")),
            Grown::Scope => Node::text((0..size).map(|i| format!("scope-{i}")).collect::<Vec<_>>().join(" ")),
            Grown::ClientName => Node::text("name ".repeat(size)),
            Grown::Jwks => {
                let member = |name: &str, value: Node| (name.to_owned(), value);
                let key = |i: usize| {
                    Node::Object(vec![
                        member("kty", Node::text("OKP")),
                        member("crv", Node::text("Ed25519")),
                        member("kid", Node::text(format!("key-{i}"))),
                        member("x", Node::text("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")),
                    ])
                };
                Node::Object(vec![member("keys", Node::Array((0..size).map(key).collect()))])
            }
            Grown::Unknown => Node::Null,
        };
        let member = |name: String, value: Node| Member { name, mutation: Mutation::Long, value };
        let set = match self {
            Grown::Unknown => (0..size).map(|i| member(format!("x-dcrspec-{i}"), Node::text("text"))).collect(),
            _ => vec![member(self.name().to_owned(), value)],
        };
        Input { set, ..Input::default() }
    }
}

/// The sizes; each is four times the one before. The largest body has some 100 KB.
pub const SIZES: [usize; 3] = [64, 256, 1024];

/// How often each size is sent for one measurement; the fastest counts, since noise only adds.
const TIMES: usize = 4;

/// How many requests it takes to measure everything once.
pub const REQUESTS: u64 = (Grown::ALL.len() * SIZES.len() * TIMES) as u64;

/// A server that takes this long for one request can be kept busy with a few.
const SLOW: Duration = Duration::from_millis(200);

/// Whether times for the three sizes grow faster than any linear server's, whatever the constant part: four times as much takes
/// four times as long at most. A step somewhere (a buffer, a delayed acknowledgement) shows between one pair of sizes only, so
/// both pairs have to be beyond that.
fn is_super_linear(times: [Duration; 3]) -> bool {
    let [small, middle, large] = times;
    large >= SLOW && large >= middle * 10 && middle >= small * 5
}

/// Measures one member. A fault needs two measurements in a row that say the same.
pub async fn measure(bench: &Bench<'_>, grown: Grown) -> Shot {
    let mut shot = Shot { exchanges: Vec::new(), faults: Vec::new() };
    let mut times = [Duration::ZERO; 3];
    for _ in 0..2 {
        let Some((measured, largest)) = once(bench, grown).await else { return shot };
        shot.exchanges = vec![largest];
        times = measured;
        if !is_super_linear(times) {
            return shot;
        }
    }
    let figures: Vec<String> = SIZES.iter().zip(times).map(|(n, t)| format!("{n}: {:.1} ms", millis(t))).collect();
    let message = format!(
        "the time for a registration grows faster than {}: {} (the fastest of {TIMES}, twice)",
        grown.name(),
        figures.join(", ")
    );
    let objection = Objection::new(format!("/{}", grown.name()), message)
        .expected("four times the time for four times as much, or a refusal")
        .actual_text(&figures.join(", "));
    shot.faults.push(Fault {
        id: finding_id(SUPER_LINEAR, "fuzz-super-linear", &objection.instance_path),
        requirement: SUPER_LINEAR.to_owned(),
        rule: "fuzz-super-linear".to_owned(),
        also: Vec::new(),
        level: Level::Interop,
        strength: Strength::Note,
        objection,
        exchange: 0,
    });
    shot
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The fastest time for each size, and an exchange with the largest; nothing where the answers differ, since a refusal takes
/// another way through the server.
async fn once(bench: &Bench<'_>, grown: Grown) -> Option<([Duration; 3], Exchange)> {
    let mut fastest = [Duration::MAX; 3];
    let mut status = None;
    let mut largest = None;
    // The sizes take turns, so that what comes and goes meets all of them.
    for _ in 0..TIMES {
        for (index, size) in SIZES.into_iter().enumerate() {
            if bench.harness.options.stop.is_requested() || bench.is_full() {
                return None;
            }
            let (exchange, _) = bench.send_input(&grown.input(size), None, false).await;
            let response = exchange.response().filter(|r| matches!(r.status, 201 | 400) && r.cut.is_none())?;
            if *status.get_or_insert(response.status) != response.status {
                return None;
            }
            fastest[index] = fastest[index].min(exchange.took);
            largest = Some(exchange);
        }
    }
    largest.map(|largest| (fastest, largest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(of: impl Fn(f64) -> f64) -> [Duration; 3] {
        SIZES.map(|n| Duration::from_secs_f64(of(n as f64) / 1000.0))
    }

    #[test]
    fn linear_servers_are_never_noted_and_quadratic_ones_are() {
        for slope in [0.001, 0.1, 1.0, 10.0] {
            for constant in [0.0, 1.0, 50.0, 500.0] {
                assert!(!is_super_linear(times(|n| constant + slope * n)));
                assert!(!is_super_linear(times(|n| constant + slope * n * n.log2())));
                // A step, wherever it is.
                for (from, step) in [(100.0, 40.0), (100.0, 300.0), (500.0, 40.0), (500.0, 300.0), (500.0, 3000.0)] {
                    let stepping = |n| constant + slope * n + if n > from { step } else { 0.0 };
                    assert!(!is_super_linear(times(stepping)), "{slope} {constant} {from} {step}");
                }
            }
        }
        assert!(!is_super_linear(times(|n| 1.0 + if n > 500.0 { 300.0 } else { 0.0 })));
        assert!(is_super_linear(times(|n| 2.0 + n * n / 4000.0)));
        // Fast enough that nobody can make use of it.
        assert!(!is_super_linear(times(|n| n * n / 1e6)));
    }

    #[test]
    fn the_largest_of_each_is_no_flood() {
        for grown in Grown::ALL {
            let text = serde_json::to_string(&grown.input(1024)).unwrap();
            assert!(text.len() < 400_000, "{grown:?}: {}", text.len());
        }
    }
}
