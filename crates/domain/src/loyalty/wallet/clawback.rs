//! What a refund does to a wallet: spent points go back to their lots, earned points are taken back.

use chrono::{DateTime, Utc};

use super::{Draw, Entry, NewId, Wallet, WalletError, merged};
use crate::ids::{BusinessId, LotId};
use crate::loyalty::ledger::{Account, Cause, JournalKind};
use crate::loyalty::lot::Lot;
use crate::money::Points;
use crate::programme::ClawbackPolicy;

/// What became of the points that a refund asked back from one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TakenBack {
    /// The lot that had earned them.
    #[serde(rename = "lot_id")]
    pub lot: LotId,
    /// How many were asked back.
    pub asked: Points,
    /// Taken while still pending.
    pub from_pending: Points,
    /// Taken from what the lot still had.
    pub from_available: Points,
    /// Had expired unspent, so that nothing is owed for them.
    pub from_expired: Points,
    /// Had been spent; taken from the member's other points.
    pub from_other_lots: Points,
    /// Had been spent; owed from now on.
    pub debt: Points,
    /// Had been spent; the programme's policy lets them go.
    pub forgiven: Points,
}

/// What a refund took back in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Clawback {
    /// Lot by lot.
    pub lots: Vec<TakenBack>,
}

impl Clawback {
    /// The points that were taken back in one way or another: all asked for but those forgiven.
    ///
    /// # Errors
    /// [`WalletError::Overflow`].
    pub fn taken(&self) -> Result<Points, WalletError> {
        let asked = Points::sum(self.lots.iter().map(|part| part.asked))?;
        let forgiven = Points::sum(self.lots.iter().map(|part| part.forgiven))?;
        Ok(asked.minus(forgiven)?)
    }

    /// The debt that it added.
    ///
    /// # Errors
    /// [`WalletError::Overflow`].
    pub fn debt(&self) -> Result<Points, WalletError> {
        Ok(Points::sum(self.lots.iter().map(|part| part.debt))?)
    }
}

