//! The member of a phone: found, made, joined.

use domain::ids::MemberId;
use domain::people::MemberStatus;
use domain::phone::Phone;
use sqlx::PgConnection;
use store::error::StoreError;
use uuid::Uuid;

use super::resolve::{MemberReference, OnUnknown, ResolvedMember, resolve_members};
use crate::context::Context;

/// The member of this phone; one who waits is made if there is none. In the caller's transaction.
///
/// # Errors
/// If the database fails.
pub async fn find_or_create_by_phone(
    conn: &mut PgConnection,
    ctx: &Context,
    phone: &Phone,
) -> Result<ResolvedMember, StoreError> {
    let reference = [MemberReference::Phone(phone.clone())];
    // A phone is nobody's customer number, so no business is asked.
    let nobody = Uuid::nil().into();
    let found = resolve_members(conn, ctx, nobody, &reference, OnUnknown::CreateWaiting).await?;
    match found.into_iter().next() {
        Some(Ok(member)) => Ok(member),
        _ => Err(StoreError(sqlx::Error::RowNotFound)),
    }
}

/// The member of this phone, if there is one.
///
/// # Errors
/// If the database fails.
pub async fn member_of_phone(ctx: &Context, phone: &Phone) -> Result<Option<MemberId>, StoreError> {
    let hashes = [ctx.vault().member_phone_hash(phone)];
    let found = store::members::find_by_phones(&mut *ctx.connection().await?, &hashes).await?;
    Ok(found.first().map(|found| found.id.into()))
}

/// The member of this phone, who has now joined and keeps what waited for him; with the status, and whether he joined only
/// now.
pub(crate) async fn join_by_phone(
    conn: &mut PgConnection,
    ctx: &Context,
    phone: &Phone,
) -> Result<(MemberId, String, bool), StoreError> {
    let found = find_or_create_by_phone(conn, ctx, phone).await?;
    if found.status != MemberStatus::Waiting {
        return Ok((found.member, found.status.as_str().to_owned(), false));
    }
    let status = store::members::join(conn, found.member, ctx.clock().now())
        .await?
        .ok_or(StoreError(sqlx::Error::RowNotFound))?;
    Ok((found.member, status, true))
}
