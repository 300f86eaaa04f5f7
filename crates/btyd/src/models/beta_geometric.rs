//! BG/NBD (Fader, Hardie and Lee 2005, "Counting your customers the easy way") and MBG/NBD (Batislam, Denizel and
//! Filiztekin 2007; Hoppe and Wagner 2007): purchase rates are Gamma(`r`, `alpha`), and after each purchase a customer
//! leaves with a probability that is Beta(`a`, `b`). In the BG/NBD the first purchase is safe; in the MBG/NBD it is not.

use super::negative_binomial::Counts;
use super::{PurchaseModel, parameter};
use crate::error::Error;
use crate::history::{History, Horizon};
use crate::special::quadrature::ln_beta_mean;
use crate::special::{ln_beta, ln_gamma_step, softplus};

/// The four parameters, and whether the first purchase may be the last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Core {
    pub(crate) r: f64,
    pub(crate) alpha: f64,
    pub(crate) a: f64,
    pub(crate) b: f64,
    pub(crate) first_counts: bool,
}

impl Core {
    fn new(r: f64, alpha: f64, a: f64, b: f64, first_counts: bool) -> Result<Self, Error> {
        Ok(Self {
            r: parameter("r", r)?,
            alpha: parameter("alpha", alpha)?,
            a: parameter("a", a)?,
            b: parameter("b", b)?,
            first_counts,
        })
    }

    /// Purchases after which the customer stayed, if still alive: `x`, or `x + 1` when the first counts.
    fn stays(&self, frequency: u32) -> f64 {
        f64::from(frequency) + f64::from(u8::from(self.first_counts))
    }

    fn ln_odds_dead(&self, history: &History) -> f64 {
        let stays = self.stays(history.frequency());
        if stays == 0.0 {
            return f64::NEG_INFINITY;
        }
        let shape = self.r + f64::from(history.frequency());
        let idle = history.idle() / (self.alpha + history.recency());
        self.a.ln() - (self.b + stays - 1.0).ln() + shape * idle.ln_1p()
    }

    fn counts(&self, frequency: u32, age: f64, horizon: Horizon) -> Counts {
        Counts {
            shape: self.r + f64::from(frequency),
            rate: self.alpha + age,
            length: horizon.length(),
        }
    }

    fn expected_if_alive(&self, frequency: u32, age: f64, horizon: Horizon) -> f64 {
        let counts = self.counts(frequency, age, horizon);
        expected_until_leaving(&counts, self.a, self.b + self.stays(frequency))
    }

    fn expected_new(&self, horizon: Horizon) -> f64 {
        let counts = self.counts(0, 0.0, horizon);
        if self.first_counts {
            self.b / (self.a + self.b) * expected_until_leaving(&counts, self.a, self.b + 1.0)
        } else {
            expected_until_leaving(&counts, self.a, self.b)
        }
    }

    /// `P(X(t) = x)`: alive after `x` purchases, or gone right after the `x`-th of the purchases that would have come.
    fn pmf(&self, count: u32, horizon: Horizon) -> f64 {
        let counts = self.counts(0, 0.0, horizon);
        let stays = self.stays(count);
        let base = ln_beta(self.a, self.b);
        let alive = (ln_beta(self.a, self.b + stays) - base).exp() * counts.pmf(count);
        if stays == 0.0 {
            return alive;
        }
        let left = (ln_beta(self.a + 1.0, self.b + stays - 1.0) - base).exp();
        (alive + left * counts.at_least(count)).min(1.0)
    }

    fn ln_likelihood(&self, history: &History) -> f64 {
        let x = f64::from(history.frequency());
        let stays = self.stays(history.frequency());
        let alive = ln_gamma_step(self.r, x) + ln_beta(self.a, self.b + stays)
            - ln_beta(self.a, self.b)
            - self.r * (history.age() / self.alpha).ln_1p()
            - x * (self.alpha + history.age()).ln();
        alive + softplus(self.ln_odds_dead(history))
    }
}

/// Expected purchases of a customer who is alive and leaves after each purchase with probability `p ~ Beta(a, b)`.
///
/// With `N` the purchases if nobody left, and `q = 1 - p`, this is `E[Σ_{k<N} q^k] = Σ_n P(N = n) Σ_{k<n} E[q^k]`, a sum
/// of positive terms that is regular at `a = 1`, where the published closed form
/// `(a + b - 1)/(a - 1) · (1 - (A/(A+t))^R 2F1(R, b; a + b - 1; t/(A+t)))` is 0/0. When the sum is long, the same mean is
/// taken as the integral of `(1 - (1 + p t/A)^-R) / p` over the beta distribution.
pub(crate) fn expected_until_leaving(counts: &Counts, a: f64, b: f64) -> f64 {
    if counts.length == 0.0 {
        return 0.0;
    }
    match short_sum(counts, a, b) {
        Some(sum) => sum,
        None => by_integral(counts, a, b),
    }
}

