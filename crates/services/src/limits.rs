//! Limits that all processes share: at most so many of something within a time. Who counts stands behind
//! [`LimitCounters`]; [`PostgresCounters`] counts in the database of everything else. What cannot be counted is refused.

mod shared;

use std::future::Future;
use std::pin::Pin;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use store::error::StoreError;

pub use self::shared::SharedCounters;

/// A limit. Its time begins with the first that is taken and is not renewed by those that follow, so that the most that
/// passes in any stretch of that length is twice as many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What it is called, in answers and metrics.
    pub name: &'static str,
    /// How many pass.
    pub most: u32,
    /// Within which time.
    pub within: TimeDelta,
}

/// One to be taken of a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// The limit.
    pub limit: Limit,
    /// What is counted: 32 bytes of [`crate::vault::Vault::limit_bucket`].
    pub bucket: Vec<u8>,
}

/// A limit that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedUp {
    /// The limit.
    pub limit: Limit,
    /// When it begins anew.
    pub until: DateTime<Utc>,
}

/// Why nothing was counted.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// Whoever counts cannot be reached.
    #[error("the limits cannot be counted just now: {0}")]
    Unavailable(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a count comes to.
pub type Counted<'a> =
    Pin<Box<dyn Future<Output = Result<Option<UsedUp>, LimitError>> + Send + 'a>>;

/// Counts against limits.
pub trait LimitCounters: Send + Sync + std::fmt::Debug {
    /// Takes one from every limit or, if one of them is used up, from none; that one is the answer, and of several the one
    /// that lasts longest. Those who count in a database of their own need not look at `conn`, the caller's transaction.
    ///
    /// An error is a refusal: the caller lets nothing pass.
    fn take<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        takes: &'a [Take],
        now: DateTime<Utc>,
    ) -> Counted<'a>;
}

/// Counts in the database, in the caller's transaction: what is rolled back was not taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct PostgresCounters;

impl LimitCounters for PostgresCounters {
    fn take<'a>(
        &'a self,
        conn: &'a mut PgConnection,
        takes: &'a [Take],
        now: DateTime<Utc>,
    ) -> Counted<'a> {
        Box::pin(async move {
            let buckets: Vec<Vec<u8>> = takes.iter().map(|take| take.bucket.clone()).collect();
            let seconds: Vec<i64> = takes
                .iter()
                .map(|take| take.limit.within.num_seconds())
                .collect();
            let rows = store::limit_counters::lock(conn, &buckets, &seconds, now).await?;
            let used_up = rows.iter().filter_map(|row| {
                let take = takes.iter().find(|take| take.bucket == row.bucket)?;
                (row.taken >= i64::from(take.limit.most)).then_some(UsedUp {
                    limit: take.limit,
                    until: row.ends_at,
                })
            });
            if let Some(used_up) = used_up.max_by_key(|used_up| used_up.until) {
                return Ok(Some(used_up));
            }
            store::limit_counters::add_one(conn, &buckets).await?;
            Ok(None)
        })
    }
}
