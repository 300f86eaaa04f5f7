//! Holds: points set aside for a checkout, then taken (all or less) or given back.

use chrono::{DateTime, Utc};

use super::{Draw, Entry, NewId, Wallet, WalletError};
use crate::ids::{BusinessId, HoldId, PurchaseId};
use crate::loyalty::ledger::{Account, Cause, JournalKind};
use crate::money::Points;

/// What has become of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldStatus {
    /// The points are set aside.
    Active,
    /// They, or a part of them, were taken.
    Captured,
    /// They were given back on request.
    Voided,
    /// Their time was over and they went back.
    Lapsed,
}

impl HoldStatus {
    /// The word used in tables and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Lapsed => "lapsed",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Captured, Self::Voided, Self::Lapsed]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// Points set aside at one business under its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Its identifier.
    pub id: HoldId,
    /// Where it was made.
    pub business: BusinessId,
    /// The caller's name for it, unique within the business.
    pub reference: String,
    /// What has become of it.
    pub status: HoldStatus,
    /// How many points.
    pub amount: Points,
    /// How many were taken in the end.
    pub captured: Points,
    /// The purchase that took them.
    pub purchase: Option<PurchaseId>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The lots it draws on, in the order of spending.
    pub draws: Vec<Draw>,
}

impl Wallet {
    /// Sets points aside. The hold comes with no draws; they are filled in here.
    ///
    /// # Errors
    /// [`WalletError::NotEnoughPoints`], [`WalletError::NotPositive`].
    pub fn hold(
        &mut self,
        mut hold: Hold,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<(), WalletError> {
        self.require_spending(now)?;
        let draws = self.draw(hold.amount, now)?;
        self.available = self.available.minus(hold.amount)?;
        self.held = self.held.plus(hold.amount)?;
        let mut entries = self.lot_entries(&draws, Account::MemberAvailable(self.member), true)?;
        entries.extend(self.lot_entries(&draws, Account::MemberHeld(self.member), false)?);
        let cause = Cause {
            business: Some(hold.business),
            source: Some(hold.id.as_uuid()),
            occurred_at: now,
        };
        self.write(JournalKind::Hold, cause, entries, ids)?;
        self.note_change_at(Some(hold.expires_at));
        hold.draws = draws;
        self.changes.new_holds.insert(hold.id);
        self.holds.insert(hold.id, hold);
        Ok(())
    }

    /// Takes `points` of an active hold for its business and gives the rest back.
    /// The points were set aside in time: they are taken even if their lot has expired since.
    ///
    /// # Errors
    /// [`WalletError::HoldNotActive`], [`WalletError::OverHold`], [`WalletError::NotPositive`].
    pub fn capture(
        &mut self,
        id: HoldId,
        points: Points,
        purchase: Option<PurchaseId>,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<Vec<Draw>, WalletError> {
        let hold = self.active_hold(id, now)?.clone();
        if !points.is_positive() {
            return Err(WalletError::NotPositive);
        }
        if points > hold.amount {
            return Err(WalletError::OverHold);
        }
        let (taken, rest) = split(&hold.draws, points)?;
        self.require_lots(&rest)?;
        let cause = Cause {
            business: Some(hold.business),
            source: Some(purchase.map_or(id.as_uuid(), PurchaseId::as_uuid)),
            occurred_at: now,
        };
        let mut entries = self.lot_entries(&taken, Account::MemberHeld(self.member), true)?;
        entries.push(Entry {
            account: Account::BusinessHonoured(hold.business),
            lot: None,
            amount: points,
        });
        self.held = self.held.minus(points)?;
        self.write(JournalKind::Capture, cause, entries, ids)?;
        self.give_back(&rest, cause, ids)?;
        self.change_hold(id, |hold| {
            hold.status = HoldStatus::Captured;
            hold.captured = points;
            hold.purchase = purchase;
        })?;
        self.advance(now, ids)?;
        Ok(taken)
    }

    /// Joins a hold that was captured on its own to the purchase it paid; the points have moved already.
    ///
    /// # Errors
    /// [`WalletError::HoldNotActive`] unless it was captured and no purchase has it.
    pub fn join_captured(
        &mut self,
        id: HoldId,
        purchase: PurchaseId,
    ) -> Result<Vec<Draw>, WalletError> {
        let hold = self.holds.get(&id).ok_or(WalletError::HoldNotActive)?;
        if hold.status != HoldStatus::Captured || hold.purchase.is_some() {
            return Err(WalletError::HoldNotActive);
        }
        let (draws, _) = split(&hold.draws, hold.captured)?;
        self.change_hold(id, |hold| hold.purchase = Some(purchase))?;
        Ok(draws)
    }

    /// Undoes a capture for which no purchase came: the points go back to their lots; a lot that has expired
    /// lives until `grace_until`.
    ///
    /// # Errors
    /// [`WalletError::HoldNotActive`] unless it was captured and no purchase has it.
    pub fn void_captured(
        &mut self,
        id: HoldId,
        grace_until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<(), WalletError> {
        let hold = self.holds.get(&id).ok_or(WalletError::HoldNotActive)?;
        if hold.status != HoldStatus::Captured || hold.purchase.is_some() {
            return Err(WalletError::HoldNotActive);
        }
        let business = hold.business;
        let (draws, _) = split(&hold.draws, hold.captured)?;
        let cause = Cause {
            business: Some(business),
            source: Some(id.as_uuid()),
            occurred_at: now,
        };
        self.restore(&draws, business, grace_until, cause, now, ids)?;
        self.change_hold(id, |hold| {
            hold.status = HoldStatus::Voided;
            hold.captured = Points::ZERO;
        })
    }

    /// Gives the points of an active hold back.
    ///
    /// # Errors
    /// [`WalletError::HoldNotActive`].
    pub fn void_hold(
        &mut self,
        id: HoldId,
        now: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<(), WalletError> {
        let draws = &self.active_hold(id, now)?.draws;
        self.require_lots(draws)?;
        self.end_hold(id, HoldStatus::Voided, now, ids)?;
        // A lot may have expired while its points were set aside.
        self.advance(now, ids)
    }

    pub(super) fn end_hold(
        &mut self,
        id: HoldId,
        status: HoldStatus,
        at: DateTime<Utc>,
        ids: NewId<'_>,
    ) -> Result<(), WalletError> {
        let hold = self
            .holds
            .get(&id)
            .ok_or(WalletError::HoldNotActive)?
            .clone();
        let cause = Cause {
            business: Some(hold.business),
            source: Some(id.as_uuid()),
            occurred_at: at,
        };
        self.give_back(&hold.draws, cause, ids)?;
        self.change_hold(id, |hold| hold.status = status)
    }

    /// Moves points from held back to available, each to its own lot.
    fn give_back(
        &mut self,
        draws: &[Draw],
        cause: Cause,
        ids: NewId<'_>,
    ) -> Result<(), WalletError> {
        let points = Points::sum(draws.iter().map(|draw| draw.points))?;
        if points.is_zero() {
            return Ok(());
        }
        for draw in draws {
            self.change_lot(draw.lot, |lot| {
                lot.remaining = lot.remaining.plus(draw.points)?;
                Ok(())
            })?;
        }
        self.held = self.held.minus(points)?;
        self.available = self.available.plus(points)?;
        let mut entries = self.lot_entries(draws, Account::MemberHeld(self.member), true)?;
        entries.extend(self.lot_entries(draws, Account::MemberAvailable(self.member), false)?);
        self.write(JournalKind::Release, cause, entries, ids)
    }

    fn active_hold(&self, id: HoldId, now: DateTime<Utc>) -> Result<&Hold, WalletError> {
        self.holds
            .get(&id)
            .filter(|hold| hold.status == HoldStatus::Active && hold.expires_at > now)
            .ok_or(WalletError::HoldNotActive)
    }

    fn change_hold(
        &mut self,
        id: HoldId,
        change: impl FnOnce(&mut Hold),
    ) -> Result<(), WalletError> {
        change(self.holds.get_mut(&id).ok_or(WalletError::HoldNotActive)?);
        if !self.changes.new_holds.contains(&id) {
            self.changes.changed_holds.insert(id);
        }
        Ok(())
    }
}

/// The first so many points of some draws, and the rest of them.
fn split(draws: &[Draw], points: Points) -> Result<(Vec<Draw>, Vec<Draw>), WalletError> {
    let mut left = points;
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for draw in draws {
        let take = left.min(draw.points);
        left = left.minus(take)?;
        let over = draw.points.minus(take)?;
        for (part, points) in [(&mut first, take), (&mut rest, over)] {
            if points.is_positive() {
                part.push(Draw {
                    lot: draw.lot,
                    points,
                });
            }
        }
    }
    Ok((first, rest))
}
