//! The path by which everything is written that a till, a batch or an import does to points: a group of orders is loaded
//! at once ([`load`]), decided one by one in the order given ([`book`]) and written at once ([`write`]). What is
//! asked for stands in [`ask`]. A single order is a group of one.

mod ask;
mod book;
mod counting;
mod load;
mod needs;
mod order;
mod outcome;
mod quoting;
mod resolve;
mod write;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::ids::BusinessId;
use sqlx::PgConnection;
use store::error::StoreError;
pub use store::purchases::PurchaseRow;
pub use store::refunds::RefundRow;

pub use self::order::{EndHoldItem, HoldEnd, HoldItem, Order, PostItem, RefundItem};
pub use self::outcome::{Balance, HeldPoints, PostOutcome, PostRefusal, Posted, Quoted, Refunded};
use super::ladder::{self, Frame};
use super::places::{Places, places};
use crate::context::Context;

/// What decisions need and no transaction has to read, at most a few seconds old.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Settings and tiers.
    pub frame: Frame,
    /// The businesses of the group.
    pub places: Places,
}

impl Stage {
    /// Looks it up. Ask before opening a transaction: this may take a connection of its own.
    ///
    /// # Errors
    /// [`StoreError`] from the database.
    pub async fn set(ctx: &Context, businesses: &BTreeSet<BusinessId>) -> Result<Self, StoreError> {
        Ok(Self {
            frame: ladder::frame(ctx).await?,
            places: places(ctx, businesses).await?,
        })
    }

    /// The same, for these orders.
    ///
    /// # Errors
    /// [`StoreError`] from the database.
    pub async fn of(ctx: &Context, orders: &[Order]) -> Result<Self, StoreError> {
        let businesses = orders.iter().flat_map(Order::businesses);
        Self::set(ctx, &businesses.copied().collect()).await
    }
}

/// The present moment, as exact as the database keeps it.
fn present(ctx: &Context) -> DateTime<Utc> {
    micros(ctx.clock().now())
}

fn micros(moment: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(moment.timestamp_micros()).unwrap_or(moment)
}

/// The first moment of the hour by the clock.
pub(crate) fn hour_of(moment: DateTime<Utc>) -> DateTime<Utc> {
    let second = moment.timestamp();
    DateTime::from_timestamp(second - second.rem_euclid(3_600), 0).unwrap_or(moment)
}

/// What became of the orders of a group, in the order given.
pub type Outcomes = Vec<Result<PostOutcome, PostRefusal>>;

/// Posts a group in the transaction of `conn`, with its wallets locked.
///
/// # Errors
/// [`StoreError`] from the database: then nothing of the group was posted.
pub async fn post_group(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    orders: &[Order],
) -> Result<Outcomes, StoreError> {
    let now = present(ctx);
    let loaded = load::load(conn, ctx, stage, orders, now).await?;
    decide(conn, ctx, loaded, orders, now).await
}

/// Posts a group with two statements, of which the second writes and commits if no wallet has changed since the first;
/// `conn` has no transaction open. None: the group needs a transaction, and nothing was written.
///
/// # Errors
/// [`StoreError`] from the database: then nothing of the group was posted. It is one to be tried again if another
/// transaction was faster.
pub async fn post_unlocked(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    orders: &[Order],
) -> Result<Option<Outcomes>, StoreError> {
    let now = present(ctx);
    let Some(loaded) = load::load_unlocked(conn, ctx, stage, orders, now).await? else {
        return Ok(None);
    };
    decide(conn, ctx, loaded, orders, now).await.map(Some)
}

async fn decide(
    conn: &mut PgConnection,
    ctx: &Context,
    loaded: load::Loaded,
    orders: &[Order],
    now: DateTime<Utc>,
) -> Result<Outcomes, StoreError> {
    let mut book = book::Book::new(loaded, now);
    let outcomes = orders
        .iter()
        .enumerate()
        .map(|(index, order)| book.post(ctx, index, order))
        .collect();
    write::write(conn, ctx, &book, now).await?;
    Ok(outcomes)
}

/// What a purchase would do; nothing is written or locked.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn quote(ctx: &Context, stage: &Stage, item: &PostItem) -> Result<Quoted, StoreError> {
    let now = present(ctx);
    let (loaded, hour_points) = quoting::load(ctx, stage, item, now).await?;
    let mut book = book::Book::new(loaded, now);
    Ok(Quoted {
        outcome: book.decide(ctx, 0, item),
        hour_points,
    })
}
