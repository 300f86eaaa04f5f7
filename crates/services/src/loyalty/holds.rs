//! Sets points aside for a checkout, takes them (all or less) or gives them back.

use std::collections::BTreeSet;

use chrono::Duration;
use domain::ids::{BusinessId, HoldId, MemberId};
use domain::loyalty::purchase::{PurchaseRefusal, Standing, Terms};
use domain::loyalty::refund;
use domain::loyalty::wallet::{Hold, HoldStatus, Wallet, WalletError};
use domain::money::Points;
use domain::people::MemberStatus;
use domain::rights::Scope;
use sqlx::PgConnection;
use store::error::StoreError;
use store::used_member_codes;
use uuid::Uuid;

use super::ladder::{self, Frame};
use super::posting::Balance;
use super::wallets::{self, Needs};
use crate::caller::{AccessError, TillCaller};
use crate::context::Context;
use crate::idempotency::{self, Answered, IdempotencyError, IdempotencyKey, Render};
use crate::members::{
    MemberReference, OnUnknown, Proof, ResolvedMember, Unresolved, resolve_members,
};
use crate::transaction;

/// The longest that a hold may be asked for.
pub const MAX_MINUTES: u32 = 24 * 60;

/// A hold as a till asks for it.
#[derive(Clone, Debug)]
pub struct HoldOrder {
    /// The business, where the caller belongs to several.
    pub business: Option<BusinessId>,
    /// The caller's name for it, unique within the business.
    pub reference: String,
    /// Whose points.
    pub member: MemberReference,
    /// How many.
    pub points: Points,
    /// How long; none: as the programme has it.
    pub minutes: Option<u32>,
}

/// A hold with what the member has beside it.
#[derive(Clone, Debug)]
pub struct HeldPoints {
    /// The hold.
    pub hold: Hold,
    /// What the member has.
    pub balance: Balance,
}

