//! Single purchases and refunds with the numbers written out.

use std::collections::BTreeMap;

use domain::ids::HoldId;
use domain::loyalty::basket::{Basket, BasketInput, LineInput};
use domain::loyalty::ledger::{Cause, JournalKind};
use domain::loyalty::lot::{Lot, LotOrigin};
use domain::loyalty::purchase::{
    MemberState, Programme, Proof, PurchaseDecision, PurchaseInput, PurchaseRefusal, Spend,
    Standing, Terms, decide,
};
use domain::loyalty::refund::{self, PostedLine, PostedPurchase, RefundDecision, RefundRequest};
use domain::loyalty::tier::Ladder;
use domain::loyalty::validity::Validity;
use domain::loyalty::wallet::{Hold, HoldStatus, Wallet, WalletError};
use domain::money::{BasisPoints, Money, Overflow, Points};
use domain::programme::ProgrammeSettings;
use uuid::Uuid;

use super::books::{at, business, counting_ids, funder, member, points};
use super::purchase_oracle::{START, end_of_day};

struct Shop {
    settings: ProgrammeSettings,
    ladder: Ladder,
    terms: Terms,
    state: MemberState,
    ids: Box<dyn FnMut() -> Uuid>,
}

impl Shop {
    /// A shop that gives 10 % and takes points for half the bill, and a member with so many points of the programme.
    fn with_points(amount: i64) -> Self {
        let settings = ProgrammeSettings::starting("Circle", "RUB", chrono_tz::Europe::Moscow);
        let mut ids = counting_ids(1_000);
        let mut wallet = Wallet::empty(member());
        let lot = Lot {
            id: ids().into(),
            member: member(),
            origin: LotOrigin::Adjustment,
            origin_id: None,
            funder: funder(None),
            earned_at: at(START),
            activates_at: at(START),
            expires_at: None,
            amount: points(amount),
            remaining: Points::ZERO,
            expired: Points::ZERO,
            pending: false,
        };
        let cause = Cause {
            business: None,
            source: None,
            occurred_at: at(START),
        };
        if amount > 0 {
            let given = wallet.accrue(
                JournalKind::Adjustment,
                vec![lot],
                cause,
                at(START),
                &mut ids,
            );
            given.expect("points");
        }
        let ladder = Ladder::starting();
        Self {
            state: MemberState {
                wallet,
                standing: Standing::Active,
                tier: ladder.lowest().code.clone(),
                tier_since: at(START),
                birthday: None,
                visits: BTreeMap::new(),
                measure: 0,
                usage: BTreeMap::new(),
            },
            settings,
            ladder,
            terms: Terms {
                business: business(0),
                base_rate: BasisPoints::new(1_000),
                share_cap: None,
                spend_without_code_up_to: Money::ZERO,
            },
            ids: Box::new(ids),
        }
    }

    fn basket(&self, lines: &[(&str, i64)]) -> Basket {
        let line = |(category, amount): &(&str, i64)| LineInput {
            category: Some((*category).to_owned()),
            amount: Money::from_hundredths(*amount),
        };
        let lines = lines.iter().map(line).collect();
        Basket::new(&BasketInput::Lines { lines, total: None }, &self.settings).expect("a basket")
    }

    fn buy(
        &mut self,
        lines: &[(&str, i64)],
        spend: Spend,
    ) -> Result<PurchaseDecision, PurchaseRefusal> {
        let input = PurchaseInput {
            id: (self.ids)().into(),
            occurred_at: at(START),
            basket: self.basket(lines),
            spend,
            proof: Proof::Strong,
            late_hours: None,
        };
        let programme = Programme {
            settings: &self.settings,
            ladder: &self.ladder,
            now: at(START),
        };
        let (state, none) = (&mut self.state, BTreeMap::new());
        decide(
            programme,
            &self.terms,
            &[],
            &none,
            state,
            &input,
            &mut *self.ids,
        )
    }

    fn hold(&mut self, amount: i64) -> HoldId {
        let id = HoldId::from((self.ids)());
        let hold = Hold {
            id,
            business: business(0),
            reference: "till 1".to_owned(),
            status: HoldStatus::Active,
            amount: points(amount),
            captured: Points::ZERO,
            purchase: None,
            expires_at: at(START + 900),
            created_at: at(START),
            draws: Vec::new(),
        };
        self.state
            .wallet
            .hold(hold, at(START), &mut *self.ids)
            .expect("enough");
        id
    }

