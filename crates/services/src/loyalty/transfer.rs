//! A member gives points to another. Both wallets are locked at once in order of member, as everything locks them, in a
//! transaction of its own: the posting engine's orders are of one member each.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::{MemberId, TransferId};
use domain::limits::Limits;
use domain::loyalty::transfer;
use domain::loyalty::validity::day_of;
use domain::loyalty::wallet::WalletError;
use domain::money::{Overflow, Points};
use domain::people::MemberStatus;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;
use store::outbox_events::OutboxEvent;
use store::posting::further::Further;
use store::transfers::NewTransfer;
use uuid::Uuid;

use super::wallets::{self, Needs};
use crate::audit_log::{self, Entry};
use crate::auth::session_state::known;
use crate::caller::MemberCaller;
use crate::context::Context;
use crate::idempotency::{self, Answered, IdempotencyError, IdempotencyKey, Render};
use crate::members::{MemberReference, OnUnknown, resolve_members};
use crate::programme::{self, Programme};
use crate::transaction;

/// What a member asks for.
#[derive(Clone, Debug)]
pub struct TransferOrder {
    /// Who gets the points, named by phone or card number.
    pub to: MemberReference,
    /// How many.
    pub points: Points,
    /// Whether the giver has proved within the last minutes who he is.
    pub proved: bool,
}

