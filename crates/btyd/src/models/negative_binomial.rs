//! Purchases of a customer who does not leave: a Poisson process whose rate is Gamma(`shape`, `rate`), so that the count
//! in a time is negative binomial.

use crate::special::{ln_gamma, ln_gamma_step, ln_hyp2f1_of_one};

/// The counts in `length` of a customer with posterior Gamma(`shape`, `rate`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) shape: f64,
    pub(crate) rate: f64,
    pub(crate) length: f64,
}

impl Counts {
    /// `t / (rate + t)`.
    pub(crate) fn z(&self) -> f64 {
        self.length / (self.rate + self.length)
    }

    /// `rate / (rate + t)`.
    pub(crate) fn rest(&self) -> f64 {
        self.rate / (self.rate + self.length)
    }

    /// `P(N = 0)` and `P(N > 0)`.
    pub(crate) fn none_and_some(&self) -> (f64, f64) {
        let exponent = -self.shape * (self.length / self.rate).ln_1p();
        (exponent.exp(), -exponent.exp_m1())
    }

    /// `P(N = count)`.
    pub(crate) fn pmf(&self, count: u32) -> f64 {
        let none = -self.shape * (self.length / self.rate).ln_1p();
        if count == 0 {
            return none.exp();
        }
        if self.length == 0.0 {
            return 0.0;
        }
        self.ln_pmf(f64::from(count)).exp()
    }

    /// `ln P(N = n)` for a positive length.
    fn ln_pmf(&self, n: f64) -> f64 {
        let ways = ln_gamma_step(self.shape, n) - ln_gamma(n + 1.0);
        ways - self.shape * (self.length / self.rate).ln_1p()
            - n * (self.rate / self.length).ln_1p()
    }

    /// `P(N ≥ count)`: the series of the upper tail, which is `P(N = count) · 2F1(1, shape + count; count + 1; z)`
    /// (DLMF 8.17.8). No difference of nearly equal numbers occurs.
    pub(crate) fn at_least(&self, count: u32) -> f64 {
        if count == 0 {
            return 1.0;
        }
        if self.length == 0.0 {
            return 0.0;
        }
        let n = f64::from(count);
        let (upper, lower) = (self.shape + n, n + 1.0);
        let ln_series = ln_hyp2f1_of_one(upper, lower, self.z(), self.rest());
        (self.ln_pmf(n) + ln_series).exp().min(1.0)
    }
}
