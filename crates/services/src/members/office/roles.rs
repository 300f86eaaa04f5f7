//! An admin gives and takes operator roles. Nobody changes the own ones, and one admin who can sign in always stays.

use domain::audit::{Action, ObjectKind};
use domain::ids::MemberId;
use domain::people::MemberStatus;
use domain::rights::OperatorRole;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;

use crate::audit_log::{self, Entry};
use crate::auth::session_state::known;
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::transaction;

/// What is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeRole {
    /// Whose role.
    pub member: MemberId,
    /// Which.
    pub role: OperatorRole,
    /// Whether it is given; else taken.
    pub give: bool,
}

/// Why no role was given or taken. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeRoleError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such member, or none who can act.
    #[error("there is no such member")]
    UnknownMember,
    /// Nobody changes the own roles.
    #[error("nobody changes the own roles")]
    OwnRole,
    /// Without an admin nobody could make one.
    #[error("the last admin must stay")]
    LastAdmin,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives or takes a role and says which ones the person has now. It holds at once in this process and within five
/// seconds in others.
///
/// # Errors
/// [`ChangeRoleError`].
pub async fn change_role(
    ctx: &Context,
    caller: &OperatorCaller,
    change: ChangeRole,
) -> Result<Vec<OperatorRole>, ChangeRoleError> {
    caller.require(OperatorRole::Admin)?;
    if change.member == caller.member {
        return Err(ChangeRoleError::OwnRole);
    }
    let input = (ctx.clone(), caller.member, change);
    let roles = transaction::run(ctx, input, |conn, (ctx, by, change)| {
        Box::pin(apply(conn, ctx, *by, *change))
    })
    .await?;
    ctx.caches().forget_member(change.member);
    Ok(roles)
}

async fn apply(
    conn: &mut PgConnection,
    ctx: &Context,
    by: MemberId,
    change: ChangeRole,
) -> Result<Vec<OperatorRole>, ChangeRoleError> {
    let status = store::members::lock_status(conn, change.member).await?;
    let status = known::<MemberStatus>(&status.ok_or(ChangeRoleError::UnknownMember)?)?;
    // Two admins who take each other's role at the same moment come here one after the other.
    let admins = store::operators::lock_admins(conn).await?;
    if !admins.contains(&by) {
        return Err(AccessError::Forbidden.into());
    }
    if change.give {
        if status == MemberStatus::Erased {
            return Err(ChangeRoleError::UnknownMember);
        }
        let now = ctx.clock().now();
        store::operators::insert(conn, change.member, change.role, now).await?;
    } else {
        let is_last = admins == [change.member];
        if change.role == OperatorRole::Admin && is_last {
            return Err(ChangeRoleError::LastAdmin);
        }
        store::operators::delete(conn, change.member, change.role).await?;
    }
    let action = if change.give {
        Action::OperatorGrant
    } else {
        Action::OperatorRevoke
    };
    let entry = Entry::of(action, ObjectKind::Member).id(change.member);
    audit_log::record(conn, ctx, entry.after(json!({ "role": change.role }))).await?;
    let roles = store::operators::roles(conn, change.member).await?;
    Ok(roles
        .iter()
        .map(|role| known(role))
        .collect::<Result<_, _>>()?)
}
