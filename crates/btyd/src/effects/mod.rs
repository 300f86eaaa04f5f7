//! What a promotion did: two arms compared by rate or by mean, variance reduction with data from before, and how many
//! customers a test needs. Analyse by assignment, not by who used the offer. What is undefined is `None`, never 0 or NaN.

mod means;
mod plan;
mod rates;

pub use means::{Cuped, MeanDifference, cuped, welch};
pub use plan::{size_for_means, size_for_rates, smallest_effect_on_means};
pub use rates::{Arm, RateDifference, RatioOfRates, katz, newcombe, wilson};

use crate::error::Error;

/// An interval of confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Checks a probability such as a level of confidence, strictly between 0 and 1.
fn probability(name: &'static str, value: f64) -> Result<f64, Error> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(Error::Parameter { name, value })
    }
}

/// The normal quantile that leaves half of the rest on each side.
fn two_sided_z(confidence: f64) -> Result<f64, Error> {
    let confidence = probability("confidence", confidence)?;
    Ok(-crate::special::distributions::normal_quantile(
        0.5 * (1.0 - confidence),
    ))
}
