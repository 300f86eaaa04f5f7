//! Table `adjustments`: points given or taken by hand. What was asked for never changes; it is decided once.

use chrono::{DateTime, Utc};
use domain::ids::{AdjustmentId, MemberId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A row of the table. Points in hundredths; below zero they are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdjustmentRow {
    /// Its identifier.
    pub id: Uuid,
    /// Whose points.
    pub member_id: Uuid,
    /// How many.
    pub points: i64,
    /// The business at whose expense; none: the programme.
    pub funder_id: Option<Uuid>,
    /// Whether what is not there to be taken is owed.
    pub into_debt: bool,
    /// Why.
    pub reason: String,
    /// `waiting`, `done` or `declined`.
    pub status: String,
    /// What was given or taken in the end.
    pub applied: Option<i64>,
    /// Who asked for it.
    pub requested_by: Uuid,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// The second person, if one decided.
    pub decided_by: Option<Uuid>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// What the second person said.
    pub decision_note: Option<String>,
}

/// Adds one.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(conn: &mut PgConnection, row: &AdjustmentRow) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into adjustments (id, member_id, points, funder_id, into_debt, reason, status, applied, requested_by,
                                  requested_at, decided_by, decided_at, decision_note)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        row.id,
        row.member_id,
        row.points,
        row.funder_id,
        row.into_debt,
        row.reason,
        row.status,
        row.applied,
        row.requested_by,
        row.requested_at,
        row.decided_by,
        row.decided_at,
        row.decision_note,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what was decided upon one that waits.
///
/// # Errors
/// [`StoreError`] from the database, also where it was decided before.
pub async fn decide(conn: &mut PgConnection, row: &AdjustmentRow) -> Result<(), StoreError> {
    sqlx::query!(
        "update adjustments set status = $2, applied = $3, decided_by = $4, decided_at = $5, decision_note = $6
         where id = $1",
        row.id,
        row.status,
        row.applied,
        row.decided_by,
        row.decided_at,
        row.decision_note,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One, kept from change until the transaction ends.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn lock(
    conn: &mut PgConnection,
    id: AdjustmentId,
) -> Result<Option<AdjustmentRow>, StoreError> {
    Ok(sqlx::query_as!(
        AdjustmentRow,
        "select id, member_id, points, funder_id, into_debt, reason, status, applied, requested_by, requested_at,
                decided_by, decided_at, decision_note
         from adjustments where id = $1 for update",
        id.as_uuid()
    )
    .fetch_optional(conn)
    .await?)
}

/// One.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn get(
    conn: &mut PgConnection,
    id: AdjustmentId,
) -> Result<Option<AdjustmentRow>, StoreError> {
    Ok(sqlx::query_as!(
        AdjustmentRow,
        "select id, member_id, points, funder_id, into_debt, reason, status, applied, requested_by, requested_at,
                decided_by, decided_at, decision_note
         from adjustments where id = $1",
        id.as_uuid()
    )
    .fetch_optional(conn)
    .await?)
}

/// A page of those that wait, newest first, before the one named.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn page_of_waiting(
    conn: &mut PgConnection,
    before: Option<AdjustmentId>,
    limit: i64,
) -> Result<Vec<AdjustmentRow>, StoreError> {
    Ok(sqlx::query_as!(
        AdjustmentRow,
        "select id, member_id, points, funder_id, into_debt, reason, status, applied, requested_by, requested_at,
                decided_by, decided_at, decision_note
         from adjustments where status = 'waiting' and id < $1 order by id desc limit $2",
        before.map_or(Uuid::max(), AdjustmentId::as_uuid),
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// A page of those of a member, or of all, newest first, before the one named.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn page(
    conn: &mut PgConnection,
    member: Option<MemberId>,
    before: Option<AdjustmentId>,
    limit: i64,
) -> Result<Vec<AdjustmentRow>, StoreError> {
    let before = before.map_or(Uuid::max(), AdjustmentId::as_uuid);
    let rows = match member {
        Some(member) => {
            sqlx::query_as!(
                AdjustmentRow,
                "select id, member_id, points, funder_id, into_debt, reason, status, applied, requested_by,
                        requested_at, decided_by, decided_at, decision_note
                 from adjustments where member_id = $1 and id < $2 order by id desc limit $3",
                member.as_uuid(),
                before,
                limit
            )
            .fetch_all(conn)
            .await?
        }
        None => {
            sqlx::query_as!(
                AdjustmentRow,
                "select id, member_id, points, funder_id, into_debt, reason, status, applied, requested_by,
                        requested_at, decided_by, decided_at, decision_note
                 from adjustments where id < $1 order by id desc limit $2",
                before,
                limit
            )
            .fetch_all(conn)
            .await?
        }
    };
    Ok(rows)
}
