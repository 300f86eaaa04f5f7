//! Table `sign_in_tries`: tries in vain, by whom or from where.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::StoreError;

/// What somebody tried in vain.
#[derive(Debug, Clone, Copy)]
pub struct TriesRow {
    /// Tries in a row.
    pub failures: i32,
    /// Until then nothing is looked at.
    pub waits_until: Option<DateTime<Utc>>,
    /// When the last try was.
    pub updated_at: DateTime<Utc>,
}

/// The row of a subject, made if there is none, locked until the transaction ends: its tries take turns.
///
/// # Errors
/// If the database fails.
pub async fn lock_or_insert(
    conn: &mut PgConnection,
    kind: &str,
    subject: &[u8],
    now: DateTime<Utc>,
) -> Result<TriesRow, StoreError> {
    Ok(sqlx::query_as!(
        TriesRow,
        "insert into sign_in_tries (kind, subject, failures, updated_at) values ($1, $2, 0, $3)
         on conflict (kind, subject) do update set failures = sign_in_tries.failures
         returning failures, waits_until, updated_at",
        kind,
        subject,
        now,
    )
    .fetch_one(conn)
    .await?)
}

/// Writes what a subject tried.
///
/// # Errors
/// If the database fails.
pub async fn update(
    conn: &mut PgConnection,
    kind: &str,
    subject: &[u8],
    row: &TriesRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update sign_in_tries set failures = $3, waits_until = $4, updated_at = $5 where kind = $1 and subject = $2",
        kind,
        subject,
        row.failures,
        row.waits_until,
        row.updated_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgives one try.
///
/// # Errors
/// If the database fails.
pub async fn forgive_one(
    conn: &mut PgConnection,
    kind: &str,
    subject: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!(
        "update sign_in_tries set failures = greatest(failures - 1, 0) where kind = $1 and subject = $2",
        kind,
        subject,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgives all tries.
///
/// # Errors
/// If the database fails.
pub async fn forgive(
    conn: &mut PgConnection,
    kind: &str,
    subject: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from sign_in_tries where kind = $1 and subject = $2",
        kind,
        subject
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes up to `limit` rows that nobody has tried since `before`; says how many.
///
/// # Errors
/// If the database fails.
pub async fn forget(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from sign_in_tries where (kind, subject) in
             (select kind, subject from sign_in_tries where updated_at < $1 and coalesce(waits_until, updated_at) < $1
              order by updated_at limit $2 for update skip locked)",
        before,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
