//! Discounted lifetime value for a horizon.

use super::{GammaGamma, PurchaseModel, Spending};
use crate::error::Error;
use crate::history::{History, Horizon};

/// Discounting in steps: purchases in step `k` count `1 / (1 + rate)^k`, as in the discrete formulas of Fader, Hardie
/// and Lee (2005, "RFM and CLV").
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Discounting {
    step: f64,
    rate: f64,
}

impl Discounting {
    /// A `rate` for each `step`, the step in the model's time unit: 52/12 weeks and 0.01 for one per cent a month.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless the step is from 1e-6 to 1e12 and the rate from 0 to 1000.
    pub fn new(step: f64, rate: f64) -> Result<Self, Error> {
        if !(1e-6..=1e12).contains(&step) {
            return Err(Error::Parameter {
                name: "step",
                value: step,
            });
        }
        if !(0.0..=1e3).contains(&rate) {
            return Err(Error::Parameter {
                name: "rate",
                value: rate,
            });
        }
        Ok(Self { step, rate })
    }

    /// Expected purchases in the horizon, each discounted by the step it falls into; a last part of a step counts as a
    /// step. At most 100,000 steps.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the horizon has more steps.
    pub fn purchases<M: PurchaseModel + ?Sized>(
        &self,
        model: &M,
        history: &History,
        horizon: Horizon,
    ) -> Result<f64, Error> {
        let steps = (horizon.length() / self.step).ceil();
        if steps > 1e5 {
            return Err(Error::Parameter {
                name: "horizon in steps",
                value: steps,
            });
        }
        // Summation by parts: sums of cumulative expectations, so that no two of them are subtracted.
        let factor = 1.0 / (1.0 + self.rate);
        let (mut sum, mut weight, mut k) = (0.0, factor, 1.0);
        while k < steps {
            let until = Horizon::new(self.step * k)?;
            let expected = model.expected_if_alive(history.frequency(), history.age(), until);
            sum += expected * weight * (self.rate * factor);
            weight *= factor;
            k += 1.0;
        }
        let whole = model.expected_if_alive(history.frequency(), history.age(), horizon);
        Ok(model.p_alive(history) * (sum + weight * whole))
    }
}

/// Expected discounted margin of a customer in the horizon: discounted purchases times expected spend times `margin`
/// (a share of spend), in the money of the spend model.
///
/// # Errors
/// [`Error::Parameter`] for a margin that is not finite or a horizon of too many steps.
pub fn lifetime_value<M: PurchaseModel + ?Sized>(
    purchases: &M,
    spend: &GammaGamma,
    customer: (&History, &Spending),
    horizon: Horizon,
    discounting: Discounting,
    margin: f64,
) -> Result<f64, Error> {
    if !(-1e6..=1e6).contains(&margin) {
        return Err(Error::Parameter {
            name: "margin",
            value: margin,
        });
    }
    let (history, spending) = customer;
    let expected = discounting.purchases(purchases, history, horizon)?;
    Ok(expected * spend.expected_mean_spend(spending) * margin)
}
