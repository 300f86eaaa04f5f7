//! A posted purchase in the hands of the tests: what may be returned of it, and what its refunds add up to.

use std::collections::BTreeMap;

use domain::ids::LotId;
use domain::loyalty::purchase::{PurchaseDecision, PurchaseInput, Terms};
use domain::loyalty::refund::{PostedLine, PostedPurchase, RefundDecision, RefundRequest};
use domain::loyalty::tier::TierMeasure;
use domain::money::{Money, Points};
use proptest::prelude::*;

use super::books::Checked;
use super::purchase_oracle::World;
use super::purchase_steps::Return;

/// A posted purchase with what its refunds have done.
#[derive(Clone, Debug)]
pub struct Sale {
    pub posted: PostedPurchase,
    pub decision: PurchaseDecision,
    pub occurred: i64,
    pub spend: Option<usize>,
    money_returned: i64,
    taken: BTreeMap<LotId, i64>,
    pub measure: i64,
}

pub fn sale_of(
    terms: &Terms,
    input: &PurchaseInput,
    decision: PurchaseDecision,
    world: &World,
    spend: Option<usize>,
) -> Sale {
    let lines = decision.explanation.lines.iter().map(|line| PostedLine {
        number: line.line,
        amount: line.amount,
        paid_by_points: line.paid_by_points,
        points_spent: line.points_spent,
        refunded: Money::ZERO,
    });
    Sale {
        posted: PostedPurchase {
            business: terms.business,
            occurred_at: input.occurred_at,
            lines: lines.collect(),
            explanation: decision.explanation.clone(),
            points_returned: Points::ZERO,
            has_refunds: false,
        },
        occurred: input.occurred_at.timestamp(),
        spend,
        money_returned: 0,
        taken: BTreeMap::new(),
        measure: match world.settings.tier_measure {
            TierMeasure::NetSpend => decision.paid_by_money.hundredths(),
            TierMeasure::PointsEarned => decision.points_earned.hundredths(),
        },
        decision,
    }
}

pub fn left_of(line: &PostedLine) -> i64 {
    line.amount.hundredths() - line.refunded.hundredths()
}

/// The request in words of the purchase.
pub fn request_of(posted: &PostedPurchase, what: &Return) -> RefundRequest {
    let part = |whole: i64, share: i64| Money::from_hundredths(whole * share / 1_000);
    match what {
        Return::Everything | Return::Void => RefundRequest::Everything,
        Return::Amount(share) => {
            let left = posted.lines.iter().map(left_of).sum();
            RefundRequest::Amount(part(left, *share))
        }
        Return::Lines(lines) => {
            let line = |(place, share): &(usize, Option<i64>)| match posted.lines.get(*place) {
                Some(line) => (line.number, share.map(|share| part(left_of(line), share))),
                None => (99, None),
            };
            RefundRequest::Lines(lines.iter().map(line).collect())
        }
    }
}

/// Whether the request asks for something, and for nothing that is not there.
pub fn is_possible(posted: &PostedPurchase, request: &RefundRequest) -> bool {
    let left: i64 = posted.lines.iter().map(left_of).sum();
    match request {
        RefundRequest::Everything => left > 0 || !posted.has_refunds,
        RefundRequest::Amount(amount) => (1..=left).contains(&amount.hundredths()),
        RefundRequest::Lines(lines) => lines.iter().enumerate().all(|(place, (number, asked))| {
            let twice = lines[..place].iter().any(|other| other.0 == *number);
            let line = posted.lines.iter().find(|line| line.number == *number);
            !twice
                && line.is_some_and(|line| {
                    let left = left_of(line);
                    (1..=left).contains(&asked.map_or(left, Money::hundredths))
                })
        }),
    }
}

impl Sale {
    /// Books a refund; each line has got back its fair share so far, and in the end exactly the whole.
    pub fn follow(&mut self, decision: &RefundDecision, measure: TierMeasure) -> Checked {
        let posted = &mut self.posted;
        for refunded in &decision.explanation.lines {
            let line = posted
                .lines
                .iter_mut()
                .find(|line| line.number == refunded.line);
            let line = line.expect("a line of the purchase");
            line.refunded = line.refunded.plus(refunded.amount)?;
            prop_assert!(left_of(line) >= 0 && refunded.paid_by_points <= refunded.amount);
        }
        posted.has_refunds = true;
        posted.points_returned = posted.points_returned.plus(decision.points_returned)?;
        self.money_returned += decision.money_returned.hundredths();
        for part in &decision.explanation.clawback.lots {
            *self.taken.entry(part.lot).or_default() += part.asked.hundredths();
        }
        self.measure -= match measure {
            TierMeasure::NetSpend => decision.money_returned.hundredths(),
            TierMeasure::PointsEarned => decision.points_taken_back.hundredths(),
        };
        let (mut fair, mut parts) = (0_i128, 0);
        let all: i128 = self.decision.total.hundredths().into();
        for line in self
            .posted
            .lines
            .iter()
            .filter(|line| line.amount.is_positive())
        {
            let (spent, whole) = (line.points_spent.hundredths(), line.amount.hundredths());
            fair += i128::from(spent) * i128::from(line.refunded.hundredths()) / i128::from(whole);
            parts += 1;
        }
        prop_assert!((fair - i128::from(self.posted.points_returned.hundredths())).abs() <= parts);
        let complete = self.posted.lines.iter().all(|line| left_of(line) == 0);
        prop_assert_eq!(decision.complete, complete);
        prop_assert_eq!(decision.day, self.decision.day);
        if complete {
            prop_assert_eq!(self.posted.points_returned, self.decision.points_spent);
            prop_assert_eq!(
                self.money_returned,
                self.decision.paid_by_money.hundredths()
            );
            for lot in &self.decision.explanation.lots {
                let taken = self.taken.get(&lot.lot).copied().unwrap_or(0);
                prop_assert_eq!(
                    taken,
                    lot.points.hundredths(),
                    "all that the lot gave is asked back"
                );
            }
        } else {
            prop_assert!(i128::from(self.money_returned) <= all);
        }
        Ok(())
    }
}
