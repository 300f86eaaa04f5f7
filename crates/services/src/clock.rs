//! The one place where the service reads the time. Business code receives a [`Clock`] and asks it,
//! so that a test can stand at any moment and whole answers can be compared.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use shared_state::Now;

/// Where "now" comes from: the machine's clock, or a hand that a test moves.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until it is moved; microseconds since the epoch.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `start` until it is moved.
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.timestamp_micros())))
    }

    /// The present moment, cut to microseconds, which is what PostgreSQL keeps.
    ///
    /// # Panics
    /// If a manual clock was moved outside the years that chrono can name.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match self {
            #[expect(
                clippy::disallowed_methods,
                reason = "the one reading of the real clock"
            )]
            Self::System => Utc::now().timestamp_micros(),
            Self::Manual(micros) => micros.load(Ordering::SeqCst),
        };
        Utc.timestamp_micros(micros)
            .single()
            .expect("a moment within chrono's range")
    }

    /// The same clock for what all processes count together: a real one is read there, a manual one here.
    #[must_use]
    pub fn for_counting(&self) -> Now {
        match self {
            Self::System => Now::real(),
            Self::Manual(micros) => {
                let micros = Arc::clone(micros);
                Now::told_by(move || u64::try_from(micros.load(Ordering::SeqCst)).unwrap_or(0))
            }
        }
    }

    /// Moves a manual clock forward; the machine's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(micros) = self {
            let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            micros.fetch_add(by, Ordering::SeqCst);
        }
    }

    /// Sets a manual clock; the machine's clock is left alone.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Self::Manual(micros) = self {
            micros.store(to.timestamp_micros(), Ordering::SeqCst);
        }
    }
}
