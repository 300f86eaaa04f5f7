//! Discounted lifetime value for a horizon.

use super::{GammaGamma, Known, PurchaseModel, Spending, batch};
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
        self.steps(horizon)?;
        Ok(model.p_alive(history)
            * self.if_alive(model, history.frequency(), history.age(), horizon))
    }

    fn steps(&self, horizon: Horizon) -> Result<f64, Error> {
        let steps = (horizon.length() / self.step).ceil();
        if steps > 1e5 {
            return Err(Error::Parameter {
                name: "horizon in steps",
                value: steps,
            });
        }
        Ok(steps)
    }

    /// Summation by parts: sums of cumulative expectations, so that no two of them are subtracted.
    fn if_alive<M: PurchaseModel + ?Sized>(
        &self,
        model: &M,
        frequency: u32,
        age: f64,
        horizon: Horizon,
    ) -> f64 {
        let factor = 1.0 / (1.0 + self.rate);
        let (mut sum, mut weight, mut k) = (0.0, factor, 1.0);
        while let Some(until) = horizon.part(self.step * k) {
            let expected = model.expected_if_alive(frequency, age, until);
            sum += expected * weight * (self.rate * factor);
            weight *= factor;
            k += 1.0;
        }
        sum + weight * model.expected_if_alive(frequency, age, horizon)
    }

    /// Discounted purchases of many customers into `out`, as [`Discounting::purchases`]; equal frequencies and ages are
    /// computed once. Times an expected spend and a margin this is the lifetime value.
    ///
    /// # Errors
    /// [`Error::Length`] if the slices differ in length, [`Error::Parameter`] if the horizon has too many steps.
    pub fn purchases_into<M: PurchaseModel + ?Sized>(
        &self,
        model: &M,
        histories: &[History],
        horizon: Horizon,
        out: &mut [f64],
    ) -> Result<(), Error> {
        self.steps(horizon)?;
        batch(histories, out, |rows, answers| {
            let mut known = Known::default();
            for (history, answer) in rows.iter().zip(answers) {
                let if_alive = known.get(history, |x, age| self.if_alive(model, x, age, horizon));
                *answer = model.p_alive(history) * if_alive;
            }
        })
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
