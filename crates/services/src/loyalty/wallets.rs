//! Loads wallets under lock, with lots and holds where they are needed, and stores what has changed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, HoldId, LotId, MemberId};
use domain::loyalty::wallet::{Hold, WalletChanges};
use sqlx::PgConnection;
use store::error::StoreError;
use store::posting::contents::{self, EarlierRefund, Question};
use store::posting::further::{self, Further};
use store::posting::write::{self, Writes};
use store::wallets::{WalletRow, WalletUpdate};
use uuid::Uuid;

use crate::touched;

/// What to load beside the balances.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Members whose open lots and active holds are needed.
    pub lots_of: BTreeSet<MemberId>,
    /// Lots needed though they may be closed.
    pub lots: BTreeSet<LotId>,
    /// Holds needed though they may have ended.
    pub holds: BTreeSet<HoldId>,
    /// Purchases whose refunds are needed.
    pub refunds_of: BTreeSet<Uuid>,
    /// References under which a business may have made a hold.
    pub references: BTreeSet<(BusinessId, String)>,
}

/// What was asked for and is no part of a wallet.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Refunds, oldest first.
    pub refunds: Vec<EarlierRefund>,
    /// The references that were used, and for which hold.
    pub references: BTreeMap<(BusinessId, String), HoldId>,
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

/// Loads lots and holds into wallets that were read before; whoever has something due gets the lots as well.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn fill(
    conn: &mut PgConnection,
    rows: &mut BTreeMap<MemberId, WalletRow>,
    needs: &Needs,
    now: DateTime<Utc>,
) -> Result<Beside, StoreError> {
    let due = |row: &&WalletRow| row.wallet.next_change_at.is_some_and(|at| at <= now);
    let due: Vec<MemberId> = rows
        .values()
        .filter(due)
        .map(|row| row.wallet.member)
        .collect();
    if due.is_empty() {
        return fill_asked(conn, rows, needs).await;
    }
    let mut needs = needs.clone();
    needs.lots_of.extend(due);
    fill_asked(conn, rows, &needs).await
}

/// Loads what is asked for and no more, with one statement or, where nothing is asked for, none.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn fill_asked(
    conn: &mut PgConnection,
    rows: &mut BTreeMap<MemberId, WalletRow>,
    needs: &Needs,
) -> Result<Beside, StoreError> {
    let whole = needs.lots_of.iter();
    let whole: Vec<Uuid> = whole
        .filter(|member| rows.contains_key(member))
        .map(|member| member.as_uuid())
        .collect();
    let question = Question {
        members: whole,
        holds: needs.holds.iter().map(|hold| hold.as_uuid()).collect(),
        lots: needs.lots.iter().map(|lot| lot.as_uuid()).collect(),
        purchases: needs.refunds_of.iter().copied().collect(),
        references: needs
            .references
            .iter()
            .map(|(business, reference)| (business.as_uuid(), reference.clone()))
            .collect(),
    };
    let contents = contents::read(conn, &question).await?;
    for lot in contents.lots {
        if let Some(row) = rows.get_mut(&lot.member) {
            row.wallet.lots.insert(lot.id, lot);
        }
    }
    for (member, hold) in contents.holds {
        if let Some(row) = rows.get_mut(&member) {
            row.wallet.holds.insert(hold.id, hold);
        }
    }
    for member in question.members {
        if let Some(row) = rows.get_mut(&MemberId::from(member)) {
            row.wallet.lots_loaded = true;
        }
    }
    Ok(Beside {
        refunds: contents.refunds,
        references: contents.references,
    })
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
            counted: row.counted,
        });
        let lots = |ids: &'a BTreeSet<LotId>| ids.iter().filter_map(|id| wallet.lots.get(id));
        writes.new_lots.extend(lots(&changes.new_lots));
        writes.changed_lots.extend(lots(&changes.changed_lots));
        writes.journals.extend(&changes.journals);
    }
    writes
}

/// Writes all that a transaction has decided upon: what is in `writes` and `further`, and the holds of the wallets.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn write<'a>(
    conn: &mut PgConnection,
    rows: &[&'a WalletRow],
    writes: &Writes<'_>,
    mut further: Further<'a>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let pick = |of: fn(&WalletChanges) -> &BTreeSet<HoldId>| -> Vec<(MemberId, &'a Hold)> {
        let mut holds = Vec::new();
        for row in rows {
            let wallet = &row.wallet;
            let picked = of(&wallet.changes).iter();
            let picked = picked.filter_map(|id| wallet.holds.get(id));
            holds.extend(picked.map(|hold| (wallet.member, hold)));
        }
        holds
    };
    further.new_holds = pick(|changes| &changes.new_holds);
    let changed = pick(|changes| &changes.changed_holds);
    further.changed_holds = changed.into_iter().map(|(_, hold)| hold).collect();
    if writes.versions.is_some() && !further.is_empty() {
        // Two statements are one only in a transaction, which begins with locks.
        return Err(StoreError::overtaken());
    }
    further::write(conn, &further).await?;
    write::write(conn, writes, now).await
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
    write(conn, rows, &changes(rows), Further::default(), now).await
}
