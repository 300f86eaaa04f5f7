//! Gives an operator role to the person of a phone: from the command line, where the first admin comes from.

use domain::audit::{Action, ObjectKind};
use domain::ids::MemberId;
use domain::phone::Phone;
use domain::rights::OperatorRole;
use serde_json::json;
use store::error::StoreError;

use super::join::find_or_create_by_phone;
use crate::audit_log::{self, Entry};
use crate::context::Context;
use crate::transaction;

/// Why no role was given.
#[derive(Debug, thiserror::Error)]
pub enum GrantOperatorError {
    /// A code could never be sent to this phone, so its person could never sign in.
    #[error(
        "codes are not sent to this phone: a mobile number of a country that is served is needed"
    )]
    PhoneNotServed,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives the role; a person who is not a member yet is made and waits for the first sign-in.
///
/// # Errors
/// See [`GrantOperatorError`].
pub async fn grant_operator(
    ctx: &Context,
    phone: &Phone,
    role: OperatorRole,
) -> Result<MemberId, GrantOperatorError> {
    let served = phone
        .region()
        .is_some_and(|region| ctx.config().sms_regions.contains(&region));
    if !phone.is_mobile() || !served {
        return Err(GrantOperatorError::PhoneNotServed);
    }
    let member = transaction::run(
        ctx,
        (ctx.clone(), phone.clone(), role),
        |conn, (ctx, phone, role)| {
            Box::pin(async move {
                let member = find_or_create_by_phone(conn, ctx, phone).await?.member;
                store::operators::insert(conn, member, *role, ctx.clock().now()).await?;
                let entry = Entry::of(Action::OperatorGrant, ObjectKind::Member).id(member);
                audit_log::record(conn, ctx, entry.after(json!({ "role": role }))).await?;
                Ok::<_, StoreError>(member)
            })
        },
    )
    .await?;
    ctx.caches().forget_member(member);
    Ok(member)
}
