//! A group on its way: orders and who waits for their answers. What is not answered when it is dropped is answered with
//! a failure, and every order leaves the routes exactly once.

use std::ops::Range;

use tokio::sync::oneshot;

use super::order::{self, Order, Outcome};
use super::routes::Name;
use super::shard::Waiting;
use super::{Answer, Engine, EngineError};

/// See the module.
#[derive(Debug)]
pub(super) struct Group<'e> {
    engine: &'e Engine,
    orders: Vec<Order>,
    names: Vec<Name>,
    replies: Vec<Option<oneshot::Sender<Answer>>>,
}

impl<'e> Group<'e> {
    pub(super) fn new(engine: &'e Engine, items: Vec<Waiting>) -> Self {
        let mut group = Self {
            engine,
            orders: Vec::with_capacity(items.len()),
            names: Vec::with_capacity(items.len()),
            replies: Vec::with_capacity(items.len()),
        };
        for Waiting { order, name, reply } in items {
            group.orders.push(order);
            group.names.push(name);
            group.replies.push(Some(reply));
        }
        group
    }

    pub(super) fn len(&self) -> usize {
        self.orders.len()
    }

    pub(super) fn orders(&self, range: Range<usize>) -> &[Order] {
        &self.orders[range]
    }

    /// Gives the answers of a part that was committed, except those for which `keep` holds; returns their places.
    pub(super) fn answer(
        &mut self,
        range: Range<usize>,
        outcomes: Vec<Outcome>,
        keep: impl Fn(&Outcome) -> bool,
    ) -> Vec<usize> {
        debug_assert_eq!(outcomes.len(), range.len(), "an outcome for each order");
        self.learn(range.clone(), &outcomes);
        let mut kept = Vec::new();
        for (index, outcome) in range.zip(outcomes) {
            if keep(&outcome) {
                kept.push(index);
            } else if let Some(reply) = self.replies[index].take() {
                // Whoever left is not told.
                let _left = reply.send(Ok(outcome));
            }
        }
        kept
    }

    fn learn(&self, range: Range<usize>, outcomes: &[Outcome]) {
        let mut routes = self.engine.routes();
        for (name, outcome) in self.names[range].iter().zip(outcomes) {
            if let Some(member) = order::member(outcome) {
                routes.learn(*name, member);
            }
        }
    }

    /// Gives the one order of this place its failure.
    pub(super) fn fail(&mut self, index: usize, error: EngineError) {
        if let Some(reply) = self.replies[index].take() {
            let _left = reply.send(Err(error));
        }
    }

    /// Tells everybody who still waits that the database is away.
    pub(super) fn fail_all_unavailable(&mut self) {
        for reply in self.replies.iter_mut().filter_map(Option::take) {
            let _left = reply.send(Err(EngineError::Unavailable));
        }
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        let mut routes = self.engine.routes();
        for name in &self.names {
            routes.release(*name);
        }
    }
}
