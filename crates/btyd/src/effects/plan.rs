//! How many customers a test of two arms needs, by the normal approximation (Fleiss, Levin and Paik 2003, chapter 4).

use super::{probability, two_sided_z};
use crate::error::Error;
use crate::special::distributions::normal_quantile;

/// Customers for each arm, rounded up.
fn rounded(size: f64) -> Result<u64, Error> {
    if size.is_nan() || size > 1e15 {
        return Err(Error::Parameter {
            name: "effect",
            value: 0.0,
        });
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 2 to 1e15, as checked"
    )]
    Ok(size.ceil().max(2.0) as u64)
}

/// Size of each of two equal arms to find a change of a rate from `base` to `target` with the given confidence
/// (two-sided) and power: the unpooled form under the alternative, the pooled under no effect.
///
/// # Errors
/// [`Error::Parameter`] for rates, confidence or power outside of 0 to 1, or for equal rates.
pub fn size_for_rates(base: f64, target: f64, confidence: f64, power: f64) -> Result<u64, Error> {
    let (base, target) = (probability("base", base)?, probability("target", target)?);
    let z = two_sided_z(confidence)?;
    let z_power = normal_quantile(probability("power", power)?);
    let middle = 0.5 * (base + target);
    let pooled = (2.0 * middle * (1.0 - middle)).sqrt();
    let apart = (base * (1.0 - base) + target * (1.0 - target)).sqrt();
    let root = (z * pooled + z_power * apart).max(0.0) / (target - base).abs();
    rounded(root * root)
}

/// Size of each of two equal arms to find a difference of means with the given confidence (two-sided) and power, for
/// values of standard deviation `deviation`. With CUPED, multiply the deviation by `sqrt(1 - correlation²)`.
///
/// # Errors
/// [`Error::Parameter`] for a deviation or difference that is not finite and positive, or a bad confidence or power.
pub fn size_for_means(
    deviation: f64,
    difference: f64,
    confidence: f64,
    power: f64,
) -> Result<u64, Error> {
    let deviation = positive("deviation", deviation)?;
    let difference = positive("difference", difference.abs())?;
    let z = two_sided_z(confidence)? + normal_quantile(probability("power", power)?);
    let root = z.max(0.0) * deviation / difference;
    rounded(2.0 * root * root)
}

/// The smallest difference of means that arms of the given sizes find with the given confidence (two-sided) and power.
///
/// # Errors
/// [`Error::Parameter`] for empty arms, a bad deviation, confidence or power.
pub fn smallest_effect_on_means(
    deviation: f64,
    sizes: (u32, u32),
    confidence: f64,
    power: f64,
) -> Result<f64, Error> {
    let deviation = positive("deviation", deviation)?;
    let first = positive("size", f64::from(sizes.0))?;
    let second = positive("size", f64::from(sizes.1))?;
    let z = two_sided_z(confidence)? + normal_quantile(probability("power", power)?);
    Ok(z.max(0.0) * deviation * (1.0 / first + 1.0 / second).sqrt())
}

fn positive(name: &'static str, value: f64) -> Result<f64, Error> {
    if value > 0.0 && value.is_finite() {
        Ok(value)
    } else {
        Err(Error::Parameter { name, value })
    }
}
