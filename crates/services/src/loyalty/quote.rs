//! Tells what a purchase would earn, cost and allow; changes nothing.

use std::collections::BTreeSet;

use domain::rights::Scope;

use super::post_purchase::{PostPurchaseError, PurchaseRequest};
use super::posting::{self, Posted, Stage};
use crate::caller::TillCaller;
use crate::context::Context;
use crate::fraud::Watch;

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
    let stage = Stage::set(ctx, &BTreeSet::from([item.business])).await?;
    let quoted = posting::quote(ctx, &stage, &item).await?;
    let limits = &stage.frame.programme.settings.limits;
    Watch::of(caller, &item).foresee(ctx, limits, quoted.hour_points)?;
    Ok(quoted.outcome?)
}
