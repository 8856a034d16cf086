//! What was sent and what came of it: members by mutations.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    bench::Shot,
    generate::{Input, MUTATIONS, Mutation},
    render,
};

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

/// Every cell that is not empty.
#[derive(Clone, Debug, Default)]
pub struct Table(BTreeMap<(&'static str, Mutation), Cell>);

impl Table {
    /// Counts one input.
    pub fn count(&mut self, input: &Input, shot: &Shot) {
        let response = shot.exchanges.first().and_then(|x| x.response());
        for key in render::done(input) {
            let cell = self.0.entry(key).or_default();
            cell.sent += 1;
            match response {
                Some(r) if r.is_created() => cell.created += 1,
                Some(r) if r.status == 400 => cell.refused += 1,
                _ => cell.other += 1,
            }
            cell.with_findings += u64::from(!shot.faults.is_empty());
        }
    }

    /// Adds the counts of another campaign.
    pub fn add(&mut self, other: &Table) {
        for (key, cell) in &other.0 {
            let sum = self.0.entry(*key).or_default();
            sum.sent += cell.sent;
            sum.created += cell.created;
            sum.refused += cell.refused;
            sum.other += cell.other;
            sum.with_findings += cell.with_findings;
        }
    }

    /// Rows of member, mutation and cell.
    pub fn rows(&self) -> impl Iterator<Item = (&'static str, &'static str, Cell)> {
        self.0.iter().map(|((member, mutation), cell)| {
            let name = MUTATIONS.iter().find(|(m, _)| m == mutation).map_or("", |(_, name)| *name);
            (*member, name, *cell)
        })
    }

    /// The table as text: a line a member; in it each mutation as sent/created, `!` where there were findings.
    pub fn text(&self) -> String {
        let mut out = String::from("what was sent, by member: mutation sent/created (! with findings)\n");
        let mut members: Vec<&str> = self.0.keys().map(|(member, _)| *member).collect();
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
        out
    }
}
