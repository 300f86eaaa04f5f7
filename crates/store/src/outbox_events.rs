//! Table `outbox_events`: what happened, written with the effect and read in order by whoever follows.

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

/// Events to be inserted, a column each.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) kinds: Vec<&'static str>,
    pub(crate) members: Vec<Option<Uuid>>,
    pub(crate) businesses: Vec<Option<Uuid>>,
    pub(crate) subjects: Vec<Uuid>,
    pub(crate) payloads: Vec<serde_json::Value>,
}

impl Columns {
    pub(crate) fn of(events: &[OutboxEvent]) -> Self {
        let mut columns = Self::default();
        for event in events {
            columns.ids.push(event.id);
            columns.kinds.push(event.kind);
            columns.members.push(event.member);
            columns.businesses.push(event.business);
            columns.subjects.push(event.subject);
            columns.payloads.push(event.payload.clone());
        }
        columns
    }
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
