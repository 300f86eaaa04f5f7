//! Single stories of a wallet with the numbers written out, where the random lives would hide the point.

use chrono::{DateTime, Utc};
use domain::ids::{HoldId, LotId};
use domain::loyalty::ledger::{Account, Cause, JournalKind};
use domain::loyalty::lot::{Lot, LotOrigin};
use domain::loyalty::wallet::{Draw, Hold, HoldStatus, Wallet, WalletError};
use domain::money::{Overflow, Points};
use domain::programme::ClawbackPolicy;
use uuid::Uuid;

use super::books::{at, business, counting_ids, funder, member, points};

const DAY: i64 = 86_400;

struct Story {
    wallet: Wallet,
    ids: Box<dyn FnMut() -> Uuid>,
}

fn id_of(number: u128) -> LotId {
    LotId::from(Uuid::from_u128(number))
}

/// A lot earned on a day, active on another and expired on a third.
fn lot(number: u128, amount: i64, days: (i64, i64, Option<i64>)) -> Lot {
    Lot {
        id: id_of(number),
        member: member(),
        origin: LotOrigin::Purchase,
        origin_id: None,
        funder: funder(None),
        earned_at: on(days.0),
        activates_at: on(days.1),
        expires_at: days.2.map(on),
        amount: points(amount),
        remaining: Points::ZERO,
        expired: Points::ZERO,
        pending: false,
    }
}

fn on(day: i64) -> DateTime<Utc> {
    at(1_767_571_200 + day * DAY)
}

fn draw(number: u128, amount: i64) -> Draw {
    Draw {
        lot: id_of(number),
        points: points(amount),
    }
}

fn cause(day: i64) -> Cause {
    Cause {
        business: Some(business(0)),
        source: None,
        occurred_at: on(day),
    }
}

impl Story {
    fn new() -> Self {
        Self {
            wallet: Wallet::empty(member()),
            ids: Box::new(counting_ids(1_000)),
        }
    }

    fn give(&mut self, day: i64, lots: Vec<Lot>) -> Result<(), WalletError> {
        self.reach(day);
        let kind = JournalKind::Accrual;
        self.wallet
            .accrue(kind, lots, cause(day), on(day), &mut *self.ids)
    }

    fn reach(&mut self, day: i64) {
        self.wallet
            .advance(on(day), &mut *self.ids)
            .expect("time passes");
    }

    fn spend(&mut self, day: i64, amount: i64) -> Result<Vec<Draw>, WalletError> {
        self.reach(day);
        self.wallet.spend(
            points(amount),
            business(0),
            cause(day),
            on(day),
            &mut *self.ids,
        )
    }

    fn ask_back(&mut self, day: i64, takes: &[Draw]) -> Result<(), WalletError> {
        self.reach(day);
        let policy = ClawbackPolicy::IntoDebt;
        self.wallet
            .claw_back(takes, policy, cause(day), on(day), &mut *self.ids)
            .map(|_| ())
    }

    fn restore(&mut self, day: i64, draws: &[Draw], grace: i64) -> Result<(), WalletError> {
        self.reach(day);
        let (until, ids) = (Some(on(grace)), &mut *self.ids);
        self.wallet
            .restore(draws, business(0), until, cause(day), on(day), ids)
    }

    fn hold(&mut self, day: i64, amount: i64, until: i64) -> Result<HoldId, WalletError> {
        self.reach(day);
        let id = HoldId::from((self.ids)());
        let hold = Hold {
            id,
            business: business(0),
            reference: "till 1".to_owned(),
            status: HoldStatus::Active,
            amount: points(amount),
            captured: Points::ZERO,
            purchase: None,
            expires_at: on(until),
            created_at: on(day),
            draws: Vec::new(),
        };
        self.wallet.hold(hold, on(day), &mut *self.ids).map(|()| id)
    }

    /// Available, pending, held, debt.
    fn balances(&self) -> (i64, i64, i64, i64) {
        let w = &self.wallet;
        (
            w.available.hundredths(),
            w.pending.hundredths(),
            w.held.hundredths(),
            w.debt.hundredths(),
        )
    }
}

