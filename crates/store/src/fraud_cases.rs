//! Table `fraud_cases`: what happened at a till and an operator should look at.

use chrono::{DateTime, Utc};
use domain::ids::FraudCaseId;
use domain::limits::Suspicion;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// What happened, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewCase {
    /// What is suspicious.
    pub kind: Suspicion,
    /// Where.
    pub business: Uuid,
    /// The outlet, if the limit is its own.
    pub location: Option<Uuid>,
    /// The person at the till, or its key.
    pub poster: Uuid,
    /// The member, if the limit is his.
    pub member: Option<Uuid>,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRow {
    /// Its identifier.
    pub id: Uuid,
    /// What is suspicious: `domain::limits::Suspicion`.
    pub kind: String,
    /// Where.
    pub business_id: Uuid,
    /// The outlet.
    pub location_id: Option<Uuid>,
    /// The person at the till, or its key.
    pub poster_id: Uuid,
    /// The member.
    pub member_id: Option<Uuid>,
    /// How often, since it was opened.
    pub occurrences: i32,
    /// When it happened first.
    pub opened_at: DateTime<Utc>,
    /// When it happened last.
    pub last_at: DateTime<Utc>,
    /// Who closed it.
    pub closed_by: Option<Uuid>,
    /// When.
    pub closed_at: Option<DateTime<Utc>>,
    /// What was found.
    pub note: Option<String>,
}

/// Opens a case, or counts once more in the open one. Says which it is, and whether it is new.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn note(
    conn: &mut PgConnection,
    id: Uuid,
    new: &NewCase,
    now: DateTime<Utc>,
) -> Result<(Uuid, bool), StoreError> {
    let row = sqlx::query!(
        r#"insert into fraud_cases as c (id, kind, business_id, location_id, poster_id, member_id, occurrences,
                                         opened_at, last_at)
           values ($1, $2, $3, $4, $5, $6, 1, $7, $7)
           on conflict (kind, business_id, location_id, poster_id, member_id) where closed_at is null do update
           set occurrences = c.occurrences + 1, last_at = greatest(c.last_at, excluded.last_at)
           returning id"#,
        id,
        new.kind.as_str(),
        new.business,
        new.location,
        new.poster,
        new.member,
        now,
    )
    .fetch_one(conn)
    .await?;
    Ok((row.id, row.id == id))
}

/// A page of cases, newest first, before the one named: those that are open, or those that were closed.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn page(
    conn: &mut PgConnection,
    open: bool,
    before: Option<FraudCaseId>,
    limit: i64,
) -> Result<Vec<CaseRow>, StoreError> {
    Ok(sqlx::query_as!(
        CaseRow,
        "select id, kind, business_id, location_id, poster_id, member_id, occurrences, opened_at, last_at, closed_by,
                closed_at, note
         from fraud_cases where id < $1 and (closed_at is null) = $2 order by id desc limit $3",
        before.map_or(Uuid::max(), FraudCaseId::as_uuid),
        open,
        limit
    )
    .fetch_all(conn)
    .await?)
}

/// Closes an open case with what was found; none if there is no open one.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn close(
    conn: &mut PgConnection,
    id: FraudCaseId,
    by: Uuid,
    note: &str,
    now: DateTime<Utc>,
) -> Result<Option<CaseRow>, StoreError> {
    Ok(sqlx::query_as!(
        CaseRow,
        "update fraud_cases set closed_by = $2, closed_at = $3, note = $4 where id = $1 and closed_at is null
         returning id, kind, business_id, location_id, poster_id, member_id, occurrences, opened_at, last_at,
                   closed_by, closed_at, note",
        id.as_uuid(),
        by,
        now,
        note
    )
    .fetch_optional(conn)
    .await?)
}

/// Whether there is such a case, open or closed.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn exists(conn: &mut PgConnection, id: FraudCaseId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from fraud_cases where id = $1) as "there!""#,
        id.as_uuid()
    )
    .fetch_one(conn)
    .await?)
}
