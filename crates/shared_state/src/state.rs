//! The one interface, whatever stands behind it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand;
use tokio::sync::broadcast;

use crate::caps::{Cap, CapError, Deed, Unavailable};
use crate::keys::Keys;
use crate::local::LocalCounts;
use crate::now::Now;
use crate::quota::{Quota, Taken};
use crate::redis::RedisStore;
use crate::subscription::{Heard, News, Subscription, WAITING};

/// Whether processes count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// There is no Redis: this process counts, and is meant to be the only one.
    InProcess,
    /// Redis answers.
    Shared,
    /// Redis is away: rates are counted in this process, caps can't be counted.
    Degraded,
}

/// The address is not one of Redis. It is not repeated, because it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address of Redis: redis://, rediss:// or redis+unix://")]
pub struct BadAddress;

/// See the crate. Cheap to clone; clones are the same process, [`SharedState::neighbour`] is another.
#[derive(Clone)]
pub struct SharedState {
    inner: Arc<Inner>,
}

struct Inner {
    /// Tells this process from others.
    node: u64,
    keys: Arc<Keys>,
    local: Arc<LocalCounts>,
    mode: Mode,
}

enum Mode {
    InProcess(broadcast::Sender<Heard>),
    Redis(Box<RedisStore>),
}

impl SharedState {
    /// Counts in this process. `secret` keys the hashes by which everybody is named.
    #[must_use]
    pub fn in_process(secret: &[u8; 32], now: Now) -> Self {
        let keys = Arc::new(Keys::new(secret));
        let local = Arc::new(LocalCounts::new(now));
        let mode = Mode::InProcess(broadcast::channel(WAITING).0);
        Self::new(keys, local, mode, node())
    }

    /// Counts on a Redis, to which it keeps two connections for as long as it lives; whether they are there, or
    /// come back, is told by [`SharedState::health`]. Nobody waits longer than `patience` for an answer, and one that
    /// is slower makes Redis away.
    ///
    /// # Errors
    /// If the address is none.
    ///
    /// # Panics
    /// Outside a runtime of tokio.
    pub fn on_redis(
        url: &str,
        secret: &[u8; 32],
        now: Now,
        patience: Duration,
    ) -> Result<Self, BadAddress> {
        let keys = Arc::new(Keys::new(secret));
        let node = node();
        let store = RedisStore::open(url, Arc::clone(&keys), now.clone(), node, patience)?;
        let local = Arc::new(LocalCounts::new(now));
        Ok(Self::new(keys, local, Mode::Redis(Box::new(store)), node))
    }

