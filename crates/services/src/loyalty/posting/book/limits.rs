//! What is earned too often, or by the same hand: counted under the lock of the member's wallet, so that no race goes past
//! a limit. Imports bring history and count for nothing here.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::ids::MemberId;
use domain::loyalty::validity::{day_of, end_of_day};
use domain::money::Points;

use super::Book;
use crate::loyalty::posting::{PostItem, PostRefusal, hour_of};

/// Whether a purchase counts: it earned something and happens now.
pub(super) fn counts(item: &PostItem, earned: Points) -> bool {
    item.import.is_none() && earned.is_positive()
}

/// Refuses what somebody at a till does with the own account. A key does not tell who stands there.
pub(super) fn refuse_own(cashier: Option<MemberId>, member: MemberId) -> Result<(), PostRefusal> {
    if cashier == Some(member) {
        return Err(PostRefusal::OwnAccount);
    }
    Ok(())
}

impl Book {
    /// Refuses a credit that would be one too many.
    pub(super) fn within_limits(
        &self,
        item: &PostItem,
        member: MemberId,
        earned: Points,
    ) -> Result<(), PostRefusal> {
        if !counts(item, earned) {
            return Ok(());
        }
        let of_member = self.loaded.accruals.get(&(member, item.business));
        let by_cashier = item.cashier_member.map(|cashier| {
            let known = self.loaded.credited.get(&(member, item.business, cashier));
            known.copied().unwrap_or(0)
        });
        let settings = &self.loaded.stage.frame.programme.settings;
        match settings
            .limits
            .exceeded(of_member.copied().unwrap_or(0), by_cashier)
        {
            None => Ok(()),
            Some(suspicion) => Err(PostRefusal::TooMuch {
                suspicion,
                member: Some(member),
                until: end_of_day(self.today().0, settings.time_zone)
                    .unwrap_or(self.now + TimeDelta::days(1)),
            }),
        }
    }

    /// Counts a credit. Says how often the person at the till has now credited the member today, if a person did.
    pub(super) fn credit(
        &mut self,
        item: &PostItem,
        member: MemberId,
        earned: Points,
    ) -> Option<u32> {
        if !counts(item, earned) {
            return None;
        }
        let accruals = &mut self.loaded.accruals;
        *accruals.entry((member, item.business)).or_default() += 1;
        let cashier = item.cashier_member?;
        let change = self
            .credits
            .entry((member, cashier, item.business))
            .or_default();
        change.0 += 1;
        change.1 = change.1.saturating_add(earned.hundredths());
        let key = (member, item.business, cashier);
        let today = self.loaded.credited.entry(key).or_default();
        *today += 1;
        Some(*today)
    }

    /// The day of the programme's zone and the hour in which the group is written.
    pub(in super::super) fn today(&self) -> (NaiveDate, DateTime<Utc>) {
        let zone = self.loaded.stage.frame.programme.settings.time_zone;
        (day_of(self.now, zone), hour_of(self.now))
    }
}
