//! What waits in one shard, and who is next. Pure: it knows neither orders nor the database.
//!
//! Two lanes. A group takes tills first and then a bounded number of bulk orders; a part of every group is kept for
//! bulk orders that wait, so neither lane starves the other. Within a lane the flows (tenants, and batches whose order
//! matters) take turns when more waits than fits. A flow keeps its order, and a group stands in order of arrival.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// How urgent an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Somebody stands at a till and waits.
    Till,
    /// Items of a batch, rows of an import.
    Bulk,
}

/// How much a group takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// The most orders of a group.
    pub(super) group: usize,
    /// The most bulk orders of a group.
    pub(super) bulk: usize,
}

impl Limits {
    /// At least two orders a group, so that both lanes can move.
    pub(super) fn new(group: usize, bulk: usize) -> Self {
        Self {
            group: group.max(2),
            bulk: bulk.max(1),
        }
    }

    /// The places of a group that bulk orders have even when tills could fill it: one in eight.
    fn kept_for_bulk(self) -> usize {
        (self.group / 8).clamp(1, self.bulk)
    }
}

/// What a group was given.
#[derive(Debug)]
pub(super) struct Taken<T> {
    /// In order of arrival.
    pub(super) items: Vec<T>,
    /// How many of them came by [`Lane::Till`].
    pub(super) tills: usize,
    /// How many of them came by [`Lane::Bulk`].
    pub(super) bulk: usize,
}

/// See the module. `F` names a flow.
#[derive(Debug)]
pub(super) struct FairQueue<F, T> {
    tills: Flows<F, T>,
    bulk: Flows<F, T>,
    arrivals: u64,
}

impl<F: Copy + Eq + Hash, T> FairQueue<F, T> {
    pub(super) fn new() -> Self {
        Self {
            tills: Flows::new(),
            bulk: Flows::new(),
            arrivals: 0,
        }
    }

    pub(super) fn push(&mut self, lane: Lane, flow: F, item: T) {
        self.arrivals += 1;
        let arrival = self.arrivals;
        self.lane(lane).push(flow, arrival, item);
    }

    /// How many wait, in both lanes.
    pub(super) fn len(&self) -> usize {
        self.tills.len + self.bulk.len
    }

    /// Whether a till of this flow may queue up where `bound` orders of tills are to wait at most: while others wait,
    /// a queue that is half full is divided among all who wait.
    pub(super) fn has_room(&self, flow: F, bound: usize) -> bool {
        let waiting = self.tills.len;
        if waiting >= bound {
            return false;
        }
        let own = self.tills.waiting_of(flow);
        if own == waiting || waiting < bound / 2 {
            return true;
        }
        let others = self.tills.turns.len() - usize::from(own > 0);
        own < (bound / (others + 1)).max(1)
    }

    /// The next group; empty when nothing waits.
    pub(super) fn take(&mut self, limits: Limits) -> Taken<T> {
        let kept = limits.kept_for_bulk().min(self.bulk.len);
        let mut taken = Vec::with_capacity(self.len().min(limits.group));
        self.tills.take(limits.group - kept, &mut taken);
        let tills = taken.len();
        let room = limits.group.saturating_sub(tills);
        self.bulk.take(room.min(limits.bulk), &mut taken);
        let bulk = taken.len() - tills;
        taken.sort_unstable_by_key(|(arrival, _)| *arrival);
        Taken {
            items: taken.into_iter().map(|(_, item)| item).collect(),
            tills,
            bulk,
        }
    }

    fn lane(&mut self, lane: Lane) -> &mut Flows<F, T> {
        match lane {
            Lane::Till => &mut self.tills,
            Lane::Bulk => &mut self.bulk,
        }
    }
}

/// One lane: what waits by flow, and whose turn it is.
#[derive(Debug)]
struct Flows<F, T> {
    waiting: HashMap<F, VecDeque<(u64, T)>>,
    turns: VecDeque<F>,
    len: usize,
}

impl<F: Copy + Eq + Hash, T> Flows<F, T> {
    fn new() -> Self {
        Self {
            waiting: HashMap::new(),
            turns: VecDeque::new(),
            len: 0,
        }
    }

    fn push(&mut self, flow: F, arrival: u64, item: T) {
        let waiting = self.waiting.entry(flow).or_default();
        if waiting.is_empty() {
            self.turns.push_back(flow);
        }
        waiting.push_back((arrival, item));
        self.len += 1;
    }

    fn waiting_of(&self, flow: F) -> usize {
        self.waiting.get(&flow).map_or(0, VecDeque::len)
    }

    fn take(&mut self, limit: usize, into: &mut Vec<(u64, T)>) {
        if self.len <= limit {
            self.len = 0;
            self.turns.clear();
            into.extend(self.waiting.drain().flat_map(|(_, waiting)| waiting));
            return;
        }
        for _ in 0..limit {
            let Some(flow) = self.turns.pop_front() else {
                return;
            };
            let Some(waiting) = self.waiting.get_mut(&flow) else {
                continue;
            };
            into.extend(waiting.pop_front());
            self.len -= 1;
            if waiting.is_empty() {
                self.waiting.remove(&flow);
            } else {
                self.turns.push_back(flow);
            }
        }
    }
}

#[cfg(test)]
mod tests;
