//! Money and points: 64-bit integers in hundredths that do not mix, and the few ways in which one becomes the other.
//! Rounding is down, once, at the end of a line. Overflow is an error, never a wrap.

use serde::{Deserialize, Serialize};

/// A sum left the range of 64-bit hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the amount is too large")]
pub struct Overflow;

/// `floor(a * b / c)` without losing bits on the way.
///
/// # Errors
/// [`Overflow`] if the result leaves 64 bits or `c` is zero.
pub fn mul_div_floor(a: i64, b: i64, c: i64) -> Result<i64, Overflow> {
    if c == 0 {
        return Err(Overflow);
    }
    let product = i128::from(a) * i128::from(b);
    i64::try_from(product.div_euclid(i128::from(c))).map_err(|_| Overflow)
}

macro_rules! hundredths {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// An amount of so many hundredths.
            #[must_use]
            pub const fn from_hundredths(hundredths: i64) -> Self {
                Self(hundredths)
            }

            /// The amount in hundredths.
            #[must_use]
            pub const fn hundredths(self) -> i64 {
                self.0
            }

            /// Whether this is exactly nothing.
            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// Whether this is more than nothing.
            #[must_use]
            pub const fn is_positive(self) -> bool {
                self.0 > 0
            }

            /// Whether this is less than nothing.
            #[must_use]
            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }

            /// The sum.
            ///
            /// # Errors
            /// [`Overflow`] if it leaves 64 bits.
            pub fn plus(self, other: Self) -> Result<Self, Overflow> {
                self.0.checked_add(other.0).map(Self).ok_or(Overflow)
            }

            /// The difference.
            ///
            /// # Errors
            /// [`Overflow`] if it leaves 64 bits.
            pub fn minus(self, other: Self) -> Result<Self, Overflow> {
                self.0.checked_sub(other.0).map(Self).ok_or(Overflow)
            }

            /// The same amount with the other sign.
            ///
            /// # Errors
            /// [`Overflow`] for the one amount that has no opposite.
            pub fn negated(self) -> Result<Self, Overflow> {
                self.0.checked_neg().map(Self).ok_or(Overflow)
            }

            /// The sum of all.
            ///
            /// # Errors
            /// [`Overflow`] if it leaves 64 bits.
            pub fn sum(all: impl IntoIterator<Item = Self>) -> Result<Self, Overflow> {
                all.into_iter().try_fold(Self::ZERO, Self::plus)
            }

            /// `floor(self * part / whole)`.
            ///
            /// # Errors
            /// [`Overflow`] if it leaves 64 bits or `whole` is zero.
            pub fn portion(self, part: i64, whole: i64) -> Result<Self, Overflow> {
                mul_div_floor(self.0, part, whole).map(Self)
            }
        }
    };
}

hundredths! {
    /// Money in hundredths of the programme's currency (kopecks, cents).
    Money
}

hundredths! {
    /// Loyalty points in hundredths of a point.
    Points
}

/// A share in hundredths of a percent: 10 000 is the whole.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct BasisPoints(u32);

impl BasisPoints {
    /// The whole: 100 %.
    pub const WHOLE: Self = Self(10_000);

    /// So many hundredths of a percent.
    #[must_use]
    pub const fn new(hundredths_of_percent: u32) -> Self {
        Self(hundredths_of_percent)
    }

    /// The share in hundredths of a percent.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The share of `money`, rounded down.
    ///
    /// # Errors
    /// [`Overflow`] if it leaves 64 bits.
    pub fn of(self, money: Money) -> Result<Money, Overflow> {
        money.portion(i64::from(self.0), i64::from(Self::WHOLE.0))
    }
}

/// The points that `money` earns at `rate`, multiplied by `multiplier`, rounded down once.
/// A rate of 5 % gives five points for a hundred units of currency, whatever a point is worth when it is spent.
///
/// # Errors
/// [`Overflow`] if the result leaves 64 bits.
pub fn points_for(
    money: Money,
    rate: BasisPoints,
    multiplier: BasisPoints,
) -> Result<Points, Overflow> {
    let product = i128::from(money.0) * i128::from(rate.0) * i128::from(multiplier.0);
    let whole = i128::from(BasisPoints::WHOLE.0);
    i64::try_from(product.div_euclid(whole * whole))
        .map(Points)
        .map_err(|_| Overflow)
}

