//! Table `outbox_events`: what happened, written with the effect and read in order by whoever follows. Forgotten by
//! month: [`crate::partitions`].

use uuid::Uuid;

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
