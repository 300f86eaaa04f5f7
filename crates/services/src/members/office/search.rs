//! Finding members: by phone, number or identifier exactly, or page by page. Names are sealed and can't be searched.

use chrono::{DateTime, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::MemberId;
use domain::people::MemberStatus;
use domain::rights::OperatorRole;
use store::error::StoreError;
use store::member_lists::{self, ListedMember};
use uuid::Uuid;

use crate::audit_log::{self, Entry};
use crate::auth::session_state::known;
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::members::{MemberReference, OnUnknown, open, open_phone, resolve_members};
use crate::transaction;
use crate::vault::SealedField;

/// A member in a list, as an operator sees him there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundMember {
    /// The member.
    pub member: MemberId,
    /// Twelve digits.
    pub number: String,
    /// How the member stands to the programme.
    pub status: MemberStatus,
    /// The name, if given.
    pub name: Option<String>,
    /// The phone, its middle hidden.
    pub phone_masked: Option<String>,
    /// When the person joined.
    pub joined_at: Option<DateTime<Utc>>,
    /// Since when the member is known.
    pub known_since: DateTime<Utc>,
}

/// Why nobody is shown.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such member.
    #[error("there is no such member")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A page of members, newest first, before the one named: all, or those who are blocked.
///
/// # Errors
/// [`FindError`].
pub async fn page(
    ctx: &Context,
    caller: &OperatorCaller,
    only_blocked: bool,
    before: Option<MemberId>,
    limit: u16,
) -> Result<Vec<FoundMember>, FindError> {
    caller.require(OperatorRole::Support)?;
    let (mut conn, limit) = (ctx.connection().await?, i64::from(limit));
    let rows = if only_blocked {
        member_lists::page_of_blocked(&mut conn, before, limit).await?
    } else {
        member_lists::page(&mut conn, before, limit).await?
    };
    rows.into_iter().map(|row| seen(ctx, row)).collect()
}

/// The member of a phone, a card number or an identifier; none if there is nobody.
///
/// # Errors
/// [`FindError`].
pub async fn find(
    ctx: &Context,
    caller: &OperatorCaller,
    reference: MemberReference,
) -> Result<Option<FoundMember>, FindError> {
    caller.require(OperatorRole::Support)?;
    let mut conn = ctx.connection().await?;
    // No business is asked, so that nobody's customer numbers are meant.
    let nobody = Uuid::nil().into();
    let found = resolve_members(&mut conn, ctx, nobody, &[reference], OnUnknown::Refuse).await?;
    let Some(Ok(found)) = found.into_iter().next() else {
        return Ok(None);
    };
    let entry = Entry::of(Action::MemberSearch, ObjectKind::Member).id(found.member);
    note(ctx, entry).await?;
    let rows = member_lists::of_ids(&mut conn, &[found.member.as_uuid()]).await?;
    rows.into_iter()
        .next()
        .map(|row| seen(ctx, row))
        .transpose()
}

/// Notes in the audit log that an operator looked at somebody.
pub(super) async fn note(ctx: &Context, entry: Entry) -> Result<(), StoreError> {
    transaction::run(ctx, (ctx.clone(), entry), |conn, (ctx, entry)| {
        Box::pin(audit_log::record(conn, ctx, entry.clone()))
    })
    .await
}

fn seen(ctx: &Context, row: ListedMember) -> Result<FoundMember, FindError> {
    let member = row.id.into();
    let name = row.name_sealed.as_deref();
    let phone = open_phone(ctx, member, row.phone_sealed.as_deref())?;
    Ok(FoundMember {
        member,
        number: row.number,
        status: known(&row.status)?,
        name: open(ctx, member, SealedField::MemberName, name)?,
        phone_masked: phone.map(|phone| phone.masked()),
        joined_at: row.joined_at,
        known_since: row.created_at,
    })
}
