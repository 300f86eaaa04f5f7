//! Who works at a business: listing, giving and taking roles. A change holds at once in this process and within
//! seconds in others.

use chrono::{DateTime, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::{BusinessId, LocationId, MemberId};
use domain::phone::Phone;
use domain::rights::StaffRole;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;
use uuid::Uuid;

use crate::audit_log::{self, Entry};
use crate::auth::session_state::known;
use crate::caller::{AccessError, StaffCaller};
use crate::context::Context;
use crate::members::{find_or_create_by_phone, open, open_phone};
use crate::transaction;
use crate::vault::SealedField;

/// A person who works at a business, as the business sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffMember {
    /// The person.
    pub member: MemberId,
    /// As what.
    pub role: StaffRole,
    /// Only at this location, if given.
    pub location: Option<LocationId>,
    /// The name, if the person gave one.
    pub name: Option<String>,
    /// The phone, its middle hidden.
    pub phone_masked: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// The role to be given.
#[derive(Clone, Debug)]
pub struct GiveRole {
    /// The person's phone; somebody who is not a member yet waits for the first sign-in.
    pub phone: Phone,
    /// As what.
    pub role: StaffRole,
    /// Only at this location, if given.
    pub location: Option<LocationId>,
}

/// Why nothing was shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// The caller may not, or there is no such business for the caller.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The person does not work here.
    #[error("the person does not work here")]
    UnknownPerson,
    /// The business has no such location.
    #[error("there is no such location")]
    UnknownLocation,
    /// A business without an owner could not be run.
    #[error("the last owner must stay")]
    LastOwner,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who works at a business; a manager may see it.
///
/// # Errors
/// See [`StaffError`].
pub async fn list_staff(
    ctx: &Context,
    caller: &StaffCaller,
    business: BusinessId,
) -> Result<Vec<StaffMember>, StaffError> {
    caller.require_or_admin(business, StaffRole::Manager)?;
    let mut conn = ctx.of(business).connection().await?;
    if store::businesses::get(&mut conn, business).await?.is_none() {
        return Err(AccessError::Unknown.into());
    }
    let rows = store::staff::list(&mut conn, business).await?;
    rows.into_iter()
        .map(|row| {
            let member = row.member_id.into();
            let phone = open_phone(ctx, member, row.phone_sealed.as_deref())?;
            Ok(StaffMember {
                member,
                role: known(&row.role)?,
                location: row.location_id.map(Into::into),
                name: open(
                    ctx,
                    member,
                    SealedField::MemberName,
                    row.name_sealed.as_deref(),
                )?,
                phone_masked: phone.map(|phone| phone.masked()),
                since: row.created_at,
            })
        })
        .collect()
}

/// Gives a role in place of the one that the person has here; the owner may.
///
/// # Errors
/// See [`StaffError`].
pub async fn give_role(
    ctx: &Context,
    caller: &StaffCaller,
    business: BusinessId,
    input: GiveRole,
) -> Result<MemberId, StaffError> {
    caller.require_or_admin(business, StaffRole::Owner)?;
    give_role_as_system(ctx, business, input).await
}

/// Gives a role without a caller: for the command line, the demonstration data and tests.
///
/// # Errors
/// See [`StaffError`].
pub async fn give_role_as_system(
    ctx: &Context,
    business: BusinessId,
    input: GiveRole,
) -> Result<MemberId, StaffError> {
    let ctx = &ctx.of(business);
    let member = transaction::run(ctx, (ctx.clone(), input), move |conn, (ctx, input)| {
        Box::pin(give(conn, ctx, business, input))
    })
    .await?;
    ctx.caches().forget_member(member);
    Ok(member)
}

async fn give(
    conn: &mut PgConnection,
    ctx: &Context,
    business: BusinessId,
    input: &GiveRole,
) -> Result<MemberId, StaffError> {
    // The business's row is locked, so that two owners can't remove each other at the same time.
    store::businesses::lock(conn, business)
        .await?
        .ok_or(AccessError::Unknown)?;
    if let Some(location) = input.location
        && !store::locations::exists(conn, business, location).await?
    {
        return Err(StaffError::UnknownLocation);
    }
    let member = find_or_create_by_phone(conn, ctx, &input.phone)
        .await?
        .member;
    if input.role != StaffRole::Owner {
        refuse_last_owner(conn, business, member).await?;
    }
    let before = store::staff::role_of(conn, business, member).await?;
    let (role, location) = (input.role, input.location);
    store::staff::put(conn, business, member, role, location, ctx.clock().now()).await?;
    let given = Some((role.as_str(), location.map(LocationId::as_uuid)));
    let before = before
        .as_ref()
        .map(|row| (row.role.as_str(), row.location_id));
    record_role(conn, ctx, business, member, before, given).await?;
    Ok(member)
}

/// Takes a person's role at a business; the owner may.
///
/// # Errors
/// See [`StaffError`].
pub async fn take_role(
    ctx: &Context,
    caller: &StaffCaller,
    business: BusinessId,
    member: MemberId,
) -> Result<(), StaffError> {
    caller.require_or_admin(business, StaffRole::Owner)?;
    let ctx = &ctx.of(business);
    transaction::run(ctx, ctx.clone(), move |conn, ctx| {
        Box::pin(async move {
            store::businesses::lock(conn, business)
                .await?
                .ok_or(AccessError::Unknown)?;
            refuse_last_owner(conn, business, member).await?;
            let before = store::staff::role_of(conn, business, member).await?;
            let before = before.ok_or(StaffError::UnknownPerson)?;
            store::staff::delete(conn, business, member).await?;
            let before = Some((before.role.as_str(), before.location_id));
            Ok::<_, StaffError>(record_role(conn, ctx, business, member, before, None).await?)
        })
    })
    .await?;
    ctx.caches().forget_member(member);
    Ok(())
}

/// Writes down that somebody's role and location at a business changed.
pub(super) async fn record_role(
    conn: &mut PgConnection,
    ctx: &Context,
    business: BusinessId,
    member: MemberId,
    before: Option<(&str, Option<Uuid>)>,
    after: Option<(&str, Option<Uuid>)>,
) -> Result<(), StoreError> {
    let action = match after {
        Some(_) => Action::StaffGive,
        None => Action::StaffTake,
    };
    let mut entry = Entry::of(action, ObjectKind::Member)
        .id(member)
        .business(business);
    let shown =
        |(role, location): (&str, Option<Uuid>)| json!({ "role": role, "location_id": location });
    if let Some(before) = before {
        entry = entry.before(shown(before));
    }
    if let Some(after) = after {
        entry = entry.after(shown(after));
    }
    audit_log::record(conn, ctx, entry).await
}

async fn refuse_last_owner(
    conn: &mut PgConnection,
    business: BusinessId,
    member: MemberId,
) -> Result<(), StaffError> {
    let owners = store::staff::owners(conn, business).await?;
    if owners == [member.as_uuid()] {
        return Err(StaffError::LastOwner);
    }
    Ok(())
}