/// Why nothing was done with a hold. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// The caller may not do this.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such hold at the caller's businesses.
    #[error("unknown hold")]
    UnknownHold,
    /// The business has used the reference for another hold.
    #[error("the reference was used for another hold")]
    ReferenceUsed {
        /// That hold.
        hold: HoldId,
    },
    /// The business is not let in, or suspended.
    #[error("the business does not take part at the moment")]
    BusinessNotActive,
    /// Nobody was found.
    #[error(transparent)]
    Member(#[from] Unresolved),
    /// The rotating code has paid before.
    #[error("the code of the member was used before")]
    CodeUsed,
    /// The key can't be used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The rules refuse it.
    #[error(transparent)]
    Refused(#[from] PurchaseRefusal),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<WalletError> for HoldError {
    fn from(error: WalletError) -> Self {
        Self::Refused(error.into())
    }
}

/// Sets points aside.
///
/// # Errors
/// [`HoldError`] says why not.
pub async fn make_hold(
    ctx: &Context,
    caller: &TillCaller,
    order: HoldOrder,
    key: IdempotencyKey,
    render: Render<HeldPoints>,
) -> Result<Answered, HoldError> {
    caller.require(Scope::LoyaltyWrite)?;
    let business = caller.business(order.business)?;
    let frame = ladder::frame(ctx).await?;
    let input = (ctx.clone(), frame, business, order, key, render);
    transaction::run(
        ctx,
        input,
        |conn, (ctx, frame, business, order, key, render)| {
            Box::pin(async move {
                if let Some(answer) = idempotency::begin::<HoldError>(conn, key).await? {
                    return Ok(Answered {
                        answer,
                        replayed: true,
                    });
                }
                let held = hold_in(conn, ctx, frame, *business, order).await?;
                let answer = render(&held);
                idempotency::finish(conn, key, &answer, ctx.clock().now()).await?;
                Ok(Answered {
                    answer,
                    replayed: false,
                })
            })
        },
    )
    .await
}

async fn hold_in(
    conn: &mut PgConnection,
    ctx: &Context,
    frame: &Frame,
    business: BusinessId,
    order: &HoldOrder,
) -> Result<HeldPoints, HoldError> {
    let now = ctx.clock().now();
    let terms = store::posting::terms(conn, &[business.as_uuid()])
        .await?
        .remove(&business);
    let terms = terms
        .filter(|terms| terms.active)
        .ok_or(HoldError::BusinessNotActive)?
        .terms;
    let one = std::slice::from_ref(&order.member);
    let found = resolve_members(conn, ctx, business, one, OnUnknown::Refuse).await?;
    let found = found
        .into_iter()
        .next()
        .unwrap_or(Err(Unresolved::Unknown))?;
    let ids = BTreeSet::from([found.member]);
    let needs = Needs {
        lots_of: ids.clone(),
        ..Needs::default()
    };
    let mut rows = wallets::load(conn, &ids, &needs, now).await?;
    let row = rows.get_mut(&found.member).ok_or(Unresolved::Unknown)?;
    if let Some((_, hold)) =
        store::holds::by_reference(conn, business.as_uuid(), &order.reference).await?
    {
        return Err(HoldError::ReferenceUsed { hold: hold.id });
    }
    may_hold(frame, &terms, found, order.points)?;
    let code = code_to_use(conn, found).await?;
    let settings = &frame.programme.settings;
    let minutes = order
        .minutes
        .unwrap_or(settings.hold_minutes)
        .min(MAX_MINUTES);
    let hold = Hold {
        id: ctx.ids().next(),
        business,
        reference: order.reference.clone(),
        status: HoldStatus::Active,
        amount: order.points,
        captured: Points::ZERO,
        purchase: None,
        expires_at: now + Duration::minutes(i64::from(minutes)),
        created_at: now,
        draws: Vec::new(),
    };
    let id = hold.id;
    let ids = &mut || ctx.ids().uuid();
    row.wallet.advance(now, ids)?;
    row.wallet.hold(hold, now, ids)?;
    let mut writes = wallets::changes(&[row]);
    let codes = Vec::from_iter(code);
    writes.codes = &codes;
    wallets::write(conn, &[row], &writes, now).await?;
    held_points(&row.wallet, id)
}

/// Whether the member may set so many points aside, given how surely he stands there.
fn may_hold(
    frame: &Frame,
    terms: &Terms,
    found: ResolvedMember,
    points: Points,
) -> Result<(), HoldError> {
    match found.status.into() {
        Standing::Active => {}
        Standing::Waiting => return Err(PurchaseRefusal::MemberNotJoined.into()),
        Standing::Closed => return Err(PurchaseRefusal::MemberClosed.into()),
    }
    let value = frame.programme.settings.point_value;
    let worth = value.worth_of(points).map_err(WalletError::from)?;
    if found.proof == Proof::Weak && worth > terms.without_code(&frame.programme.settings) {
        return Err(PurchaseRefusal::ProofRequired.into());
    }
    Ok(())
}

/// The rotating code that this hold uses up, if the member was named by one.
async fn code_to_use(
    conn: &mut PgConnection,
    found: ResolvedMember,
) -> Result<Option<(Uuid, i64)>, HoldError> {
    let Proof::Code { step } = found.proof else {
        return Ok(None);
    };
    let code = (found.member.as_uuid(), step);
    let used = used_member_codes::find(conn, &[code.0], &[code.1]).await?;
    if used.contains(&code) {
        return Err(HoldError::CodeUsed);
    }
    Ok(Some(code))
}

/// Takes the points of a hold: all, or `points` of them; the rest goes back.
///
/// # Errors
/// [`HoldError`] says why not.
pub async fn capture_hold(
    ctx: &Context,
    caller: &TillCaller,
    hold: HoldId,
    points: Option<Points>,
    key: IdempotencyKey,
    render: Render<HeldPoints>,
) -> Result<Answered, HoldError> {
    end(ctx, caller, End::Capture(hold, points), key, render).await
}

/// Gives the points of a hold back.
///
/// # Errors
/// [`HoldError`] says why not.
pub async fn void_hold(
    ctx: &Context,
    caller: &TillCaller,
    hold: HoldId,
    key: IdempotencyKey,
    render: Render<HeldPoints>,
) -> Result<Answered, HoldError> {
    end(ctx, caller, End::Void(hold), key, render).await
}

/// How a hold ends on request.
#[derive(Clone, Copy, Debug)]
enum End {
    Capture(HoldId, Option<Points>),
    Void(HoldId),
}

async fn end(
    ctx: &Context,
    caller: &TillCaller,
    end: End,
    key: IdempotencyKey,
    render: Render<HeldPoints>,
) -> Result<Answered, HoldError> {
    caller.require(Scope::LoyaltyWrite)?;
    let frame = ladder::frame(ctx).await?;
    let input = (ctx.clone(), frame, caller.businesses(), end, key, render);
    transaction::run(
        ctx,
        input,
        |conn, (ctx, frame, businesses, end, key, render)| {
            Box::pin(async move {
                if let Some(answer) = idempotency::begin::<HoldError>(conn, key).await? {
                    return Ok(Answered {
                        answer,
                        replayed: true,
                    });
                }
                let held = end_in(conn, ctx, frame, businesses, *end).await?;
                let answer = render(&held);
                idempotency::finish(conn, key, &answer, ctx.clock().now()).await?;
                Ok(Answered {
                    answer,
                    replayed: false,
                })
            })
        },
    )
    .await
}

async fn end_in(
    conn: &mut PgConnection,
    ctx: &Context,
    frame: &Frame,
    businesses: &[BusinessId],
    end: End,
) -> Result<HeldPoints, HoldError> {
    let now = ctx.clock().now();
    let (End::Capture(id, _) | End::Void(id)) = end;
    let (member, hold) = find(conn, businesses, id)
        .await?
        .ok_or(HoldError::UnknownHold)?;
    let ids = BTreeSet::from([member]);
    let needs = Needs {
        lots_of: ids.clone(),
        holds: BTreeSet::from([id]),
        ..Needs::default()
    };
    let mut rows = wallets::load(conn, &ids, &needs, now).await?;
    let row = rows.get_mut(&member).ok_or(HoldError::UnknownHold)?;
    let wallet = &mut row.wallet;
    let new_id = &mut || ctx.ids().uuid();
    wallet.advance(now, new_id)?;
    let hold = wallet.holds.get(&id).unwrap_or(&hold);
    let (amount, business, status) = (hold.amount, hold.business, hold.status);
    match end {
        End::Capture(id, points) => {
            may_capture(conn, member, business).await?;
            wallet.capture(id, points.unwrap_or(amount), None, now, new_id)?;
        }
        End::Void(id) if status == HoldStatus::Captured => {
            let grace = refund::grace_until(&frame.programme.settings, now);
            wallet.void_captured(id, grace, now, new_id)?;
        }
        End::Void(id) => wallet.void_hold(id, now, new_id)?,
    }
    wallets::store(conn, &[row], now).await?;
    held_points(&row.wallet, id)
}

/// Points are taken only while both take part, as a purchase is posted.
async fn may_capture(
    conn: &mut PgConnection,
    member: MemberId,
    business: BusinessId,
) -> Result<(), HoldError> {
    let terms = store::posting::terms(conn, &[business.as_uuid()]).await?;
    if !terms.get(&business).is_some_and(|terms| terms.active) {
        return Err(HoldError::BusinessNotActive);
    }
    let facts = store::posting::facts(conn, &[member.as_uuid()]).await?;
    let status = facts.get(&member).map(|facts| facts.status.as_str());
    if status != Some(MemberStatus::Active.as_str()) {
        return Err(PurchaseRefusal::MemberClosed.into());
    }
    Ok(())
}

async fn find(
    conn: &mut PgConnection,
    businesses: &[BusinessId],
    id: HoldId,
) -> Result<Option<(MemberId, Hold)>, StoreError> {
    for business in businesses {
        let found = store::holds::get(conn, business.as_uuid(), Uuid::from(id)).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn held_points(wallet: &Wallet, id: HoldId) -> Result<HeldPoints, HoldError> {
    Ok(HeldPoints {
        hold: wallet.holds.get(&id).ok_or(HoldError::UnknownHold)?.clone(),
        balance: Balance::of(wallet),
    })
}