    fn new(keys: Arc<Keys>, local: Arc<LocalCounts>, mode: Mode, node: u64) -> Self {
        let inner = Inner {
            node,
            keys,
            local,
            mode,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Another process that counts together with this one, for tests. None on Redis: open another there.
    #[must_use]
    pub fn neighbour(&self) -> Option<Self> {
        let Mode::InProcess(heard) = &self.inner.mode else {
            return None;
        };
        Some(Self::new(
            Arc::clone(&self.inner.keys),
            Arc::clone(&self.inner.local),
            Mode::InProcess(heard.clone()),
            node(),
        ))
    }

    /// Takes `n` (usually one) of what `key` may do at this rate. While Redis is away, or slow, this process counts
    /// alone. `bucket`: a short name of letters, digits and dashes.
    pub async fn take(&self, bucket: &'static str, key: &[u8], quota: Quota, n: u32) -> Taken {
        let inner = &*self.inner;
        let digest = inner.keys.digest(bucket, 0, key);
        if let Mode::Redis(store) = &inner.mode {
            if let Some(taken) = store.take(bucket, &digest, quota, n).await {
                return taken;
            }
            metrics::counter!("shared_state_local_takes_total").increment(1);
        }
        inner.local.take(&digest, quota, n)
    }

    /// Counts one for each of the caps, or for none of them, if one is reached.
    ///
    /// # Errors
    /// See [`CapError`].
    pub async fn admit(&self, caps: &[Cap<'_>]) -> Result<(), CapError> {
        self.caps(caps, Deed::Admit).await
    }

    /// Whether [`SharedState::admit`] would count, without counting.
    ///
    /// # Errors
    /// See [`CapError`].
    pub async fn look(&self, caps: &[Cap<'_>]) -> Result<(), CapError> {
        self.caps(caps, Deed::Look).await
    }

    /// Counts one for each of the caps, reached or not: for what has happened already.
    ///
    /// # Errors
    /// If nobody can count.
    pub async fn record(&self, caps: &[Cap<'_>]) -> Result<(), Unavailable> {
        only_unavailable(self.caps(caps, Deed::Record).await)
    }

    /// Takes the last count of each of the caps back: for what was admitted and did not happen.
    ///
    /// # Errors
    /// If nobody can count.
    pub async fn take_back(&self, caps: &[Cap<'_>]) -> Result<(), Unavailable> {
        only_unavailable(self.caps(caps, Deed::TakeBack).await)
    }

    /// How many were counted within the cap's time; never more than its `most`.
    ///
    /// # Errors
    /// If nobody can count.
    pub async fn counted(&self, cap: &Cap<'_>) -> Result<u32, Unavailable> {
        match &self.inner.mode {
            Mode::InProcess(_) => Ok(self.inner.local.counted(&self.inner.keys, cap)),
            Mode::Redis(store) => store.counted(cap).await,
        }
    }

    async fn caps(&self, caps: &[Cap<'_>], deed: Deed) -> Result<(), CapError> {
        match &self.inner.mode {
            Mode::InProcess(_) => self.inner.local.caps(&self.inner.keys, caps, deed),
            Mode::Redis(store) => store.caps(caps, deed).await,
        }
    }

    /// Tells all other processes, and returns when Redis has it.
    ///
    /// # Errors
    /// If it can't be told; the others find out by the age of what they keep.
    pub async fn tell(&self, message: &[u8]) -> Result<(), Unavailable> {
        match &self.inner.mode {
            Mode::InProcess(_) => self.tell_soon(message),
            Mode::Redis(store) => return store.tell(message).await,
        }
        Ok(())
    }

    /// Tells all other processes without waiting, together with whatever else is to be told by then.
    pub fn tell_soon(&self, message: &[u8]) {
        match &self.inner.mode {
            Mode::InProcess(heard) => {
                // An error says that nobody listens.
                let _ = heard.send((Some(self.inner.node), News::Told(message.into())));
            }
            Mode::Redis(store) => store.tell_soon(message),
        }
    }

    /// Waits until all that [`SharedState::tell_soon`] was given is told or given up; for a process that ends.
    pub async fn told(&self) {
        if let Mode::Redis(store) = &self.inner.mode {
            store.told().await;
        }
    }

    /// What other processes tell from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        let heard = match &self.inner.mode {
            Mode::InProcess(heard) => heard.subscribe(),
            Mode::Redis(store) => store.subscribe(),
        };
        Subscription {
            heard,
            node: self.inner.node,
        }
    }

    /// Whether anybody else could listen: without Redis there is nobody to tell.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.inner.mode, Mode::Redis(_))
    }

    /// Whether processes count together just now.
    #[must_use]
    pub fn health(&self) -> Health {
        match &self.inner.mode {
            Mode::InProcess(_) => Health::InProcess,
            Mode::Redis(store) if store.is_up() => Health::Shared,
            Mode::Redis(_) => Health::Degraded,
        }
    }

    /// Waits until Redis answers and its news are heard, but no longer than so; says whether it does. At once true
    /// without Redis.
    pub async fn wait_until_shared(&self, patience: Duration) -> bool {
        match &self.inner.mode {
            Mode::InProcess(_) => true,
            Mode::Redis(store) => tokio::time::timeout(patience, store.wait_until(true))
                .await
                .is_ok(),
        }
    }

    /// Waits until Redis is known to be away, but no longer than so; says whether it is.
    pub async fn wait_until_degraded(&self, patience: Duration) -> bool {
        match &self.inner.mode {
            Mode::InProcess(_) => false,
            Mode::Redis(store) => tokio::time::timeout(patience, store.wait_until(false))
                .await
                .is_ok(),
        }
    }
}

impl fmt::Debug for SharedState {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("SharedState")
            .field(&self.health())
            .finish()
    }
}

fn only_unavailable(done: Result<(), CapError>) -> Result<(), Unavailable> {
    match done {
        Err(CapError::Unavailable(unavailable)) => Err(unavailable),
        Ok(()) | Err(CapError::Reached { .. }) => Ok(()),
    }
}

/// A number that no other process has.
///
/// # Panics
/// If the machine has no randomness.
fn node() -> u64 {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).expect("the machine's randomness");
    u64::from_be_bytes(bytes)
}
