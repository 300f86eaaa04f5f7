//! What can be wrong with the caller's data. Every function that takes raw numbers answers with one of these, never
//! with a panic or a NaN.

use thiserror::Error;

/// Why a purchase history is impossible.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum HistoryFault {
    /// The time of the last purchase is negative, infinite or not a number.
    #[error("recency {0} is not a finite number from zero up")]
    Recency(f64),
    /// The length of observation is negative, infinite or not a number.
    #[error("age {0} is not a finite number from zero up")]
    Age(f64),
    /// The last purchase lies after the end of observation (`t_x > T`).
    #[error("recency {recency} is later than age {age}")]
    RecencyAfterAge {
        /// Time of the last purchase since the first.
        recency: f64,
        /// Length of observation since the first purchase.
        age: f64,
    },
    /// There is no repeat purchase, yet a time of the last one (`x = 0`, `t_x ≠ 0`).
    #[error("recency {0} without a repeat purchase")]
    RecencyWithoutRepeat(f64),
    /// The time lies beyond what the numerics are made for (1e12 units).
    #[error("the time {0} is beyond 1e12 units")]
    TooLong(f64),
}

/// Everything this crate refuses.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A row of the input holds an impossible history.
    #[error("row {row}: {fault}")]
    Row {
        /// Position in the input, from 0.
        row: usize,
        /// What is wrong with it.
        fault: HistoryFault,
    },
    /// A history given by itself is impossible.
    #[error(transparent)]
    History(#[from] HistoryFault),
    /// A weight is not a finite positive number.
    #[error("row {row}: the weight {weight} is not a finite positive number")]
    Weight {
        /// Position in the input, from 0.
        row: usize,
        /// The weight as given.
        weight: f64,
    },
    /// An amount is not a finite number, or not positive where it has to be.
    #[error("row {row}: the spend {spend} is not a finite positive number")]
    Spend {
        /// Position in the input, from 0.
        row: usize,
        /// The amount as given.
        spend: f64,
    },
    /// A value is not a finite number.
    #[error("row {row}: the value {value} is not usable")]
    Value {
        /// Position in the input, from 0.
        row: usize,
        /// The value as given.
        value: f64,
    },
    /// A customer's purchases do not come in order of time.
    #[error("row {row}: the day {day} is earlier than the customer's day before it")]
    OutOfOrder {
        /// Position in the input, from 0.
        row: usize,
        /// The day as given.
        day: i32,
    },
    /// A parameter of a model, or a setting, lies outside its range.
    #[error("{name} = {value} is outside its range")]
    Parameter {
        /// Its name in the formulas.
        name: &'static str,
        /// The value as given.
        value: f64,
    },
    /// The population mean of spend is infinite (`q ≤ 1`), so nothing can be expected of it.
    #[error("the mean spend is infinite for q = {q}; q must be above 1")]
    InfiniteMean {
        /// The parameter `q` of the Gamma-Gamma model.
        q: f64,
    },
    /// There are no rows.
    #[error("there are no rows")]
    Empty,
    /// The rows cannot tell the parameters.
    #[error("not enough data: {reason}")]
    NotEnoughData {
        /// What is missing.
        reason: &'static str,
    },
    /// Two slices that belong together differ in length.
    #[error("{found} values for {expected} rows")]
    Length {
        /// Length of the first slice.
        expected: usize,
        /// Length of the other.
        found: usize,
    },
}
