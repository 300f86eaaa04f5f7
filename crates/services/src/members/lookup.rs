//! A till finds a member, and learns no more of him than it needs: the first name, the phone masked.

use domain::ids::{BusinessId, MemberId};
use domain::people::MemberStatus;
use domain::rights::Scope;
use store::error::StoreError;

use super::resolve::{MemberReference, OnUnknown, Proof, Unresolved, resolve_members};
use super::{open, open_phone};
use crate::caller::{AccessError, TillCaller};
use crate::context::Context;
use crate::vault::SealedField;

/// Whom the till asks for.
#[derive(Clone, Debug)]
pub struct LookupMember {
    /// The business that asks, where the caller works at several.
    pub business: Option<BusinessId>,
    /// What the till knows of the member.
    pub reference: MemberReference,
}

/// A member as a till sees him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedUpMember {
    /// The member.
    pub member: MemberId,
    /// How the member stands to the programme.
    pub status: MemberStatus,
    /// The first name, if the member gave a name.
    pub first_name: Option<String>,
    /// The phone, its middle hidden.
    pub phone_masked: Option<String>,
    /// How sure it is that the member stands at the till.
    pub proof: Proof,
}

/// Why no member is shown.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such member, or the code is not valid.
    #[error(transparent)]
    NotFound(#[from] Unresolved),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Finds one member. A code that was looked up is not used up by that.
///
/// # Errors
/// See [`LookupError`].
pub async fn lookup(
    ctx: &Context,
    caller: &TillCaller,
    input: LookupMember,
) -> Result<LookedUpMember, LookupError> {
    caller.require(Scope::LoyaltyRead)?;
    let business = caller.business(input.business)?;
    let mut conn = ctx.of(business).connection().await?;
    let found = resolve_members(
        &mut conn,
        ctx,
        business,
        &[input.reference],
        OnUnknown::Refuse,
    )
    .await?;
    let found = found
        .into_iter()
        .next()
        .unwrap_or(Err(Unresolved::Unknown))?;
    let row = store::members::get(&mut conn, found.member)
        .await?
        .ok_or(Unresolved::Unknown)?;
    let name = open(
        ctx,
        found.member,
        SealedField::MemberName,
        row.name_sealed.as_deref(),
    )?;
    let phone = open_phone(ctx, found.member, row.phone_sealed.as_deref())?;
    Ok(LookedUpMember {
        member: found.member,
        status: found.status,
        first_name: name.and_then(|name| name.split_whitespace().next().map(str::to_owned)),
        phone_masked: phone.map(|phone| phone.masked()),
        proof: found.proof,
    })
}