    fn refund(&mut self, posted: &mut PostedPurchase, request: &RefundRequest) -> RefundDecision {
        let id = (self.ids)().into();
        let (wallet, asked) = (&mut self.state.wallet, (id, request, false));
        let decided = refund::decide(
            &self.settings,
            posted,
            wallet,
            asked,
            at(START),
            &mut *self.ids,
        );
        let decision = decided.expect("a refund");
        for refunded in &decision.explanation.lines {
            let line = posted
                .lines
                .iter_mut()
                .find(|line| line.number == refunded.line);
            let line = line.expect("a line");
            line.refunded = line.refunded.plus(refunded.amount).expect("a small amount");
        }
        posted.has_refunds = true;
        posted.points_returned = posted
            .points_returned
            .plus(decision.points_returned)
            .expect("few");
        decision
    }
}

fn posted(decision: &PurchaseDecision) -> PostedPurchase {
    let lines = decision.explanation.lines.iter().map(|line| PostedLine {
        number: line.line,
        amount: line.amount,
        paid_by_points: line.paid_by_points,
        points_spent: line.points_spent,
        refunded: Money::ZERO,
    });
    PostedPurchase {
        business: business(0),
        occurred_at: at(START),
        lines: lines.collect(),
        explanation: decision.explanation.clone(),
        points_returned: Points::ZERO,
        has_refunds: false,
    }
}

#[test]
fn who_may_earn_and_who_may_spend() {
    let bill = [("general", 10_000)];
    let mut shop = Shop::with_points(1_000);
    shop.state.standing = Standing::Waiting;
    let spending = Spend::Points(points(100));
    assert_eq!(
        shop.buy(&bill, spending),
        Err(PurchaseRefusal::MemberNotJoined)
    );
    let earned = shop
        .buy(&bill, Spend::Nothing)
        .map(|decision| decision.points_earned);
    assert_eq!(
        earned,
        Ok(points(1_000)),
        "points wait for the person to join"
    );
    shop.state.standing = Standing::Closed;
    assert_eq!(
        shop.buy(&bill, Spend::Nothing),
        Err(PurchaseRefusal::MemberClosed)
    );
    shop.state.standing = Standing::Active;
    let negative = shop.buy(&bill, Spend::Points(points(-1)));
    assert_eq!(negative, Err(WalletError::NotPositive.into()));
}

#[test]
fn points_pay_only_payable_lines_within_the_share() {
    let mut shop = Shop::with_points(100_000);
    // Half of 200.00 is 100.00, but only 80.00 may be paid by points.
    let bill = [("food", 8_000), ("alcohol", 12_000)];
    let over = PurchaseRefusal::OverShareCap {
        asked: points(8_001),
        most: points(8_000),
    };
    assert_eq!(shop.buy(&bill, Spend::Points(points(8_001))), Err(over));
    let decision = shop
        .buy(&bill, Spend::Points(points(8_000)))
        .expect("a purchase");
    assert_eq!(decision.max_points, points(8_000));
    assert_eq!(decision.paid_by_money, Money::from_hundredths(12_000));
    assert_eq!(
        decision.points_earned,
        points(1_200),
        "of the alcohol alone, which earns"
    );
    assert_eq!(decision.explanation.lines[0].eligible, Money::ZERO);
}

#[test]
fn the_tier_rises_at_once_past_several_steps_and_counts_from_the_next_purchase() {
    let mut shop = Shop::with_points(0);
    let decision = shop
        .buy(&[("general", 10_000_000)], Spend::Nothing)
        .expect("a purchase");
    assert_eq!(
        (decision.tier.as_str(), decision.tier_after.as_str()),
        ("insider", "elite")
    );
    assert_eq!(
        decision.points_earned,
        points(1_000_000),
        "still the multiplier of before"
    );
    let next = shop
        .buy(&[("general", 1_000)], Spend::Nothing)
        .expect("a purchase");
    assert_eq!(
        (next.tier.as_str(), next.points_earned),
        ("elite", points(150))
    );
    assert_eq!(shop.state.visits[&business(0)], 2);
}

#[test]
fn a_tier_may_give_points_a_longer_life() {
    let mut shop = Shop::with_points(0);
    let mut tiers = shop.ladder.tiers().to_vec();
    tiers[0].validity = Some(Validity::Days { count: 500 });
    shop.ladder = Ladder::new(tiers).expect("a ladder");
    let decision = shop
        .buy(&[("general", 1_000)], Spend::Nothing)
        .expect("a purchase");
    assert_eq!(
        decision.explanation.lots[0].expires_at,
        Some(at(end_of_day(START, 500)))
    );
}

