//! Refunds a purchase in whole or in part, or voids it on its day.

use domain::ids::PurchaseId;
use domain::loyalty::refund::RefundRequest;
use domain::rights::Scope;

use super::engine::{EngineError, Lane};
pub use super::posting::Refunded;
use super::posting::{PostRefusal, RefundItem};
use crate::caller::{AccessError, TillCaller};
use crate::context::Context;
use crate::idempotency::{Answered, IdempotencyKey, Render};

/// A refund as a till sends it.
#[derive(Clone, Debug)]
pub struct RefundOrder {
    /// The purchase.
    pub purchase: PurchaseId,
    /// The refund's own receipt, if the till prints one.
    pub receipt_number: Option<String>,
    /// What is refunded.
    pub request: RefundRequest,
    /// Whether the purchase is undone on its day.
    pub is_void: bool,
    /// Why, in the cashier's words.
    pub reason: String,
}

/// Why nothing was refunded. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum RefundPurchaseError {
    /// The caller may not do this.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The refund was refused.
    #[error(transparent)]
    Refused(#[from] PostRefusal),
    /// The engine did not carry it out.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl RefundOrder {
    /// The refund as the posting path takes it, within what the caller may do.
    #[must_use]
    pub fn into_item(
        self,
        caller: &TillCaller,
        idempotency: Option<(IdempotencyKey, Render<Refunded>)>,
    ) -> RefundItem {
        RefundItem {
            businesses: caller.businesses(),
            cashier_member: caller.person(),
            purchase: self.purchase,
            receipt_number: self.receipt_number,
            request: self.request,
            is_void: self.is_void,
            reason: self.reason,
            idempotency,
        }
    }
}

/// Refunds a purchase.
///
/// # Errors
/// [`RefundPurchaseError`] says why nothing was refunded.
pub async fn refund_purchase(
    ctx: &Context,
    caller: &TillCaller,
    order: RefundOrder,
    key: IdempotencyKey,
    render: Render<Refunded>,
) -> Result<Answered, RefundPurchaseError> {
    caller.require(Scope::TransactionsWrite)?;
    let item = order.into_item(caller, Some((key, render)));
    let outcome = ctx
        .engine()
        .submit_one(ctx, Lane::Till, item.into())
        .await??;
    Ok(outcome.answered().ok_or(EngineError::Panicked)?)
}
