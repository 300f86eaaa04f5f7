//! Special functions: the gamma family (logarithms from `libm`), the Gauss hypergeometric function and two quadratures
//! of our own, and the distributions that intervals need.

pub(crate) mod distributions;
mod gauss_legendre;
mod hypergeometric;
pub(crate) mod quadrature;

pub use hypergeometric::hyp2f1;
pub(crate) use hypergeometric::ln_hyp2f1_of_one;

/// Natural logarithm of the gamma function for a positive argument (`libm`, error about 2e-16 of the larger of the value and 1).
#[must_use]
pub fn ln_gamma(value: f64) -> f64 {
    libm::lgamma(value)
}

/// Natural logarithm of the beta function for positive arguments.
#[must_use]
pub fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    ln_gamma(small) - ln_gamma_step(large, small)
}

/// `ln Γ(start + step) - ln Γ(start)` without the cancellation of two large logarithms.
#[must_use]
pub(crate) fn ln_gamma_step(start: f64, step: f64) -> f64 {
    if start < 1e5 {
        return ln_gamma(start + step) - ln_gamma(start);
    }
    // Stirling's series (DLMF 5.11.1) of both, subtracted term by term.
    let end = start + step;
    let correction = |v: f64| (1.0 / 12.0 - 1.0 / (360.0 * v * v)) / v;
    (start - 0.5) * (step / start).ln_1p() + step * end.ln() - step
        + (correction(end) - correction(start))
}

/// Digamma function, the derivative of [`ln_gamma`], for a positive argument: raised by recurrence (DLMF 5.5.2), then
/// the asymptotic series (DLMF 5.11.2).
#[must_use]
pub fn digamma(value: f64) -> f64 {
    let (mut v, mut below) = (value, 0.0);
    while v < 12.0 {
        below += 1.0 / v;
        v += 1.0;
    }
    let w = 1.0 / (v * v);
    let series = w
        * (1.0 / 12.0
            - w * (1.0 / 120.0 - w * (1.0 / 252.0 - w * (1.0 / 240.0 - w * (1.0 / 132.0)))));
    v.ln() - 0.5 / v - series - below
}

/// Trigamma function, the derivative of [`digamma`], for a positive argument, likewise (DLMF 5.15.5, 5.15.8).
#[must_use]
pub fn trigamma(value: f64) -> f64 {
    let (mut v, mut below) = (value, 0.0);
    while v < 12.0 {
        below += 1.0 / (v * v);
        v += 1.0;
    }
    let w = 1.0 / (v * v);
    let series =
        w * (1.0 / 6.0 - w * (1.0 / 30.0 - w * (1.0 / 42.0 - w * (1.0 / 30.0 - w * (5.0 / 66.0)))));
    below + 1.0 / v + 0.5 * w + series / v
}

/// `ln(1 + e^v)`, finite for every finite `v`.
#[must_use]
pub(crate) fn softplus(value: f64) -> f64 {
    if value > 0.0 {
        value + (-value).exp().ln_1p()
    } else {
        value.exp().ln_1p()
    }
}

/// `1 / (1 + e^-v)`.
#[must_use]
pub(crate) fn sigmoid(value: f64) -> f64 {
    if value > 0.0 {
        1.0 / (1.0 + (-value).exp())
    } else {
        let odds = value.exp();
        odds / (1.0 + odds)
    }
}
