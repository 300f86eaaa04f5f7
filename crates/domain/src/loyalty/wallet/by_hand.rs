//! What people do to a wallet besides buying: an operator takes points, a member gives some away.
//!
//! Points that leave a wallet this way go back to the account of whoever issued them; what another member gets of them
//! is issued anew from the same account, so that a transfer changes nothing for those who pay for the points.

use chrono::{DateTime, Utc};

use super::{Draw, Entry, NewId, Wallet, WalletError, merged};
use crate::loyalty::ledger::{Account, Cause, JournalKind};
use crate::loyalty::lot::Funder;
use crate::money::Points;

/// What an operator's hand takes when the member has less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// What is there is taken, and no more.
    DownToZero,
    /// What is missing is owed; this one's account gets it.
    IntoDebt(Funder),
}

impl Wallet {
    /// Takes points by hand, to whoever's account issued them. Says how many: all, or as many as the shortfall allows.
    ///
    /// # Errors
    /// [`WalletError::NotEnoughPoints`] if nothing could be taken at all, [`WalletError::NotPositive`].
    pub fn take_by_hand(
        &mut self,
        points: Points,
        shortfall: Shortfall,
        cause: Cause,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<Points, WalletError> {
        if !points.is_positive() {
            return Err(WalletError::NotPositive);
        }
        let own = points.min(self.available);
        let missing = points.minus(own)?;
        let owed = match shortfall {
            Shortfall::IntoDebt(_) => missing,
            Shortfall::DownToZero => Points::ZERO,
        };
        let debt = self.debt.plus(owed)?;
        if own.is_zero() && owed.is_zero() {
            return Err(WalletError::NotEnoughPoints {
                asked: points,
                available: self.available,
            });
        }
        let mut entries = Vec::new();
        if own.is_positive() {
            let draws = self.draw(own, now)?;
            self.available = self.available.minus(own)?;
            entries = self.back_to_issuers(&draws)?;
        }
        if let (Shortfall::IntoDebt(funder), true) = (shortfall, owed.is_positive()) {
            self.debt = debt;
            entries.push(Entry {
                account: Account::MemberDebt(self.member),
                lot: None,
                amount: owed.negated()?,
            });
            entries.push(Entry {
                account: Account::issued_by(funder),
                lot: None,
                amount: owed,
            });
        }
        self.write(JournalKind::Adjustment, cause, merged(entries)?, ids)?;
        Ok(own.plus(owed)?)
    }

    /// Gives points away: debt is paid first, then as many points leave in the order of spending.
    ///
    /// # Errors
    /// [`WalletError::NotEnoughPoints`] if fewer are left beside the debt, [`WalletError::NotPositive`],
    /// [`WalletError::SpendingWaits`].
    pub fn give_away(
        &mut self,
        points: Points,
        cause: Cause,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<Vec<Draw>, WalletError> {
        if !points.is_positive() {
            return Err(WalletError::NotPositive);
        }
        self.require_spending(now)?;
        let free = self.available.minus(self.debt.min(self.available))?;
        if points > free {
            return Err(WalletError::NotEnoughPoints {
                asked: points,
                available: free,
            });
        }
        self.pay_debt_with(self.available, cause, now, ids)?;
        let draws = self.draw(points, now)?;
        self.available = self.available.minus(points)?;
        let entries = self.back_to_issuers(&draws)?;
        self.write(JournalKind::TransferOut, cause, merged(entries)?, ids)?;
        Ok(draws)
    }

    /// The entries by which drawn points go back to whoever issued them.
    fn back_to_issuers(&self, draws: &[Draw]) -> Result<Vec<Entry>, WalletError> {
        let mut entries = self.lot_entries(draws, Account::MemberAvailable(self.member), true)?;
        for draw in draws {
            let lot = self.lots.get(&draw.lot);
            entries.push(Entry {
                account: Account::issued_by(lot.ok_or(WalletError::LotsNotLoaded)?.funder),
                lot: None,
                amount: draw.points,
            });
        }
        Ok(entries)
    }
}
