//! A member's wallet: balances, open lots and active holds, and every way in which points move.
//!
//! Each operation changes the wallet and writes the journals that say so; whoever stores the wallet stores both.
//! [`Wallet::advance`] does what time does by itself (a hold lapses, a lot activates, a lot expires); it is called before
//! any other operation, so that nothing depends on whether a nightly job has run.
//! Lots need to be loaded only for operations that draw on them: see [`Wallet::lots_loaded`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::ledger::{Account, Cause, Entry, Journal, JournalError, JournalKind};
use super::lot::Lot;
use crate::ids::{BusinessId, HoldId, JournalId, LotId, MemberId};
use crate::money::{Overflow, Points};

mod clawback;
mod holds;
mod time;

pub use clawback::{Clawback, TakenBack};
pub use holds::{Hold, HoldStatus};

/// Points taken from one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Draw {
    /// The lot.
    #[serde(rename = "lot_id")]
    pub lot: LotId,
    /// How many of its points.
    pub points: Points,
}

/// Why an operation was refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// The member has fewer points to spend.
    #[error("not enough points: {asked:?} asked, {available:?} available")]
    NotEnoughPoints {
        /// What was asked for.
        asked: Points,
        /// What there is.
        available: Points,
    },
    /// Points are not spent before a moment, because the phone was changed.
    #[error("points are not spent before {until}")]
    SpendingWaits {
        /// That moment.
        until: DateTime<Utc>,
    },
    /// An amount must be positive.
    #[error("the amount must be positive")]
    NotPositive,
    /// The hold is unknown or no longer active.
    #[error("the hold is not active")]
    HoldNotActive,
    /// More was asked than the hold has.
    #[error("the hold has fewer points")]
    OverHold,
    /// The caller did not load what the operation needs: a mistake of ours.
    #[error("the lots of the wallet are not loaded")]
    LotsNotLoaded,
    /// A sum left its range.
    #[error(transparent)]
    Overflow(#[from] Overflow),
    /// The entries did not balance: a mistake of ours.
    #[error("a journal did not balance")]
    Unbalanced,
}

impl From<JournalError> for WalletError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Unbalanced => Self::Unbalanced,
            JournalError::Overflow(overflow) => Self::Overflow(overflow),
        }
    }
}

/// What has changed in a wallet since it was loaded or last stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalletChanges {
    /// New journals, in order.
    pub journals: Vec<Journal>,
    /// Lots that did not exist before.
    pub new_lots: BTreeSet<LotId>,
    /// Lots that existed and changed.
    pub changed_lots: BTreeSet<LotId>,
    /// Holds that are new.
    pub new_holds: BTreeSet<HoldId>,
    /// Holds that existed and changed.
    pub changed_holds: BTreeSet<HoldId>,
}

/// A source of identifiers.
pub type NewId<'a> = &'a mut dyn FnMut() -> Uuid;

/// A member's points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// Whose.
    pub member: MemberId,
    /// Points that can be spent, never below zero.
    pub available: Points,
    /// Points not yet active.
    pub pending: Points,
    /// Points set aside.
    pub held: Points,
    /// Points owed, shown apart; never below zero.
    pub debt: Points,
    /// Nothing changes by itself before this moment.
    pub next_change_at: Option<DateTime<Utc>>,
    /// Before this moment points are neither spent nor set aside.
    pub spending_from: Option<DateTime<Utc>>,
    /// Whether all open lots and active holds are here.
    pub lots_loaded: bool,
    /// Lots: all open ones if loaded, and those that came since.
    pub lots: BTreeMap<LotId, Lot>,
    /// Holds: all active ones if loaded, and those that came since.
    pub holds: BTreeMap<HoldId, Hold>,
    /// What is to be stored.
    pub changes: WalletChanges,
}

impl Wallet {
    /// The wallet of a member who has nothing.
    #[must_use]
    pub fn empty(member: MemberId) -> Self {
        Self {
            member,
            available: Points::ZERO,
            pending: Points::ZERO,
            held: Points::ZERO,
            debt: Points::ZERO,
            next_change_at: None,
            spending_from: None,
            lots_loaded: true,
            lots: BTreeMap::new(),
            holds: BTreeMap::new(),
            changes: WalletChanges::default(),
        }
    }

