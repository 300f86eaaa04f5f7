//! Loads wallets under lock, with lots and holds where they are needed, and stores what has changed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::ids::{HoldId, LotId, MemberId};
use domain::loyalty::ledger::Journal;
use domain::loyalty::lot::Lot;
use domain::loyalty::wallet::{Hold, Wallet, WalletChanges};
use sqlx::PgConnection;
use store::error::StoreError;
use store::wallets::{WalletRow, WalletUpdate};
use store::{holds, journals, lots};
use uuid::Uuid;

/// What to load beside the balances.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Members whose open lots and active holds are needed.
    pub lots_of: BTreeSet<MemberId>,
    /// Lots needed though they may be closed.
    pub lots: BTreeSet<LotId>,
    /// Holds needed though they may have ended.
    pub holds: BTreeSet<HoldId>,
}

/// Locks wallets in order of member and loads what is needed; whoever has something due gets the lots as well.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn load(
    conn: &mut PgConnection,
    members: &BTreeSet<MemberId>,
    needs: &Needs,
    now: DateTime<Utc>,
) -> Result<BTreeMap<MemberId, WalletRow>, StoreError> {
    let ids: Vec<Uuid> = members.iter().map(|member| member.as_uuid()).collect();
    let mut rows = store::wallets::lock(conn, &ids).await?;
    fill(conn, &mut rows, needs, now).await?;
    Ok(rows)
}

/// Loads lots and holds into wallets that were read before.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn fill(
    conn: &mut PgConnection,
    rows: &mut BTreeMap<MemberId, WalletRow>,
    needs: &Needs,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let whole: Vec<Uuid> = rows
        .values()
        .map(|row| &row.wallet)
        .filter(|w| {
            needs.lots_of.contains(&w.member) || w.next_change_at.is_some_and(|at| at <= now)
        })
        .map(|wallet| wallet.member.as_uuid())
        .collect();
    if whole.is_empty() && needs.lots.is_empty() && needs.holds.is_empty() {
        return Ok(());
    }
    let wanted: Vec<Uuid> = needs.holds.iter().map(|hold| hold.as_uuid()).collect();
    let holds = holds::active_of_members(conn, &whole, &wanted).await?;
    let drawn = holds
        .iter()
        .flat_map(|(_, hold)| hold.draws.iter().map(|draw| draw.lot));
    let also: BTreeSet<LotId> = needs.lots.iter().copied().chain(drawn).collect();
    let also: Vec<Uuid> = also.into_iter().map(Uuid::from).collect();
    for lot in lots::open_of_members(conn, &whole, &also).await? {
        if let Some(row) = rows.get_mut(&lot.member) {
            row.wallet.lots.insert(lot.id, lot);
        }
    }
    for (member, hold) in holds {
        if let Some(row) = rows.get_mut(&member) {
            row.wallet.holds.insert(hold.id, hold);
        }
    }
    for member in whole {
        if let Some(row) = rows.get_mut(&MemberId::from(member)) {
            row.wallet.lots_loaded = true;
        }
    }
    Ok(())
}

/// Stores balances, tiers, lots, holds and journals of wallets that were loaded under lock.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn store(
    conn: &mut PgConnection,
    rows: &[&WalletRow],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let updates: Vec<WalletUpdate<'_>> = rows
        .iter()
        .map(|row| WalletUpdate {
            wallet: &row.wallet,
            tier: &row.tier,
            tier_since: row.tier_since,
        })
        .collect();
    let wallets = || rows.iter().map(|row| &row.wallet);
    let pick = |of: fn(&WalletChanges) -> &BTreeSet<LotId>| -> Vec<&Lot> {
        wallets()
            .flat_map(|wallet: &Wallet| {
                of(&wallet.changes)
                    .iter()
                    .filter_map(|id| wallet.lots.get(id))
            })
            .collect()
    };
    let pick_holds = |of: fn(&WalletChanges) -> &BTreeSet<HoldId>| -> Vec<(MemberId, &Hold)> {
        wallets()
            .flat_map(|wallet: &Wallet| {
                of(&wallet.changes)
                    .iter()
                    .filter_map(|id| wallet.holds.get(id))
                    .map(|hold| (wallet.member, hold))
            })
            .collect()
    };
    let written: Vec<&Journal> = wallets().flat_map(|w| w.changes.journals.iter()).collect();
    store::wallets::update(conn, &updates).await?;
    lots::insert(conn, &pick(|changes| &changes.new_lots)).await?;
    lots::update(conn, &pick(|changes| &changes.changed_lots)).await?;
    holds::insert(conn, &pick_holds(|changes| &changes.new_holds)).await?;
    let changed = pick_holds(|changes| &changes.changed_holds);
    let changed: Vec<&Hold> = changed.into_iter().map(|(_, hold)| hold).collect();
    holds::update(conn, &changed).await?;
    journals::insert(conn, &written, now).await
}
