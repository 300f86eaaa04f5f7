//! Adjustments as operators look through them.

use domain::ids::{AdjustmentId, MemberId};
use domain::rights::OperatorRole;

use super::{AdjustmentError, AdjustmentRow};
use crate::caller::OperatorCaller;
use crate::context::Context;

/// Which adjustments to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdjustmentFilter {
    /// All.
    All,
    /// Those that wait for a second person.
    Waiting,
    /// Those of one member.
    Of(MemberId),
}

/// A page of adjustments, newest first, before the one named.
///
/// # Errors
/// [`AdjustmentError`].
pub async fn list(
    ctx: &Context,
    caller: &OperatorCaller,
    filter: AdjustmentFilter,
    before: Option<AdjustmentId>,
    limit: u16,
) -> Result<Vec<AdjustmentRow>, AdjustmentError> {
    caller.require(OperatorRole::Support)?;
    let (mut conn, limit) = (ctx.connection().await?, i64::from(limit));
    let rows = match filter {
        AdjustmentFilter::All => store::adjustments::page(&mut conn, None, before, limit).await,
        AdjustmentFilter::Waiting => {
            store::adjustments::page_of_waiting(&mut conn, before, limit).await
        }
        AdjustmentFilter::Of(member) => {
            store::adjustments::page(&mut conn, Some(member), before, limit).await
        }
    };
    Ok(rows?)
}

/// One adjustment.
///
/// # Errors
/// [`AdjustmentError`].
pub async fn get(
    ctx: &Context,
    caller: &OperatorCaller,
    id: AdjustmentId,
) -> Result<AdjustmentRow, AdjustmentError> {
    caller.require(OperatorRole::Support)?;
    let row = store::adjustments::get(&mut *ctx.connection().await?, id).await?;
    row.ok_or(AdjustmentError::Unknown)
}