    /// Gives points: one accrual (or adjustment) of all these lots. What is active at `now` pays debt first.
    ///
    /// # Errors
    /// [`WalletError::NotPositive`] for a lot of nothing, [`WalletError::Overflow`].
    pub fn accrue(
        &mut self,
        kind: JournalKind,
        lots: Vec<Lot>,
        cause: Cause,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<(), WalletError> {
        if lots.iter().any(|lot| !lot.amount.is_positive()) {
            return Err(WalletError::NotPositive);
        }
        self.require_room(Points::sum(lots.iter().map(|lot| lot.amount))?)?;
        let mut entries = Vec::with_capacity(lots.len() * 2);
        let mut active = Vec::new();
        let mut stale = false;
        for mut lot in lots {
            lot.pending = lot.activates_at > now;
            lot.remaining = lot.amount;
            let account = if lot.pending {
                self.pending = self.pending.plus(lot.amount)?;
                Account::MemberPending(self.member)
            } else {
                self.available = self.available.plus(lot.amount)?;
                active.push(lot.id);
                Account::MemberAvailable(self.member)
            };
            entries.push(Entry {
                account,
                lot: Some(lot.id),
                amount: lot.amount,
            });
            entries.push(Entry {
                account: Account::issued_by(lot.funder),
                lot: None,
                amount: lot.amount.negated()?,
            });
            self.changes.new_lots.insert(lot.id);
            if lot.is_expired(now) {
                stale = true;
            } else {
                self.note_change_at(lot.next_change_at());
            }
            self.lots.insert(lot.id, lot);
        }
        if !entries.is_empty() {
            self.write(kind, cause, merged(entries)?, ids)?;
        }
        for lot in active {
            self.pay_debt_from(lot, cause, ids)?;
        }
        if stale {
            // A purchase sent very late may bring points whose life is over.
            self.expire_lots(now, ids)?;
        }
        Ok(())
    }

    /// Spends points at the cause's business, in the order of spending.
    ///
    /// # Errors
    /// [`WalletError::NotEnoughPoints`], [`WalletError::NotPositive`], [`WalletError::SpendingWaits`].
    pub fn spend(
        &mut self,
        points: Points,
        business: BusinessId,
        cause: Cause,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<Vec<Draw>, WalletError> {
        self.require_spending(now)?;
        let draws = self.draw(points, now)?;
        self.available = self.available.minus(points)?;
        let mut entries = self.lot_entries(&draws, Account::MemberAvailable(self.member), true)?;
        entries.push(Entry {
            account: Account::BusinessHonoured(business),
            lot: None,
            amount: points,
        });
        self.write(JournalKind::Redemption, cause, entries, ids)?;
        Ok(draws)
    }

    /// Takes points by hand, to whoever's account issued them; refuses to go below zero.
    ///
    /// # Errors
    /// [`WalletError::NotEnoughPoints`], [`WalletError::NotPositive`].
    pub fn take_by_hand(
        &mut self,
        points: Points,
        cause: Cause,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<Vec<Draw>, WalletError> {
        let draws = self.draw(points, now)?;
        self.available = self.available.minus(points)?;
        let mut entries = self.lot_entries(&draws, Account::MemberAvailable(self.member), true)?;
        for draw in &draws {
            let funder = self
                .lots
                .get(&draw.lot)
                .ok_or(WalletError::LotsNotLoaded)?
                .funder;
            entries.push(Entry {
                account: Account::issued_by(funder),
                lot: None,
                amount: draw.points,
            });
        }
        self.write(JournalKind::Adjustment, cause, merged(entries)?, ids)?;
        Ok(draws)
    }

    /// Passes unless spending waits at `now`.
    ///
    /// # Errors
    /// [`WalletError::SpendingWaits`].
    pub fn require_spending(&self, now: DateTime<Utc>) -> Result<(), WalletError> {
        match self.spending_from {
            Some(until) if now < until => Err(WalletError::SpendingWaits { until }),
            _ => Ok(()),
        }
    }

    /// The points that can be spent at `now`. Exact after [`Wallet::advance`] to the same moment.
    #[must_use]
    pub fn spendable(&self) -> Points {
        self.available
    }

    /// Plans a spend over the lots and takes it from them; balances and journal are the caller's part.
    fn draw(&mut self, points: Points, now: DateTime<Utc>) -> Result<Vec<Draw>, WalletError> {
        if !points.is_positive() {
            return Err(WalletError::NotPositive);
        }
        if points > self.available {
            let available = self.available;
            return Err(WalletError::NotEnoughPoints {
                asked: points,
                available,
            });
        }
        if !self.lots_loaded {
            return Err(WalletError::LotsNotLoaded);
        }
        let mut order: Vec<&Lot> = self
            .lots
            .values()
            // After `advance` the mark tells what is active, also where clocks of two nodes differ a little.
            .filter(|lot| !lot.pending && lot.remaining.is_positive() && !lot.is_expired(now))
            .collect();
        order.sort_by_key(|lot| lot.spending_order());
        let mut left = points;
        let mut draws = Vec::new();
        for lot in order {
            if left.is_zero() {
                break;
            }
            let take = left.min(lot.remaining);
            left = left.minus(take)?;
            draws.push(Draw {
                lot: lot.id,
                points: take,
            });
        }
        if left.is_positive() {
            let available = points.minus(left)?;
            return Err(WalletError::NotEnoughPoints {
                asked: points,
                available,
            });
        }
        for draw in &draws {
            self.change_lot(draw.lot, |lot| {
                lot.remaining = lot.remaining.minus(draw.points)?;
                Ok(())
            })?;
        }
        Ok(draws)
    }

    /// Pays debt with the points of a lot that has just become available.
    fn pay_debt_from(
        &mut self,
        lot: LotId,
        cause: Cause,
        ids: NewId<'_>,
    ) -> Result<(), WalletError> {
        let remaining = self
            .lots
            .get(&lot)
            .map_or(Points::ZERO, |lot| lot.remaining);
        let payment = self.debt.min(remaining);
        if !payment.is_positive() {
            return Ok(());
        }
        self.change_lot(lot, |lot| {
            lot.remaining = lot.remaining.minus(payment)?;
            Ok(())
        })?;
        self.available = self.available.minus(payment)?;
        self.debt = self.debt.minus(payment)?;
        let entries = vec![
            Entry {
                account: Account::MemberAvailable(self.member),
                lot: Some(lot),
                amount: payment.negated()?,
            },
            Entry {
                account: Account::MemberDebt(self.member),
                lot: None,
                amount: payment,
            },
        ];
        self.write(JournalKind::DebtPayment, cause, entries, ids)
    }

    /// Pays debt with the first `at_most` of the spendable points.
    fn pay_debt_with(
        &mut self,
        at_most: Points,
        cause: Cause,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<(), WalletError> {
        let payment = self.debt.min(at_most);
        if !payment.is_positive() {
            return Ok(());
        }
        let draws = self.draw(payment, now)?;
        self.available = self.available.minus(payment)?;
        self.debt = self.debt.minus(payment)?;
        let mut entries = self.lot_entries(&draws, Account::MemberAvailable(self.member), true)?;
        entries.push(Entry {
            account: Account::MemberDebt(self.member),
            lot: None,
            amount: payment,
        });
        self.write(JournalKind::DebtPayment, cause, entries, ids)
    }

    /// Refuses points that would not fit: all that a member has must fit together, so that no later movement
    /// between the accounts can overflow.
    fn require_room(&self, points: Points) -> Result<(), Overflow> {
        Points::sum([self.available, self.pending, self.held, points]).map(|_| ())
    }

    fn require_lots(&self, draws: &[Draw]) -> Result<(), WalletError> {
        if draws.iter().all(|draw| self.lots.contains_key(&draw.lot)) {
            Ok(())
        } else {
            Err(WalletError::LotsNotLoaded)
        }
    }

    fn lot_entries(
        &self,
        draws: &[Draw],
        account: Account,
        out: bool,
    ) -> Result<Vec<Entry>, WalletError> {
        draws
            .iter()
            .map(|draw| {
                let amount = if out {
                    draw.points.negated()?
                } else {
                    draw.points
                };
                Ok(Entry {
                    account,
                    lot: Some(draw.lot),
                    amount,
                })
            })
            .collect()
    }

    fn change_lot(
        &mut self,
        id: LotId,
        change: impl FnOnce(&mut Lot) -> Result<(), WalletError>,
    ) -> Result<(), WalletError> {
        let lot = self.lots.get_mut(&id).ok_or(WalletError::LotsNotLoaded)?;
        change(lot)?;
        let next = lot.next_change_at();
        if !self.changes.new_lots.contains(&id) {
            self.changes.changed_lots.insert(id);
        }
        self.note_change_at(next);
        Ok(())
    }

    fn note_change_at(&mut self, moment: Option<DateTime<Utc>>) {
        self.next_change_at = match (self.next_change_at, moment) {
            (Some(known), Some(new)) => Some(known.min(new)),
            (known, new) => known.or(new),
        };
    }

    fn write(
        &mut self,
        kind: JournalKind,
        cause: Cause,
        entries: Vec<Entry>,
        ids: NewId<'_>,
    ) -> Result<(), WalletError> {
        let id = JournalId::from(ids());
        let journal = Journal::new(id, kind, self.member, cause, entries)?;
        if !journal.entries().is_empty() {
            self.changes.journals.push(journal);
        }
        Ok(())
    }
}

/// Entries of one account and lot as one entry, in order of first appearance.
fn merged(entries: Vec<Entry>) -> Result<Vec<Entry>, WalletError> {
    let mut merged: Vec<Entry> = Vec::with_capacity(entries.len());
    for entry in entries {
        match merged
            .iter_mut()
            .find(|m| m.account == entry.account && m.lot == entry.lot)
        {
            Some(known) => known.amount = known.amount.plus(entry.amount)?,
            None => merged.push(entry),
        }
    }
    Ok(merged)
}
