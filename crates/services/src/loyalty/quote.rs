//! Tells what a purchase would earn, cost and allow; changes nothing.

use domain::rights::Scope;

use super::ladder;
use super::post_purchase::{PostPurchaseError, PurchaseRequest};
use super::posting::{self, Posted};
use crate::caller::TillCaller;
use crate::context::Context;

/// What the purchase would do.
///
/// # Errors
/// [`PostPurchaseError`] says why it would be refused.
pub async fn quote(
    ctx: &Context,
    caller: &TillCaller,
    request: PurchaseRequest,
) -> Result<Posted, PostPurchaseError> {
    caller.require(Scope::LoyaltyRead)?;
    let item = request.into_item(caller, None)?;
    let frame = ladder::frame(ctx).await?;
    let mut conn = ctx.connection().await?;
    Ok(posting::quote(&mut conn, ctx, &frame, &item).await??)
}
