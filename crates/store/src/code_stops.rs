//! Table `code_stops`: prefixes and countries whose codes did not come back, and how codes fare.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A stop as it is stored.
#[derive(Clone, Debug)]
pub struct StopRow {
    /// Identifier.
    pub id: Uuid,
    /// `prefix` or `region`.
    pub kind: String,
    /// The keyed hash of what was stopped.
    pub scope: Vec<u8>,
    /// What was stopped, sealed.
    pub label_sealed: Vec<u8>,
    /// How many codes were sent before it.
    pub sent: i64,
    /// How many of them came back.
    pub verified: i64,
    /// Whether it holds codes back, or only tells the operators.
    pub holds: bool,
    /// Since when.
    pub stopped_at: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// When an operator lifted it.
    pub lifted_at: Option<DateTime<Utc>>,
}

/// Adds a stop.
///
/// # Errors
/// If the database fails.
pub async fn insert(conn: &mut PgConnection, row: &StopRow) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into code_stops (id, kind, scope, label_sealed, sent, verified, holds, stopped_at, until)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        row.id,
        row.kind,
        row.scope,
        row.label_sealed,
        row.sent,
        row.verified,
        row.holds,
        row.stopped_at,
        row.until,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The stop that was made last for a scope, over or not.
///
/// # Errors
/// If the database fails.
pub async fn last(conn: &mut PgConnection, scope: &[u8]) -> Result<Option<StopRow>, StoreError> {
    Ok(sqlx::query_as!(
        StopRow,
        "select id, kind, scope, label_sealed, sent, verified, holds, stopped_at, until, lifted_at
         from code_stops where scope = $1 order by stopped_at desc limit 1",
        scope,
    )
    .fetch_optional(conn)
    .await?)
}

/// The newest stops, newest first, at most `limit`.
///
/// # Errors
/// If the database fails.
pub async fn list(conn: &mut PgConnection, limit: i64) -> Result<Vec<StopRow>, StoreError> {
    Ok(sqlx::query_as!(
        StopRow,
        "select id, kind, scope, label_sealed, sent, verified, holds, stopped_at, until, lifted_at
         from code_stops order by stopped_at desc, id desc limit $1",
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Lifts a stop; `false` if there is none that holds at `now`.
///
/// # Errors
/// If the database fails.
pub async fn lift(
    conn: &mut PgConnection,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update code_stops set lifted_at = $2 where id = $1 and lifted_at is null and until > $2",
        id,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// How many codes of one prefix were sent in a time, and how many of them came back.
///
/// # Errors
/// If the database fails.
pub async fn fared_by_prefix(
    conn: &mut PgConnection,
    prefix: &[u8],
    after: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<(i64, i64), StoreError> {
    let row = sqlx::query!(
        r#"select count(*) as "sent!", count(used_at) as "verified!" from one_time_codes
           where prefix_hash = $1 and created_at > $2 and created_at <= $3"#,
        prefix,
        after,
        until,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.sent, row.verified))
}

/// How many codes of one country were sent in a time, and how many of them came back.
///
/// # Errors
/// If the database fails.
pub async fn fared_by_region(
    conn: &mut PgConnection,
    region: &[u8],
    after: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<(i64, i64), StoreError> {
    let row = sqlx::query!(
        r#"select count(*) as "sent!", count(used_at) as "verified!" from one_time_codes
           where region_hash = $1 and created_at > $2 and created_at <= $3"#,
        region,
        after,
        until,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.sent, row.verified))
}
