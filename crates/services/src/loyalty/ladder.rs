//! The ladder of tiers: read through a cache, set as a whole by an admin.

use std::sync::Arc;

use domain::audit::{Action, ObjectKind};
use domain::loyalty::tier::{Ladder, LadderError, Tier};
use domain::rights::OperatorRole;
use store::error::StoreError;

use crate::audit_log::{self, Entry};
use crate::caller::{AccessError, OperatorCaller};
use crate::context::Context;
use crate::{programme, transaction};

/// The programme as decisions need it: settings and ladder, at most a few seconds old.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The settings.
    pub programme: Arc<programme::Programme>,
    /// The tiers.
    pub ladder: Arc<Ladder>,
}

/// Why a ladder was not set. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum SetLadderError {
    /// The caller may not do this.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The tiers are no ladder.
    #[error(transparent)]
    Invalid(#[from] LadderError),
    /// Members are in a tier that the new ladder leaves out.
    #[error("members are in a tier that the new ladder leaves out")]
    TierInUse,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Settings and ladder together. Ask before opening a transaction: this may take connections of its own.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn frame(ctx: &Context) -> Result<Frame, StoreError> {
    Ok(Frame {
        programme: programme::current(ctx).await?,
        ladder: current(ctx).await?,
    })
}

/// The ladder. Ask before opening a transaction: this may take a connection of its own.
///
/// # Errors
/// [`StoreError`] from the database; a programme that was never started has none.
pub async fn current(ctx: &Context) -> Result<Arc<Ladder>, StoreError> {
    let now = ctx.clock().now();
    let seen = match ctx.caches().ladder.get(&(), now) {
        Ok(ladder) => return Ok(ladder),
        Err(seen) => seen,
    };
    let mut conn = ctx.reader().await?;
    let ladder = store::tiers::get(&mut conn).await;
    let ladder = conn.done(ladder)?;
    let ladder = Arc::new(ladder.ok_or(StoreError(sqlx::Error::RowNotFound))?);
    ctx.caches().ladder.put(&(), Arc::clone(&ladder), now, seen);
    Ok(ladder)
}

/// At every start: makes the first ladder if there is none.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn start(ctx: &Context) -> Result<(), StoreError> {
    transaction::run(ctx, (), |conn, ()| {
        Box::pin(async move {
            if store::tiers::get(conn).await?.is_none() {
                store::tiers::set(conn, &Ladder::starting()).await?;
            }
            Ok::<_, StoreError>(())
        })
    })
    .await
}

/// Sets the whole ladder. Members keep their tiers; the next purchase lifts whoever has reached more.
///
/// # Errors
/// [`SetLadderError`] says why nothing changed.
pub async fn set(
    ctx: &Context,
    caller: &OperatorCaller,
    tiers: Vec<Tier>,
) -> Result<Arc<Ladder>, SetLadderError> {
    caller.require(OperatorRole::Admin)?;
    let ladder = Arc::new(Ladder::new(tiers)?);
    let input = (ctx.clone(), Arc::clone(&ladder));
    let result = transaction::run(ctx, input, |conn, (ctx, ladder)| {
        Box::pin(async move {
            let before = store::tiers::get(conn).await?;
            store::tiers::set(conn, ladder).await?;
            let before = before.as_ref().map(Ladder::tiers).unwrap_or_default();
            let entry = Entry::of(Action::LadderSet, ObjectKind::Programme);
            audit_log::record(conn, ctx, entry.changed(before, ladder.tiers())).await
        })
    })
    .await;
    ctx.caches().ladder.forget(&());
    match result {
        Ok(()) => Ok(ladder),
        Err(error) if error.constraint() == Some(store::tiers::STILL_HELD) => {
            Err(SetLadderError::TierInUse)
        }
        Err(error) => Err(error.into()),
    }
}
