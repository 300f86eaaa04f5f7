//! What a refund does: earned points are taken back, spent points go back to their lots, progress is taken back.
//!
//! Every share is the difference of two floors over what has been refunded of the line so far, so that refunds in any
//! number of steps end exactly where one full refund does.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::explanation::Explanation;
use super::ledger::Cause;
use super::validity::{day_of, end_of_day};
use super::wallet::{Clawback, Draw, NewId, Wallet, WalletError};
use crate::ids::{BusinessId, LotId, RefundId, RuleId};
use crate::money::{Money, Overflow, Points, split_in_proportion};
use crate::programme::ProgrammeSettings;

/// A line of a posted purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedLine {
    /// Number on the receipt.
    pub number: i16,
    /// What it cost.
    pub amount: Money,
    /// What points paid of it.
    pub paid_by_points: Money,
    /// The points that paid it.
    pub points_spent: Points,
    /// What has been refunded of it.
    pub refunded: Money,
}

/// A posted purchase, as far as a refund needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedPurchase {
    /// Where it was made.
    pub business: BusinessId,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// Its lines.
    pub lines: Vec<PostedLine>,
    /// Why it earned what it earned.
    pub explanation: Explanation,
    /// The points that earlier refunds gave back.
    pub points_returned: Points,
    /// Whether there was a refund before.
    pub has_refunds: bool,
}

/// What is to be refunded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundRequest {
    /// These lines: each whole (what is left of it) or by an amount.
    Lines(Vec<(i16, Option<Money>)>),
    /// An amount, spread over what is left of all lines.
    Amount(Money),
    /// All that is left.
    Everything,
}

/// Why a refund was refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefusal {
    /// More is asked than is left of the sale.
    #[error("the refund exceeds what is left of the sale")]
    OverSale {
        /// What is left.
        left: Money,
    },
    /// The purchase has no such line, or it was named twice.
    #[error("the purchase has no such line, or it was named twice")]
    UnknownLine {
        /// Its place in the request, from 0.
        index: usize,
    },
    /// Nothing is left to refund.
    #[error("the purchase is refunded already")]
    AlreadyRefunded,
    /// The amount must be positive.
    #[error("the amount must be positive")]
    NotPositive,
    /// A void is for the day of the purchase.
    #[error("a purchase can be voided only on its day")]
    VoidTooLate,
    /// The wallet refused.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

impl From<Overflow> for RefundRefusal {
    fn from(overflow: Overflow) -> Self {
        Self::Wallet(WalletError::Overflow(overflow))
    }
}

/// What a refund does to a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundedLine {
    /// Number on the receipt.
    pub line: i16,
    /// What is refunded of it.
    pub amount: Money,
    /// The part that points had paid.
    pub paid_by_points: Money,
    /// The points given back for it.
    pub points_returned: Points,
    /// The points asked back for it.
    pub points_taken_back: Points,
}

/// Why a refund does what it does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundExplanation {
    /// Line by line.
    pub lines: Vec<RefundedLine>,
    /// The lots to which spent points went back.
    pub restored: Vec<Draw>,
    /// Until when a lot that had expired lives on.
    pub grace_until: Option<DateTime<Utc>>,
    /// What became of the points asked back.
    pub clawback: Clawback,
    /// What no longer counts against caps and budgets: only points that were really taken back.
    #[serde(default)]
    pub given_back: Vec<GivenBack>,
}

/// Points of a rule that no longer count against its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenBack {
    /// The rule.
    pub rule: RuleId,
    /// The first day of the period of its cap for the member, if it has one.
    pub period_start: Option<NaiveDate>,
    /// Whether they counted against its budget.
    pub budgeted: bool,
    /// How many.
    pub points: Points,
}

/// A decided refund; the wallet has changed with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundDecision {
    /// What is refunded.
    pub amount: Money,
    /// The money to give back.
    pub money_returned: Money,
    /// The points given back.
    pub points_returned: Points,
    /// The points taken back.
    pub points_taken_back: Points,
    /// The debt it made.
    pub debt_added: Points,
    /// Whether nothing is left of the sale.
    pub complete: bool,
    /// The day of the purchase, from whose progress it is taken.
    pub day: NaiveDate,
    /// Why.
    pub explanation: RefundExplanation,
}

