//! Table `wallets`: a member's balances and tier. Locked first, in order of member, by whatever moves points.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use domain::loyalty::wallet::Wallet;
use domain::money::Points;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

use crate::error::StoreError;

/// A row of the table.
#[derive(Clone, Debug)]
pub struct WalletRow {
    /// Balances; lots are not loaded.
    pub wallet: Wallet,
    /// Code of the tier.
    pub tier: String,
    /// Since when.
    pub tier_since: DateTime<Utc>,
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
        r#"select member_id, available, pending, held, debt, next_change_at, tier, tier_since
           from wallets where member_id = any($1) order by member_id for no key update"#,
        members
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let member = MemberId::from(row.member_id);
            let mut wallet = Wallet::empty(member);
            wallet.available = Points::from_hundredths(row.available);
            wallet.pending = Points::from_hundredths(row.pending);
            wallet.held = Points::from_hundredths(row.held);
            wallet.debt = Points::from_hundredths(row.debt);
            wallet.next_change_at = row.next_change_at;
            wallet.lots_loaded = false;
            (
                member,
                WalletRow {
                    wallet,
                    tier: row.tier,
                    tier_since: row.tier_since,
                },
            )
        })
        .collect())
}

/// Reads one wallet without locking it.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn get(conn: &mut PgConnection, member: Uuid) -> Result<Option<WalletRow>, StoreError> {
    let row = sqlx::query!(
        r#"select available, pending, held, debt, next_change_at, tier, tier_since
           from wallets where member_id = $1"#,
        member
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let mut wallet = Wallet::empty(member.into());
        wallet.available = Points::from_hundredths(row.available);
        wallet.pending = Points::from_hundredths(row.pending);
        wallet.held = Points::from_hundredths(row.held);
        wallet.debt = Points::from_hundredths(row.debt);
        wallet.next_change_at = row.next_change_at;
        wallet.lots_loaded = false;
        WalletRow {
            wallet,
            tier: row.tier,
            tier_since: row.tier_since,
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
        r#"select distinct member_id as "member_id!" from (
             (select member_id from lots where pending and open and activates_at <= $1 and member_id <> all($3)
              order by activates_at limit $2)
             union all
             (select member_id from lots where open and expires_at is not null and expires_at <= $1 and member_id <> all($3)
              order by expires_at limit $2)
             union all
             (select member_id from holds where status = 'active' and expires_at <= $1 and member_id <> all($3)
              order by expires_at limit $2)
           ) due order by 1 limit $2"#,
        now,
        limit,
        except
    )
    .fetch_all(conn)
    .await?)
}

/// Writes balances and tiers. The rows must be locked.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn update(
    conn: &mut PgConnection,
    updates: &[WalletUpdate<'_>],
) -> Result<(), StoreError> {
    if updates.is_empty() {
        return Ok(());
    }
    let of = |amount: fn(&Wallet) -> Points| -> Vec<i64> {
        updates
            .iter()
            .map(|update| amount(update.wallet).hundredths())
            .collect()
    };
    let members: Vec<Uuid> = updates.iter().map(|u| u.wallet.member.as_uuid()).collect();
    let changes: Vec<Option<DateTime<Utc>>> =
        updates.iter().map(|u| u.wallet.next_change_at).collect();
    let tiers: Vec<String> = updates.iter().map(|u| u.tier.to_owned()).collect();
    let since: Vec<DateTime<Utc>> = updates.iter().map(|u| u.tier_since).collect();
    sqlx::query!(
        r#"update wallets w
           set available = u.available, pending = u.pending, held = u.held, debt = u.debt,
               next_change_at = u.next_change_at, tier = u.tier, tier_since = u.tier_since
           from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
                       $6::timestamptz[], $7::text[], $8::timestamptz[])
                as u (member_id, available, pending, held, debt, next_change_at, tier, tier_since)
           where w.member_id = u.member_id"#,
        &members,
        &of(|w| w.available),
        &of(|w| w.pending),
        &of(|w| w.held),
        &of(|w| w.debt),
        &changes as &[Option<DateTime<Utc>>],
        &tiers,
        &since,
    )
    .execute(conn)
    .await?;
    Ok(())
}
