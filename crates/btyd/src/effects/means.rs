//! Two arms compared by mean: Welch's test (1947) with Satterthwaite's degrees of freedom, and CUPED (Deng, Xu, Kohavi
//! and Walker 2013), which takes out what customers did before the promotion.

use super::{Interval, probability};
use crate::error::Error;
use crate::special::distributions::{student_quantile, student_two_sided};

/// Difference of two means, treated minus control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeanDifference {
    /// The difference.
    pub difference: f64,
    /// Its standard error; `None` with fewer than two values in an arm or no variance at all, as are all below.
    pub standard_error: Option<f64>,
    /// Degrees of freedom.
    pub degrees_of_freedom: Option<f64>,
    /// Interval of confidence.
    pub interval: Option<Interval>,
    /// Two-sided p-value of no difference.
    pub p_value: Option<f64>,
}

struct Moments {
    n: f64,
    mean: f64,
    variance: f64,
}

fn moments(values: &[f64]) -> Moments {
    let n = values.len() as f64;
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    Moments {
        n,
        mean,
        variance: squares / (n - 1.0),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn check(values: &[f64]) -> Result<(), Error> {
    // Squares of larger numbers would overflow.
    match values.iter().position(|v| v.is_nan() || v.abs() > 1e100) {
        Some(row) => Err(Error::Value {
            row,
            value: values[row],
        }),
        None => Ok(()),
    }
}

/// Compares two arms by mean; `None` if an arm is empty.
///
/// # Errors
/// [`Error::Value`] names a value that is not finite (or above 1e100), [`Error::Parameter`] a bad confidence.
pub fn welch(
    treated: &[f64],
    control: &[f64],
    confidence: f64,
) -> Result<Option<MeanDifference>, Error> {
    let confidence = probability("confidence", confidence)?;
    check(treated)?;
    check(control)?;
    if treated.is_empty() || control.is_empty() {
        return Ok(None);
    }
    let (t, c) = (moments(treated), moments(control));
    let difference = t.mean - c.mean;
    let (from_t, from_c) = (t.variance / t.n, c.variance / c.n);
    let variance = from_t + from_c;
    if t.n < 2.0 || c.n < 2.0 || variance <= 0.0 {
        return Ok(Some(MeanDifference {
            difference,
            standard_error: None,
            degrees_of_freedom: None,
            interval: None,
            p_value: None,
        }));
    }
    let (share_t, share_c) = (from_t / variance, from_c / variance);
    let df = 1.0 / (share_t * share_t / (t.n - 1.0) + share_c * share_c / (c.n - 1.0));
    let error = variance.sqrt();
    let half = student_quantile(1.0 - confidence, df) * error;
    Ok(Some(MeanDifference {
        difference,
        standard_error: Some(error),
        degrees_of_freedom: Some(df),
        interval: Some(Interval {
            low: difference - half,
            high: difference + half,
        }),
        p_value: Some(student_two_sided(difference / error, df)),
    }))
}

/// A comparison adjusted by what was known before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cuped {
    /// Slope of the outcome on the value from before, over both arms; 0 if the latter does not vary.
    pub theta: f64,
    /// Correlation of the two; the variance shrinks by its square. `None` if one does not vary.
    pub correlation: Option<f64>,
    /// The adjusted comparison.
    pub adjusted: MeanDifference,
}

/// Compares two arms of `(before, outcome)` pairs; `None` if an arm is empty. `before` must come from before the
/// promotion; give new customers the mean of the others, or leave them to a comparison of their own.
///
/// # Errors
/// As [`welch`].
pub fn cuped(
    treated: &[(f64, f64)],
    control: &[(f64, f64)],
    confidence: f64,
) -> Result<Option<Cuped>, Error> {
    let all = || treated.iter().chain(control);
    let (before, outcome): (Vec<f64>, Vec<f64>) = all().copied().unzip();
    check(&before)?;
    check(&outcome)?;
    let (mean_before, mean_outcome) = (mean(&before), mean(&outcome));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in all() {
        let (dx, dy) = (x - mean_before, y - mean_outcome);
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
    }
    let theta = if xx > 0.0 { xy / xx } else { 0.0 };
    let adjust = |pairs: &[(f64, f64)]| -> Vec<f64> {
        pairs
            .iter()
            .map(|(x, y)| y - theta * (x - mean_before))
            .collect()
    };
    let adjusted = welch(&adjust(treated), &adjust(control), confidence)?;
    let varied = xx > 0.0 && yy > 0.0;
    Ok(adjusted.map(|adjusted| Cuped {
        theta,
        correlation: varied.then(|| (xy / xx.sqrt() / yy.sqrt()).clamp(-1.0, 1.0)),
        adjusted,
    }))
}
