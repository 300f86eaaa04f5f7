//! The ladder of tiers: read through a cache, set as a whole by an admin.

use std::sync::Arc;

use aws_lc_rs::digest;
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
    /// Somebody else changed the ladder since the caller saw it.
    #[error("the ladder was changed meanwhile")]
    Stale,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many bits of a version are the settings'; the others are the ladder's own.
const SETTINGS_BITS: u32 = 22;
/// How many bits the mark of a ladder has, so that a version is a positive number.
const MARK_BITS: u32 = 41;

impl Frame {
    /// The version of what is shown of settings and ladder together: it changes with either.
    #[must_use]
    pub fn version(&self) -> i64 {
        let settings = self.programme.version & ((1 << SETTINGS_BITS) - 1);
        (mark(&self.ladder) << SETTINGS_BITS) | settings
    }
}

/// A number that says which tiers a ladder has: equal ladders have equal marks.
fn mark(ladder: &Ladder) -> i64 {
    let text = serde_json::to_vec(ladder.tiers()).unwrap_or_default();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest::digest(&digest::SHA256, &text).as_ref()[..8]);
    i64::from_be_bytes(bytes) & ((1 << MARK_BITS) - 1)
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
    if let Ok(ladder) = ctx.caches().ladder.get(&(), ctx.clock().now()) {
        return Ok(ladder);
    }
    let mut conn = ctx.reader().await?;
    // Of the many who waited for a turn, the first asks for all.
    let now = ctx.clock().now();
    let seen = match ctx.caches().ladder.get(&(), now) {
        Ok(ladder) => return conn.done(Ok(ladder)),
        Err(seen) => seen,
    };
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

/// Sets the whole ladder, if it still has the version that the caller has seen; none sets it whatever it is. Members keep their tiers; the next purchase lifts whoever has reached more.
///
/// # Errors
/// [`SetLadderError`] says why nothing changed.
pub async fn set(
    ctx: &Context,
    caller: &OperatorCaller,
    seen: Option<i64>,
    tiers: Vec<Tier>,
) -> Result<Arc<Ladder>, SetLadderError> {
    caller.require(OperatorRole::Admin)?;
    let ladder = Arc::new(Ladder::new(tiers)?);
    let seen = seen.map(|version| version >> SETTINGS_BITS);
    let input = (ctx.clone(), Arc::clone(&ladder), seen);
    let result = transaction::run(ctx, input, |conn, (ctx, ladder, seen)| {
        Box::pin(async move {
            store::programme::lock(conn).await?;
            let before = store::tiers::get(conn).await?;
            if seen.is_some() && before.as_ref().map(mark) != *seen {
                return Err(SetLadderError::Stale);
            }
            store::tiers::set(conn, ladder).await?;
            let before = before.as_ref().map(Ladder::tiers).unwrap_or_default();
            let entry = Entry::of(Action::LadderSet, ObjectKind::Programme);
            audit_log::record(conn, ctx, entry.changed(before, ladder.tiers())).await?;
            Ok(())
        })
    })
    .await;
    ctx.caches().ladder.forget(&());
    match result {
        Ok(()) => Ok(ladder),
        Err(SetLadderError::Store(error))
            if error.constraint() == Some(store::tiers::STILL_HELD) =>
        {
            Err(SetLadderError::TierInUse)
        }
        Err(error) => Err(error),
    }
}
