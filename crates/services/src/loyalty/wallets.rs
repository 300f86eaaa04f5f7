//! Loads wallets under lock, with lots and holds where they are needed, and stores what has changed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::ids::{HoldId, LotId, MemberId};
use domain::loyalty::wallet::{Hold, WalletChanges};
use sqlx::PgConnection;
use store::error::StoreError;
use store::posting::write::{self, Writes};
use store::wallets::{WalletRow, WalletUpdate};
use store::{holds, lots};
use uuid::Uuid;

use crate::touched;

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
    touched::note(members.iter().copied());
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

/// What has changed in wallets that were loaded under lock: balances, tiers, lots, journals.
#[must_use]
pub fn changes<'a>(rows: &[&'a WalletRow]) -> Writes<'a> {
    let mut writes = Writes::default();
    for row in rows {
        let (wallet, changes) = (&row.wallet, &row.wallet.changes);
        writes.wallets.push(WalletUpdate {
            wallet,
            tier: &row.tier,
            tier_since: row.tier_since,
        });
        let lots = |ids: &'a BTreeSet<LotId>| ids.iter().filter_map(|id| wallet.lots.get(id));
        writes.new_lots.extend(lots(&changes.new_lots));
        writes.changed_lots.extend(lots(&changes.changed_lots));
        writes.journals.extend(&changes.journals);
    }
    writes
}

/// Writes all that a transaction has decided upon: what is in `writes`, and the holds of the wallets.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn write(
    conn: &mut PgConnection,
    rows: &[&WalletRow],
    writes: &Writes<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    write::write(conn, writes, now).await?;
    let pick = |of: fn(&WalletChanges) -> &BTreeSet<HoldId>| -> Vec<(MemberId, &Hold)> {
        rows.iter()
            .flat_map(|row| {
                let member = row.wallet.member;
                of(&row.wallet.changes)
                    .iter()
                    .filter_map(|id| row.wallet.holds.get(id))
                    .map(move |hold| (member, hold))
            })
            .collect()
    };
    holds::insert(conn, &pick(|changes| &changes.new_holds)).await?;
    let changed = pick(|changes| &changes.changed_holds);
    let changed: Vec<&Hold> = changed.into_iter().map(|(_, hold)| hold).collect();
    holds::update(conn, &changed).await
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
    write(conn, rows, &changes(rows), now).await
}
