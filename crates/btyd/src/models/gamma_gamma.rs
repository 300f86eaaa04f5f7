//! Gamma-Gamma (Fader and Hardie 2013): each purchase of a customer is Gamma(`p`, ν) with ν ~ Gamma(`q`, `gamma`) among
//! customers, independent of how often they buy.

use super::batch;
use crate::error::Error;
use crate::models::parameter;
use crate::special::ln_gamma;

/// Number and mean of a customer's repeat purchases; the first purchase is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spending {
    frequency: u32,
    mean: f64,
}

impl Spending {
    /// Checks and makes a spending: `frequency` repeat purchases of `mean` money each. Without a repeat purchase the
    /// mean counts for nothing.
    ///
    /// # Errors
    /// [`Error::Spend`] with row 0 if there are purchases and their mean is not a number from 1e-12 to 1e15.
    pub fn new(frequency: u32, mean: f64) -> Result<Self, Error> {
        if frequency == 0 {
            return Ok(Self {
                frequency,
                mean: 0.0,
            });
        }
        if !(1e-12..=1e15).contains(&mean) {
            return Err(Error::Spend {
                row: 0,
                spend: mean,
            });
        }
        Ok(Self { frequency, mean })
    }

    /// Checks rows of `(frequency, mean)`.
    ///
    /// # Errors
    /// [`Error::Spend`] names the first row that is wrong.
    pub fn from_rows<I: IntoIterator<Item = (u32, f64)>>(rows: I) -> Result<Vec<Self>, Error> {
        rows.into_iter()
            .enumerate()
            .map(|(row, (frequency, mean))| {
                Self::new(frequency, mean).map_err(|_| Error::Spend { row, spend: mean })
            })
            .collect()
    }

    /// Number of repeat purchases.
    #[must_use]
    pub fn frequency(&self) -> u32 {
        self.frequency
    }

    /// Their mean, 0 if there are none.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }
}

/// The Gamma-Gamma model of spend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GammaGamma {
    p: f64,
    q: f64,
    gamma: f64,
}

impl GammaGamma {
    /// A model with given parameters; `gamma` is in money.
    ///
    /// # Errors
    /// [`Error::Parameter`] for values that are not positive (1e-8 to 1e10), [`Error::InfiniteMean`] for `q ≤ 1`.
    pub fn new(p: f64, q: f64, gamma: f64) -> Result<Self, Error> {
        let model = Self {
            p: parameter("p", p)?,
            q: parameter("q", q)?,
            gamma: parameter("gamma", gamma)?,
        };
        if q <= 1.0 {
            return Err(Error::InfiniteMean { q });
        }
        Ok(model)
    }

    /// Shape of a purchase.
    #[must_use]
    pub fn p(&self) -> f64 {
        self.p
    }

    /// Shape of the customers' scales.
    #[must_use]
    pub fn q(&self) -> f64 {
        self.q
    }

    /// Scale of the customers' scales, in money.
    #[must_use]
    pub fn gamma(&self) -> f64 {
        self.gamma
    }

    /// Mean spend over all customers, `p gamma / (q - 1)`.
    #[must_use]
    pub fn population_mean(&self) -> f64 {
        self.p * self.gamma / (self.q - 1.0)
    }

    /// Expected mean spend of a customer, `p (gamma + x m) / (p x + q - 1)`; the population's for one without a repeat.
    #[must_use]
    pub fn expected_mean_spend(&self, spending: &Spending) -> f64 {
        let x = f64::from(spending.frequency);
        self.p * (self.gamma + x * spending.mean) / (self.p * x + self.q - 1.0)
    }

    /// Expected mean spend of many customers into `out`.
    ///
    /// # Errors
    /// [`Error::Length`] if the slices differ in length.
    pub fn expected_mean_spend_into(
        &self,
        spendings: &[Spending],
        out: &mut [f64],
    ) -> Result<(), Error> {
        batch(spendings, out, |rows, answers| {
            for (spending, answer) in rows.iter().zip(answers) {
                *answer = self.expected_mean_spend(spending);
            }
        })
    }

    /// Log-likelihood of one customer's mean spend; 0 without a repeat purchase.
    #[must_use]
    pub fn ln_likelihood(&self, spending: &Spending) -> f64 {
        if spending.frequency == 0 {
            return 0.0;
        }
        self.ln_density(f64::from(spending.frequency), spending.mean)
    }

    /// Logarithm of the density of a mean `m` of `x` purchases.
    pub(crate) fn ln_density(&self, x: f64, m: f64) -> f64 {
        let shape = self.p * x;
        ln_gamma(shape + self.q)
            - ln_gamma(shape)
            - ln_gamma(self.q)
            - self.q * (x * m / self.gamma).ln_1p()
            - shape * (self.gamma / (x * m)).ln_1p()
            - m.ln()
    }
}
