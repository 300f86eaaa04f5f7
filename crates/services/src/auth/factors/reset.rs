//! An admin lets somebody in again who lost everything: all factors go, all sign-ins end, and the person enrols anew with a
//! one-time code that the admin hands over, and with nothing else. Wrong codes and passwords of the past are forgiven.

use chrono::{DateTime, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::{MemberId, SessionId};
use domain::people::MemberStatus;
use domain::rights::OperatorRole;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;
use store::one_time_codes::PhoneRow;

use super::recovery::{RecoveryCode, hand_out};
use super::{Change, tell};
use crate::audit_log::{self, Entry};
use crate::auth::session_state::known;
use crate::auth::tries::{PASSWORD, TOTP};
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::members::open_phone;
use crate::transaction;

/// Why nobody's factors were reset. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum ResetFactorsError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such member.
    #[error("there is no such member")]
    Unknown,
    /// It takes a second person.
    #[error("nobody resets the own factors")]
    Oneself,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the admin hands over, on another way than by phone.
#[derive(Debug)]
pub struct HandedOut {
    /// The code; it is shown once.
    pub code: RecoveryCode,
    /// Until when it is good.
    pub until: DateTime<Utc>,
}

/// Resets the factors of a member.
///
/// # Errors
/// See [`ResetFactorsError`].
pub async fn reset_factors(
    ctx: &Context,
    caller: &OperatorCaller,
    member: MemberId,
) -> Result<HandedOut, ResetFactorsError> {
    caller.require(OperatorRole::Admin)?;
    if member == caller.member {
        return Err(ResetFactorsError::Oneself);
    }
    let code = RecoveryCode::new();
    let input = (ctx.clone(), code.clone());
    let (until, ended) = transaction::run(ctx, input, move |conn, (ctx, code)| {
        Box::pin(reset(conn, ctx, member, code))
    })
    .await?;
    for session in &ended {
        ctx.caches().sessions.forget(session);
    }
    Ok(HandedOut { code, until })
}

async fn reset(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    code: &RecoveryCode,
) -> Result<(DateTime<Utc>, Vec<SessionId>), ResetFactorsError> {
    let status = store::members::lock_status(conn, member).await?;
    let status = known::<MemberStatus>(&status.ok_or(ResetFactorsError::Unknown)?)?;
    if status == MemberStatus::Erased {
        return Err(ResetFactorsError::Unknown);
    }
    store::factors::remove_all(conn, member).await?;
    let until = hand_out(conn, ctx, member, code).await?;
    let now = ctx.clock().now();
    let ended = store::sessions::end_all(conn, member, None, "ended", now).await?;
    let entry = Entry::of(Action::SessionEndAll, ObjectKind::Member).id(member);
    let entry = entry.after(json!({ "ended": ended.len() }));
    audit_log::record(conn, ctx, entry).await?;
    unlock(conn, ctx, member).await?;
    tell(conn, ctx, member, Change::Reset).await?;
    Ok((until, ended))
}

/// Forgives the wrong codes and passwords of the member's phone.
async fn unlock(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
) -> Result<(), StoreError> {
    TOTP.forgive(conn, member.as_uuid().as_bytes()).await?;
    let row = store::members::get(conn, member).await?;
    let sealed = row.as_ref().and_then(|row| row.phone_sealed.as_deref());
    let Some(phone) = open_phone(ctx, member, sealed)? else {
        return Ok(());
    };
    let hash = ctx.vault().phone_hash(&phone);
    PASSWORD.forgive(conn, &hash).await?;
    let now = ctx.clock().now();
    let known = store::one_time_codes::lock_phone(conn, &hash).await?;
    if known.is_some_and(|phone| phone.failures > 0) {
        let row = PhoneRow::BLAMELESS;
        store::one_time_codes::update_phone(conn, &hash, row, now).await?;
        let entry = Entry::of(Action::SignInUnlock, ObjectKind::Member).id(member);
        audit_log::record(conn, ctx, entry).await?;
    }
    Ok(())
}
