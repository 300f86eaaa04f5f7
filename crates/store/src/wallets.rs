//! Table `wallets`: a member's balances and tier. Locked first, in order of member, by whatever moves points.

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::MemberId;
use domain::loyalty::wallet::Wallet;
use domain::money::Points;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

use crate::error::StoreError;

/// What counts toward the tier, kept with the wallet so that a year of days is not read for each purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The first day that is in it; all later ones are.
    pub from: NaiveDate,
    /// Net spend since, in hundredths of the currency.
    pub net_spend: i64,
    /// Points earned since, in hundredths.
    pub points_earned: i64,
}

impl Counted {
    /// As the table has it: all three, or none.
    pub(crate) fn of_columns(
        from: Option<NaiveDate>,
        net_spend: Option<i64>,
        points_earned: Option<i64>,
    ) -> Option<Self> {
        Some(Self {
            from: from?,
            net_spend: net_spend?,
            points_earned: points_earned?,
        })
    }
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct WalletRow {
    /// Balances; lots are not loaded.
    pub wallet: Wallet,
    /// Code of the tier.
    pub tier: String,
    /// Since when.
    pub tier_since: DateTime<Utc>,
    /// What counts toward the tier; none where it was never counted.
    pub counted: Option<Counted>,
}

/// The balances of a row, as the table has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Balances {
    pub(crate) available: i64,
    pub(crate) pending: i64,
    pub(crate) held: i64,
    pub(crate) debt: i64,
    pub(crate) next_change_at: Option<DateTime<Utc>>,
    pub(crate) spending_from: Option<DateTime<Utc>>,
}

impl Balances {
    /// The wallet without its lots.
    pub(crate) fn wallet(self, member: MemberId) -> Wallet {
        Wallet {
            available: Points::from_hundredths(self.available),
            pending: Points::from_hundredths(self.pending),
            held: Points::from_hundredths(self.held),
            debt: Points::from_hundredths(self.debt),
            next_change_at: self.next_change_at,
            spending_from: self.spending_from,
            lots_loaded: false,
            ..Wallet::empty(member)
        }
    }
}

/// A wallet as a group reads it: whose and how much, since when and until, what counts toward the tier, its version.
pub(crate) type Record = (
    (Uuid, i64, i64, i64, i64),
    (
        Option<DateTime<Utc>>,
        Option<DateTime<Utc>>,
        String,
        DateTime<Utc>,
    ),
    (Option<NaiveDate>, Option<i64>, Option<i64>),
    i64,
);

pub(crate) fn from_record(record: Record) -> (WalletRow, i64) {
    let ((member, available, pending, held, debt), times, counted, version) = record;
    let (next_change_at, spending_from, tier, tier_since) = times;
    let (from, spend, points) = counted;
    let balances = Balances {
        available,
        pending,
        held,
        debt,
        next_change_at,
        spending_from,
    };
    let row = WalletRow {
        wallet: balances.wallet(member.into()),
        tier,
        tier_since,
        counted: Counted::of_columns(from, spend, points),
    };
    (row, version)
}

/// What is kept beside the ledger.
#[derive(Clone, Copy, Debug)]
pub struct WalletUpdate<'a> {
    /// The wallet.
    pub wallet: &'a Wallet,
    /// Code of the tier.
    pub tier: &'a str,
    /// Since when.
    pub tier_since: DateTime<Utc>,
    /// What counts toward the tier.
    pub counted: Option<Counted>,
}

/// Locks the wallets of `members` until the transaction ends, in order of member, and reads them.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn lock(
    conn: &mut PgConnection,
    members: &[Uuid],
) -> Result<BTreeMap<MemberId, WalletRow>, StoreError> {
    let rows = sqlx::query!(
        r#"select member_id, available, pending, held, debt, next_change_at, spending_from, tier, tier_since,
                  counted_from, counted_spend, counted_points
           from wallets where member_id = any($1) order by member_id for no key update"#,
        members
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let member = MemberId::from(row.member_id);
            let balances = Balances {
                available: row.available,
                pending: row.pending,
                held: row.held,
                debt: row.debt,
                next_change_at: row.next_change_at,
                spending_from: row.spending_from,
            };
            let counted =
                Counted::of_columns(row.counted_from, row.counted_spend, row.counted_points);
            (
                member,
                WalletRow {
                    wallet: balances.wallet(member),
                    tier: row.tier,
                    tier_since: row.tier_since,
                    counted,
                },
            )
        })
        .collect())
}

