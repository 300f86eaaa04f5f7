//! Fitting BG/NBD and MBG/NBD. What depends on the frequency alone, or on a time alone, is computed once for each
//! distinct value; a pattern costs one exponential and one logarithm.

use super::PurchaseModel;
use super::beta_geometric::{BgNbd, Core, MbgNbd};
use crate::error::Error;
use crate::fit::newton::{Evaluation, Objective};
use crate::fit::{Fit, FitOptions, search};
use crate::patterns::Patterns;
use crate::special::{digamma, ln_gamma, trigamma};

/// Patterns of one frequency.
struct Block {
    x: f64,
    stays: f64,
    weight: f64,
    /// Positions of age and recency in the table of times, and the weight.
    rows: Vec<(usize, usize, f64)>,
}

struct Likelihood {
    blocks: Vec<Block>,
    times: Vec<f64>,
    /// For each age its position, the weight of its rows, and the weighted sum of their frequencies.
    ages: Vec<(usize, f64, f64)>,
    total: f64,
}

impl Likelihood {
    fn new(patterns: &Patterns, scale: f64, first_counts: bool) -> Self {
        let mut times: Vec<f64> = patterns
            .rows()
            .iter()
            .flat_map(|row| [row.history.age(), row.history.recency()])
            .collect();
        times.sort_unstable_by(f64::total_cmp);
        times.dedup();
        let place = |time: f64| times.partition_point(|other| *other < time);
        let mut by_age = vec![(0.0, 0.0); times.len()];
        let mut blocks: Vec<Block> = Vec::new();
        for row in patterns.rows() {
            let x = f64::from(row.history.frequency());
            let stays = if first_counts { x + 1.0 } else { x };
            if blocks.last().is_none_or(|block| block.x != x) {
                blocks.push(Block {
                    x,
                    stays,
                    weight: 0.0,
                    rows: Vec::new(),
                });
            }
            let age = place(row.history.age());
            by_age[age].0 += row.weight;
            by_age[age].1 += row.weight * x;
            if let Some(block) = blocks.last_mut() {
                block.weight += row.weight;
                if stays > 0.0 {
                    let recency = place(row.history.recency());
                    block.rows.push((age, recency, row.weight));
                }
            }
        }
        let ages = by_age.iter().enumerate();
        Self {
            ages: ages
                .filter(|(_, (weight, _))| *weight > 0.0)
                .map(|(at, (weight, purchases))| (at, *weight, *purchases))
                .collect(),
            blocks,
            times: times.iter().map(|time| time / scale).collect(),
            total: patterns.customers(),
        }
    }
}

/// Log-likelihood with first and second derivatives by natural parameters, as sums.
#[derive(Default)]
struct Sums {
    value: f64,
    gradient: [f64; 4],
    hessian: [[f64; 4]; 4],
}

impl Sums {
    /// The terms by frequency: gamma and beta functions.
    fn add_block(&mut self, block: &Block, [r, _, a, b]: [f64; 4]) {
        let w = block.weight;
        let (x, k) = (block.x, block.stays);
        self.value += w
            * (ln_gamma(r + x) - ln_gamma(r) + ln_gamma(b + k) - ln_gamma(b) + ln_gamma(a + b)
                - ln_gamma(a + b + k));
        let both = digamma(a + b) - digamma(a + b + k);
        let both_slope = trigamma(a + b) - trigamma(a + b + k);
        self.gradient[0] += w * (digamma(r + x) - digamma(r));
        self.gradient[2] += w * both;
        self.gradient[3] += w * (both + digamma(b + k) - digamma(b));
        self.hessian[0][0] += w * (trigamma(r + x) - trigamma(r));
        self.hessian[2][2] += w * both_slope;
        self.hessian[2][3] += w * both_slope;
        self.hessian[3][3] += w * (both_slope + trigamma(b + k) - trigamma(b));
    }

    /// The terms by age: `r ln alpha - (r + x) ln(alpha + T)`.
    fn add_age(&mut self, [r, alpha, ..]: [f64; 4], ln_time: f64, inverse: f64, w: f64, wx: f64) {
        self.value += w * r * alpha.ln() - (w * r + wx) * ln_time;
        self.gradient[0] += w * (alpha.ln() - ln_time);
        self.gradient[1] += w * r / alpha - (w * r + wx) * inverse;
        self.hessian[0][1] += w * (1.0 / alpha - inverse);
        self.hessian[1][1] += -w * r / (alpha * alpha) + (w * r + wx) * inverse * inverse;
    }

