//! Fitting Pareto/NBD. The gradient is a mean over the unseen moment of leaving, taken by the same quadrature as the
//! likelihood itself.

use super::pareto::rate as changes;
use super::{ParetoNbd, PurchaseModel};
use crate::error::Error;
use crate::fit::newton::{Evaluation, Objective};
use crate::fit::{Fit, FitOptions, search};
use crate::history::History;
use crate::patterns::Patterns;
use crate::special::quadrature::panels;
use crate::special::{digamma, ln_gamma_step};

struct Likelihood<'a> {
    patterns: &'a Patterns,
    scale: f64,
}

/// Log-likelihood of one history with its gradient by natural parameters.
fn with_gradient(history: &History, scale: f64, [r, alpha, s, beta]: [f64; 4]) -> (f64, [f64; 4]) {
    let x = f64::from(history.frequency());
    let (recency, idle) = (history.recency() / scale, history.idle() / scale);
    let shape = r + x;
    let (rate, leaving) = (alpha + recency, beta + recency);
    let parts = |y: f64| ((y / rate).ln_1p(), (y / leaving).ln_1p());
    // Mass of leaving at y, and with it the means of the two logarithms and the two inverses.
    let [left, ln_rate, by_rate, ln_leaving, by_leaving] = panels(
        rate.min(leaving),
        idle,
        changes(shape, rate, s, leaving),
        |y| {
            let (first, second) = parts(y);
            let mass = (-shape * first - s * second).exp() * s / (leaving + y);
            let inverse = mass / (leaving + y);
            [
                mass,
                mass * first,
                mass / (rate + y),
                mass * second,
                inverse,
            ]
        },
    );
    let (first, second) = parts(idle);
    let stayed = (-shape * first - s * second).exp();
    let both = left + stayed;
    let (ln_alpha, ln_beta) = ((recency / alpha).ln_1p(), (recency / beta).ln_1p());
    let value = ln_gamma_step(r, x) - r * ln_alpha - x * rate.ln() - s * ln_beta + both.ln();
    let gradient = [
        digamma(r + x) - digamma(r) - ln_alpha - (ln_rate + stayed * first) / both,
        r / alpha - shape * (by_rate + stayed / (rate + idle)) / both,
        left / both / s - ln_beta - (ln_leaving + stayed * second) / both,
        s / beta - ((s + 1.0) * by_leaving + s * stayed / (leaving + idle)) / both,
    ];
    (value, gradient)
}

impl Objective<4> for Likelihood<'_> {
    fn evaluate(&self, place: &[f64; 4]) -> Evaluation<4> {
        let natural = place.map(f64::exp);
        let (mut value, mut gradient) = (0.0, [0.0; 4]);
        for row in self.patterns.rows() {
            let (one, slopes) = with_gradient(&row.history, self.scale, natural);
            value -= row.weight * one;
            for i in 0..4 {
                gradient[i] -= row.weight * slopes[i] * natural[i];
            }
        }
        let total = self.patterns.customers();
        Evaluation {
            value: value / total,
            gradient: gradient.map(|sum| sum / total),
            hessian: None,
        }
    }
}

impl ParetoNbd {
    /// Fits by maximum likelihood; the order of parameters is `r, alpha, s, beta`.
    ///
    /// # Errors
    /// [`Error::NotEnoughData`] if nobody bought again or nobody was observed; [`Error::Parameter`] for a bad penalty.
    pub fn fit(patterns: &Patterns, options: &FitOptions) -> Result<Fit<Self, 4>, Error> {
        options.check()?;
        patterns.require_repeats()?;
        let scale = patterns.mean(History::age);
        let purchases = patterns.mean(|history| f64::from(history.frequency()));
        let starts = [(0.5, 0.5, 0.5), (1.0, 1.0, 1.0), (2.0, 0.2, 2.0)]
            .map(|(r, s, beta)| [r, r / purchases, s, beta]);
        let likelihood = Likelihood { patterns, scale };
        let found = search(
            &likelihood,
            &starts,
            [1.0, scale, 1.0, scale],
            patterns.customers(),
            options,
        );
        let [r, alpha, s, beta] = found.parameters;
        let model = Self::new(r, alpha, s, beta)?;
        let log_likelihood = model.log_likelihood(patterns);
        Ok(found.report(model, log_likelihood))
    }
}
