//! What an auditor does: adds up the entries alone, and compares the sums with the wallet and with the reference model.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, LotId, MemberId};
use domain::loyalty::ledger::{Account, Journal, JournalKind};
use domain::loyalty::lot::Funder;
use domain::loyalty::wallet::{Draw, Wallet};
use domain::money::Points;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use uuid::Uuid;

use super::reference::{Draws, Model, State};

pub type Checked = Result<(), TestCaseError>;

pub fn member() -> MemberId {
    Uuid::from_u128(1).into()
}

pub fn business(n: u8) -> BusinessId {
    Uuid::from_u128(0xb00 + u128::from(n)).into()
}

pub fn funder(n: Option<u8>) -> Funder {
    Funder::from_business(n.map(business))
}

pub fn points(hundredths: i64) -> Points {
    Points::from_hundredths(hundredths)
}

pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a moment of our age")
}

/// Identifiers that count upwards, as those of the service do.
pub fn counting_ids(first: u128) -> impl FnMut() -> Uuid {
    let mut next = first;
    move || {
        next += 1;
        Uuid::from_u128(next)
    }
}

/// Sums of entries, and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Books {
    accounts: BTreeMap<Account, i64>,
    by_lot: BTreeMap<(LotId, &'static str), i64>,
    /// The lots in the order of the model.
    pub lot_ids: Vec<LotId>,
}

impl Books {
    pub fn place_of(&self, lot: LotId) -> usize {
        self.lot_ids
            .iter()
            .position(|id| *id == lot)
            .expect("a lot that was given")
    }

    pub fn named(&self, draws: &Draws) -> Vec<Draw> {
        let draw = |(lot, n): &(usize, i64)| Draw {
            lot: self.lot_ids[*lot],
            points: points(*n),
        };
        draws.iter().map(draw).collect()
    }

    /// Adds the journals' entries. Each journal sums to zero, and only living lots are drawn on.
    pub fn absorb(&mut self, journals: &[Journal], wallet: &Wallet, now: i64) -> Checked {
        for journal in journals {
            let sum: i128 = journal
                .entries()
                .iter()
                .map(|e| i128::from(e.amount.hundredths()))
                .sum();
            prop_assert_eq!(sum, 0, "a journal that does not balance");
            prop_assert!(!journal.entries().is_empty());
            for entry in journal.entries() {
                let amount = entry.amount.hundredths();
                prop_assert_ne!(amount, 0, "an entry of nothing");
                let of_lot = matches!(
                    entry.account,
                    Account::MemberAvailable(_)
                        | Account::MemberPending(_)
                        | Account::MemberHeld(_)
                );
                prop_assert_eq!(entry.lot.is_some(), of_lot);
                *self.accounts.entry(entry.account).or_default() += amount;
                if let Some(lot) = entry.lot {
                    *self.by_lot.entry((lot, entry.account.kind())).or_default() += amount;
                    let drawn = matches!(
                        journal.kind,
                        JournalKind::Redemption
                            | JournalKind::Hold
                            | JournalKind::Adjustment
                            | JournalKind::TransferOut
                    );
                    if let (true, Some(lot)) = (drawn && amount < 0, wallet.lots.get(&lot)) {
                        let alive = lot.activates_at <= at(now) && !lot.is_expired(at(now));
                        prop_assert!(alive, "a lot drawn on outside its life");
                    }
                }
            }
        }
        Ok(())
    }

    fn account(&self, account: Account) -> i64 {
        self.accounts.get(&account).copied().unwrap_or(0)
    }

    fn lot(&self, lot: LotId, account: &'static str) -> i64 {
        self.by_lot.get(&(lot, account)).copied().unwrap_or(0)
    }