/// What a point pays: hundredths of the currency for one whole point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PointValue(Money);

impl PointValue {
    /// A point worth `money`.
    #[must_use]
    pub const fn new(money: Money) -> Self {
        Self(money)
    }

    /// The money that one whole point pays.
    #[must_use]
    pub const fn money(self) -> Money {
        self.0
    }

    /// The money that `points` pay, rounded down.
    ///
    /// # Errors
    /// [`Overflow`] if it leaves 64 bits.
    pub fn worth_of(self, points: Points) -> Result<Money, Overflow> {
        mul_div_floor(points.0, self.0.0, 100).map(Money)
    }

    /// The most points whose worth does not exceed `money`.
    ///
    /// # Errors
    /// [`Overflow`] if it leaves 64 bits or a point is worth nothing.
    pub fn most_points_within(self, money: Money) -> Result<Points, Overflow> {
        mul_div_floor(money.0, 100, self.0.0).map(Points)
    }
}

/// Splits `total` in proportion to `weights` so that the parts add up exactly and no part exceeds its fair share
/// by more than one hundredth (largest remainder; ties go to the earlier part). With no weight all is zero,
/// and the caller must not have anything to split.
///
/// # Errors
/// [`Overflow`] if the weights leave 64 bits, or there is something to split and nothing to split it by.
pub fn split_in_proportion(total: i64, weights: &[i64]) -> Result<Vec<i64>, Overflow> {
    let whole: i128 = weights.iter().map(|w| i128::from(*w)).sum();
    if whole == 0 {
        return if total == 0 {
            Ok(vec![0; weights.len()])
        } else {
            Err(Overflow)
        };
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut given = 0_i64;
    for (index, weight) in weights.iter().enumerate() {
        let product = i128::from(total) * i128::from(*weight);
        let part = i64::try_from(product.div_euclid(whole)).map_err(|_| Overflow)?;
        given = given.checked_add(part).ok_or(Overflow)?;
        parts.push(part);
        remainders.push((product.rem_euclid(whole), index));
    }
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut left = total - given;
    for (_, index) in remainders {
        if left == 0 {
            break;
        }
        parts[index] += 1;
        left -= 1;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn earning_rounds_down_once() {
        // 199.99 at 5 % with a multiplier of 1.5 is 14.99925 points.
        let points = points_for(
            Money::from_hundredths(19_999),
            BasisPoints::new(500),
            BasisPoints::new(15_000),
        );
        assert_eq!(points, Ok(Points::from_hundredths(1_499)));
    }

    #[test]
    fn overflow_is_an_error() {
        let most = Money::from_hundredths(i64::MAX);
        assert_eq!(most.plus(Money::from_hundredths(1)), Err(Overflow));
        assert_eq!(
            points_for(most, BasisPoints::new(20_000), BasisPoints::WHOLE),
            Err(Overflow)
        );
        assert_eq!(
            PointValue::new(Money::ZERO).most_points_within(most),
            Err(Overflow)
        );
    }

    proptest! {
        #[test]
        fn a_split_adds_up_and_is_fair(total in 0_i64..1_000_000_000, weights in prop::collection::vec(0_i64..1_000_000, 1..20)) {
            prop_assume!(weights.iter().sum::<i64>() > 0);
            let parts = split_in_proportion(total, &weights).expect("small numbers");
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            let whole: i128 = weights.iter().map(|w| i128::from(*w)).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                let fair = i128::from(total) * i128::from(*weight) / whole;
                prop_assert!((0..=1).contains(&(i128::from(*part) - fair)));
                prop_assert!(*weight > 0 || *part == 0);
            }
        }

        #[test]
        fn points_within_money_never_pay_more(money in 0_i64..1_000_000_000_000, value in 1_i64..100_000) {
            let value = PointValue::new(Money::from_hundredths(value));
            let money = Money::from_hundredths(money);
            let points = value.most_points_within(money).expect("small numbers");
            prop_assert!(value.worth_of(points).expect("small numbers") <= money);
        }
    }
}