    /// The terms of the rows of one frequency: `ln(1 + e^d)` with `d` the log-odds of having left.
    fn add_rows(&mut self, block: &Block, [r, _, a, b]: [f64; 4], ln: &[f64], inverse: &[f64]) {
        let shape = r + block.x;
        let others = 1.0 / (b + block.stays - 1.0);
        let start = a.ln() + others.ln();
        // Sums over rows of p, p(1-p) and their products with the derivatives of d by r and alpha.
        let (mut value, mut p_sum, mut v_sum) = (0.0, 0.0, 0.0);
        let (mut p_r, mut p_t, mut p_tt) = (0.0, 0.0, 0.0);
        let (mut v_r, mut v_t, mut v_rr, mut v_rt, mut v_tt) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for &(age, recency, weight) in &block.rows {
            let by_r = ln[age] - ln[recency];
            let by_t = inverse[age] - inverse[recency];
            let d = start + shape * by_r;
            let small = (-d.abs()).exp();
            let share = 1.0 / (1.0 + small);
            let p = weight * if d > 0.0 { share } else { small * share };
            let v = weight * small * share * share;
            value += weight * (d.max(0.0) + small.ln_1p());
            p_sum += p;
            p_r += p * by_r;
            p_t += p * by_t;
            p_tt += p * by_t * (inverse[age] + inverse[recency]);
            v_sum += v;
            v_r += v * by_r;
            v_t += v * by_t;
            v_rr += v * by_r * by_r;
            v_rt += v * by_r * by_t;
            v_tt += v * by_t * by_t;
        }
        let by_a = 1.0 / a;
        self.value += value;
        self.gradient[0] += p_r;
        self.gradient[1] += shape * p_t;
        self.gradient[2] += by_a * p_sum;
        self.gradient[3] -= others * p_sum;
        let h = &mut self.hessian;
        h[0][0] += v_rr;
        h[0][1] += shape * v_rt + p_t;
        h[0][2] += by_a * v_r;
        h[0][3] -= others * v_r;
        h[1][1] += shape * shape * v_tt - shape * p_tt;
        h[1][2] += shape * by_a * v_t;
        h[1][3] -= shape * others * v_t;
        h[2][2] += by_a * by_a * (v_sum - p_sum);
        h[2][3] -= by_a * others * v_sum;
        h[3][3] += others * others * (v_sum + p_sum);
    }

    /// Mean negative log-likelihood by the logarithms of the parameters.
    fn by_logarithms(&self, natural: [f64; 4], total: f64) -> Evaluation<4> {
        let mut hessian = [[0.0; 4]; 4];
        for i in 0..4 {
            for j in i..4 {
                let mut entry = self.hessian[i][j] * natural[i] * natural[j];
                if i == j {
                    entry += self.gradient[i] * natural[i];
                }
                hessian[i][j] = -entry / total;
                hessian[j][i] = hessian[i][j];
            }
        }
        let mut gradient = [0.0; 4];
        for i in 0..4 {
            gradient[i] = -self.gradient[i] * natural[i] / total;
        }
        Evaluation {
            value: -self.value / total,
            gradient,
            hessian: Some(hessian),
        }
    }
}

impl Objective<4> for Likelihood {
    fn evaluate(&self, place: &[f64; 4]) -> Evaluation<4> {
        let natural = place.map(f64::exp);
        let ln: Vec<f64> = self.times.iter().map(|t| (natural[1] + t).ln()).collect();
        let inverse: Vec<f64> = self.times.iter().map(|t| 1.0 / (natural[1] + t)).collect();
        let mut sums = Sums::default();
        for block in &self.blocks {
            sums.add_block(block, natural);
            sums.add_rows(block, natural, &ln, &inverse);
        }
        for &(age, weight, purchases) in &self.ages {
            sums.add_age(natural, ln[age], inverse[age], weight, purchases);
        }
        sums.by_logarithms(natural, self.total)
    }
}

fn fit(
    patterns: &Patterns,
    options: &FitOptions,
    first_counts: bool,
) -> Result<Fit<Core, 4>, Error> {
    options.check()?;
    patterns.require_repeats()?;
    let scale = patterns.mean(super::super::history::History::age);
    let likelihood = Likelihood::new(patterns, scale, first_counts);
    let purchases = patterns.mean(|history| f64::from(history.frequency()));
    // The rate of purchases fixes r / alpha; the rest are middling values of published fits, then others.
    let starts = [
        (0.5, 1.0, 2.5),
        (1.0, 0.3, 2.0),
        (0.2, 2.0, 2.0),
        (5.0, 0.1, 1.0),
    ]
    .map(|(r, a, b)| [r, r / purchases, a, b]);
    let found = search(
        &likelihood,
        &starts,
        [1.0, scale, 1.0, 1.0],
        patterns.customers(),
        options,
    );
    let [r, alpha, a, b] = found.parameters;
    let core = Core {
        r: super::parameter("r", r)?,
        alpha: super::parameter("alpha", alpha)?,
        a,
        b,
        first_counts,
    };
    Ok(found.report(core, 0.0))
}

fn with_model<M: PurchaseModel>(fit: Fit<Core, 4>, model: M, patterns: &Patterns) -> Fit<M, 4> {
    Fit {
        log_likelihood: model.log_likelihood(patterns),
        model,
        standard_errors: fit.standard_errors,
        ending: fit.ending,
        steps: fit.steps,
        evaluations: fit.evaluations,
        gradient: fit.gradient,
    }
}

impl BgNbd {
    /// Fits by maximum likelihood; the order of parameters is `r, alpha, a, b`.
    ///
    /// # Errors
    /// [`Error::NotEnoughData`] if nobody bought again or nobody was observed; [`Error::Parameter`] for a bad penalty.
    pub fn fit(patterns: &Patterns, options: &FitOptions) -> Result<Fit<Self, 4>, Error> {
        let fit = fit(patterns, options, false)?;
        let model = Self(fit.model);
        Ok(with_model(fit, model, patterns))
    }
}

impl MbgNbd {
    /// Fits by maximum likelihood; the order of parameters is `r, alpha, a, b`.
    ///
    /// # Errors
    /// [`Error::NotEnoughData`] if nobody bought again or nobody was observed; [`Error::Parameter`] for a bad penalty.
    pub fn fit(patterns: &Patterns, options: &FitOptions) -> Result<Fit<Self, 4>, Error> {
        let fit = fit(patterns, options, true)?;
        let model = Self(fit.model);
        Ok(with_model(fit, model, patterns))
    }
}
