//! One input at two servers at once, and where they differ.

use std::cell::RefCell;

use super::{
    against::{self, Difference, View},
    bench::{Bench, Shot},
    generate::Input,
};
use crate::{judge::Memory, wire::Exchange};

/// What came of one input at two servers.
pub(super) struct Side {
    pub mine: Shot,
    pub theirs: Shot,
    /// The first exchange in which they differ, and how.
    pub found: Option<(usize, Vec<Difference>)>,
}

impl<'t> Bench<'t> {
    pub(super) async fn both(&self, other: &Bench<'t>, input: &Input, memory: &RefCell<Memory>, pooled: bool) -> Shot {
        let Side { mine, theirs, found } =
            self.side_by_side(other, input, [memory, &other.fresh_memory()], pooled).await;
        let mut shot = Shot { exchanges: Vec::new(), faults: Vec::new() };
        if let Some((at, found)) = found {
            shot.faults.extend(found.into_iter().map(|d| d.fault(&mine.exchanges[at], 2 * at + 1)));
        }
        for pair in mine.exchanges.into_iter().zip(theirs.exchanges) {
            shot.exchanges.extend([pair.0, pair.1]);
        }
        shot
    }

    /// Sends an input to two servers, each with a memory of its own.
    pub(super) async fn side_by_side(
        &self,
        other: &Bench<'t>,
        input: &Input,
        [memory, others]: [&RefCell<Memory>; 2],
        pooled: bool,
    ) -> Side {
        // Another form of the same meaning is one server's matter.
        let plain = Input { compare: None, ..input.clone() };
        let send = async |pooled| tokio::join!(self.alone(&plain, memory, pooled), other.alone(&plain, others, pooled));
        let (mine, theirs) = send(pooled).await;
        let mut found = self.differences(other, &mine.exchanges, &theirs.exchanges);
        if let Some((at, found)) = &mut found {
            // What one server answers differently from time to time is no difference between two.
            let (again, others_again) = send(false).await;
            let mut whims = Vec::new();
            for (bench, first, second) in [(self, &mine, &again), (other, &theirs, &others_again)] {
                let upto = |shot: &Shot| shot.exchanges.iter().take(*at + 1).cloned().collect::<Vec<_>>();
                whims.extend(bench.differences(bench, &upto(first), &upto(second)).into_iter().flat_map(|(_, w)| w));
            }
            found.retain(|d| !whims.iter().any(|w| w.is_like(d)));
        }
        Side { mine, theirs, found }
    }

    /// The first place in two series of exchanges where they differ, and how: what comes after it may follow from it.
    fn differences(
        &self,
        other: &Bench<'_>,
        mine: &[Exchange],
        theirs: &[Exchange],
    ) -> Option<(usize, Vec<Difference>)> {
        let (pool, others) = (self.pool.borrow(), other.pool.borrow());
        for (at, (a, b)) in mine.iter().zip(theirs).enumerate() {
            if (a.request.kind, &a.request.method) != (b.request.kind, &b.request.method) {
                return None;
            }
            let one = View::new(a, &pool, &self.harness.ground.endpoint);
            let two = View::new(b, &others, &other.harness.ground.endpoint);
            let found = against::differences(&one, &two);
            if !found.is_empty() {
                return Some((at, found));
            }
        }
        None
    }
}
