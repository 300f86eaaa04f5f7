//! Counts against limits together with all processes, on Redis. Budgets stay in the database: a Redis that was emptied
//! must not spend them twice, and so do limits too large to keep a moment for each that was taken.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use shared_state::{Cap, CapError, SharedState};
use sqlx::PgConnection;

use super::{Counted, LimitCounters, LimitError, PostgresCounters, Take, UsedUp};

/// The largest limit that is counted on Redis.
const MOST: u32 = 1_000;

/// What begins the name of a budget.
const BUDGET: &str = "budget";

/// See the module.
#[derive(Clone, Debug)]
pub struct SharedCounters {
    shared: SharedState,
    kept: PostgresCounters,
}

impl SharedCounters {
    /// Counts where `shared` counts.
    #[must_use]
    pub fn new(shared: SharedState) -> Self {
        Self {
            shared,
            kept: PostgresCounters,
        }
    }
}

impl LimitCounters for SharedCounters {
    fn take<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        takes: &'a [Take],
        now: DateTime<Utc>,
    ) -> Counted<'a> {
        Box::pin(async move {
            let (kept, shared): (Vec<Take>, Vec<Take>) = takes.iter().cloned().partition(|take| {
                let limit = take.limit;
                limit.most == 0 || limit.most > MOST || limit.name.starts_with(BUDGET)
            });
            let caps: Vec<Cap<'_>> = shared.iter().filter_map(cap).collect();
            match self.shared.admit(&caps).await {
                Ok(()) => {}
                Err(CapError::Reached { cap, retry_after }) => {
                    let wait = TimeDelta::from_std(retry_after).unwrap_or(TimeDelta::MAX);
                    return Ok(shared.get(cap).map(|take| UsedUp {
                        limit: take.limit,
                        until: now + wait,
                    }));
                }
                Err(CapError::Unavailable(away)) => {
                    return Err(LimitError::Unavailable(away.to_string()));
                }
            }
            let taken = self.kept.take(conn, &kept, now).await;
            if !matches!(taken, Ok(None)) && self.shared.take_back(&caps).await.is_err() {
                tracing::debug!("what was counted and did not happen stays counted");
            }
            taken
        })
    }
}

fn cap(take: &Take) -> Option<Cap<'_>> {
    Some(Cap {
        bucket: take.limit.name,
        key: &take.bucket,
        most: take.limit.most.try_into().ok()?,
        within: take.limit.within.to_std().unwrap_or(Duration::ZERO),
    })
}