/// Decides a refund and changes the wallet by it. On refusal the wallet may be half changed: decide on a copy.
///
/// # Errors
/// [`RefundRefusal`] says why nothing may happen.
pub fn decide(
    settings: &ProgrammeSettings,
    purchase: &PostedPurchase,
    wallet: &mut Wallet,
    (id, request, is_void): (RefundId, &RefundRequest, bool),
    now: DateTime<Utc>,
    ids: NewId<'_>,
) -> Result<RefundDecision, RefundRefusal> {
    let zone = settings.time_zone;
    let day = day_of(purchase.occurred_at, zone);
    if is_void && day_of(now, zone) != day {
        return Err(RefundRefusal::VoidTooLate);
    }
    let amounts = amounts_by_line(purchase, request)?;
    wallet.advance(now, ids)?;
    let lines = refunded_lines(purchase, &amounts)?;
    let amount = Money::sum(lines.iter().map(|line| line.amount))?;
    let worth = Money::sum(lines.iter().map(|line| line.paid_by_points))?;
    let points_returned = Points::sum(lines.iter().map(|line| line.points_returned))?;

    let cause = Cause {
        business: Some(purchase.business),
        source: Some(id.as_uuid()),
        occurred_at: now,
    };
    let restored = draws_to_restore(purchase, points_returned)?;
    let grace_until = grace_until(settings, now);
    wallet.restore(&restored, purchase.business, grace_until, cause, now, ids)?;

    let shares = accrual_shares(purchase, &amounts)?;
    let mut by_lot: BTreeMap<LotId, Points> = BTreeMap::new();
    for (index, share) in &shares {
        if let Some(lot) = purchase.explanation.accruals[*index].lot {
            let sum = by_lot.entry(lot).or_default();
            *sum = sum.plus(*share)?;
        }
    }
    let takes: Vec<Draw> = by_lot
        .into_iter()
        .map(|(lot, points)| Draw { lot, points })
        .collect();
    let clawback = wallet.claw_back(&takes, settings.clawback, cause, now, ids)?;

    let left: i64 = purchase
        .lines
        .iter()
        .map(|line| line.amount.hundredths() - line.refunded.hundredths())
        .sum();
    let given_back = given_back(purchase, &shares, &clawback)?;
    Ok(RefundDecision {
        amount,
        money_returned: amount.minus(worth)?,
        points_returned,
        points_taken_back: clawback.taken()?,
        debt_added: clawback.debt()?,
        complete: amount.hundredths() == left,
        day,
        explanation: RefundExplanation {
            lines,
            restored,
            grace_until,
            clawback,
            given_back,
        },
    })
}

/// What is refunded of each line, in the order of the purchase's lines.
fn amounts_by_line(
    purchase: &PostedPurchase,
    request: &RefundRequest,
) -> Result<Vec<Money>, RefundRefusal> {
    let left: Vec<Money> = purchase
        .lines
        .iter()
        .map(|line| line.amount.minus(line.refunded))
        .collect::<Result<_, _>>()?;
    let all_left = Money::sum(left.iter().copied())?;
    if all_left.is_zero() && (purchase.has_refunds || *request != RefundRequest::Everything) {
        return Err(RefundRefusal::AlreadyRefunded);
    }
    match request {
        RefundRequest::Everything => Ok(left),
        RefundRequest::Amount(amount) => {
            if !amount.is_positive() {
                return Err(RefundRefusal::NotPositive);
            }
            if *amount > all_left {
                return Err(RefundRefusal::OverSale { left: all_left });
            }
            let weights: Vec<i64> = left.iter().map(|money| money.hundredths()).collect();
            let parts = split_in_proportion(amount.hundredths(), &weights)?;
            Ok(parts.into_iter().map(Money::from_hundredths).collect())
        }
        RefundRequest::Lines(lines) => {
            let mut amounts = vec![Money::ZERO; left.len()];
            let mut named = vec![false; left.len()];
            for (index, (number, asked)) in lines.iter().enumerate() {
                let place = purchase
                    .lines
                    .iter()
                    .position(|line| line.number == *number)
                    .filter(|place| !named[*place])
                    .ok_or(RefundRefusal::UnknownLine { index })?;
                named[place] = true;
                let amount = asked.unwrap_or(left[place]);
                if !amount.is_positive() {
                    return Err(if asked.is_some() {
                        RefundRefusal::NotPositive
                    } else {
                        RefundRefusal::AlreadyRefunded
                    });
                }
                if amount > left[place] {
                    return Err(RefundRefusal::OverSale { left: left[place] });
                }
                amounts[place] = amount;
            }
            if lines.is_empty() {
                return Err(RefundRefusal::NotPositive);
            }
            Ok(amounts)
        }
    }
}