    /// The entries make the balances kept beside, and both are what the model says.
    pub fn check_balances(&self, wallet: &Wallet, model: &Model) -> Checked {
        let m = wallet.member;
        let held = model.count(|p| matches!(p.state, State::Held(_)));
        for (account, kept, expected) in [
            (
                Account::MemberAvailable(m),
                wallet.available,
                model.in_state(State::Available),
            ),
            (
                Account::MemberPending(m),
                wallet.pending,
                model.in_state(State::Pending),
            ),
            (Account::MemberHeld(m), wallet.held, held),
        ] {
            prop_assert_eq!(kept.hundredths(), expected, "{}", account.kind());
            prop_assert_eq!(
                self.account(account),
                expected,
                "entries of {}",
                account.kind()
            );
            prop_assert!(expected >= 0);
        }
        prop_assert_eq!(wallet.debt.hundredths(), model.debt, "debt");
        prop_assert_eq!(
            self.account(Account::MemberDebt(m)),
            -model.debt,
            "entries of debt"
        );
        let everything: i128 = self.accounts.values().map(|n| i128::from(*n)).sum();
        prop_assert_eq!(everything, 0, "all accounts together");
        Ok(())
    }

    /// The accounts of those who pay for points and of those who honour them.
    pub fn check_partners(&self, model: &Model) -> Checked {
        let breakage = self.account(Account::ProgrammeBreakage);
        prop_assert_eq!(breakage, model.in_state(State::Expired), "breakage");
        for who in [None, Some(0), Some(1), Some(2)] {
            let given = model
                .lots
                .iter()
                .filter(|lot| lot.funder == who)
                .map(|lot| i128::from(lot.points));
            let back = model
                .credits
                .iter()
                .filter(|c| c.0 == who)
                .map(|c| i128::from(c.1));
            let issued = i128::from(self.account(Account::issued_by(funder(who))));
            prop_assert_eq!(
                issued,
                back.sum::<i128>() - given.sum::<i128>(),
                "issued by {:?}",
                who
            );
        }
        for who in 0..3 {
            let spent =
                |state| matches!(state, State::Spent(spend) if model.spends[spend].0 == who);
            let honoured = self.account(Account::BusinessHonoured(business(who)));
            prop_assert_eq!(
                honoured,
                model.count(|p| spent(p.state)),
                "honoured by {}",
                who
            );
        }
        Ok(())
    }

    /// Lot by lot: what remains, what has expired, what is set aside. A lot that the wallet has not loaded has nothing.
    pub fn check_lots(&self, wallet: &Wallet, model: &Model) -> Checked {
        for (place, id) in self.lot_ids.iter().enumerate() {
            let of = |is: &dyn Fn(State) -> bool| model.count(|p| p.lot == place && is(p.state));
            let pending = of(&|s| s == State::Pending);
            let open = pending + of(&|s| s == State::Available);
            let held = of(&|s| matches!(s, State::Held(_)));
            prop_assert_eq!(self.lot(*id, "member_pending"), pending);
            prop_assert_eq!(self.lot(*id, "member_available"), open - pending);
            prop_assert_eq!(self.lot(*id, "member_held"), held);
            let Some(lot) = wallet.lots.get(id) else {
                prop_assert_eq!(open + held, 0);
                continue;
            };
            prop_assert_eq!(
                lot.remaining.hundredths(),
                open,
                "what remains of lot {}",
                place
            );
            prop_assert_eq!(lot.expired.hundredths(), of(&|s| s == State::Expired));
            prop_assert_eq!(lot.expires_at, model.lots[place].expires.map(at));
            prop_assert!(lot.remaining <= lot.amount && lot.expired <= lot.amount);
            prop_assert!(open == 0 || lot.pending == (pending > 0));
        }
        Ok(())
    }

    /// The active holds draw exactly what the entries of the held accounts say.
    pub fn check_holds(&self, wallet: &Wallet) -> Checked {
        let active = || {
            wallet
                .holds
                .values()
                .filter(|h| h.status == domain::loyalty::wallet::HoldStatus::Active)
        };
        for id in &self.lot_ids {
            let draws = active()
                .flat_map(|hold| &hold.draws)
                .filter(|draw| draw.lot == *id);
            let drawn: i64 = draws.map(|draw| draw.points.hundredths()).sum();
            prop_assert_eq!(self.lot(*id, "member_held"), drawn);
        }
        for hold in active() {
            let drawn: i64 = hold.draws.iter().map(|draw| draw.points.hundredths()).sum();
            prop_assert_eq!(drawn, hold.amount.hundredths());
        }
        Ok(())
    }
}
