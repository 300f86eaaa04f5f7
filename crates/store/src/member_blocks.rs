//! Table `member_blocks`: why members were blocked, and why no longer.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockRow {
    /// Its identifier.
    pub id: Uuid,
    /// Why.
    pub reason: String,
    /// Who blocked.
    pub blocked_by: Uuid,
    /// When.
    pub blocked_at: DateTime<Utc>,
    /// Why it was lifted.
    pub lift_reason: Option<String>,
    /// Who lifted it.
    pub lifted_by: Option<Uuid>,
    /// When.
    pub lifted_at: Option<DateTime<Utc>>,
}

/// Adds one to a member who has no other that lasts.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    member: MemberId,
    reason: &str,
    by: MemberId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into member_blocks (id, member_id, reason, blocked_by, blocked_at) values ($1, $2, $3, $4, $5)",
        id,
        member.as_uuid(),
        reason,
        by.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Lifts the one that lasts.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn lift(
    conn: &mut PgConnection,
    member: MemberId,
    reason: &str,
    by: MemberId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update member_blocks set lift_reason = $2, lifted_by = $3, lifted_at = $4
         where member_id = $1 and lifted_at is null",
        member.as_uuid(),
        reason,
        by.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A member's blocks, newest first, at most a hundred.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn of_member(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<Vec<BlockRow>, StoreError> {
    Ok(sqlx::query_as!(
        BlockRow,
        "select id, reason, blocked_by, blocked_at, lift_reason, lifted_by, lifted_at
         from member_blocks where member_id = $1 order by id desc limit 100",
        member.as_uuid()
    )
    .fetch_all(conn)
    .await?)
}
