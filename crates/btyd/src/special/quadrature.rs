//! Two quadratures for positive integrands, so that nothing cancels: panels of Gauss-Legendre on a logarithmic axis, and
//! the trapezoidal rule on the logit axis for means over a beta distribution (Takahasi and Mori 1974: the trapezoidal
//! rule converges exponentially for analytic integrands that die out at both ends).

use super::gauss_legendre::NODES;
use super::ln_beta;

/// Integrates a vector of functions over `y` from 0 to `length`, on the axis `v = ln(1 + y / offset)`, on which powers of
/// `offset + y` are exponentials. `rate` tells at `y` how fast the logarithm of the integrand changes with `v`.
pub(crate) fn panels<const K: usize>(
    offset: f64,
    length: f64,
    rate: impl Fn(f64) -> f64,
    mut integrand: impl FnMut(f64) -> [f64; K],
) -> [f64; K] {
    sweep(
        (length / offset).ln_1p(),
        |v| rate(offset * v.exp_m1()),
        |v| {
            let jacobian = offset * v.exp();
            integrand(offset * v.exp_m1()).map(|value| jacobian * value)
        },
    )
}

/// The same from `length` down to 0, on the axis `v = ln(length / y)`, for integrands with a power of `y`.
pub(crate) fn panels_down(
    length: f64,
    rate: impl Fn(f64) -> f64,
    integrand: impl Fn(f64) -> f64,
) -> f64 {
    if length <= 0.0 {
        return 0.0;
    }
    let at = |v: f64| length * (-v).exp();
    let [sum] = sweep(700.0, |v| rate(at(v)), |v| [at(v) * integrand(at(v))]);
    sum
}

/// Panels of the Gauss-Legendre rule from 0 to `end`, each so narrow that the integrand changes by at most e^12. The
/// first component is positive with one peak and decides when the rest is negligible.
fn sweep<const K: usize>(
    end: f64,
    rate: impl Fn(f64) -> f64,
    mut integrand: impl FnMut(f64) -> [f64; K],
) -> [f64; K] {
    let (mut sums, mut start, mut before) = ([0.0; K], 0.0, 0.0);
    // A bound for safety; it is far beyond what an integrand with one peak needs.
    for _ in 0..20_000 {
        if start >= end {
            break;
        }
        let mut width = (end - start).min(2.0);
        while width * rate(start).max(rate(start + width)) > 12.0 && width > 1e-13 {
            width *= 0.5;
        }
        let (half, middle) = (0.5 * width, start + 0.5 * width);
        let mut here = [0.0; K];
        for (node, weight) in NODES {
            for place in [middle - node * half, middle + node * half] {
                for (sum, value) in here.iter_mut().zip(integrand(place)) {
                    *sum += weight * half * value;
                }
            }
        }
        for (sum, part) in sums.iter_mut().zip(here) {
            *sum += part;
        }
        // Past the peak of a log-concave integrand equal widths fall at least geometrically.
        let density = here[0] / width;
        if density < before && density * (end - start) < 1e-17 * sums[0] {
            break;
        }
        before = density;
        start += width;
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
