//! Table `exports`: all that is stored on a member, made for him, sealed. And the reading of it, table by table.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// An export as it is stored.
#[derive(Debug)]
pub struct ExportRow {
    /// Identifier.
    pub id: Uuid,
    /// Whose it is.
    pub member_id: Uuid,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it is thrown away.
    pub expires_at: DateTime<Utc>,
    /// The document, sealed, when it is made.
    pub sealed: Option<Vec<u8>>,
}

/// The export of a member that is not thrown away at `now`.
///
/// # Errors
/// If the database fails.
pub async fn of_member(
    conn: &mut PgConnection,
    member: MemberId,
    now: DateTime<Utc>,
) -> Result<Option<ExportRow>, StoreError> {
    Ok(sqlx::query_as!(
        ExportRow,
        "select id, member_id, requested_at, expires_at, sealed from exports where member_id = $1 and expires_at > $2",
        member.as_uuid(),
        now,
    )
    .fetch_optional(conn)
    .await?)
}

/// One export.
///
/// # Errors
/// If the database fails.
pub async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<ExportRow>, StoreError> {
    Ok(sqlx::query_as!(
        ExportRow,
        "select id, member_id, requested_at, expires_at, sealed from exports where id = $1",
        id,
    )
    .fetch_optional(conn)
    .await?)
}

/// Writes down that a member asks; one that was thrown away gives way. `false`: there is one already.
///
/// # Errors
/// If the database fails.
pub async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    member: MemberId,
    now: DateTime<Utc>,
    expires_at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    sqlx::query!(
        "delete from exports where member_id = $1 and expires_at <= $2",
        member.as_uuid(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query!(
        "insert into exports (id, member_id, requested_at, expires_at) values ($1, $2, $3, $4)
         on conflict (member_id) do nothing",
        id,
        member.as_uuid(),
        now,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Keeps the document.
///
/// # Errors
/// If the database fails.
pub async fn finish(
    conn: &mut PgConnection,
    id: Uuid,
    sealed: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update exports set sealed = $2, finished_at = $3 where id = $1",
        id,
        sealed,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Throws away up to `limit` exports whose time is over; says how many.
///
/// # Errors
/// If the database fails.
pub async fn forget(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from exports where id in (select id from exports where expires_at < $1 limit $2)",
        before,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Everything that names a member or hangs on him, except what is sealed in his own row; others stay out of it.
///
/// # Errors
/// If the database fails.
pub async fn everything_of(conn: &mut PgConnection, member: MemberId) -> Result<Value, StoreError> {
    Ok(
        sqlx::query_file_scalar!("src/everything_of_member.sql", member.as_uuid())
            .fetch_one(conn)
            .await?,
    )
}
