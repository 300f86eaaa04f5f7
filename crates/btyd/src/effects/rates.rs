//! Two arms compared by rate: Wilson's interval (1927), Newcombe's hybrid score interval of a difference (1998, method
//! 10), Katz's interval of a ratio (1978).

use super::{Interval, two_sided_z};
use crate::error::Error;
use crate::special::distributions::normal_cdf;

/// Customers of an arm, and those who did what was hoped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arm {
    successes: u32,
    size: u32,
}

impl Arm {
    /// An arm of `size` customers with `successes` among them.
    ///
    /// # Errors
    /// [`Error::Parameter`] if there are more successes than customers.
    pub fn new(successes: u32, size: u32) -> Result<Self, Error> {
        if successes > size {
            return Err(Error::Parameter {
                name: "successes",
                value: f64::from(successes),
            });
        }
        Ok(Self { successes, size })
    }

    /// Share of successes; `None` for an empty arm.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.size > 0).then(|| f64::from(self.successes) / f64::from(self.size))
    }
}

/// Wilson's score interval of a rate; `None` for an empty arm.
///
/// # Errors
/// [`Error::Parameter`] unless the confidence is strictly between 0 and 1.
pub fn wilson(arm: Arm, confidence: f64) -> Result<Option<Interval>, Error> {
    let z = two_sided_z(confidence)?;
    Ok(arm.rate().map(|rate| {
        let n = f64::from(arm.size);
        let middle = rate + z * z / (2.0 * n);
        let half = z * (rate * (1.0 - rate) / n + z * z / (4.0 * n * n)).sqrt();
        let whole = 1.0 + z * z / n;
        Interval {
            low: if arm.successes == 0 {
                0.0
            } else {
                (middle - half) / whole
            },
            high: if arm.successes == arm.size {
                1.0
            } else {
                (middle + half) / whole
            },
        }
    }))
}

/// Difference of two rates, treated minus control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateDifference {
    /// The difference.
    pub difference: f64,
    /// Newcombe's hybrid score interval; right even with no success at all.
    pub interval: Interval,
    /// z statistic with the pooled variance; `None` if nobody or everybody succeeded.
    pub z: Option<f64>,
    /// Its two-sided p-value.
    pub p_value: Option<f64>,
}

/// Compares two arms by rate; `None` if an arm is empty.
///
/// # Errors
/// [`Error::Parameter`] unless the confidence is strictly between 0 and 1.
pub fn newcombe(
    treated: Arm,
    control: Arm,
    confidence: f64,
) -> Result<Option<RateDifference>, Error> {
    let (Some(t), Some(c)) = (wilson(treated, confidence)?, wilson(control, confidence)?) else {
        return Ok(None);
    };
    let (Some(rate), Some(base)) = (treated.rate(), control.rate()) else {
        return Ok(None);
    };
    let difference = rate - base;
    let interval = Interval {
        low: difference - (rate - t.low).hypot(c.high - base),
        high: difference + (t.high - rate).hypot(base - c.low),
    };
    let (n, m) = (f64::from(treated.size), f64::from(control.size));
    let pooled = (f64::from(treated.successes) + f64::from(control.successes)) / (n + m);
    let variance = pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m);
    let z = (variance > 0.0).then(|| difference / variance.sqrt());
    Ok(Some(RateDifference {
        difference,
        interval,
        z,
        p_value: z.map(|z| 2.0 * normal_cdf(-z.abs())),
    }))
}

/// Ratio of two rates, treated to control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioOfRates {
    /// The ratio; minus 1 it is the relative lift.
    pub ratio: f64,
    /// Katz's logarithmic interval; `None` without a success among the treated.
    pub interval: Option<Interval>,
}

/// Compares two arms by the ratio of rates; `None` if an arm is empty or the control has no success.
///
/// # Errors
/// [`Error::Parameter`] unless the confidence is strictly between 0 and 1.
pub fn katz(treated: Arm, control: Arm, confidence: f64) -> Result<Option<RatioOfRates>, Error> {
    let z = two_sided_z(confidence)?;
    let (Some(rate), Some(base)) = (treated.rate(), control.rate()) else {
        return Ok(None);
    };
    if control.successes == 0 {
        return Ok(None);
    }
    let ratio = rate / base;
    let missing = |arm: Arm| 1.0 / f64::from(arm.successes) - 1.0 / f64::from(arm.size);
    let interval = (treated.successes > 0).then(|| {
        let half = z * (missing(treated) + missing(control)).sqrt();
        Interval {
            low: ratio * (-half).exp(),
            high: ratio * half.exp(),
        }
    });
    Ok(Some(RatioOfRates { ratio, interval }))
}
