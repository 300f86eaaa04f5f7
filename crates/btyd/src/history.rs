//! A customer's history as the models see it, and a horizon to look ahead. Both are checked when they are made, so that
//! no model has to.

use crate::error::{Error, HistoryFault};

/// Longest time that is accepted, in any unit.
const LONGEST: f64 = 1e12;

/// Frequency `x`, recency `t_x` and age `T` of one customer.
///
/// Times are in one unit of the caller's choice (weeks in most of the literature); the parameters `alpha` and `beta`
/// of a model are in the same unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct History {
    frequency: u32,
    recency: f64,
    age: f64,
}

impl History {
    /// Checks and makes a history: `frequency` repeat purchases, the last of them `recency` after the first purchase,
    /// observed for `age` since the first purchase.
    ///
    /// # Errors
    /// [`HistoryFault`] for times that are negative, not finite, in the wrong order, or a recency without a repeat.
    pub fn new(frequency: u32, recency: f64, age: f64) -> Result<Self, HistoryFault> {
        if !recency.is_finite() || recency < 0.0 {
            return Err(HistoryFault::Recency(recency));
        }
        if !age.is_finite() || age < 0.0 {
            return Err(HistoryFault::Age(age));
        }
        if age > LONGEST {
            return Err(HistoryFault::TooLong(age));
        }
        if recency > age {
            return Err(HistoryFault::RecencyAfterAge { recency, age });
        }
        if frequency == 0 && recency != 0.0 {
            return Err(HistoryFault::RecencyWithoutRepeat(recency));
        }
        // Negative zero would be a pattern of its own.
        Ok(Self {
            frequency,
            recency: recency + 0.0,
            age: age + 0.0,
        })
    }

    /// Checks rows of `(frequency, recency, age)`, where the frequency may come as a float.
    ///
    /// # Errors
    /// [`Error::Row`] names the first row that is wrong; [`Error::Value`] a frequency that is no whole number.
    pub fn from_rows<I>(rows: I) -> Result<Vec<Self>, Error>
    where
        I: IntoIterator<Item = (f64, f64, f64)>,
    {
        rows.into_iter()
            .enumerate()
            .map(|(row, (frequency, recency, age))| {
                let whole = whole_number(frequency).ok_or(Error::Value {
                    row,
                    value: frequency,
                })?;
                Self::new(whole, recency, age).map_err(|fault| Error::Row { row, fault })
            })
            .collect()
    }

    /// Number of repeat purchases, `x`.
    #[must_use]
    pub fn frequency(&self) -> u32 {
        self.frequency
    }

    /// Time of the last purchase since the first, `t_x`.
    #[must_use]
    pub fn recency(&self) -> f64 {
        self.recency
    }

    /// Length of observation since the first purchase, `T`.
    #[must_use]
    pub fn age(&self) -> f64 {
        self.age
    }

    /// Time since the last purchase, `T - t_x`.
    #[must_use]
    pub fn idle(&self) -> f64 {
        self.age - self.recency
    }
}

/// A whole number from a float, if it is one and fits.
fn whole_number(value: f64) -> Option<u32> {
    let in_range = value >= 0.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and in range, as checked"
    )]
    in_range.then_some(value as u32)
}

/// A length of time to look ahead, from zero up, in the unit of the histories.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Horizon(f64);

impl Horizon {
    /// Checks and makes a horizon.
    ///
    /// # Errors
    /// [`Error::Parameter`] if it is negative, not finite, or beyond 1e12 units.
    pub fn new(length: f64) -> Result<Self, Error> {
        if (0.0..=LONGEST).contains(&length) {
            Ok(Self(length + 0.0))
        } else {
            Err(Error::Parameter {
                name: "horizon",
                value: length,
            })
        }
    }

    /// A horizon of the given length, if it is shorter than this one.
    pub(crate) fn part(&self, length: f64) -> Option<Self> {
        (length < self.0).then_some(Self(length))
    }

    /// The length in time units.
    #[must_use]
    pub fn length(&self) -> f64 {
        self.0
    }
}
