//! A member's movements of points, newest first, each saying why.

use chrono::{DateTime, Utc};
use domain::ids::{AdjustmentId, BusinessId, HoldId, JournalId, PurchaseId, RefundId, TransferId};
use domain::loyalty::ledger::JournalKind;
use domain::money::Points;
use store::error::StoreError;
use store::journals::{self, MovementRow};
use uuid::Uuid;

use crate::caller::MemberCaller;
use crate::context::Context;

/// One movement of a member's points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The journal.
    pub id: JournalId,
    /// Why points moved.
    pub kind: JournalKind,
    /// The business at which it happened, with its name.
    pub business: Option<(BusinessId, String)>,
    /// Where it comes from, if it is something that the member can look at.
    pub source: Option<MovementSource>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Change of the available points.
    pub available: Points,
    /// Change of the pending points.
    pub pending: Points,
    /// Change of the held points.
    pub held: Points,
    /// Change of the debt; positive: more is owed.
    pub debt: Points,
}

/// Where a movement comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MovementSource {
    /// A purchase.
    Purchase(PurchaseId),
    /// A refund.
    Refund(RefundId),
    /// A hold.
    Hold(HoldId),
    /// Points from or to another member.
    Transfer(TransferId),
    /// Points given or taken by an operator.
    Adjustment(AdjustmentId),
}

/// A page of movements before the journal named.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn history(
    ctx: &Context,
    caller: &MemberCaller,
    before: Option<Uuid>,
    limit: u16,
) -> Result<Vec<Movement>, StoreError> {
    let mut conn = ctx.reader().await?;
    let member = caller.member.as_uuid();
    let rows = journals::page_of_member(&mut conn, member, before, i64::from(limit)).await;
    let rows = conn.done(rows)?;
    rows.into_iter().map(movement).collect()
}

fn movement(row: MovementRow) -> Result<Movement, StoreError> {
    let kind = JournalKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == row.kind)
        .ok_or_else(|| {
            StoreError(sqlx::Error::Decode(
                format!("no such kind of journal: {}", row.kind).into(),
            ))
        })?;
    let source = row.source_id.zip(row.source_kind.as_deref());
    Ok(Movement {
        id: row.id.into(),
        kind,
        business: row.business_id.map(BusinessId::from).zip(row.business_name),
        source: source.and_then(|(id, kind)| match kind {
            "purchase" => Some(MovementSource::Purchase(id.into())),
            "refund" => Some(MovementSource::Refund(id.into())),
            "hold" => Some(MovementSource::Hold(id.into())),
            "transfer" => Some(MovementSource::Transfer(id.into())),
            "adjustment" => Some(MovementSource::Adjustment(id.into())),
            _ => None,
        }),
        occurred_at: row.occurred_at,
        available: Points::from_hundredths(row.available),
        pending: Points::from_hundredths(row.pending),
        held: Points::from_hundredths(row.held),
        debt: Points::from_hundredths(row.debt),
    })
}
