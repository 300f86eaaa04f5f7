//! One shard: its queue, its connection while nobody uses it, and whether its task runs.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::ids::BusinessId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Answer;
use super::order::Order;
use super::queue::{FairQueue, Lane, Limits, Taken};
use super::routes::Name;
use super::session::Session;

/// An order that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) order: Order,
    pub(super) name: Name,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// What became of an order that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It waits; the task is at work.
    Queued,
    /// It waits, and the task is to be started.
    First,
    /// There is no room for it.
    Full,
    /// The shard takes nothing any more.
    Stopped,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Shard {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    queue: FairQueue<BusinessId, Waiting>,
    /// When the first came of those that wait.
    since: Option<Instant>,
    running: bool,
    stopped: bool,
    session: Session,
}

impl Default for State {
    fn default() -> Self {
        Self {
            queue: FairQueue::new(),
            since: None,
            running: false,
            stopped: false,
            session: Session::default(),
        }
    }
}

/// A group to be written.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) taken: Taken<Waiting>,
    /// How long its oldest order may have waited.
    pub(super) waited: Duration,
    /// How many wait behind it.
    pub(super) behind: usize,
}

impl Shard {
    /// Queues an order. `bound`: how many orders of tills wait here at most while several tenants want room.
    pub(super) fn push(
        &self,
        lane: Lane,
        flow: BusinessId,
        waiting: Waiting,
        bound: usize,
    ) -> Pushed {
        let mut state = self.state();
        if state.stopped {
            return Pushed::Stopped;
        }
        if lane == Lane::Till && !state.queue.has_room(flow, bound) {
            return Pushed::Full;
        }
        if state.queue.len() == 0 {
            state.since = Some(Instant::now());
        }
        state.queue.push(lane, flow, waiting);
        if std::mem::replace(&mut state.running, true) {
            Pushed::Queued
        } else {
            Pushed::First
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.state().queue.len()
    }

    pub(super) fn stop(&self) {
        self.state().stopped = true;
    }

    /// The connection, for the task that begins or for closing it.
    pub(super) fn take_session(&self) -> Session {
        std::mem::take(&mut self.state().session)
    }

    /// The next group. Without one the task is over: it gives the connection back.
    pub(super) fn next(&self, limits: Limits, session: &mut Session) -> Option<Next> {
        let mut state = self.state();
        let taken = state.queue.take(limits);
        if taken.items.is_empty() {
            state.running = false;
            state.session = std::mem::take(session);
            return None;
        }
        let behind = state.queue.len();
        let now = Instant::now();
        let since = match behind {
            0 => state.since.take(),
            _ => state.since.replace(now),
        };
        Some(Next {
            taken,
            waited: since.map_or(Duration::ZERO, |since| now - since),
            behind,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
