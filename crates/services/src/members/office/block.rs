//! An operator blocks a member, or lets him in again. A blocked member's sign-ins end at once in this process and within
//! five seconds in others; from then on nothing is earned and nothing spent.

use domain::audit::{Action, ObjectKind};
use domain::ids::MemberId;
use domain::people::MemberStatus;
use domain::rights::OperatorRole;
use domain::text::Text;
use sqlx::PgConnection;
use store::error::StoreError;

use crate::audit_log::{self, Entry};
use crate::auth::session_state::known;
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::transaction;

/// Why nobody was blocked or let in. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such member.
    #[error("there is no such member")]
    Unknown,
    /// Nobody blocks himself or lets himself in.
    #[error("nobody blocks himself")]
    Oneself,
    /// The member is blocked already, or is not.
    #[error("the member stands so already")]
    AlreadySo,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whom, by whom and why.
#[derive(Clone, Debug)]
struct Change {
    member: MemberId,
    by: MemberId,
    is_admin: bool,
    reason: Text<500>,
    block: bool,
}

/// Blocks a member and ends his sign-ins. An operator is blocked by an admin alone.
///
/// # Errors
/// [`BlockError`].
pub async fn block(
    ctx: &Context,
    caller: &OperatorCaller,
    member: MemberId,
    reason: Text<500>,
) -> Result<(), BlockError> {
    change(ctx, caller, member, reason, true).await
}

/// Lets a blocked member in again; he signs in anew.
///
/// # Errors
/// [`BlockError`].
pub async fn unblock(
    ctx: &Context,
    caller: &OperatorCaller,
    member: MemberId,
    reason: Text<500>,
) -> Result<(), BlockError> {
    change(ctx, caller, member, reason, false).await
}

async fn change(
    ctx: &Context,
    caller: &OperatorCaller,
    member: MemberId,
    reason: Text<500>,
    block: bool,
) -> Result<(), BlockError> {
    caller.require(OperatorRole::Support)?;
    if member == caller.member {
        return Err(BlockError::Oneself);
    }
    let change = Change {
        member,
        by: caller.member,
        is_admin: caller.require(OperatorRole::Admin).is_ok(),
        reason,
        block,
    };
    transaction::run(ctx, (ctx.clone(), change), |conn, (ctx, change)| {
        Box::pin(apply(conn, ctx, change))
    })
    .await?;
    ctx.caches().forget_member(member);
    Ok(())
}

async fn apply(conn: &mut PgConnection, ctx: &Context, change: &Change) -> Result<(), BlockError> {
    let (member, now) = (change.member, ctx.clock().now());
    store::wallets::renew(conn, member).await?;
    let status = store::members::lock_status(conn, member).await?;
    let status = known::<MemberStatus>(&status.ok_or(BlockError::Unknown)?)?;
    match (status, change.block) {
        (MemberStatus::Erased, _) => return Err(BlockError::Unknown),
        (MemberStatus::Blocked, true) | (MemberStatus::Active | MemberStatus::Waiting, false) => {
            return Err(BlockError::AlreadySo);
        }
        (MemberStatus::Active | MemberStatus::Waiting, true) | (MemberStatus::Blocked, false) => {}
    }
    if !change.is_admin && !store::operators::roles(conn, member).await?.is_empty() {
        return Err(AccessError::Forbidden.into());
    }
    store::members::set_blocked(conn, member, change.block).await?;
    let reason = change.reason.as_str();
    if change.block {
        let id = ctx.ids().uuid();
        store::member_blocks::insert(conn, id, member, reason, change.by, now).await?;
        store::sessions::end_all(conn, member, None, "blocked", now).await?;
    } else {
        store::member_blocks::lift(conn, member, reason, change.by, now).await?;
    }
    let action = if change.block {
        Action::MemberBlock
    } else {
        Action::MemberUnblock
    };
    audit_log::record(conn, ctx, Entry::of(action, ObjectKind::Member).id(member)).await?;
    Ok(())
}
