//! Fitting Gamma-Gamma: gamma functions once for each frequency, two logarithms for each customer.

use super::{GammaGamma, Spending};
use crate::error::Error;
use crate::fit::newton::{Evaluation, Objective};
use crate::fit::{Fit, FitOptions, search};
use crate::special::{digamma, ln_gamma, trigamma};

struct Likelihood {
    /// Frequency and mean in units of the overall mean, by frequency.
    rows: Vec<(f64, f64, f64)>,
    total: f64,
}

impl Objective<3> for Likelihood {
    fn evaluate(&self, place: &[f64; 3]) -> Evaluation<3> {
        let natural = place.map(f64::exp);
        let [p, q, gamma] = natural;
        let (mut value, mut g, mut h) = (0.0, [0.0; 3], [[0.0; 3]; 3]);
        for same in self.rows.chunk_by(|one, other| one.0 == other.0) {
            let x = same[0].0;
            let shape = p * x;
            let weight: f64 = same.iter().map(|row| row.2).sum();
            let (both, both_slope) = (digamma(shape + q), trigamma(shape + q));
            value += weight * (ln_gamma(shape + q) - ln_gamma(shape) - ln_gamma(q));
            g[0] += weight * x * (both - digamma(shape));
            g[1] += weight * (both - digamma(q));
            h[0][0] += weight * x * x * (both_slope - trigamma(shape));
            h[0][1] += weight * x * both_slope;
            h[1][1] += weight * (both_slope - trigamma(q));
            for &(_, mean, weight) in same {
                let spent = x * mean;
                let whole = gamma + spent;
                let (ln_spent, ln_gamma_share) = ((spent / whole).ln(), (gamma / whole).ln());
                value += weight * (shape * ln_spent + q * ln_gamma_share - mean.ln());
                g[0] += weight * x * ln_spent;
                g[1] += weight * ln_gamma_share;
                g[2] += weight * (q / gamma - (shape + q) / whole);
                h[0][2] -= weight * x / whole;
                h[1][2] += weight * (1.0 / gamma - 1.0 / whole);
                h[2][2] += weight * ((shape + q) / (whole * whole) - q / (gamma * gamma));
            }
        }
        let mut hessian = [[0.0; 3]; 3];
        for i in 0..3 {
            for j in i..3 {
                let diagonal = if i == j { g[i] * natural[i] } else { 0.0 };
                hessian[i][j] = -(h[i][j] * natural[i] * natural[j] + diagonal) / self.total;
                hessian[j][i] = hessian[i][j];
            }
        }
        let mut gradient = [0.0; 3];
        for i in 0..3 {
            gradient[i] = -g[i] * natural[i] / self.total;
        }
        Evaluation {
            value: -value / self.total,
            gradient,
            hessian: Some(hessian),
        }
    }
}

impl GammaGamma {
    /// Fits to customers with a repeat purchase (others are left out); the order of parameters is `p, q, gamma`.
    ///
    /// # Errors
    /// As [`GammaGamma::fit_weighted`].
    pub fn fit(spendings: &[Spending], options: &FitOptions) -> Result<Fit<Self, 3>, Error> {
        Self::fit_weighted(spendings.iter().map(|one| (*one, 1.0)), options)
    }

    /// Fits to spendings with weights; a weight of 3 is the same as three equal rows.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows, [`Error::Weight`] for a bad weight, [`Error::NotEnoughData`] if fewer than two
    /// customers bought again or all spent the same, [`Error::InfiniteMean`] if the best `q` is at most 1.
    pub fn fit_weighted<I>(spendings: I, options: &FitOptions) -> Result<Fit<Self, 3>, Error>
    where
        I: IntoIterator<Item = (Spending, f64)>,
    {
        options.check()?;
        let mut rows = Vec::new();
        let mut any = false;
        for (row, (spending, weight)) in spendings.into_iter().enumerate() {
            any = true;
            if !weight.is_finite() || weight <= 0.0 {
                return Err(Error::Weight { row, weight });
            }
            if spending.frequency() > 0 {
                rows.push((f64::from(spending.frequency()), spending.mean(), weight));
            }
        }
        if !any {
            return Err(Error::Empty);
        }
        rows.sort_unstable_by(|one, other| {
            one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1))
        });
        let varied = rows.iter().any(|row| row.1 != rows[0].1);
        if !varied {
            return Err(Error::NotEnoughData {
                reason: "fewer than two different mean spends among customers with repeat purchases",
            });
        }
        let total: f64 = rows.iter().map(|row| row.2).sum();
        let scale = rows.iter().map(|row| row.1 * row.2).sum::<f64>() / total;
        for row in &mut rows {
            row.1 /= scale;
        }
        let starts = [[5.0, 4.0, 0.6], [1.0, 2.0, 1.0], [2.0, 8.0, 3.0]];
        let likelihood = Likelihood { rows, total };
        let found = search(&likelihood, &starts, [1.0, 1.0, scale], total, options);
        let [p, q, gamma] = found.parameters;
        let model = Self::new(p, q, gamma)?;
        let rows = likelihood.rows.iter();
        let log_likelihood = rows
            .map(|(x, mean, weight)| weight * model.ln_density(*x, mean * scale))
            .sum();
        Ok(found.report(model, log_likelihood))
    }
}