/// What was given.
#[derive(Clone, Debug)]
pub struct Transferred {
    /// Its identifier.
    pub id: TransferId,
    /// How many points.
    pub points: Points,
    /// What the giver has left to spend.
    pub available_after: Points,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why nothing was given. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The key can't be used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// Nobody who takes part has this phone or number.
    #[error("there is no such member")]
    UnknownMember,
    /// The giver may no longer give.
    #[error("the giver is blocked")]
    Blocked,
    /// Nobody gives to himself.
    #[error("nobody gives points to himself")]
    ToOneself,
    /// Fewer than the programme lets go at once.
    #[error("fewer points than may be given")]
    TooFew {
        /// The fewest.
        least: Points,
    },
    /// More than the programme lets go in a day.
    #[error("more points than may be given in a day")]
    DailyLimit {
        /// What is left of today's.
        left: Points,
    },
    /// So many points want a sign-in of the last minutes.
    #[error("so many points want a recent sign-in")]
    StepUpRequired,
    /// The wallet refused.
    #[error(transparent)]
    Wallet(#[from] WalletError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Overflow> for TransferError {
    fn from(overflow: Overflow) -> Self {
        Self::Wallet(overflow.into())
    }
}

/// Gives points to another member.
///
/// # Errors
/// [`TransferError`].
pub async fn transfer(
    ctx: &Context,
    caller: &MemberCaller,
    order: TransferOrder,
    key: IdempotencyKey,
    render: Render<Transferred>,
) -> Result<Answered, TransferError> {
    let programme = programme::current(ctx).await?;
    let input = (ctx.clone(), programme, caller.member, order, key);
    transaction::run(ctx, input, move |conn, input| {
        let (ctx, programme, giver, order, key) = input;
        Box::pin(async move {
            if let Some(answer) = idempotency::begin::<TransferError>(conn, key).await? {
                return Ok(Answered {
                    answer,
                    replayed: true,
                });
            }
            let done = carry_out(conn, ctx, programme, *giver, order).await?;
            let answer = render(&done);
            idempotency::finish(conn, key, &answer, done.at).await?;
            Ok(Answered {
                answer,
                replayed: false,
            })
        })
    })
    .await
}

async fn carry_out(
    conn: &mut PgConnection,
    ctx: &Context,
    programme: &Arc<Programme>,
    giver: MemberId,
    order: &TransferOrder,
) -> Result<Transferred, TransferError> {
    let limits = &programme.settings.limits;
    if order.points < limits.transfer_least {
        let least = limits.transfer_least;
        return Err(TransferError::TooFew { least });
    }
    if order.points > limits.transfer_unproved && !order.proved {
        return Err(TransferError::StepUpRequired);
    }
    // A phone and a card number are nobody's customer number, so no business is asked.
    let nobody = Uuid::nil().into();
    let named = std::slice::from_ref(&order.to);
    let found = resolve_members(conn, ctx, nobody, named, OnUnknown::Refuse).await?;
    let taker = match found.first() {
        Some(Ok(found)) => found.member,
        _ => return Err(TransferError::UnknownMember),
    };
    if taker == giver {
        return Err(TransferError::ToOneself);
    }
    move_points(conn, ctx, programme, (giver, taker), order.points).await
}

async fn move_points(
    conn: &mut PgConnection,
    ctx: &Context,
    programme: &Arc<Programme>,
    (giver, taker): (MemberId, MemberId),
    points: Points,
) -> Result<Transferred, TransferError> {
    let now = ctx.clock().now();
    let both = [giver, taker].into();
    let needs = Needs {
        lots_of: [giver, taker].into(),
        ..Needs::default()
    };
    let mut rows = wallets::load(conn, &both, &needs, now).await?;
    require_active(conn, giver, taker).await?;
    let day = day_of(now, programme.settings.time_zone);
    let given = store::transfers::given_on(conn, giver, day).await?;
    within_day(&programme.settings.limits, given, points)?;
    let mut from = rows.remove(&giver).ok_or(TransferError::Blocked)?;
    let mut to = rows.remove(&taker).ok_or(TransferError::UnknownMember)?;
    let id: TransferId = ctx.ids().next();
    let ids = &mut || ctx.ids().uuid();
    let (from_wallet, to_wallet) = (&mut from.wallet, &mut to.wallet);
    let parts = transfer::carry_out(id, from_wallet, to_wallet, points, now, ids)?;
    let new = NewTransfer {
        id,
        from: giver,
        to: taker,
        points,
        parts: &parts,
        day,
    };
    store::transfers::insert(conn, &new, now).await?;
    let events = [giver, taker].map(|member| OutboxEvent {
        id: ctx.ids().uuid(),
        kind: "points.transferred",
        member: Some(member.as_uuid()),
        business: None,
        subject: id.as_uuid(),
        payload: json!({ "points": points.hundredths(), "received": member == taker }),
    });
    let changed = [&from, &to];
    let mut writes = wallets::changes(&changed);
    writes.events = &events;
    wallets::write(conn, &changed, &writes, Further::default(), now).await?;
    if points > programme.settings.limits.transfer_unproved {
        let what = json!({ "from": giver, "to": taker, "points": points });
        let entry = Entry::of(Action::TransferMake, ObjectKind::Transfer).id(id);
        audit_log::record(conn, ctx, entry.after(what)).await?;
    }
    Ok(Transferred {
        id,
        points,
        available_after: from.wallet.available,
        at: now,
    })
}

/// Read after the wallets were locked.
async fn require_active(
    conn: &mut PgConnection,
    giver: MemberId,
    taker: MemberId,
) -> Result<(), TransferError> {
    let ids = [giver.as_uuid(), taker.as_uuid()];
    let found = store::members::find_by_ids(conn, &ids).await?;
    for (member, refusal) in [
        (giver, TransferError::Blocked),
        (taker, TransferError::UnknownMember),
    ] {
        let row = found.iter().find(|row| row.id == member.as_uuid());
        let status = row.map(|row| known::<MemberStatus>(&row.status));
        if status.transpose()? != Some(MemberStatus::Active) {
            return Err(refusal);
        }
    }
    Ok(())
}

/// Whether so many points more may be given on a day on which some were.
fn within_day(limits: &Limits, given: Points, points: Points) -> Result<(), TransferError> {
    let left = limits.transfer_daily.minus(given)?.max(Points::ZERO);
    if points > left {
        return Err(TransferError::DailyLimit { left });
    }
    Ok(())
}