#[test]
fn a_hold_pays_one_purchase_of_its_business() {
    let mut shop = Shop::with_points(1_000);
    let bill = [("general", 10_000)];
    let hold = shop.hold(600);
    shop.terms.business = business(1);
    assert_eq!(
        shop.buy(&bill, Spend::Hold(hold, None)),
        Err(PurchaseRefusal::UnknownHold)
    );
    shop.terms.business = business(0);
    let (ids, wallet) = (&mut *shop.ids, &mut shop.state.wallet);
    wallet
        .capture(hold, points(500), None, at(START), ids)
        .expect("taken by the till");
    let inactive = Err(WalletError::HoldNotActive.into());
    assert_eq!(
        shop.buy(&bill, Spend::Hold(hold, Some(points(400)))),
        inactive
    );
    let decision = shop
        .buy(&bill, Spend::Hold(hold, None))
        .expect("joined to its purchase");
    assert_eq!(
        (decision.points_spent, decision.hold),
        (points(500), Some(hold))
    );
    assert_eq!(decision.explanation.spent[0].points, points(500));
    assert_eq!(shop.buy(&bill, Spend::Hold(hold, None)), inactive);
    let redeemed = shop.state.wallet.changes.journals.iter();
    assert_eq!(
        redeemed
            .filter(|j| j.kind == JournalKind::Redemption)
            .count(),
        0,
        "taken once"
    );
}

#[test]
fn refunding_line_by_line_leaves_no_debt_beside_points() {
    // The alcohol earns and may not be paid by points; the gift card earns nothing and is.
    let bill = [("alcohol", 10_000), ("gift_card", 10_000)];
    let line = |number| RefundRequest::Lines(vec![(number, None)]);
    for requests in [
        vec![RefundRequest::Everything],
        vec![line(1), line(2)],
        vec![line(2), line(1)],
    ] {
        let mut shop = Shop::with_points(1_500);
        let decision = shop
            .buy(&bill, Spend::Points(points(1_500)))
            .expect("a purchase");
        assert_eq!(decision.points_earned, points(1_000));
        let mut sale = posted(&decision);
        // What it earned is spent elsewhere before the goods come back.
        shop.buy(&[("gift_card", 10_000)], Spend::Points(points(1_000)))
            .expect("a purchase");
        for request in &requests {
            shop.refund(&mut sale, request);
        }
        let wallet = &shop.state.wallet;
        assert_eq!(
            (wallet.available, wallet.debt),
            (points(500), Points::ZERO),
            "{requests:?}"
        );
    }
}

#[test]
fn a_line_is_refunded_in_thirds_without_losing_a_hundredth() {
    let mut shop = Shop::with_points(1_000);
    let decision = shop
        .buy(&[("general", 1_000)], Spend::Points(points(100)))
        .expect("a purchase");
    let mut sale = posted(&decision);
    let mut steps = Vec::new();
    for amount in [333, 333, 334] {
        let request = RefundRequest::Amount(Money::from_hundredths(amount));
        let step = shop.refund(&mut sale, &request);
        steps.push((
            step.money_returned.hundredths(),
            step.points_returned.hundredths(),
            step.points_taken_back.hundredths(),
            step.complete,
        ));
    }
    assert_eq!(
        steps,
        vec![
            (300, 33, 29, false),
            (300, 33, 30, false),
            (300, 34, 31, true)
        ]
    );
}

#[test]
fn a_bill_that_leaves_the_range_is_an_error() {
    let mut shop = Shop::with_points(0);
    shop.terms.base_rate = BasisPoints::new(20_000);
    let overflow: PurchaseRefusal = WalletError::Overflow(Overflow).into();
    let huge = [("general", i64::MAX)];
    assert_eq!(shop.buy(&huge, Spend::Nothing), Err(overflow));
    shop.terms.base_rate = BasisPoints::new(1);
    let first = shop
        .buy(&huge, Spend::Nothing)
        .map(|decision| decision.measure);
    assert_eq!(first, Ok(i64::MAX));
    assert_eq!(
        shop.buy(&[("general", 1)], Spend::Nothing),
        Err(overflow),
        "nor may progress wrap"
    );
}
