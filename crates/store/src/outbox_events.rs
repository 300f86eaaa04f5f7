//! Table `outbox_events`: what happened, written with the effect and read in order by whoever follows.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct OutboxEvent {
    /// Its identifier; later events have greater ones within a node.
    pub id: Uuid,
    /// What happened: `purchase.posted`, `purchase.refunded`, `member.tier_changed`, …
    pub kind: &'static str,
    /// Whom it concerns.
    pub member: Option<Uuid>,
    /// Where it happened.
    pub business: Option<Uuid>,
    /// The purchase, refund or other subject.
    pub subject: Uuid,
    /// Figures for those who follow; no personal data.
    pub payload: serde_json::Value,
}

/// Adds events.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    events: &[OutboxEvent],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    let kinds: Vec<String> = events.iter().map(|event| event.kind.to_owned()).collect();
    let members: Vec<Option<Uuid>> = events.iter().map(|event| event.member).collect();
    let businesses: Vec<Option<Uuid>> = events.iter().map(|event| event.business).collect();
    let subjects: Vec<Uuid> = events.iter().map(|event| event.subject).collect();
    let payloads: Vec<serde_json::Value> = events.iter().map(|e| e.payload.clone()).collect();
    sqlx::query!(
        r#"insert into outbox_events (id, kind, member_id, business_id, subject_id, payload, recorded_at)
           select id, kind, member_id, business_id, subject_id, payload, $7
           from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::jsonb[])
                as u (id, kind, member_id, business_id, subject_id, payload)"#,
        &ids,
        &kinds,
        &members as &[Option<Uuid>],
        &businesses as &[Option<Uuid>],
        &subjects,
        &payloads,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Drops up to `limit` events whose identifiers are smaller than `before`; says how many.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn drop_before(
    conn: &mut PgConnection,
    before: Uuid,
    limit: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"delete from outbox_events where id in (
               select id from outbox_events where id < $1 order by id limit $2)"#,
        before,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
