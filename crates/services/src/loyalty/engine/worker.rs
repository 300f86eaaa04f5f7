//! The task of a shard: takes groups as long as something waits, runs them, and gives everybody an answer.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::Instant;

use super::group::Group;
use super::order;
use super::queue::Lane;
use super::recovery::{Fault, IN_FLIGHT_TRIES, Part, Then};
use super::session::Session;
use super::shard::Next;
use crate::context::Context;

/// How long an order waits whose key is still held by a connection that was lost.
const IN_FLIGHT_PAUSE: Duration = Duration::from_millis(50);

/// Works until nothing waits in the shard.
pub(super) async fn work(ctx: Context, index: usize) {
    let engine = ctx.engine();
    let shard = &engine.shards[index];
    let mut session = shard.take_session();
    while let Some(next) = shard.next(engine.limits, &mut session) {
        engine.left(Lane::Till, next.taken.tills);
        engine.left(Lane::Bulk, next.taken.bulk);
        let begun = Instant::now();
        note(index, &next);
        let group = Group::new(engine, next.taken.items);
        // Decisions are guarded one level below; this keeps the shard alive whatever happens.
        let settled = AssertUnwindSafe(settle(&ctx, index, &mut session, group));
        if settled.catch_unwind().await.is_err() {
            tracing::error!(shard = index, "a group made the engine panic");
            session = Session::default();
        }
        metrics::histogram!("posting_group_seconds").record(begun.elapsed());
        // Requests that have arrived get the chance to queue up.
        tokio::task::yield_now().await;
    }
}

/// Runs a group, and parts of it where that is needed, until each order has its answer.
async fn settle(ctx: &Context, index: usize, session: &mut Session, mut group: Group<'_>) {
    let mut parts = vec![Part::whole(group.len())];
    while let Some(part) = parts.pop() {
        let fault = match session
            .run(ctx, group.orders(part.range.clone()), &part)
            .await
        {
            Ok(outcomes) => {
                // An order that finds its own key taken after a lost connection has its answer coming.
                let waits = part.unsure && part.tries < IN_FLIGHT_TRIES;
                let in_flight = group.answer(part.range.clone(), outcomes, |outcome| {
                    waits && order::is_in_flight(outcome)
                });
                if !in_flight.is_empty() {
                    tokio::time::sleep(IN_FLIGHT_PAUSE).await;
                    parts.extend(in_flight.into_iter().rev().map(|order| part.single(order)));
                }
                continue;
            }
            Err(fault) => fault,
        };
        metrics::counter!("posting_faults_total", "kind" => fault.label()).increment(1);
        match part.after(&fault) {
            Then::Run(next) => {
                tracing::debug!(shard = index, orders = part.range.len(), %fault, "runs again");
                parts.extend(next.into_iter().rev());
            }
            Then::GiveUp => give_up(index, &mut group, &part, fault),
            Then::GiveUpAll => {
                tracing::error!(shard = index, %fault, "the database is away");
                return group.fail_all_unavailable();
            }
        }
    }
}

fn give_up(index: usize, group: &mut Group<'_>, part: &Part, fault: Fault) {
    tracing::warn!(shard = index, %fault, "an order failed");
    group.fail(part.range.start, fault.into_error());
}

fn note(index: usize, next: &Next) {
    let count = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    metrics::histogram!("posting_group_orders").record(count(next.taken.items.len()));
    metrics::histogram!("posting_wait_seconds").record(next.waited);
    metrics::gauge!("posting_queue_orders", "shard" => index.to_string()).set(count(next.behind));
}
