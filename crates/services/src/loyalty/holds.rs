//! Sets points aside for a checkout, takes them (all or less) or gives them back.

use domain::ids::{BusinessId, HoldId};
use domain::money::Points;
use domain::rights::Scope;

use super::engine::{EngineError, Lane};
pub use super::posting::HeldPoints;
use super::posting::{EndHoldItem, HoldEnd, HoldItem, Order, PostRefusal};
use crate::caller::{AccessError, TillCaller};
use crate::context::Context;
use crate::idempotency::{Answered, IdempotencyKey, Render};
use crate::members::MemberReference;

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

/// Why nothing was done with a hold. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// The caller may not do this.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// It was refused.
    #[error(transparent)]
    Refused(#[from] PostRefusal),
    /// The engine did not carry it out.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl HoldOrder {
    /// The hold as the posting path takes it, within what the caller may do.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn into_item(
        self,
        caller: &TillCaller,
        idempotency: Option<(IdempotencyKey, Render<HeldPoints>)>,
    ) -> Result<HoldItem, AccessError> {
        Ok(HoldItem {
            business: caller.business(self.business)?,
            cashier_member: caller.person(),
            reference: self.reference,
            member: self.member,
            points: self.points,
            minutes: self.minutes,
            idempotency,
        })
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
    let item = order.into_item(caller, Some((key, render)))?;
    carry_out(ctx, item.into()).await
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
    let end = HoldEnd::Capture(points);
    end_hold(ctx, caller, hold, end, (key, render)).await
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
    end_hold(ctx, caller, hold, HoldEnd::Void, (key, render)).await
}

async fn end_hold(
    ctx: &Context,
    caller: &TillCaller,
    hold: HoldId,
    end: HoldEnd,
    idempotency: (IdempotencyKey, Render<HeldPoints>),
) -> Result<Answered, HoldError> {
    caller.require(Scope::LoyaltyWrite)?;
    let item = EndHoldItem {
        businesses: caller.businesses(),
        cashier_member: caller.person(),
        hold,
        end,
        idempotency: Some(idempotency),
    };
    carry_out(ctx, item.into()).await
}

async fn carry_out(ctx: &Context, order: Order) -> Result<Answered, HoldError> {
    let outcome = ctx.engine().submit_one(ctx, Lane::Till, order).await??;
    Ok(outcome.answered().ok_or(EngineError::Panicked)?)
}