#[test]
fn earliest_expiry_is_spent_first_never_expiring_last_then_oldest() {
    let mut story = Story::new();
    let lots = vec![
        lot(1, 10, (0, 0, None)),
        lot(2, 10, (-1, 0, None)),
        lot(3, 10, (0, 0, Some(9))),
        lot(4, 10, (0, 0, Some(5))),
        lot(5, 10, (-2, 0, Some(9))),
        lot(6, 10, (0, 2, Some(3))),
    ];
    story.give(0, lots).expect("points");
    let draws = story.spend(0, 45).expect("enough");
    let order = [
        draw(4, 10),
        draw(5, 10),
        draw(3, 10),
        draw(2, 10),
        draw(1, 5),
    ];
    assert_eq!(draws, order, "the pending lot is not touched");
    assert_eq!(story.balances(), (5, 10, 0, 0));
}

#[test]
fn neither_pending_nor_expired_points_are_spent_even_if_nobody_told_the_time() {
    let mut story = Story::new();
    story
        .give(
            0,
            vec![lot(1, 10, (0, 0, Some(1))), lot(2, 10, (0, 3, None))],
        )
        .expect("points");
    // No advance: the balance kept beside is stale, the lots are not.
    let late = story
        .wallet
        .spend(points(10), business(0), cause(2), on(2), &mut *story.ids);
    let none = WalletError::NotEnoughPoints {
        asked: points(10),
        available: Points::ZERO,
    };
    assert_eq!(late, Err(none));
    assert_eq!(
        story.spend(3, 11),
        Err(WalletError::NotEnoughPoints {
            asked: points(11),
            available: points(10)
        })
    );
    assert_eq!(story.spend(3, 10), Ok(vec![draw(2, 10)]));
}

#[test]
fn debt_is_paid_by_later_earnings_when_they_become_active() {
    let mut story = Story::new();
    story
        .give(0, vec![lot(1, 100, (0, 0, None))])
        .expect("points");
    story.spend(0, 100).expect("enough");
    story.ask_back(0, &[draw(1, 100)]).expect("a refund");
    assert_eq!(story.balances(), (0, 0, 0, 100));
    story
        .give(1, vec![lot(2, 30, (1, 4, None))])
        .expect("points");
    assert_eq!(
        story.balances(),
        (0, 30, 0, 100),
        "pending points pay nothing yet"
    );
    story
        .give(2, vec![lot(3, 20, (2, 2, None))])
        .expect("points");
    assert_eq!(story.balances(), (0, 30, 0, 80));
    story.reach(4);
    assert_eq!(story.balances(), (0, 0, 0, 50));
    story
        .give(5, vec![lot(4, 70, (5, 5, None))])
        .expect("points");
    assert_eq!(story.balances(), (20, 0, 0, 0));
    let payments = story.wallet.changes.journals.iter();
    assert_eq!(
        payments
            .filter(|j| j.kind == JournalKind::DebtPayment)
            .count(),
        3
    );
}

#[test]
fn points_given_back_pay_debt_before_they_can_be_spent() {
    let mut story = Story::new();
    story
        .give(
            0,
            vec![lot(1, 100, (0, 0, None)), lot(2, 40, (0, 0, Some(9)))],
        )
        .expect("points");
    let spent = story.spend(0, 140).expect("enough");
    story.ask_back(0, &[draw(1, 60)]).expect("a refund");
    story.restore(0, &spent, 9).expect("a refund");
    assert_eq!(story.balances(), (80, 0, 0, 0));
    assert_eq!(
        story.wallet.lots[&id_of(2)].remaining,
        Points::ZERO,
        "the lot that expires first pays"
    );
}

