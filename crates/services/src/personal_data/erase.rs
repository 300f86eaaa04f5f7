//! A member leaves. In one transaction he becomes nobody: phone, name, birthday and number go, all sign-ins end, the phone
//! is free for a new member. A job removes the rest. The ledger keeps what was, under an identifier that is nobody's.

use domain::audit::{Action, ObjectKind};
use domain::money::Points;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;
use uuid::Uuid;

use super::erase_member::EraseMember;
use super::{enqueue, is_recent};
use crate::audit_log::{self, Entry};
use crate::caller::MemberCaller;
use crate::context::Context;
use crate::loyalty::balance::{ReadWalletError, wallet_now};
use crate::members::open_phone;
use crate::transaction;

/// That a member left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// The erasure, to ask support about.
    pub erasure: Uuid,
    /// The points that nobody can spend any more.
    pub points_lost: Points,
}

/// Why nobody was erased.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The sign-in is too long ago.
    #[error("a recent sign-in is needed")]
    SignInTooOld,
    /// The caller works at a business or runs the programme.
    #[error("roles must be given up first")]
    RolesHeld,
    /// Points are set aside for a checkout.
    #[error("points are set aside for a checkout")]
    HoldsOpen,
    /// The caller was not told what he loses, or it is another amount by now.
    #[error("points would be lost")]
    PointsWouldBeLost {
        /// How many.
        points: Points,
    },
    /// The points can't be told.
    #[error(transparent)]
    Wallet(#[from] ReadWalletError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Erases the caller, who accepts that he loses this many points.
///
/// # Errors
/// See [`EraseError`].
pub async fn erase(
    ctx: &Context,
    caller: &MemberCaller,
    accepted: Points,
) -> Result<Erased, EraseError> {
    // Somebody who works anywhere stays.
    let ctx = &ctx.across();
    let input = (ctx.clone(), *caller);
    let erased = transaction::run(ctx, input, move |conn, (ctx, caller)| {
        Box::pin(leave(conn, ctx, caller, accepted))
    })
    .await?;
    ctx.caches().forget_member(caller.member);
    Ok(erased)
}

async fn leave(
    conn: &mut PgConnection,
    ctx: &Context,
    caller: &MemberCaller,
    accepted: Points,
) -> Result<Erased, EraseError> {
    let (member, now) = (caller.member, ctx.clock().now());
    if !is_recent(conn, ctx, caller).await? {
        return Err(EraseError::SignInTooOld);
    }
    let places = store::staff::places_across_businesses(conn, member).await?;
    if !places.is_empty() || !store::operators::roles(conn, member).await?.is_empty() {
        return Err(EraseError::RolesHeld);
    }
    if store::erasures::lock_wallet_with_holds(conn, member, now).await? {
        return Err(EraseError::HoldsOpen);
    }
    let points = points_of(conn, ctx, caller).await?;
    if points != accepted {
        return Err(EraseError::PointsWouldBeLost { points });
    }
    let row = store::members::get(conn, member)
        .await?
        .ok_or(StoreError(sqlx::Error::RowNotFound))?;
    let phone = open_phone(ctx, member, row.phone_sealed.as_deref())?;
    let phone_hash = phone.map(|phone| ctx.vault().phone_hash(&phone));
    let erasure = ctx.ids().uuid();
    let lost = points.hundredths();
    store::erasures::insert(conn, erasure, member, phone_hash.as_deref(), lost, now).await?;
    store::erasures::make_nobody(conn, member, now).await?;
    let entry = Entry::of(Action::ErasureAsk, ObjectKind::Erasure).id(erasure);
    audit_log::record(conn, ctx, entry.after(json!({ "points_lost": lost }))).await?;
    enqueue(conn, &EraseMember { erasure }, now).await?;
    Ok(Erased {
        erasure,
        points_lost: points,
    })
}

/// All that the caller has at this moment, spendable or not yet.
async fn points_of(
    conn: &mut PgConnection,
    ctx: &Context,
    caller: &MemberCaller,
) -> Result<Points, EraseError> {
    let wallet = wallet_now(conn, ctx, caller.member, ctx.clock().now())
        .await?
        .wallet;
    let all = Points::sum([wallet.available, wallet.pending, wallet.held]);
    Ok(all.map_err(|error| ReadWalletError::Broken(error.into()))?)
}
