//! The posting engine: gathers concurrent orders into groups, each written in one transaction by [`super::posting`].
//!
//! A shard has a queue, a connection of its own and, while something waits, a task. The task takes whatever has queued
//! up while it wrote the last group and waits for no company, so a lone order is a group of one. A member's orders go
//! to one shard, so that groups of one node do not wait for each other's wallets; row locks hold everything together
//! across shards and nodes. Who is next: [`queue`]. What happens when a group fails: [`recovery`].

mod group;
mod order;
mod queue;
mod recovery;
mod routes;
mod session;
mod shard;
mod worker;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::ids::BusinessId;
use store::error::StoreError;
use tokio::sync::{Semaphore, oneshot};
use tokio_util::task::TaskTracker;

pub use self::order::{Order, Outcome};
pub use self::queue::Lane;
use self::queue::Limits;
use self::routes::Routes;
use self::shard::{Pushed, Shard, Waiting};
use crate::context::Context;

/// After how many seconds a refused till may come again.
const RETRY_AFTER: u32 = 1;

/// How many names of members are remembered with their shard.
const NAMES: usize = 16_384;

/// The most shards that are made without being asked for.
const MOST_SHARDS: usize = 4;

/// The engine's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// How many groups are written side by side; none: one a core, at most four.
    pub workers: Option<NonZeroUsize>,
    /// How many orders of tills wait at most, in the whole process.
    pub queue: usize,
    /// The most orders of a group, at least 2.
    pub group: usize,
    /// The most of them that come from batches and imports, at least 1.
    pub bulk: usize,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            workers: None,
            queue: 4_096,
            group: 256,
            bulk: 250,
        }
    }
}

/// Why an order was not carried out. Nothing of it has changed, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// More waits than can be taken on.
    #[error("too many orders wait")]
    Overloaded {
        /// After how many seconds to come again.
        retry_after: u32,
    },
    /// The process is stopping.
    #[error("the service is stopping")]
    Stopping,
    /// The database is away. Whether the order was carried out is not known; the same order may be sent again.
    #[error("the database is away")]
    Unavailable,
    /// The order could not be decided: a fault of ours.
    #[error("the order made the engine fail")]
    Panicked,
    /// The database refused this order.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of an order, if the engine carried it out.
pub type Answer = Result<Outcome, EngineError>;
type Receiver = oneshot::Receiver<Answer>;

/// Orders that were queued. They are carried out whether or not somebody asks for the answers.
#[derive(Debug)]
pub struct Queued(Vec<Result<Receiver, EngineError>>);

impl Queued {
    /// The answers, in the order of the orders.
    pub async fn answers(self) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(self.0.len());
        for queued in self.0 {
            answers.push(answer(queued).await);
        }
        answers
    }
}

/// See the module. It lives in [`Context`] and holds none, except while a task works.
#[derive(Debug)]
pub struct Engine {
    queue: usize,
    limits: Limits,
    shards: Vec<Shard>,
    routes: Mutex<Routes>,
    /// Orders of tills that wait, in all shards.
    tills: AtomicUsize,
    /// Room for orders of batches and imports.
    bulk_room: Semaphore,
    tasks: TaskTracker,
}

