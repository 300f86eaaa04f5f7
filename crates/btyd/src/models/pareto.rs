//! Pareto/NBD (Schmittlein, Morrison and Colombo 1987): purchase rates are Gamma(`r`, `alpha`), and customers leave at a
//! rate that is Gamma(`s`, `beta`), unseen. The usual formulas (Fader and Hardie 2005) are differences of hypergeometric
//! functions; here the same quantities are integrals over the unseen moment of leaving, whose integrands are positive.

use super::negative_binomial::Counts;
use super::{PurchaseModel, parameter};
use crate::error::Error;
use crate::history::{History, Horizon};
use crate::special::quadrature::{panels, panels_down};
use crate::special::{ln_gamma, ln_gamma_step};

/// The Pareto/NBD model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParetoNbd {
    r: f64,
    alpha: f64,
    s: f64,
    beta: f64,
}

impl ParetoNbd {
    /// A model with given parameters, all positive (1e-8 to 1e10): purchase rates are Gamma(`r`, `alpha`), rates of
    /// leaving Gamma(`s`, `beta`), with `alpha` and `beta` in time units.
    ///
    /// # Errors
    /// [`Error::Parameter`] names the first that is out of range.
    pub fn new(r: f64, alpha: f64, s: f64, beta: f64) -> Result<Self, Error> {
        Ok(Self {
            r: parameter("r", r)?,
            alpha: parameter("alpha", alpha)?,
            s: parameter("s", s)?,
            beta: parameter("beta", beta)?,
        })
    }

    /// Shape of the purchase rates.
    #[must_use]
    pub fn r(&self) -> f64 {
        self.r
    }

    /// Scale of the purchase rates, in time units.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Shape of the rates of leaving.
    #[must_use]
    pub fn s(&self) -> f64 {
        self.s
    }

    /// Scale of the rates of leaving, in time units.
    #[must_use]
    pub fn beta(&self) -> f64 {
        self.beta
    }

    fn counts(&self, frequency: u32, age: f64, horizon: Horizon) -> Counts {
        Counts {
            shape: self.r + f64::from(frequency),
            rate: self.alpha + age,
            length: horizon.length(),
        }
    }

    /// Logarithms of the two ways to the history, both relative to the last purchase: still there at the end of
    /// observation, and left at some moment since.
    fn ln_ways(&self, history: &History) -> (f64, f64) {
        let shape = self.r + f64::from(history.frequency());
        let (alpha, beta) = (
            self.alpha + history.recency(),
            self.beta + history.recency(),
        );
        let idle = history.idle();
        let ln_decay = |y: f64| shape * (y / alpha).ln_1p() + self.s * (y / beta).ln_1p();
        let [left] = panels(
            alpha.min(beta),
            idle,
            rate(shape, alpha, self.s, beta),
            |y| [(-ln_decay(y)).exp() * self.s / (beta + y)],
        );
        (-ln_decay(idle), left.ln())
    }
}

/// How fast the logarithm of `(alpha + y)^-shape (beta + y)^-(s + 1)` changes on the axis of [`panels`].
pub(super) fn rate(shape: f64, alpha: f64, s: f64, beta: f64) -> impl Fn(f64) -> f64 {
    let offset = alpha.min(beta);
    move |y| 1.0 + (offset + y) * (shape / (alpha + y) + (s + 1.0) / (beta + y))
}

impl PurchaseModel for ParetoNbd {
    fn ln_odds_dead(&self, history: &History) -> f64 {
        let (stayed, left) = self.ln_ways(history);
        left - stayed
    }

    /// `E[Y(t) | alive] = R B / (A (s - 1)) · (1 - (B / (B + t))^(s - 1))` with `R = r + x`, `A = alpha + T`,
    /// `B = beta + T`; its limit at `s = 1` is a logarithm.
    fn expected_if_alive(&self, frequency: u32, age: f64, horizon: Horizon) -> f64 {
        let shape = self.r + f64::from(frequency);
        let (rate, leaving) = (self.alpha + age, self.beta + age);
        let growth = (horizon.length() / leaving).ln_1p();
        let excess = self.s - 1.0;
        let stretch = if (excess * growth).abs() < 1e-280 {
            growth
        } else {
            -(-excess * growth).exp_m1() / excess
        };
        shape * leaving / rate * stretch
    }

    fn none_if_alive(&self, frequency: u32, age: f64, horizon: Horizon) -> (f64, f64) {
        let shape = self.r + f64::from(frequency);
        let (alpha, beta, t) = (self.alpha + age, self.beta + age, horizon.length());
        let ln_decay = |y: f64| shape * (y / alpha).ln_1p() + self.s * (y / beta).ln_1p();
        // The next event is a purchase, or it is leaving.
        let [bought, left] = panels(alpha.min(beta), t, rate(shape, alpha, self.s, beta), |y| {
            let decay = (-ln_decay(y)).exp();
            [decay * shape / (alpha + y), decay * self.s / (beta + y)]
        });
        let none = (-ln_decay(t)).exp() + left;
        (none.min(1.0), bought.min(1.0))
    }

    fn expected_new(&self, horizon: Horizon) -> f64 {
        self.expected_if_alive(0, 0.0, horizon)
    }

    fn pmf(&self, count: u32, horizon: Horizon) -> f64 {
        let t = horizon.length();
        let x = f64::from(count);
        let (r, alpha, s, beta) = (self.r, self.alpha, self.s, self.beta);
        let stayed = self.counts(0, 0.0, horizon).pmf(count) * (-s * (t / beta).ln_1p()).exp();
        let decay = |y: f64| r * (y / alpha).ln_1p() + s * (y / beta).ln_1p();
        let left = if count == 0 {
            let offset = alpha.min(beta);
            let [left] = panels(offset, t, rate(r, alpha, s, beta), |y| {
                [(-decay(y)).exp() * s / (beta + y)]
            });
            left
        } else {
            let ways = ln_gamma_step(r, x) - ln_gamma(x + 1.0);
            let change = |y: f64| x + 1.0 + (r + x) * y / (alpha + y) + (s + 1.0) * y / (beta + y);
            panels_down(t, change, |y| {
                (ways - x * (alpha / y).ln_1p() - decay(y)).exp() * s / (beta + y)
            })
        };
        (stayed + left).min(1.0)
    }

    fn ln_likelihood(&self, history: &History) -> f64 {
        let x = f64::from(history.frequency());
        let (stayed, left) = self.ln_ways(history);
        let ways = stayed.max(left) + (-(stayed - left).abs()).exp().ln_1p();
        ln_gamma_step(self.r, x)
            - self.r * (history.recency() / self.alpha).ln_1p()
            - x * (self.alpha + history.recency()).ln()
            - self.s * (history.recency() / self.beta).ln_1p()
            + ways
    }
}
