//! Table `limit_counters`: how much of each limit is taken, for all processes on this database.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::StoreError;

/// A limit as it stands.
#[derive(Clone, Debug)]
pub struct CounterRow {
    /// Which one.
    pub bucket: Vec<u8>,
    /// How much of it is taken.
    pub taken: i64,
    /// When it begins anew.
    pub ends_at: DateTime<Utc>,
}

/// Keeps the counters of `buckets` from others until the transaction ends, and reads them; those whose time is over begin
/// anew at `now`. `seconds`: bucket by bucket, how long it counts.
///
/// # Errors
/// If the database fails.
pub async fn lock(
    conn: &mut PgConnection,
    buckets: &[Vec<u8>],
    seconds: &[i64],
    now: DateTime<Utc>,
) -> Result<Vec<CounterRow>, StoreError> {
    // In the order of the buckets, so that two that take the same ones never wait for each other in a ring.
    Ok(sqlx::query_as!(
        CounterRow,
        "insert into limit_counters as c (bucket, taken, ends_at)
         select u.bucket, 0, $3::timestamptz + make_interval(secs => u.seconds)
         from unnest($1::bytea[], $2::bigint[]) as u (bucket, seconds) order by u.bucket
         on conflict (bucket) do update set
             taken = case when c.ends_at <= $3 then 0 else c.taken end,
             ends_at = case when c.ends_at <= $3 then excluded.ends_at else c.ends_at end
         returning bucket, taken, ends_at",
        buckets,
        seconds,
        now,
    )
    .fetch_all(conn)
    .await?)
}

/// Takes one from each of `buckets`, which the caller has locked.
///
/// # Errors
/// If the database fails.
pub async fn add_one(conn: &mut PgConnection, buckets: &[Vec<u8>]) -> Result<(), StoreError> {
    sqlx::query!(
        "update limit_counters set taken = taken + 1 where bucket = any($1)",
        buckets,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes up to `limit` counters whose time was over before `before`; says how many.
///
/// # Errors
/// If the database fails.
pub async fn delete_before(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from limit_counters where bucket in (
             select bucket from limit_counters where ends_at < $1 order by ends_at limit $2 for update skip locked)",
        before,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
