//! What a member has at this moment, by the clock and not by the last nightly job.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::MemberId;
use domain::loyalty::lot::Lot;
use domain::loyalty::wallet::Wallet;
use domain::money::Points;
use sqlx::PgConnection;
use store::error::StoreError;
use store::wallets::WalletRow;
use uuid::Uuid;

use super::posting::Balance;
use super::wallets::{self, Needs};
use crate::cache::{Cache, Ticket};
use crate::caller::MemberCaller;
use crate::context::Context;

/// A balance with what goes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceNow {
    /// The balance.
    pub balance: Balance,
    /// The next points to expire, and when.
    pub next_expiry: Option<(DateTime<Utc>, Points)>,
    /// When this was true.
    pub as_of: DateTime<Utc>,
    /// How long ago that was.
    pub age: TimeDelta,
}

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// No older than this process's own writes, and [`crate::cache::MAX_AGE`] for those of others.
    Recent,
    /// Read now.
    Now,
}

/// How many balances are kept.
const KEPT: usize = 32_768;

/// Balances that were asked for, until something is due by the clock.
#[derive(Debug)]
pub(crate) struct BalanceCache(Cache<MemberId, Known>);

#[derive(Clone, Copy, Debug)]
struct Known {
    balance: BalanceNow,
    until: Option<DateTime<Utc>>,
}

impl Default for BalanceCache {
    fn default() -> Self {
        Self(Cache::with_capacity(KEPT))
    }
}

impl BalanceCache {
    /// Forgets a balance, because a transaction that may have changed it has ended.
    pub(crate) fn forget(&self, member: &MemberId) {
        self.0.forget(member);
    }

    /// Forgets all of them.
    pub(crate) fn forget_all(&self) {
        self.0.forget_where(|_, _| true);
    }

    fn get(&self, member: &MemberId, now: DateTime<Utc>) -> Result<BalanceNow, Ticket> {
        let kept = self.0.look(member, now)?;
        let known = kept.value;
        if known.until.is_some_and(|until| until <= now) {
            return Err(self.0.ticket(member));
        }
        Ok(BalanceNow {
            age: now - kept.at,
            ..known.balance
        })
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadWalletError {
    /// There is no such member.
    #[error("unknown member")]
    UnknownMember,
    /// What is stored can't be continued to this moment: a mistake of ours.
    #[error("the wallet can't be brought to this moment: {0}")]
    Broken(#[from] domain::loyalty::wallet::WalletError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The member's balance.
///
/// # Errors
/// [`ReadWalletError`].
pub async fn balance(
    ctx: &Context,
    caller: &MemberCaller,
    freshness: Freshness,
) -> Result<BalanceNow, ReadWalletError> {
    let (now, kept) = (ctx.clock().now(), &ctx.caches().balances);
    let member = caller.member;
    let ticket = match freshness {
        Freshness::Now => kept.0.ticket(&member),
        Freshness::Recent => match kept.get(&member, now) {
            Ok(balance) => return Ok(balance),
            Err(ticket) => ticket,
        },
    };
    let mut conn = ctx.reader().await?;
    let found = store::balances::get(&mut conn, member, now).await;
    let row = conn.done(found)?.ok_or(ReadWalletError::UnknownMember)?;
    let wallet = &row.wallet.wallet;
    let until = wallet.next_change_at;
    let now_is = |wallet: &Wallet, next_expiry| BalanceNow {
        balance: Balance::of(wallet),
        next_expiry,
        as_of: now,
        age: TimeDelta::zero(),
    };
    if until.is_some_and(|at| at <= now) {
        // Until somebody writes down what was due, each look does it anew; nothing of it is kept.
        let mut conn = ctx.connection().await?;
        let wallet = advanced(&mut conn, ctx, row.wallet, now).await?.wallet;
        return Ok(now_is(&wallet, next_expiry_of(&wallet)));
    }
    let balance = now_is(wallet, row.next_expiry);
    kept.0.put(&member, Known { balance, until }, now, ticket);
    Ok(balance)
}

/// The next points to expire of a wallet that was brought to this moment with its lots.
fn next_expiry_of(wallet: &Wallet) -> Option<(DateTime<Utc>, Points)> {
    let open = || wallet.lots.values().filter(|l| l.remaining.is_positive());
    let at = open().filter_map(|lot| lot.expires_at).min()?;
    let expiring = open().filter(|lot| lot.expires_at == Some(at));
    let points = Points::sum(expiring.map(|lot| lot.remaining)).ok()?;
    Some((at, points))
}

/// The wallet as it is at `now`; nothing is written. Lots are read only if something is due.
///
/// # Errors
/// [`ReadWalletError`].
pub async fn wallet_now(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    now: DateTime<Utc>,
) -> Result<WalletRow, ReadWalletError> {
    let row = store::wallets::get(conn, member.as_uuid()).await?;
    advanced(conn, ctx, row.ok_or(ReadWalletError::UnknownMember)?, now).await
}

/// Does on a copy of the wallet what was due until `now`.
async fn advanced(
    conn: &mut PgConnection,
    ctx: &Context,
    row: WalletRow,
    now: DateTime<Utc>,
) -> Result<WalletRow, ReadWalletError> {
    let member = row.wallet.member;
    let mut rows = BTreeMap::from([(member, row)]);
    wallets::fill(conn, &mut rows, &Needs::default(), now).await?;
    let mut row = rows.remove(&member).ok_or(ReadWalletError::UnknownMember)?;
    row.wallet.advance(now, &mut || ctx.ids().uuid())?;
    Ok(row)
}

/// Where a lot stands in the list: by expiry, never-expiring ones last.
pub type LotPlace = (Option<DateTime<Utc>>, Uuid);

/// A page of the member's open lots in the order of spending, as they are at this moment.
///
/// # Errors
/// [`ReadWalletError`].
pub async fn lots(
    ctx: &Context,
    caller: &MemberCaller,
    after: Option<LotPlace>,
    limit: u16,
) -> Result<Vec<Lot>, ReadWalletError> {
    let mut conn = ctx.connection().await?;
    let now = ctx.clock().now();
    let wallet = wallet_now(&mut conn, ctx, caller.member, now).await?.wallet;
    if !wallet.lots_loaded {
        return Ok(
            store::lots::page_of_member(&mut conn, caller.member, after, i64::from(limit)).await?,
        );
    }
    // Something was due, and the table stays behind the clock until somebody writes it down.
    let order = |(expires_at, id): LotPlace| (expires_at.is_none(), expires_at, id);
    let place = |lot: &Lot| order((lot.expires_at, lot.id.as_uuid()));
    let mut lots: Vec<Lot> = wallet
        .lots
        .into_values()
        .filter(|lot| lot.remaining.is_positive())
        .filter(|lot| after.is_none_or(|after| place(lot) > order(after)))
        .collect();
    lots.sort_by_key(place);
    lots.truncate(usize::from(limit));
    Ok(lots)
}