/// Locks a member's wallet until the transaction ends and gives it a new version, so that nothing is written any more that
/// was decided upon before. For changes of a member that the wallet does not show: whoever leaves, is blocked or let in.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn renew(conn: &mut PgConnection, member: MemberId) -> Result<(), StoreError> {
    sqlx::query!(
        "update wallets set tier = tier where member_id = $1",
        member.as_uuid()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reads one wallet without locking it.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn get(conn: &mut PgConnection, member: Uuid) -> Result<Option<WalletRow>, StoreError> {
    let row = sqlx::query!(
        r#"select available, pending, held, debt, next_change_at, spending_from, tier, tier_since,
                  counted_from, counted_spend, counted_points
           from wallets where member_id = $1"#,
        member
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let balances = Balances {
            available: row.available,
            pending: row.pending,
            held: row.held,
            debt: row.debt,
            next_change_at: row.next_change_at,
            spending_from: row.spending_from,
        };
        WalletRow {
            wallet: balances.wallet(member.into()),
            tier: row.tier,
            tier_since: row.tier_since,
            counted: Counted::of_columns(row.counted_from, row.counted_spend, row.counted_points),
        }
    }))
}

/// Members for whom something was due before `now`, oldest first: a hold to lapse, a lot to activate or to expire.
/// Those in `except` are passed by.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn due(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    except: &[Uuid],
    limit: i64,
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select member_id from wallets
           where next_change_at is not null and next_change_at <= $1 and member_id <> all($3)
           order by next_change_at limit $2"#,
        now,
        limit,
        except
    )
    .fetch_all(conn)
    .await?)
}

/// Balances and tiers to be written, a column each.
#[derive(Debug, Default)]
pub(crate) struct Columns<'a> {
    pub(crate) members: Vec<Uuid>,
    pub(crate) available: Vec<i64>,
    pub(crate) pending: Vec<i64>,
    pub(crate) held: Vec<i64>,
    pub(crate) debt: Vec<i64>,
    pub(crate) next_change_at: Vec<Option<DateTime<Utc>>>,
    pub(crate) tiers: Vec<&'a str>,
    pub(crate) tiers_since: Vec<DateTime<Utc>>,
    pub(crate) counted_from: Vec<Option<NaiveDate>>,
    pub(crate) counted_spend: Vec<Option<i64>>,
    pub(crate) counted_points: Vec<Option<i64>>,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(updates: &[WalletUpdate<'a>]) -> Self {
        let mut columns = Self::default();
        for update in updates {
            let wallet = update.wallet;
            columns.members.push(wallet.member.as_uuid());
            columns.available.push(wallet.available.hundredths());
            columns.pending.push(wallet.pending.hundredths());
            columns.held.push(wallet.held.hundredths());
            columns.debt.push(wallet.debt.hundredths());
            columns.next_change_at.push(wallet.next_change_at);
            columns.tiers.push(update.tier);
            columns.tiers_since.push(update.tier_since);
            let counted = update.counted;
            columns.counted_from.push(counted.map(|c| c.from));
            columns.counted_spend.push(counted.map(|c| c.net_spend));
            columns
                .counted_points
                .push(counted.map(|c| c.points_earned));
        }
        columns
    }
}

/// Lets a member spend nothing before `until`; a later moment that stands there already stays.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn spend_not_before(
    conn: &mut PgConnection,
    member: MemberId,
    until: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update wallets set spending_from = greatest(spending_from, $2) where member_id = $1",
        member.as_uuid(),
        until,
    )
    .execute(conn)
    .await?;
    Ok(())
}
