//! Points given or taken by hand: [`request`] does it, or, above the programme's limit, lets it wait for a second person,
//! who says yes or no ([`decide`]). [`list`] shows what was asked for.
//!
//! They go through transactions of their own and not through the posting engine: they are rare, no till waits for them,
//! and the row that is decided must be locked beside the wallet. The wallet's lock is the same, so that nothing that the
//! engine posts comes between.

mod decide;
mod list;
mod request;

use chrono::{DateTime, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::{AdjustmentId, BusinessId, MemberId};
use domain::loyalty::adjustment::{self, Adjustment};
use domain::loyalty::lot::Funder;
use domain::loyalty::wallet::WalletError;
use domain::money::Points;
use domain::people::MemberStatus;
use domain::programme::ProgrammeSettings;
use serde_json::json;
use sqlx::PgConnection;
pub use store::adjustments::AdjustmentRow;
use store::error::StoreError;
use store::outbox_events::OutboxEvent;
use store::posting::further::Further;

pub use self::decide::{Decision, approve, decline};
pub use self::list::{AdjustmentFilter, get, list};
pub use self::request::{AdjustmentOrder, request};
use super::wallets::{self, Needs};
use crate::audit_log::{self, Entry};
use crate::auth::session_state::known;
use crate::caller::AccessError;
use crate::context::Context;
use crate::idempotency::IdempotencyError;

/// An adjustment waits for a second person.
pub const WAITING: &str = "waiting";
/// The points were given or taken.
pub const DONE: &str = "done";
/// The second person said no, or the author took it back.
pub const DECLINED: &str = "declined";

/// Why nothing was adjusted, decided or shown. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum AdjustmentError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The key can't be used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// There is no such member.
    #[error("there is no such member")]
    UnknownMember,
    /// There is no such business.
    #[error("there is no such business")]
    UnknownBusiness,
    /// Nobody gives points to himself, nor takes or approves his own.
    #[error("nobody adjusts the own account")]
    OwnAccount,
    /// Nobody approves a request of his own.
    #[error("another person has to approve")]
    SecondPersonRequired,
    /// It was approved or declined before.
    #[error("this was already decided")]
    AlreadyDecided,
    /// There is no such adjustment.
    #[error("there is no such adjustment")]
    Unknown,
    /// The wallet refused.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives or takes the points of a row and says how many, with the member's wallet under lock.
async fn carry_out(
    conn: &mut PgConnection,
    ctx: &Context,
    settings: &ProgrammeSettings,
    row: &AdjustmentRow,
    now: DateTime<Utc>,
) -> Result<Points, AdjustmentError> {
    let member = MemberId::from(row.member_id);
    let needs = Needs {
        lots_of: [member].into(),
        ..Needs::default()
    };
    let mut rows = wallets::load(conn, &[member].into(), &needs, now).await?;
    let mut held = rows.remove(&member).ok_or(AdjustmentError::UnknownMember)?;
    require_person(conn, member).await?;
    let adjustment = Adjustment {
        id: row.id.into(),
        points: Points::from_hundredths(row.points),
        funder: Funder::from_business(row.funder_id.map(Into::into)),
        into_debt: row.into_debt,
    };
    let ids = &mut || ctx.ids().uuid();
    let applied = adjustment::carry_out(settings, &mut held.wallet, adjustment, now, ids)?;
    let events = [OutboxEvent {
        id: ctx.ids().uuid(),
        kind: "points.adjusted",
        member: Some(row.member_id),
        business: row.funder_id,
        subject: row.id,
        payload: json!({ "points": applied.hundredths() }),
    }];
    let mut writes = wallets::changes(&[&held]);
    writes.events = &events;
    wallets::write(conn, &[&held], &writes, Further::default(), now).await?;
    Ok(applied)
}

/// Notes in the audit log what was done to an adjustment: figures and identifiers, not the words that people wrote.
async fn note(
    conn: &mut PgConnection,
    ctx: &Context,
    action: Action,
    row: &AdjustmentRow,
) -> Result<(), StoreError> {
    let entry = Entry::of(action, ObjectKind::Adjustment)
        .id(row.id)
        .business(row.funder_id.map(BusinessId::from))
        .after(json!({
            "member_id": row.member_id,
            "points": row.points,
            "into_debt": row.into_debt,
            "status": row.status,
            "applied": row.applied,
        }));
    audit_log::record(conn, ctx, entry).await
}

/// Passes members who were not erased; blocked ones may have points taken.
async fn require_person(conn: &mut PgConnection, member: MemberId) -> Result<(), AdjustmentError> {
    let found = store::members::find_by_ids(conn, &[member.as_uuid()]).await?;
    let found = found.first().ok_or(AdjustmentError::UnknownMember)?;
    match known::<MemberStatus>(&found.status)? {
        MemberStatus::Erased => Err(AdjustmentError::UnknownMember),
        MemberStatus::Waiting | MemberStatus::Active | MemberStatus::Blocked => Ok(()),
    }
}

/// The row under lock, if it still waits.
async fn lock_waiting(
    conn: &mut PgConnection,
    id: AdjustmentId,
) -> Result<AdjustmentRow, AdjustmentError> {
    let row = store::adjustments::lock(conn, id).await?;
    let row = row.ok_or(AdjustmentError::Unknown)?;
    if row.status == WAITING {
        Ok(row)
    } else {
        Err(AdjustmentError::AlreadyDecided)
    }
}
