//! What was sent and what came of it: members by mutations.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    bench::Shot,
    generate::{Input, MUTATIONS, Mutation},
    render,
};
use crate::wire::{Auth, Exchange, Kind};

/// How often one thing was done to one member, and the outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cell {
    pub sent: u64,
    pub created: u64,
    pub refused: u64,
    /// Credentials, size, rate, redirects, server errors, no answer.
    pub other: u64,
    pub with_findings: u64,
}

impl Cell {
    fn add(&mut self, other: &Cell) {
        self.sent += other.sent;
        self.created += other.created;
        self.refused += other.refused;
        self.other += other.other;
        self.with_findings += other.with_findings;
    }
}

/// Every cell that is not empty.
#[derive(Clone, Debug, Default)]
pub struct Table {
    members: BTreeMap<(&'static str, Mutation), Cell>,
    /// Requests to configuration endpoints, by what they ask for.
    steps: BTreeMap<&'static str, Cell>,
}

/// The row of a request to a configuration endpoint.
fn step(exchange: &Exchange) -> Option<&'static str> {
    let own = exchange.request.auth == Auth::Registration;
    Some(match (exchange.request.kind, own) {
        (Kind::Read, true) => "read",
        (Kind::Update, true) => "update",
        (Kind::Delete, true) => "delete",
        (Kind::Other, true) => "another method",
        (Kind::Read, false) => "read with another token",
        (Kind::Update, false) => "update with another token",
        (Kind::Delete, false) => "delete with another token",
        _ => return None,
    })
}

impl Table {
    /// Counts one input.
    pub fn count(&mut self, input: &Input, shot: &Shot) {
        let response = shot.exchanges.first().and_then(|x| x.response());
        for key in render::done(input) {
            let cell = self.members.entry(key).or_default();
            cell.sent += 1;
            match response {
                Some(r) if r.is_created() => cell.created += 1,
                Some(r) if r.status == 400 => cell.refused += 1,
                _ => cell.other += 1,
            }
            cell.with_findings += u64::from(!shot.faults.is_empty());
        }
        for (index, exchange) in shot.exchanges.iter().enumerate() {
            let Some(row) = step(exchange) else { continue };
            let cell = self.steps.entry(row).or_default();
            cell.sent += 1;
            match exchange.response().map(|r| r.status) {
                Some(200..=299) => cell.created += 1,
                Some(400..=499) => cell.refused += 1,
                _ => cell.other += 1,
            }
            cell.with_findings += u64::from(shot.faults.iter().any(|f| f.exchange == index));
        }
    }

    /// Adds the counts of another campaign.
    pub fn add(&mut self, other: &Table) {
        for (key, cell) in &other.members {
            self.members.entry(*key).or_default().add(cell);
        }
        for (row, cell) in &other.steps {
            self.steps.entry(row).or_default().add(cell);
        }
    }

    /// Rows of member, mutation and cell.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, &'static str, Cell)> {
        self.members.iter().map(|((member, mutation), cell)| {
            let name = MUTATIONS.iter().find(|(m, _)| m == mutation).map_or("", |(_, name)| *name);
            (*member, name, *cell)
        })
    }

    /// The table as text: a line a member; in it each mutation as sent/created, `!` where there were findings.
    pub fn text(&self) -> String {
        let mut out = String::from("what was sent, by member: mutation sent/created (! with findings)\n");
        let mut members: Vec<&str> = self.members.keys().map(|(member, _)| *member).collect();
        members.dedup();
        for member in members {
            let cells: Vec<String> = self
                .rows()
                .filter(|(m, _, _)| *m == member)
                .map(|(_, name, cell)| {
                    let mark = if cell.with_findings > 0 { "!" } else { "" };
                    format!("{name} {}/{}{mark}", cell.sent, cell.created)
                })
                .collect();
            out.push_str(&format!("  {member:<38} {}\n", cells.join(", ")));
        }
        if !self.steps.is_empty() {
            out.push_str("what was asked of clients: sent/succeeded (! with findings)\n");
        }
        for (row, cell) in &self.steps {
            let mark = if cell.with_findings > 0 { "!" } else { "" };
            out.push_str(&format!("  {row:<38} {}/{}{mark}\n", cell.sent, cell.created));
        }
        out
    }
}
