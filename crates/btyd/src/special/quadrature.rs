//! Two quadratures for positive integrands, so that nothing cancels: panels of Gauss-Legendre on a logarithmic axis, and
//! the trapezoidal rule on the logit axis for means over a beta distribution (Takahasi and Mori 1974: the trapezoidal
//! rule converges exponentially for analytic integrands that die out at both ends).

use super::gauss_legendre::NODES;
use super::ln_beta;

/// Integrates a vector of functions over `y` from `low` to `low + length`.
///
/// The axis is `ln(offset + y)`, on which powers of `offset + y` are exponentials; `rate` bounds the sum of the powers'
/// exponents. `integrand` receives `y - low`; its first component is positive with one peak and decides when the rest is
/// negligible.
pub(crate) fn panels<const K: usize>(
    offset_at_low: f64,
    length: f64,
    rate: f64,
    mut integrand: impl FnMut(f64) -> [f64; K],
) -> [f64; K] {
    let mut sums = [0.0; K];
    let end = (length / offset_at_low).ln_1p();
    if end <= 0.0 {
        return sums;
    }
    let width = (10.0 / (rate + 1.0)).min(2.0);
    let count = (end / width).ceil().max(1.0);
    let half = 0.5 * end / count;
    let mut before = 0.0;
    let mut panel = 0.0;
    while panel < count {
        let middle = (2.0 * panel + 1.0) * half;
        let mut here = [0.0; K];
        for (node, weight) in NODES {
            for place in [middle - node * half, middle + node * half] {
                let jacobian = weight * half * offset_at_low * place.exp();
                let values = integrand(offset_at_low * place.exp_m1());
                for (sum, value) in here.iter_mut().zip(values) {
                    *sum += jacobian * value;
                }
            }
        }
        for (sum, part) in sums.iter_mut().zip(here) {
            *sum += part;
        }
        // Past the peak of a log-concave integrand the panels fall at least geometrically.
        if here[0] < 0.5 * before && here[0] < 1e-18 * sums[0] {
            break;
        }
        before = here[0];
        panel += 1.0;
    }
    sums
}

/// A point on the logit axis: `p` with the logarithms of `p` and of `1 - p`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    /// The share itself, from 0 to 1.
    pub(crate) p: f64,
    /// Its logarithm, right even where `p` is 0 in floats.
    pub(crate) ln_p: f64,
    /// The logarithm of its complement.
    pub(crate) ln_q: f64,
}

impl Share {
    fn at(logit: f64) -> Self {
        let ln_p = if logit > 0.0 {
            -(-logit).exp().ln_1p()
        } else {
            logit - logit.exp().ln_1p()
        };
        Self {
            p: ln_p.exp(),
            ln_p,
            ln_q: ln_p - logit,
        }
    }
}

/// Logarithm of the mean of a positive function over `p ~ Beta(a, b)`; the function is given by its logarithm.
///
/// The integrand is mapped to the logit of `p`, then by a hyperbolic sine; the step is halved until nothing changes.
pub(crate) fn ln_beta_mean(a: f64, b: f64, ln_function: impl Fn(Share) -> f64) -> f64 {
    let centre = (a / b).ln();
    let spread = (1.0 / a + 1.0 / b).sqrt().min(2.0);
    let ln_term = |t: f64| {
        let share = Share::at(centre + spread * t.sinh());
        a * share.ln_p + b * share.ln_q + ln_function(share) + (spread * t.cosh()).ln()
    };
    let coarse: Vec<f64> = (-112_i32..=112)
        .map(|step| ln_term(f64::from(step) * 0.125))
        .collect();
    let peak = coarse.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let first = coarse.iter().position(|term| *term > peak - 60.0);
    let last = coarse.iter().rposition(|term| *term > peak - 60.0);
    let (Some(first), Some(last)) = (first, last) else {
        return f64::NEG_INFINITY;
    };
    let edge = |index: usize| (index as f64 - 112.0) * 0.125;
    let (low, high) = (edge(first) - 0.125, edge(last) + 0.125);
    let mut step = 0.125;
    let mut sum: f64 = coarse.iter().map(|term| (term - peak).exp()).sum();
    for _ in 0..8 {
        let mut added = 0.0;
        let mut place = low + 0.5 * step;
        while place < high {
            added += (ln_term(place) - peak).min(700.0).exp();
            place += step;
        }
        let settled = (added - sum).abs() <= 1e-13 * sum;
        sum += added;
        step *= 0.5;
        if settled {
            break;
        }
    }
    peak + (sum * step).ln() - ln_beta(a, b)
}