/// What of `whole` belongs to the step from `line.refunded` to `line.refunded + amount`.
fn step(whole: Points, line: &PostedLine, amount: Money) -> Result<Points, Overflow> {
    if amount.is_zero() {
        return Ok(Points::ZERO);
    }
    let after = line.refunded.plus(amount)?;
    let all = line.amount.hundredths();
    whole
        .portion(after.hundredths(), all)?
        .minus(whole.portion(line.refunded.hundredths(), all)?)
}

fn refunded_lines(
    purchase: &PostedPurchase,
    amounts: &[Money],
) -> Result<Vec<RefundedLine>, Overflow> {
    let mut refunded = Vec::new();
    for (line, amount) in purchase.lines.iter().zip(amounts) {
        if amount.is_zero() {
            continue;
        }
        let after = line.refunded.plus(*amount)?.hundredths();
        let (before, all) = (line.refunded.hundredths(), line.amount.hundredths());
        let worth = line.paid_by_points.portion(after, all)?;
        let granted = purchase
            .explanation
            .accruals
            .iter()
            .filter(|accrual| accrual.line == line.number)
            .map(|accrual| step(accrual.granted, line, *amount));
        refunded.push(RefundedLine {
            line: line.number,
            amount: *amount,
            paid_by_points: worth.minus(line.paid_by_points.portion(before, all)?)?,
            points_returned: step(line.points_spent, line, *amount)?,
            points_taken_back: granted.sum_points()?,
        });
    }
    Ok(refunded)
}

trait SumPoints {
    fn sum_points(self) -> Result<Points, Overflow>;
}

impl<I: Iterator<Item = Result<Points, Overflow>>> SumPoints for I {
    fn sum_points(mut self) -> Result<Points, Overflow> {
        self.try_fold(Points::ZERO, |sum, points| sum.plus(points?))
    }
}

/// The share of each accrual that is asked back, by its place in the explanation.
fn accrual_shares(
    purchase: &PostedPurchase,
    amounts: &[Money],
) -> Result<Vec<(usize, Points)>, Overflow> {
    let mut shares = Vec::new();
    for (index, accrual) in purchase.explanation.accruals.iter().enumerate() {
        let place = purchase
            .lines
            .iter()
            .position(|line| line.number == accrual.line);
        if let Some(place) = place {
            let share = step(accrual.granted, &purchase.lines[place], amounts[place])?;
            if share.is_positive() {
                shares.push((index, share));
            }
        }
    }
    Ok(shares)
}

/// The lots to which points go back: what was drawn last comes back first.
fn draws_to_restore(purchase: &PostedPurchase, points: Points) -> Result<Vec<Draw>, Overflow> {
    let mut skip = purchase.points_returned;
    let mut left = points;
    let mut draws = Vec::new();
    for draw in purchase.explanation.spent.iter().rev() {
        let skipped = skip.min(draw.points);
        skip = skip.minus(skipped)?;
        let take = left.min(draw.points.minus(skipped)?);
        left = left.minus(take)?;
        if take.is_positive() {
            draws.push(Draw {
                lot: draw.lot,
                points: take,
            });
        }
    }
    if left.is_positive() {
        Err(Overflow)
    } else {
        Ok(draws)
    }
}

/// Of each lot only what was not forgiven, spread over the rules that had put points into it.
fn given_back(
    purchase: &PostedPurchase,
    shares: &[(usize, Points)],
    clawback: &Clawback,
) -> Result<Vec<GivenBack>, Overflow> {
    let accruals = &purchase.explanation.accruals;
    let mut given_back = Vec::new();
    for part in &clawback.lots {
        let of_lot = || {
            shares
                .iter()
                .filter(|(index, _)| accruals[*index].lot == Some(part.lot))
        };
        let weights: Vec<i64> = of_lot().map(|(_, share)| share.hundredths()).collect();
        let taken = part.asked.minus(part.forgiven)?;
        let parts = split_in_proportion(taken.hundredths(), &weights)?;
        for ((index, _), points) in of_lot().zip(parts) {
            let accrual = &accruals[*index];
            let Some(rule) = accrual.rule else { continue };
            if points > 0 && (accrual.period_start.is_some() || accrual.budgeted) {
                given_back.push(GivenBack {
                    rule,
                    period_start: accrual.period_start,
                    budgeted: accrual.budgeted,
                    points: Points::from_hundredths(points),
                });
            }
        }
    }
    Ok(given_back)
}

/// Until when a lot that has expired lives on when points go back to it now.
#[must_use]
pub fn grace_until(settings: &ProgrammeSettings, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let grace = Days::new(u64::from(settings.refund_grace_days));
    let day = day_of(now, settings.time_zone).checked_add_days(grace)?;
    end_of_day(day, settings.time_zone)
}