impl Wallet {
    /// Gives spent points back to their lots with their age; a lot that has expired lives until `grace_until`.
    /// What comes back pays debt first: otherwise refunding line by line would leave debt beside points
    /// where one full refund leaves neither.
    ///
    /// # Errors
    /// [`WalletError::LotsNotLoaded`] if one of the lots is not here, or there is debt and not all are;
    /// [`WalletError::Overflow`].
    pub fn restore(
        &mut self,
        draws: &[Draw],
        business: BusinessId,
        grace_until: Option<DateTime<Utc>>,
        cause: Cause,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<(), WalletError> {
        let points = Points::sum(draws.iter().map(|draw| draw.points))?;
        if points.is_zero() {
            return Ok(());
        }
        self.require_room(points)?;
        self.require_lots(draws)?;
        if self.debt.is_positive() && !self.lots_loaded {
            return Err(WalletError::LotsNotLoaded);
        }
        for draw in draws {
            self.change_lot(draw.lot, |lot| {
                lot.remaining = lot.remaining.plus(draw.points)?;
                if lot.is_expired(now) {
                    lot.expires_at = grace_until;
                }
                Ok(())
            })?;
        }
        self.available = self.available.plus(points)?;
        let mut entries = self.lot_entries(draws, Account::MemberAvailable(self.member), false)?;
        entries.push(Entry {
            account: Account::BusinessHonoured(business),
            lot: None,
            amount: points.negated()?,
        });
        self.write(JournalKind::Restoration, cause, entries, ids)?;
        self.pay_debt_with(points, cause, now, ids)
    }

    /// Takes earned points back, as far as the policy goes. Of each lot first what expired of it
    /// unspent (the member lost that already) and what it still has; when each has given its own, the member's other
    /// points, then debt. In this order refunds line by line take what one full refund takes.
    ///
    /// # Errors
    /// [`WalletError::LotsNotLoaded`] if the lots are not here, [`WalletError::Overflow`].
    pub fn claw_back(
        &mut self,
        takes: &[Draw],
        policy: ClawbackPolicy,
        cause: Cause,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<Clawback, WalletError> {
        if !self.lots_loaded {
            return Err(WalletError::LotsNotLoaded);
        }
        self.require_lots(takes)?;
        let takes = takes.iter().filter(|take| take.points.is_positive());
        let asked = Points::sum(takes.clone().map(|take| take.points))?;
        self.debt.plus(asked)?;
        let mut entries = Vec::new();
        let mut own = Vec::new();
        for take in takes {
            own.push(self.take_from_own_lot(*take, policy, &mut entries)?);
        }
        let mut result = Clawback::default();
        for (mut part, mut left) in own {
            if policy != ClawbackPolicy::PendingOnly && left.is_positive() {
                part.from_other_lots = self.take_from_others(part.lot, left, now, &mut entries)?;
                left = left.minus(part.from_other_lots)?;
            }
            match policy {
                ClawbackPolicy::IntoDebt => part.debt = left,
                ClawbackPolicy::PendingOnly | ClawbackPolicy::DownToZero => part.forgiven = left,
            }
            if part.debt.is_positive() {
                self.debt = self.debt.plus(part.debt)?;
                entries.push(Entry {
                    account: Account::MemberDebt(self.member),
                    lot: None,
                    amount: part.debt.negated()?,
                });
                entries.push(self.back_to_issuer(part.lot, part.debt)?);
            }
            result.lots.push(part);
        }
        self.write(JournalKind::Clawback, cause, merged(entries)?, ids)?;
        Ok(result)
    }

    fn take_from_own_lot(
        &mut self,
        take: Draw,
        policy: ClawbackPolicy,
        entries: &mut Vec<Entry>,
    ) -> Result<(TakenBack, Points), WalletError> {
        let lot: &Lot = self.lots.get(&take.lot).ok_or(WalletError::LotsNotLoaded)?;
        let (pending, expired) = (lot.pending, lot.expired);
        let lapsed = take.points.min(expired);
        let may_take = pending || policy != ClawbackPolicy::PendingOnly;
        let own = if may_take {
            take.points.minus(lapsed)?.min(lot.remaining)
        } else {
            Points::ZERO
        };
        let mut part = TakenBack {
            lot: take.lot,
            asked: take.points,
            from_pending: Points::ZERO,
            from_available: Points::ZERO,
            from_expired: lapsed,
            from_other_lots: Points::ZERO,
            debt: Points::ZERO,
            forgiven: Points::ZERO,
        };
        let account = if pending {
            part.from_pending = own;
            self.pending = self.pending.minus(own)?;
            Account::MemberPending(self.member)
        } else {
            part.from_available = own;
            self.available = self.available.minus(own)?;
            Account::MemberAvailable(self.member)
        };
        self.change_lot(take.lot, |lot| {
            lot.remaining = lot.remaining.minus(own)?;
            lot.expired = lot.expired.minus(lapsed)?;
            Ok(())
        })?;
        entries.push(Entry {
            account,
            lot: Some(take.lot),
            amount: own.negated()?,
        });
        entries.push(Entry {
            account: Account::ProgrammeBreakage,
            lot: None,
            amount: lapsed.negated()?,
        });
        entries.push(self.back_to_issuer(take.lot, own.plus(lapsed)?)?);
        Ok((part, take.points.minus(own)?.minus(lapsed)?))
    }

    fn take_from_others(
        &mut self,
        earned_by: LotId,
        points: Points,
        now: DateTime<Utc>,
        entries: &mut Vec<Entry>,
    ) -> Result<Points, WalletError> {
        let points = points.min(self.available);
        if points.is_zero() {
            return Ok(Points::ZERO);
        }
        let draws = self.draw(points, now)?;
        self.available = self.available.minus(points)?;
        entries.extend(self.lot_entries(&draws, Account::MemberAvailable(self.member), true)?);
        entries.push(self.back_to_issuer(earned_by, points)?);
        Ok(points)
    }

    fn back_to_issuer(&self, lot: LotId, points: Points) -> Result<Entry, WalletError> {
        let funder = self
            .lots
            .get(&lot)
            .ok_or(WalletError::LotsNotLoaded)?
            .funder;
        Ok(Entry {
            account: Account::issued_by(funder),
            lot: None,
            amount: points,
        })
    }
}