impl Engine {
    /// An engine at rest.
    #[must_use]
    pub fn new(config: EngineConfig) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let workers = config
            .workers
            .map_or_else(|| cores().min(MOST_SHARDS), NonZeroUsize::get);
        let limits = Limits::new(config.group, config.bulk);
        Self {
            queue: config.queue,
            limits,
            shards: (0..workers).map(|_| Shard::default()).collect(),
            routes: Mutex::new(Routes::new(workers, NAMES)),
            tills: AtomicUsize::new(0),
            // For each shard a group that waits behind the one that is written.
            bulk_room: Semaphore::new(2 * workers * limits.bulk),
            tasks: TaskTracker::new(),
        }
    }

    /// Carries out one order. Whoever stops waiting for the answer does not cancel an order that was queued.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn submit_one(&self, ctx: &Context, lane: Lane, order: Order) -> Answer {
        if lane == Lane::Bulk {
            self.bulk_places(1).await?;
        }
        answer(self.enqueue(ctx, lane, order, None)).await
    }

    /// Carries out orders that need not wait for each other; the answers have the order of the orders. Those of
    /// [`Lane::Bulk`] wait for room, those of [`Lane::Till`] are refused when there is none.
    pub async fn submit_each(&self, ctx: &Context, lane: Lane, orders: Vec<Order>) -> Vec<Answer> {
        self.queue_each(ctx, lane, orders).await.answers().await
    }

    /// The same without waiting for the answers: what is queued afterwards comes behind.
    pub async fn queue_each(&self, ctx: &Context, lane: Lane, orders: Vec<Order>) -> Queued {
        self.queue_all(ctx, lane, orders, None).await
    }

    /// The same with the first failure in the place of all answers; other orders may have been carried out.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn submit(
        &self,
        ctx: &Context,
        lane: Lane,
        orders: Vec<Order>,
    ) -> Result<Vec<Outcome>, EngineError> {
        let answers = self.submit_each(ctx, lane, orders).await;
        answers.into_iter().collect()
    }

    /// Carries out orders one after the other, as if each waited for the one before: in one shard, in their order.
    ///
    /// # Errors
    /// [`EngineError`]; other orders may have been carried out.
    pub async fn submit_in_order(
        &self,
        ctx: &Context,
        lane: Lane,
        orders: Vec<Order>,
    ) -> Result<Vec<Outcome>, EngineError> {
        let queued = self.queue_in_order(ctx, lane, orders).await;
        queued.answers().await.into_iter().collect()
    }

    /// The same without waiting for the answers.
    pub async fn queue_in_order(&self, ctx: &Context, lane: Lane, orders: Vec<Order>) -> Queued {
        let flow = orders.first().map(order::tenant);
        self.queue_all(ctx, lane, orders, flow).await
    }

    /// How many orders wait, not counting those that are being written.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shards.iter().map(Shard::waiting).sum()
    }

    /// Refuses new orders, carries out those that wait, and closes the connections.
    pub async fn drain(&self) {
        self.bulk_room.close();
        for shard in &self.shards {
            shard.stop();
        }
        self.tasks.close();
        self.tasks.wait().await;
        for shard in &self.shards {
            shard.take_session().close().await;
        }
    }

    /// `together`: all in one shard, as one flow.
    async fn queue_all(
        &self,
        ctx: &Context,
        lane: Lane,
        orders: Vec<Order>,
        together: Option<BusinessId>,
    ) -> Queued {
        // Small pieces, so that several batches take turns.
        let piece = self.limits.bulk.div_ceil(4);
        let mut queued = Vec::with_capacity(orders.len());
        let mut places = 0;
        let mut left = orders.len();
        for order in orders {
            if lane == Lane::Bulk && places == 0 {
                places = left.min(piece);
                if let Err(error) = self.bulk_places(places).await {
                    places = 0;
                    queued.push(Err(error));
                    continue;
                }
            }
            places = places.saturating_sub(1);
            left -= 1;
            queued.push(self.enqueue(ctx, lane, order, together));
        }
        Queued(queued)
    }

    /// Waits for room for so many orders of [`Lane::Bulk`]; whoever takes them from the queue gives it back.
    async fn bulk_places(&self, count: usize) -> Result<(), EngineError> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let room = self.bulk_room.acquire_many(count).await;
        room.map_err(|_| EngineError::Stopping)?.forget();
        Ok(())
    }

    fn enqueue(
        &self,
        ctx: &Context,
        lane: Lane,
        order: Order,
        together: Option<BusinessId>,
    ) -> Result<Receiver, EngineError> {
        if lane == Lane::Till && self.tills.fetch_add(1, Ordering::Relaxed) >= self.queue {
            return Err(self.refused(lane));
        }
        let name = order::name(&order);
        let index = {
            let mut routes = self.routes();
            match together {
                Some(flow) => {
                    let index = routes.shard_of_flow(flow);
                    routes.enter_at(name, index);
                    index
                }
                None => routes.enter(name),
            }
        };
        let flow = together.unwrap_or_else(|| order::tenant(&order));
        let (reply, receiver) = oneshot::channel();
        let waiting = Waiting { order, name, reply };
        let bound = (self.queue / self.shards.len()).max(1);
        let pushed = self.shards[index].push(lane, flow, waiting, bound);
        match pushed {
            Pushed::Queued => Ok(receiver),
            Pushed::First => {
                self.tasks.spawn(worker::work(ctx.clone(), index));
                Ok(receiver)
            }
            Pushed::Full => {
                self.routes().release(name);
                Err(self.refused(lane))
            }
            Pushed::Stopped => {
                self.routes().release(name);
                self.left(lane, 1);
                Err(EngineError::Stopping)
            }
        }
    }

    fn refused(&self, lane: Lane) -> EngineError {
        metrics::counter!("posting_refused_total").increment(1);
        self.left(lane, 1);
        EngineError::Overloaded {
            retry_after: RETRY_AFTER,
        }
    }

    /// So many orders no longer wait.
    fn left(&self, lane: Lane, count: usize) {
        match lane {
            Lane::Till => drop(self.tills.fetch_sub(count, Ordering::Relaxed)),
            Lane::Bulk => self.bulk_room.add_permits(count),
        }
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer(queued: Result<Receiver, EngineError>) -> Answer {
    // A reply that was dropped is a fault of the engine itself.
    queued?.await.unwrap_or(Err(EngineError::Panicked))
}
