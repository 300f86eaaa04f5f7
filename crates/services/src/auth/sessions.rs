//! A person's sign-ins: listing them, ending one, all others, this one. An operator may end those of any member. An ended sign-in stops its access tokens at once
//! in this process and within seconds in others.

use chrono::{DateTime, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::{MemberId, SessionId};
use domain::rights::OperatorRole;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;

use super::methods::PASSKEY;
use super::tokens::SessionLife;
use crate::audit_log::{self, Entry};
use crate::caller::{AccessError, MemberCaller, OperatorCaller};
use crate::context::Context;
use crate::transaction;

/// A sign-in as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Identifier.
    pub id: SessionId,
    /// What the person called the device.
    pub device: String,
    /// A coarse place: the network that it was last renewed from, cut short.
    pub place: String,
    /// The program and its system, as far as they are known.
    pub client: String,
    /// When the sign-in was.
    pub created_at: DateTime<Utc>,
    /// When its tokens were last renewed.
    pub last_seen_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Why no sign-in was ended.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The caller has no such sign-in, or there is no such member.
    #[error("there is no such sign-in")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The caller's sign-ins that live, newest first.
///
/// # Errors
/// If the database fails.
pub async fn list(ctx: &Context, caller: &MemberCaller) -> Result<Vec<SessionView>, StoreError> {
    let seen_after = ctx.clock().now() - SessionLife::LONGEST.idle;
    let rows =
        store::sessions::list(&mut *ctx.connection().await?, caller.member, seen_after).await?;
    Ok(rows
        .into_iter()
        .map(|row| SessionView {
            id: row.id.into(),
            device: row.device,
            place: row.place,
            client: row.client,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            current: row.id == caller.session.as_uuid(),
        })
        .collect())
}

/// Ends one of the caller's sign-ins.
///
/// # Errors
/// See [`EndSessionError`].
pub async fn end(
    ctx: &Context,
    caller: &MemberCaller,
    session: SessionId,
) -> Result<(), EndSessionError> {
    end_as(ctx, caller, session, "ended").await
}

/// Ends all of the caller's sign-ins but the one that asks; says how many.
///
/// # Errors
/// If the database fails.
pub async fn end_others(ctx: &Context, caller: &MemberCaller) -> Result<usize, StoreError> {
    let (caller, now) = (*caller, ctx.clock().now());
    let ended = transaction::run(ctx, ctx.clone(), move |conn, ctx| {
        Box::pin(async move {
            let (member, but) = (caller.member, Some(caller.session));
            let ended = store::sessions::end_all(conn, member, but, "ended", now).await?;
            record_all(conn, ctx, member, ended.len()).await?;
            Ok::<_, StoreError>(ended)
        })
    })
    .await?;
    forget(ctx, &ended);
    Ok(ended.len())
}

/// Ends all sign-ins of a member; support may. Says how many.
///
/// # Errors
/// See [`EndSessionError`].
pub async fn end_all_of(
    ctx: &Context,
    caller: &OperatorCaller,
    member: MemberId,
) -> Result<usize, EndSessionError> {
    caller.require(OperatorRole::Support)?;
    let ended = transaction::run(ctx, ctx.clone(), move |conn, ctx| {
        Box::pin(async move {
            if store::members::get(conn, member).await?.is_none() {
                return Err(EndSessionError::Unknown);
            }
            let now = ctx.clock().now();
            let ended = store::sessions::end_all(conn, member, None, "ended", now).await?;
            record_all(conn, ctx, member, ended.len()).await?;
            Ok(ended)
        })
    })
    .await?;
    forget(ctx, &ended);
    Ok(ended.len())
}

/// Writes down that many sign-ins of a member were ended at once.
async fn record_all(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    ended: usize,
) -> Result<(), StoreError> {
    let entry = Entry::of(Action::SessionEndAll, ObjectKind::Member).id(member);
    audit_log::record(conn, ctx, entry.after(json!({ "ended": ended }))).await
}

fn forget(ctx: &Context, ended: &[SessionId]) {
    for session in ended {
        ctx.caches().sessions.forget(session);
    }
}

/// Ends the sign-in that asks.
///
/// # Errors
/// See [`EndSessionError`].
pub async fn logout(ctx: &Context, caller: &MemberCaller) -> Result<(), EndSessionError> {
    end_as(ctx, caller, caller.session, "logout").await
}

/// Makes a sign-in as good as one with a passkey, without a caller and without a passkey: for the demonstration data and
/// tests, which have no authenticator at hand.
///
/// # Errors
/// See [`EndSessionError`].
pub async fn strengthen_as_system(
    ctx: &Context,
    session: SessionId,
) -> Result<(), EndSessionError> {
    let now = ctx.clock().now();
    let found = transaction::run(ctx, (), move |conn, ()| {
        Box::pin(async move {
            let amr = PASSKEY.map(ToOwned::to_owned);
            store::sessions::prove(conn, session, &amr, now).await
        })
    })
    .await?;
    ctx.caches().sessions.forget(&session);
    if found {
        Ok(())
    } else {
        Err(EndSessionError::Unknown)
    }
}

async fn end_as(
    ctx: &Context,
    caller: &MemberCaller,
    session: SessionId,
    reason: &'static str,
) -> Result<(), EndSessionError> {
    let (member, now) = (caller.member, ctx.clock().now());
    let ended = transaction::run(ctx, ctx.clone(), move |conn, ctx| {
        Box::pin(async move {
            let ended = store::sessions::end(conn, member, session, reason, now).await?;
            if ended {
                let entry = Entry::of(Action::SessionEnd, ObjectKind::Session).id(session);
                audit_log::record(conn, ctx, entry.after(json!({ "reason": reason }))).await?;
            }
            Ok::<_, StoreError>(ended)
        })
    })
    .await?;
    ctx.caches().sessions.forget(&session);
    if ended {
        Ok(())
    } else {
        Err(EndSessionError::Unknown)
    }
}
