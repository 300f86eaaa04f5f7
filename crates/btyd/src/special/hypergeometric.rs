//! The Gauss hypergeometric function for real arguments below one (DLMF chapter 15). Every branch adds terms of one sign
//! where the models need it, so that nothing cancels.

use super::quadrature::ln_beta_mean;

/// Longest power series that is worth its time.
const MOST_TERMS: u32 = 20_000_000;

/// `2F1(a, b; c; z)` for `a, b, c > 0` and `z < 1`; `None` outside of that.
///
/// Negative `z` by Pfaff's transformation (DLMF 15.8.1); up to 0.9 the power series (15.2.1), after Euler's
/// transformation (15.8.1) when its terms stay positive and fall faster; above 0.9 Euler's integral (15.6.1) where it
/// exists, else the transformation to `1 - z` (15.8.4), and the plain series where that one is singular (`c - a - b`
/// next to a whole number). The answer may be infinite when it exceeds the range of floats. Two corners that no model
/// reaches are `None` too: `c < min(a, b)` with `z < -9`, and with `1 - z < 2e-6` where `c - a - b` is next to a whole
/// number or a parameter exceeds 60.
#[must_use]
pub fn hyp2f1(a: f64, b: f64, c: f64, z: f64) -> Option<f64> {
    hyp2f1_near_one(a, b, c, z, 1.0 - z)
}

/// `ln 2F1(1, b; c; z)` for `c > 1` and `0 < z < 1`, with `1 - z` given apart, even where the value itself overflows.
pub(crate) fn ln_hyp2f1_of_one(b: f64, c: f64, z: f64, rest: f64) -> f64 {
    let ratio = z * (b / c).max(1.0);
    if ratio <= 0.9 {
        return series(1.0, b, c, z).ln();
    }
    ln_euler_integral(b, 1.0, c, rest).max(0.0)
}

/// As [`hyp2f1`], with `1 - z` given apart because it is known more exactly.
pub(crate) fn hyp2f1_near_one(a: f64, b: f64, c: f64, z: f64, rest: f64) -> Option<f64> {
    let positive = |value: f64| value > 0.0 && value.is_finite();
    if !(positive(a) && positive(b) && positive(c) && positive(rest) && z.is_finite()) {
        return None;
    }
    if z < 0.0 {
        return below_zero(a, b, c, z, rest);
    }
    if z <= 0.9 {
        return Some(within_the_circle(a, b, c, z, rest));
    }
    if c > b {
        return Some(euler_integral(a, b, c, rest));
    }
    if c > a {
        return Some(euler_integral(b, a, c, rest));
    }
    let excess = c - a - b;
    let moderate = a.max(b) < 60.0;
    if moderate && (excess - excess.round()).abs() > 1e-2 {
        return Some(around_one(a, b, c, rest));
    }
    // Neither transformation is safe here; the series has positive terms and only takes its time.
    (rest > 2e-6).then(|| series(a, b, c, z))
}

fn below_zero(a: f64, b: f64, c: f64, z: f64, rest: f64) -> Option<f64> {
    let (image, image_rest) = (z / (z - 1.0), 1.0 / rest);
    if c > b {
        let factor = (-a * rest.ln()).exp();
        return Some(factor * hyp2f1_near_one(a, c - b, c, image, image_rest)?);
    }
    if c > a {
        let factor = (-b * rest.ln()).exp();
        return Some(factor * hyp2f1_near_one(c - a, b, c, image, image_rest)?);
    }
    let factor = (-a * rest.ln()).exp();
    (image <= 0.9).then(|| factor * series(a, c - b, c, image))
}

fn within_the_circle(a: f64, b: f64, c: f64, z: f64, rest: f64) -> f64 {
    if c < a + b && c >= a && c >= b {
        ((c - a - b) * rest.ln()).exp() * series(c - a, c - b, c, z)
    } else {
        series(a, b, c, z)
    }
}

/// The power series (DLMF 15.2.1).
fn series(a: f64, b: f64, c: f64, z: f64) -> f64 {
    let (mut term, mut sum) = (1.0_f64, 1.0_f64);
    for n in 0..MOST_TERMS {
        let n = f64::from(n);
        let ratio = (a + n) * (b + n) / ((c + n) * (1.0 + n)) * z;
        term *= ratio;
        sum += term;
        if !sum.is_finite() {
            return f64::INFINITY;
        }
        // The rest of the series is below that of a geometric one.
        if ratio.abs() < 1.0 && term.abs() <= 1e-17 * sum.abs() * (1.0 - ratio.abs().max(z)) {
            break;
        }
    }
    sum
}

/// Logarithm of Euler's integral (DLMF 15.6.1): the mean of `(1 - z p)^-a` over `p ~ Beta(b, c - b)`.
fn ln_euler_integral(a: f64, b: f64, c: f64, rest: f64) -> f64 {
    ln_beta_mean(b, c - b, |share| {
        // 1 - z p = (1 - p) + (1 - z) p, without cancellation.
        -a * (share.ln_q.exp() + rest * share.p).ln()
    })
}

fn euler_integral(a: f64, b: f64, c: f64, rest: f64) -> f64 {
    ln_euler_integral(a, b, c, rest).exp().max(1.0)
}

/// The transformation from `z` to `1 - z` (DLMF 15.8.4).
fn around_one(a: f64, b: f64, c: f64, rest: f64) -> f64 {
    let excess = c - a - b;
    let ratio = |above: [f64; 2], below: [f64; 2]| {
        let (mut logarithm, mut sign) = (0.0, 1.0);
        for value in above {
            let (part, part_sign) = libm::lgamma_r(value);
            logarithm += part;
            sign *= f64::from(part_sign);
        }
        for value in below {
            let (part, part_sign) = libm::lgamma_r(value);
            logarithm -= part;
            sign *= f64::from(part_sign);
        }
        (logarithm, sign)
    };
    let (first, first_sign) = ratio([c, excess], [c - a, c - b]);
    let (second, second_sign) = ratio([c, -excess], [a, b]);
    let regular = first_sign * first.exp() * series(a, b, 1.0 - excess, rest);
    let singular = second_sign
        * (second + excess * rest.ln()).exp()
        * series(c - a, c - b, 1.0 + excess, rest);
    regular + singular
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms_come_out() {
        let close = |got: Option<f64>, want: f64| {
            let got = got.expect("in the domain");
            assert!((got / want - 1.0).abs() < 1e-13, "{got} {want}");
        };
        for z in [-50.0, -0.5, 0.0, 0.3, 0.89, 0.95, 0.9999] {
            close(hyp2f1(1.5, 2.0, 2.0, z), (1.0 - z).powf(-1.5));
            if z != 0.0 {
                close(hyp2f1(1.0, 1.0, 2.0, z), -(-z).ln_1p() / z);
            }
        }
        assert_eq!(hyp2f1(1.0, 1.0, 2.0, 1.0), None);
        assert_eq!(hyp2f1(-1.0, 1.0, 2.0, 0.5), None);
        assert_eq!(hyp2f1(f64::NAN, 1.0, 2.0, 0.5), None);
    }
}
