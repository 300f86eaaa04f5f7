//! What time does to a wallet by itself: holds lapse, lots activate, lots expire.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Draw, Entry, HoldStatus, NewId, Wallet, WalletError};
use crate::ids::{HoldId, LotId};
use crate::loyalty::ledger::{Account, Cause, JournalKind};
use crate::money::Points;

impl Wallet {
    /// Does all that was due until `now`, each at its own moment, whenever it is called:
    /// lapsed holds first (their points may expire), then activations (which pay debt), then expiries.
    ///
    /// # Errors
    /// [`WalletError::LotsNotLoaded`] if something may be due and the lots are not here.
    pub fn advance(&mut self, now: DateTime<Utc>, ids: NewId<'_>) -> Result<(), WalletError> {
        if self.next_change_at.is_none_or(|next| next > now) {
            return Ok(());
        }
        if !self.lots_loaded {
            return Err(WalletError::LotsNotLoaded);
        }
        self.lapse_holds(now, ids)?;
        self.activate_lots(now, ids)?;
        self.expire_lots(now, ids)?;
        self.next_change_at = self.first_change();
        Ok(())
    }

    fn lapse_holds(&mut self, now: DateTime<Utc>, ids: NewId<'_>) -> Result<(), WalletError> {
        let mut due: Vec<(DateTime<Utc>, HoldId)> = self
            .holds
            .values()
            .filter(|hold| hold.status == HoldStatus::Active && hold.expires_at <= now)
            .map(|hold| (hold.expires_at, hold.id))
            .collect();
        due.sort_unstable();
        for (at, hold) in due {
            self.end_hold(hold, HoldStatus::Lapsed, at, ids)?;
        }
        Ok(())
    }

    fn activate_lots(&mut self, now: DateTime<Utc>, ids: NewId<'_>) -> Result<(), WalletError> {
        let due =
            self.due(|lot| (lot.pending && lot.activates_at <= now).then_some(lot.activates_at));
        for (at, draws) in due {
            let cause = Cause {
                business: None,
                source: None,
                occurred_at: at,
            };
            let points = Points::sum(draws.iter().map(|draw| draw.points))?;
            let mut entries =
                self.lot_entries(&draws, Account::MemberPending(self.member), true)?;
            entries.extend(self.lot_entries(
                &draws,
                Account::MemberAvailable(self.member),
                false,
            )?);
            for draw in &draws {
                self.change_lot(draw.lot, |lot| {
                    lot.pending = false;
                    Ok(())
                })?;
            }
            self.pending = self.pending.minus(points)?;
            self.available = self.available.plus(points)?;
            self.write(JournalKind::Activation, cause, entries, ids)?;
            for draw in draws {
                self.pay_debt_from(draw.lot, cause, ids)?;
            }
        }
        Ok(())
    }

    pub(super) fn expire_lots(
        &mut self,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<(), WalletError> {
        let due = self.due(|lot| lot.expires_at.filter(|end| *end <= now && !lot.pending));
        for (at, draws) in due {
            let points = Points::sum(draws.iter().map(|draw| draw.points))?;
            let mut entries =
                self.lot_entries(&draws, Account::MemberAvailable(self.member), true)?;
            entries.push(Entry {
                account: Account::ProgrammeBreakage,
                lot: None,
                amount: points,
            });
            for draw in &draws {
                self.change_lot(draw.lot, |lot| {
                    lot.remaining = lot.remaining.minus(draw.points)?;
                    lot.expired = lot.expired.plus(draw.points)?;
                    Ok(())
                })?;
            }
            self.available = self.available.minus(points)?;
            let cause = Cause {
                business: None,
                source: None,
                occurred_at: at,
            };
            self.write(JournalKind::Expiry, cause, entries, ids)?;
        }
        Ok(())
    }

    /// The remaining points of the lots that are due, by the moment at which they are.
    fn due(
        &self,
        moment_of: impl Fn(&super::Lot) -> Option<DateTime<Utc>>,
    ) -> BTreeMap<DateTime<Utc>, Vec<Draw>> {
        let mut due: BTreeMap<DateTime<Utc>, Vec<Draw>> = BTreeMap::new();
        for lot in self.lots.values().filter(|lot| lot.remaining.is_positive()) {
            if let Some(at) = moment_of(lot) {
                let id: LotId = lot.id;
                due.entry(at).or_default().push(Draw {
                    lot: id,
                    points: lot.remaining,
                });
            }
        }
        due
    }

    /// The next moment at which something changes by itself.
    fn first_change(&self) -> Option<DateTime<Utc>> {
        let lots = self.lots.values().filter_map(super::Lot::next_change_at);
        let holds = self
            .holds
            .values()
            .filter(|hold| hold.status == HoldStatus::Active)
            .map(|hold| hold.expires_at);
        lots.chain(holds).min()
    }
}
