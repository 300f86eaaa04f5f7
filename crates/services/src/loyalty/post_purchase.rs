//! Posts one purchase of a till.

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, LocationId};
use domain::loyalty::basket::BasketInput;
use domain::loyalty::purchase::Spend;
use domain::rights::Scope;
use store::error::StoreError;

use super::engine::{self, EngineError, Lane};
use super::posting::{Order, PostItem, PostRefusal, PurchaseRow};
use crate::caller::{AccessError, TillCaller};
use crate::context::Context;
use crate::fraud::{Watch, WatchError};
use crate::idempotency::{Answered, IdempotencyKey, Render};
use crate::members::MemberReference;

/// A purchase as a till sends it.
#[derive(Clone, Debug)]
pub struct PurchaseRequest {
    /// The business, where the caller belongs to several.
    pub business: Option<BusinessId>,
    /// The outlet.
    pub location: Option<LocationId>,
    /// The cashier as the till names him.
    pub cashier: Option<String>,
    /// Unique for ever within the business.
    pub receipt_number: String,
    /// Who bought.
    pub member: MemberReference,
    /// What was bought.
    pub basket: BasketInput,
    /// The points that are to pay.
    pub spend: Spend,
    /// When it was made; none: now.
    pub occurred_at: Option<DateTime<Utc>>,
}

/// Why a purchase was not posted. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum PostPurchaseError {
    /// The caller may not do this.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The purchase was refused.
    #[error(transparent)]
    Refused(#[from] PostRefusal),
    /// The engine did not carry it out.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<WatchError> for PostPurchaseError {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Refused(refusal) => Self::Refused(refusal),
            WatchError::Store(error) => Self::Store(error),
        }
    }
}

impl PurchaseRequest {
    /// The purchase as the posting path takes it, within what the caller may do.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn into_item(
        self,
        caller: &TillCaller,
        idempotency: Option<(IdempotencyKey, Render<PurchaseRow>)>,
    ) -> Result<PostItem, AccessError> {
        let business = caller.business(self.business)?;
        let location = caller.location(business, self.location)?;
        Ok(PostItem {
            business,
            location,
            cashier: self.cashier,
            cashier_member: caller.person(),
            receipt_number: self.receipt_number,
            member: self.member,
            basket: self.basket,
            spend: self.spend,
            occurred_at: self.occurred_at,
            import: None,
            idempotency,
        })
    }
}

/// Posts a purchase: redemption, earning, tier and all that follows, or nothing.
///
/// # Errors
/// [`PostPurchaseError`] says why nothing was posted.
pub async fn post_purchase(
    ctx: &Context,
    caller: &TillCaller,
    request: PurchaseRequest,
    key: IdempotencyKey,
    render: Render<PurchaseRow>,
) -> Result<Answered, PostPurchaseError> {
    caller.require(Scope::TransactionsWrite)?;
    let item = request.into_item(caller, Some((key, render)))?;
    let watch = Watch::of(caller, &item);
    watch.before(ctx).await?;
    let outcome = ctx
        .engine()
        .submit_one(ctx, Lane::Till, item.into())
        .await?;
    watch.after(ctx, &outcome).await?;
    let outcome = outcome?;
    Ok(outcome
        .answered()
        .ok_or(StoreError(sqlx::Error::RowNotFound))?)
}

/// What became of orders, in their order.
pub type Outcomes = Vec<engine::Outcome>;

/// Posts items one after the other, behind those of tills.
///
/// # Errors
/// [`EngineError`]: some may have been posted.
pub async fn post_items(ctx: &Context, items: Vec<PostItem>) -> Result<Outcomes, EngineError> {
    let engine = ctx.engine();
    let orders = items.into_iter().map(Order::from).collect();
    engine.submit_in_order(ctx, Lane::Bulk, orders).await
}
