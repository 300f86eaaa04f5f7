//! The path by which every purchase is written: a group is loaded at once ([`load`]), decided one by one in the order
//! given ([`book`]) and written at once ([`write`]), in one transaction. A single purchase is a group of one.

mod book;
mod load;
mod resolve;
mod write;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, LocationId, MemberId, RuleId};
use domain::loyalty::basket::{BasketError, BasketInput};
use domain::loyalty::earning::Unmet;
use domain::loyalty::purchase::{PurchaseRefusal, Spend};
use domain::loyalty::wallet::Wallet;
use domain::money::Points;
use sqlx::PgConnection;
use store::error::StoreError;
pub use store::purchases::PurchaseRow;
use uuid::Uuid;

use super::ladder::{self, Frame};
use super::places::{Places, places};
use crate::context::Context;
use crate::idempotency::{Answer, Answered, IdempotencyError, IdempotencyKey, Render};
use crate::members::{MemberReference, Unresolved};

/// A purchase to be posted.
#[derive(Clone, Debug)]
pub struct PostItem {
    /// Where it was made.
    pub business: BusinessId,
    /// The outlet.
    pub location: Option<LocationId>,
    /// The cashier as the till names him.
    pub cashier: Option<String>,
    /// The cashier as a member, who can't credit the own account.
    pub cashier_member: Option<MemberId>,
    /// Unique for ever within the business.
    pub receipt_number: String,
    /// Who bought.
    pub member: MemberReference,
    /// What was bought.
    pub basket: BasketInput,
    /// The points that are to pay.
    pub spend: Spend,
    /// When it was made; none: now.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The import and its row that brought it, from 1. It may be of any age then.
    pub import: Option<(Uuid, i64)>,
    /// The key under which its answer is kept, and how the answer looks.
    pub idempotency: Option<(IdempotencyKey, Render<PurchaseRow>)>,
}

/// A posted purchase with what the member has after it.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The purchase.
    pub purchase: PurchaseRow,
    /// What the member has after it.
    pub balance: Balance,
    /// The tier's measure after it.
    pub measure: i64,
    /// The most points that could have paid.
    pub max_points: Points,
    /// The rules that gave nothing, with the reason.
    pub unmet: Vec<(RuleId, Unmet)>,
}

/// What a member has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Points that can be spent.
    pub available: Points,
    /// Points not yet active.
    pub pending: Points,
    /// Points set aside.
    pub held: Points,
    /// Points owed.
    pub debt: Points,
}

impl Balance {
    /// What the wallet has.
    #[must_use]
    pub fn of(wallet: &Wallet) -> Self {
        Self {
            available: wallet.available,
            pending: wallet.pending,
            held: wallet.held,
            debt: wallet.debt,
        }
    }
}

/// What became of an item.
#[derive(Clone, Debug)]
pub enum PostOutcome {
    /// It was posted; with the answer that was kept, if it had a key.
    Posted(Box<Posted>, Option<Answer>),
    /// It had been posted before under the same key.
    Replayed(Answer),
}

impl PostOutcome {
    /// The answer, of an item that had a key.
    #[must_use]
    pub fn answered(self) -> Option<Answered> {
        match self {
            Self::Posted(_, answer) => answer.map(|answer| Answered {
                answer,
                replayed: false,
            }),
            Self::Replayed(answer) => Some(Answered {
                answer,
                replayed: true,
            }),
        }
    }
}

/// Why one item was refused. It changed nothing, and the other items of its group go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostRefusal {
    /// The business is not let in, or suspended.
    #[error("the business does not take part at the moment")]
    BusinessNotActive,
    /// The business has no such outlet.
    #[error("unknown location")]
    UnknownLocation,
    /// Nobody was found.
    #[error(transparent)]
    Member(#[from] Unresolved),
    /// The rotating code has paid before.
    #[error("the code of the member was used before")]
    CodeUsed,
    /// A cashier can't credit the own account.
    #[error("a cashier can't credit the own account")]
    OwnAccount,
    /// What was bought does not add up.
    #[error(transparent)]
    Basket(#[from] BasketError),
    /// The receipt belongs to another transaction.
    #[error("the receipt was posted before")]
    ReceiptSeen {
        /// That transaction.
        transaction: Uuid,
    },
    /// The key can't be used.
    #[error(transparent)]
    Idempotency(#[from] IdempotencyError),
    /// The rules refuse it.
    #[error(transparent)]
    Purchase(#[from] PurchaseRefusal),
}

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

    /// The same, for these items.
    ///
    /// # Errors
    /// [`StoreError`] from the database.
    pub async fn of(ctx: &Context, items: &[PostItem]) -> Result<Self, StoreError> {
        Self::set(ctx, &items.iter().map(|item| item.business).collect()).await
    }
}

/// The present moment, as exact as the database keeps it.
fn present(ctx: &Context) -> DateTime<Utc> {
    micros(ctx.clock().now())
}

fn micros(moment: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(moment.timestamp_micros()).unwrap_or(moment)
}

/// Posts a group in the transaction of `conn`. Each item has its own outcome, in the order given.
///
/// # Errors
/// [`StoreError`] from the database: then nothing of the group was posted.
pub async fn post_group(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    items: &[PostItem],
) -> Result<Vec<Result<PostOutcome, PostRefusal>>, StoreError> {
    let now = present(ctx);
    let loaded = load::load(conn, ctx, stage, items, now).await?;
    let mut book = book::Book::new(loaded, now);
    let outcomes = items
        .iter()
        .enumerate()
        .map(|(index, item)| book.post(ctx, index, item))
        .collect();
    write::write(conn, ctx, &book, now).await?;
    Ok(outcomes)
}

/// What a purchase would do; nothing is written.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn quote(
    conn: &mut PgConnection,
    ctx: &Context,
    stage: &Stage,
    item: &PostItem,
) -> Result<Result<Posted, PostRefusal>, StoreError> {
    let now = present(ctx);
    let loaded = load::load(conn, ctx, stage, std::slice::from_ref(item), now).await?;
    let mut book = book::Book::new(loaded, now);
    Ok(book.decide(ctx, 0, item))
}
