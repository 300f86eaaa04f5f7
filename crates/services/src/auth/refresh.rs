//! Renewing tokens. Each refresh token gives its child once; whoever shows a used one again holds a copy, and the
//! whole family ends. Only an answer that was lost on the way may be asked for again, for ten seconds.

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ObjectKind};
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;

use super::notices::{self, Notice};
use super::origin::Origin;
use super::session_state::{lives, person};
use super::signing_keys;
use super::tokens::{RefreshToken, SessionLife, Tokens, tokens};
use crate::audit_log::{self, Entry};
use crate::caller::Person;
use crate::context::Context;
use crate::transaction;

/// For how long the parent of the newest token gives that same token again.
const GRACE: TimeDelta = TimeDelta::seconds(10);

/// Why nothing is renewed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is none of ours, or its sign-in is over.
    #[error("the refresh token is not valid")]
    Invalid,
    /// The token was used before: its sign-in was ended.
    #[error("the refresh token was used before; the sign-in was ended")]
    Reused,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

enum Outcome {
    Renewed(Box<Person>, DateTime<Utc>),
    Invalid,
    Reused(Box<Person>),
}

/// Gives the next pair of tokens for a refresh token.
///
/// # Errors
/// See [`RefreshError`].
pub async fn refresh(
    ctx: &Context,
    refresh_token: &str,
    origin: &Origin,
) -> Result<Tokens, RefreshError> {
    let token = RefreshToken::parse(refresh_token).ok_or(RefreshError::Invalid)?;
    let keyring = signing_keys::keyring(ctx).await?;
    // A person's roles are those at all businesses.
    let ctx = &ctx.across();
    let input = (ctx.clone(), token, origin.clone());
    let outcome = transaction::run(ctx, input, |conn, (ctx, token, origin)| {
        Box::pin(renew(conn, ctx, *token, origin))
    })
    .await?;
    match outcome {
        Outcome::Renewed(person, created_at) => Ok(tokens(
            ctx,
            &keyring,
            &person,
            created_at,
            token.child(ctx),
        )?),
        Outcome::Invalid => Err(RefreshError::Invalid),
        Outcome::Reused(person) => {
            ctx.caches().sessions.forget(&person.session);
            Err(RefreshError::Reused)
        }
    }
}

async fn renew(
    conn: &mut PgConnection,
    ctx: &Context,
    token: RefreshToken,
    origin: &Origin,
) -> Result<Outcome, StoreError> {
    let now = ctx.clock().now();
    let (hash, child) = (token.hash(), token.child(ctx).hash());
    let Some(found) = store::sessions::find_refresh_token(conn, &hash).await? else {
        return Ok(Outcome::Invalid);
    };
    // Renewals of one sign-in take turns from here on; what was read before is read again.
    let Some(session) = store::sessions::lock(conn, found.session_id.into()).await? else {
        return Ok(Outcome::Invalid);
    };
    let Some(found) = store::sessions::find_refresh_token(conn, &hash).await? else {
        return Ok(Outcome::Invalid);
    };
    if !lives(&session) {
        return Ok(Outcome::Invalid);
    }
    let (created_at, last_seen_at) = (session.created_at, session.last_seen_at);
    let person = Box::new(person(conn, session).await?);
    if SessionLife::of(&person).ends_at(created_at, last_seen_at) <= now {
        return Ok(Outcome::Invalid);
    }
    match found.used_at {
        None => {
            store::sessions::mark_refresh_token_used(conn, &hash, now).await?;
            store::sessions::insert_refresh_token(conn, person.session, &child, now).await?;
            let place = (origin.place(), origin.client());
            store::sessions::touch(conn, person.session, (&place.0, &place.1), now).await?;
            Ok(Outcome::Renewed(person, created_at))
        }
        Some(used_at) if now - used_at <= GRACE && is_unused(conn, &child).await? => {
            Ok(Outcome::Renewed(person, created_at))
        }
        Some(_) => {
            let (member, session) = (person.member, person.session);
            store::sessions::end(conn, member, session, "reuse", now).await?;
            // Whoever shows it may be a thief: the entry names the sign-in, not the person as its actor.
            let entry = Entry::of(Action::SessionReuse, ObjectKind::Session).id(session);
            let entry = entry.after(json!({ "member_id": member }));
            audit_log::record(conn, ctx, entry).await?;
            notices::tell(conn, ctx, member, Notice::SignInCopied).await?;
            Ok(Outcome::Reused(person))
        }
    }
}

async fn is_unused(conn: &mut PgConnection, hash: &[u8]) -> Result<bool, StoreError> {
    let token = store::sessions::find_refresh_token(conn, hash).await?;
    Ok(token.is_some_and(|token| token.used_at.is_none()))
}
