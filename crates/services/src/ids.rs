//! Where identifiers and random bytes come from. Identifiers are UUID version 7 (RFC 9562): ordered by time,
//! so that new rows stand together on disk; secrets come straight from the operating system.

use std::sync::{Arc, Mutex, PoisonError};

use uuid::{ContextV7, Timestamp, Uuid};

use crate::clock::Clock;

/// Makes identifiers whose time part follows a [`Clock`].
#[derive(Clone, Debug)]
pub struct IdSource {
    clock: Clock,
    counter: Arc<Mutex<ContextV7>>,
}

impl IdSource {
    /// A source that stamps its identifiers with `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            counter: Arc::new(Mutex::new(ContextV7::new())),
        }
    }

    /// A new identifier, greater than all that this source made before, also within one millisecond.
    #[must_use]
    pub fn uuid(&self) -> Uuid {
        let now = self.clock.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        let counter = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that makes identifiers"
        )]
        Uuid::new_v7(Timestamp::from_unix(
            &*counter,
            seconds,
            now.timestamp_subsec_nanos(),
        ))
    }

    /// A new identifier of a domain type.
    #[must_use]
    pub fn next<T: From<Uuid>>(&self) -> T {
        T::from(self.uuid())
    }
}

/// `N` bytes from the operating system's random source.
///
/// # Panics
/// If the operating system gives none, in which case no secret of ours would be safe.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}