/// The sum, if 400 terms are enough.
fn short_sum(counts: &Counts, a: f64, b: f64) -> Option<f64> {
    let (z, shape) = (counts.z(), counts.shape);
    let none = -shape * (counts.length / counts.rate).ln_1p();
    if none < -600.0 {
        return None;
    }
    let mut probability = none.exp();
    let (mut stay, mut stays, mut sum) = (1.0, 0.0, 0.0);
    for n in 1..=400_u32 {
        let n = f64::from(n);
        probability *= z * (shape + n - 1.0) / n;
        stays += stay;
        stay *= (b + n - 1.0) / (a + b + n - 1.0);
        sum += probability * stays;
        // The next probabilities fall at least like powers of this ratio; `stays` grows at most linearly.
        let ratio = z * ((shape + n) / (n + 1.0)).max(1.0);
        if ratio < 1.0 && probability * stays < 1e-16 * sum * (1.0 - ratio) * (1.0 - ratio) {
            return Some(sum);
        }
    }
    None
}

fn by_integral(counts: &Counts, a: f64, b: f64) -> f64 {
    let odds = counts.length / counts.rate;
    let shape = counts.shape;
    ln_beta_mean(a, b, |share| {
        let exponent = shape * (share.p * odds).ln_1p();
        if exponent < 1e-280 {
            (shape * odds).ln()
        } else {
            (-(-exponent).exp_m1()).ln() - share.ln_p
        }
    })
    .exp()
}

macro_rules! beta_geometric {
    ($name:ident, $first_counts:literal, $document:literal) => {
        #[doc = $document]
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name(pub(crate) Core);

        impl $name {
            /// A model with given parameters, all positive (1e-8 to 1e10): purchase rates are Gamma(`r`, `alpha`) with
            /// `alpha` in time units, probabilities of leaving are Beta(`a`, `b`).
            ///
            /// # Errors
            /// [`Error::Parameter`] names the first that is out of range.
            pub fn new(r: f64, alpha: f64, a: f64, b: f64) -> Result<Self, Error> {
                Core::new(r, alpha, a, b, $first_counts).map(Self)
            }

            /// Shape of the purchase rates.
            #[must_use]
            pub fn r(&self) -> f64 {
                self.0.r
            }

            /// Scale of the purchase rates, in time units.
            #[must_use]
            pub fn alpha(&self) -> f64 {
                self.0.alpha
            }

            /// First shape of the probabilities of leaving.
            #[must_use]
            pub fn a(&self) -> f64 {
                self.0.a
            }

            /// Second shape of the probabilities of leaving.
            #[must_use]
            pub fn b(&self) -> f64 {
                self.0.b
            }
        }

        impl PurchaseModel for $name {
            fn ln_odds_dead(&self, history: &History) -> f64 {
                self.0.ln_odds_dead(history)
            }

            fn expected_if_alive(&self, frequency: u32, age: f64, horizon: Horizon) -> f64 {
                self.0.expected_if_alive(frequency, age, horizon)
            }

            fn none_if_alive(&self, frequency: u32, age: f64, horizon: Horizon) -> (f64, f64) {
                self.0.counts(frequency, age, horizon).none_and_some()
            }

            fn expected_new(&self, horizon: Horizon) -> f64 {
                self.0.expected_new(horizon)
            }

            fn pmf(&self, count: u32, horizon: Horizon) -> f64 {
                self.0.pmf(count, horizon)
            }

            fn ln_likelihood(&self, history: &History) -> f64 {
                self.0.ln_likelihood(history)
            }
        }
    };
}

beta_geometric!(
    BgNbd,
    false,
    "The BG/NBD model. A customer without a repeat purchase is alive for certain, so P(alive) is no churn score; use \
     [`PurchaseModel::churn`] or rank by [`PurchaseModel::expected_purchases`]."
);
beta_geometric!(
    MbgNbd,
    true,
    "The MBG/NBD model: as the BG/NBD, but a customer may leave after the first purchase too."
);