#[test]
fn an_expired_lot_lives_on_for_the_grace_and_no_longer() {
    let mut story = Story::new();
    story
        .give(
            0,
            vec![lot(1, 100, (0, 0, Some(5))), lot(2, 50, (0, 0, Some(20)))],
        )
        .expect("points");
    let spent = story.spend(1, 120).expect("enough");
    assert_eq!(spent, vec![draw(1, 100), draw(2, 20)]);
    story.restore(6, &spent, 10).expect("a refund");
    assert_eq!(story.balances(), (150, 0, 0, 0));
    assert_eq!(story.wallet.lots[&id_of(1)].expires_at, Some(on(10)));
    assert_eq!(
        story.wallet.lots[&id_of(2)].expires_at,
        Some(on(20)),
        "still its own age"
    );
    assert_eq!(story.spend(9, 1), Ok(vec![draw(1, 1)]));
    story.reach(10);
    assert_eq!(story.balances(), (50, 0, 0, 0));
    assert_eq!(story.wallet.lots[&id_of(1)].expired, points(99));
}

#[test]
fn a_hold_lapses_by_the_clock_and_its_points_keep_their_age() {
    let mut story = Story::new();
    story
        .give(
            0,
            vec![lot(1, 60, (0, 0, Some(2))), lot(2, 60, (0, 0, None))],
        )
        .expect("points");
    let hold = story.hold(0, 100, 4).expect("enough");
    assert_eq!(story.balances(), (20, 0, 100, 0));
    story.reach(3);
    assert_eq!(
        story.balances(),
        (20, 0, 100, 0),
        "set aside in time: not yet expired"
    );
    let lapsed = story
        .wallet
        .capture(hold, points(1), None, on(4), &mut *story.ids);
    assert_eq!(lapsed, Err(WalletError::HoldNotActive));
    story.reach(4);
    assert_eq!(
        story.balances(),
        (60, 0, 0, 0),
        "what came back to the expired lot expires"
    );
    assert_eq!(story.wallet.holds[&hold].status, HoldStatus::Lapsed);
    assert_eq!(story.wallet.lots[&id_of(1)].expired, points(60));
}

#[test]
fn a_capture_takes_less_and_gives_the_rest_back() {
    let mut story = Story::new();
    story
        .give(
            0,
            vec![lot(1, 60, (0, 0, Some(2))), lot(2, 60, (0, 0, None))],
        )
        .expect("points");
    let hold = story.hold(0, 100, 9).expect("enough");
    story.reach(3);
    let over = story
        .wallet
        .capture(hold, points(101), None, on(3), &mut *story.ids);
    assert_eq!(over, Err(WalletError::OverHold));
    let taken = story
        .wallet
        .capture(hold, points(70), None, on(3), &mut *story.ids);
    assert_eq!(
        taken,
        Ok(vec![draw(1, 60), draw(2, 10)]),
        "also of the lot that expired meanwhile"
    );
    assert_eq!(story.balances(), (50, 0, 0, 0));
    let again = story
        .wallet
        .capture(hold, points(1), None, on(3), &mut *story.ids);
    assert_eq!(again, Err(WalletError::HoldNotActive));
    assert_eq!(
        story.wallet.void_hold(hold, on(3), &mut *story.ids),
        Err(WalletError::HoldNotActive)
    );
}

#[test]
fn each_lot_gives_its_own_before_others_are_taken() {
    let mut story = Story::new();
    story
        .give(
            0,
            vec![lot(1, 50, (0, 0, Some(3))), lot(2, 50, (0, 0, None))],
        )
        .expect("points");
    story.spend(0, 50).expect("enough");
    let takes = [draw(1, 50), draw(2, 50)];
    let policy = ClawbackPolicy::DownToZero;
    let back = story
        .wallet
        .claw_back(&takes, policy, cause(0), on(0), &mut *story.ids);
    let lots = back.expect("a refund").lots;
    assert_eq!(
        (lots[0].from_other_lots, lots[0].forgiven),
        (Points::ZERO, points(50))
    );
    assert_eq!(
        (lots[1].from_available, lots[1].forgiven),
        (points(50), Points::ZERO)
    );
}

#[test]
fn nothing_is_owed_for_points_that_expired_unspent() {
    let mut story = Story::new();
    story
        .give(0, vec![lot(1, 100, (0, 0, Some(2)))])
        .expect("points");
    story.spend(0, 30).expect("enough");
    story.ask_back(3, &[draw(1, 100)]).expect("a refund");
    assert_eq!(story.balances(), (0, 0, 0, 30));
    let entries = || {
        story
            .wallet
            .changes
            .journals
            .iter()
            .flat_map(|j| j.entries())
    };
    let breakage = entries()
        .filter(|e| e.account == Account::ProgrammeBreakage)
        .map(|e| e.amount);
    assert_eq!(
        Points::sum(breakage),
        Ok(Points::ZERO),
        "breakage gives them back to who issued them"
    );
}

