//! A person's sign-ins: listing them, ending one, ending this one. An ended sign-in stops its access tokens at once
//! in this process and within seconds in others.

use chrono::{DateTime, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::SessionId;
use serde_json::json;
use store::error::StoreError;

use super::tokens::SessionLife;
use crate::audit_log::{self, Entry};
use crate::caller::MemberCaller;
use crate::context::Context;
use crate::transaction;

/// A sign-in as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// Identifier.
    pub id: SessionId,
    /// What the person called the device.
    pub device: String,
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
    /// The caller has no such sign-in.
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

/// Ends the sign-in that asks.
///
/// # Errors
/// See [`EndSessionError`].
pub async fn logout(ctx: &Context, caller: &MemberCaller) -> Result<(), EndSessionError> {
    end_as(ctx, caller, caller.session, "logout").await
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
