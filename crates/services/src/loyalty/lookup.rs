//! A till finds a member and sees what the next purchase needs: the tier and the points that can be spent.

use domain::loyalty::tier::Tier;
use domain::money::Points;
use store::error::StoreError;

use super::balance::{ReadWalletError, wallet_now};
use super::ladder;
use crate::caller::TillCaller;
use crate::context::Context;
use crate::members::{self, LookedUpMember, LookupError, LookupMember};

/// A member as a till sees him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberAtTill {
    /// Who it is, as far as a till may know.
    pub member: LookedUpMember,
    /// The tier.
    pub tier: Tier,
    /// Points that can be spent.
    pub available: Points,
}

/// Why no member is shown.
#[derive(Debug, thiserror::Error)]
pub enum MemberAtTillError {
    /// The caller may not, or there is no such member.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The points can't be told.
    #[error(transparent)]
    Wallet(#[from] ReadWalletError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Finds one member for a business. A code that was looked up is not used up by that.
///
/// # Errors
/// [`MemberAtTillError`].
pub async fn lookup(
    ctx: &Context,
    caller: &TillCaller,
    input: LookupMember,
) -> Result<MemberAtTill, MemberAtTillError> {
    let member = members::lookup(ctx, caller, input).await?;
    let ladder = ladder::current(ctx).await?;
    let mut conn = ctx.connection().await?;
    let row = wallet_now(&mut conn, ctx, member.member, ctx.clock().now()).await?;
    Ok(MemberAtTill {
        tier: ladder
            .get(&row.tier)
            .unwrap_or_else(|| ladder.lowest())
            .clone(),
        available: row.wallet.available,
        member,
    })
}
