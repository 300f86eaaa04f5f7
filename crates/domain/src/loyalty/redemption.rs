//! How much of a bill points may pay, and which lines they pay.

use super::basket::Basket;
use crate::money::{BasisPoints, Money, Overflow, PointValue, Points, split_in_proportion};

/// How points pay a bill: for each line the money that points pay and the points themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The money that points pay, in all.
    pub worth: Money,
    /// The points.
    pub points: Points,
    /// Line by line: money and points.
    pub lines: Vec<(Money, Points)>,
}

/// The most money of a bill that points may pay: its payable lines, within the business's share of the whole.
///
/// # Errors
/// [`Overflow`].
pub fn most_payable(basket: &Basket, share_cap: BasisPoints) -> Result<Money, Overflow> {
    let payable = Money::sum(
        basket
            .lines
            .iter()
            .filter(|line| line.payable)
            .map(|line| line.amount),
    )?;
    Ok(share_cap.of(basket.total)?.min(payable))
}

/// The most points that may pay a bill, however many the member has.
///
/// # Errors
/// [`Overflow`].
pub fn most_points(
    basket: &Basket,
    share_cap: BasisPoints,
    value: PointValue,
) -> Result<Points, Overflow> {
    value.most_points_within(most_payable(basket, share_cap)?)
}

/// Spreads `points` over the payable lines in proportion to their amounts.
///
/// # Errors
/// [`Overflow`], also when there is nothing that points may pay.
pub fn pay(basket: &Basket, points: Points, value: PointValue) -> Result<Payment, Overflow> {
    let worth = value.worth_of(points)?;
    let weights: Vec<i64> = basket
        .lines
        .iter()
        .map(|line| {
            if line.payable {
                line.amount.hundredths()
            } else {
                0
            }
        })
        .collect();
    let money = split_in_proportion(worth.hundredths(), &weights)?;
    // Points follow the money that they pay; where they are worth less than a hundredth, they follow the amounts.
    let points_weights = if worth.is_zero() { &weights } else { &money };
    let split = split_in_proportion(points.hundredths(), points_weights)?;
    let lines = money
        .into_iter()
        .zip(split)
        .map(|(money, points)| {
            (
                Money::from_hundredths(money),
                Points::from_hundredths(points),
            )
        })
        .collect();
    Ok(Payment {
        worth,
        points,
        lines,
    })
}