#[test]
fn a_receipt_so_late_that_its_points_are_over_brings_nothing() {
    let mut story = Story::new();
    story
        .give(9, vec![lot(1, 100, (0, 0, Some(5)))])
        .expect("points");
    assert_eq!(story.balances(), (0, 0, 0, 0));
    let kinds: Vec<_> = story
        .wallet
        .changes
        .journals
        .iter()
        .map(|j| j.kind)
        .collect();
    assert_eq!(kinds, vec![JournalKind::Accrual, JournalKind::Expiry]);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let most = i64::MAX;
    let mut story = Story::new();
    story
        .give(0, vec![lot(1, most, (0, 0, None))])
        .expect("it fits");
    let overflow = Err(WalletError::Overflow(Overflow));
    let before = story.wallet.clone();
    assert_eq!(story.give(0, vec![lot(2, 1, (0, 0, None))]), overflow);
    assert_eq!(
        story.give(0, vec![lot(2, 1, (0, 5, None))]),
        overflow,
        "nor what would not fit later"
    );
    assert_eq!(
        story.give(0, vec![lot(2, most, (0, 5, None)), lot(3, 1, (0, 5, None))]),
        overflow
    );
    let negative = story.give(0, vec![lot(2, 1, (0, 0, None)), lot(3, -1, (0, 0, None))]);
    assert_eq!(negative, Err(WalletError::NotPositive));
    assert_eq!(story.wallet, before);

    let spent = story.spend(0, most).expect("enough");
    story
        .give(0, vec![lot(2, most, (0, 0, None))])
        .expect("it fits again");
    let before = story.wallet.clone();
    assert_eq!(story.restore(0, &spent, 1), overflow);
    assert_eq!(story.wallet, before);
    let hold = story.hold(0, most, 1).expect("enough");
    let before = story.wallet.clone();
    assert_eq!(
        story.give(0, vec![lot(3, 1, (0, 0, None))]),
        overflow,
        "a hold must be able to lapse"
    );
    assert_eq!(story.wallet, before);
    story.reach(1);
    assert_eq!(story.balances(), (most, 0, 0, 0));
    assert_eq!(story.wallet.holds[&hold].status, HoldStatus::Lapsed);

    story.spend(1, most).expect("enough");
    story
        .ask_back(1, &[draw(1, most)])
        .expect("debt of the whole range");
    let before = story.wallet.clone();
    assert_eq!(story.ask_back(1, &[draw(2, 1)]), overflow);
    assert_eq!(
        story.ask_back(1, &[draw(9, 1)]),
        Err(WalletError::LotsNotLoaded)
    );
    assert_eq!(story.wallet, before);
    assert_eq!(story.balances(), (0, 0, 0, most));
}

#[test]
fn lots_that_are_not_loaded_are_an_error_and_not_an_empty_wallet() {
    let mut story = Story::new();
    story
        .give(0, vec![lot(1, 100, (0, 0, Some(5)))])
        .expect("points");
    story.wallet.lots.clear();
    story.wallet.lots_loaded = false;
    let before = story.wallet.clone();
    assert_eq!(story.spend(0, 10), Err(WalletError::LotsNotLoaded));
    assert_eq!(
        story.ask_back(0, &[draw(1, 1)]),
        Err(WalletError::LotsNotLoaded)
    );
    assert_eq!(
        story.restore(0, &[draw(1, 1)], 9),
        Err(WalletError::LotsNotLoaded)
    );
    let due = story.wallet.advance(on(5), &mut *story.ids);
    assert_eq!(due, Err(WalletError::LotsNotLoaded));
    assert_eq!(story.wallet, before);
    assert_eq!(
        story.wallet.advance(on(4), &mut *story.ids),
        Ok(()),
        "nothing was due"
    );
}
