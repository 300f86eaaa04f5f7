//! Maximum likelihood: options, the report, and what the models share. The search itself is in `newton`.

pub(crate) mod newton;

use crate::error::Error;
use newton::{Objective, Outcome};

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitOptions {
    /// Weight `c` of the penalty `c · Σ (ln θ)²` that is added to the mean negative log-likelihood of a customer; 0 for
    /// plain maximum likelihood. Scale parameters enter divided by the mean age (or mean spend), so the penalty does not
    /// depend on the unit.
    pub penalty: f64,
    /// Most steps of the search.
    pub max_steps: u32,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            penalty: 0.0,
            max_steps: 200,
        }
    }
}

impl FitOptions {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.penalty.is_finite() && self.penalty >= 0.0 {
            Ok(())
        } else {
            Err(Error::Parameter {
                name: "penalty",
                value: self.penalty,
            })
        }
    }
}

/// Why the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The gradient vanishes and no step improves: a maximum.
    Converged,
    /// A parameter ran to the border of its range; the data do not determine it.
    Border,
    /// The steps were used up.
    StepLimit,
}

/// A fitted model of `N` parameters, with what to think of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit<M, const N: usize> {
    /// The model at the maximum.
    pub model: M,
    /// Log-likelihood of the data at the maximum, without penalty and without terms that no parameter enters.
    pub log_likelihood: f64,
    /// Standard errors in the order of the model's parameters, from the inverse of the observed information; `None`
    /// where it is not positive definite.
    pub standard_errors: Option<[f64; N]>,
    /// Why the search ended; only [`Ending::Converged`] is to be trusted.
    pub ending: Ending,
    /// Number of steps taken.
    pub steps: u32,
    /// Number of evaluations of the likelihood with its derivatives.
    pub evaluations: u32,
    /// Largest component of the gradient of the mean log-likelihood by the logarithms of the parameters.
    pub gradient: f64,
}

impl<M, const N: usize> Fit<M, N> {
    /// Whether a maximum was found.
    #[must_use]
    pub fn converged(&self) -> bool {
        self.ending == Ending::Converged
    }
}

/// What a search found, in natural parameters.
pub(crate) struct Found<const N: usize> {
    pub(crate) parameters: [f64; N],
    pub(crate) outcome: Outcome<N>,
    pub(crate) standard_errors: Option<[f64; N]>,
}

/// Searches from each start until one converges; `scales` turn the searched parameters into natural ones, `weight` is
/// the number of customers.
pub(crate) fn search<const N: usize, O: Objective<N>>(
    objective: &O,
    starts: &[[f64; N]],
    scales: [f64; N],
    weight: f64,
    options: &FitOptions,
) -> Found<N> {
    let mut best: Option<Outcome<N>> = None;
    for start in starts {
        let outcome = newton::minimise(objective, start.map(f64::ln), options);
        let better = best
            .as_ref()
            .is_none_or(|before| outcome.value < before.value);
        let converged = outcome.ending == Ending::Converged;
        if better {
            best = Some(outcome);
        }
        if converged {
            break;
        }
    }
    let outcome = best.unwrap_or_else(|| newton::minimise(objective, [0.0; N], options));
    let mut parameters = outcome.place.map(f64::exp);
    for (parameter, scale) in parameters.iter_mut().zip(scales) {
        *parameter *= scale;
    }
    // Information of the plain likelihood: the penalty is no data.
    let standard_errors = newton::inverse_diagonal(&outcome.information).map(|variances| {
        let mut errors = [0.0; N];
        for i in 0..N {
            errors[i] = parameters[i] * (variances[i] / weight).sqrt();
        }
        errors
    });
    Found {
        parameters,
        outcome,
        standard_errors: standard_errors.filter(|all| all.iter().all(|one| one.is_finite())),
    }
}

impl<const N: usize> Found<N> {
    pub(crate) fn report<M>(self, model: M, log_likelihood: f64) -> Fit<M, N> {
        Fit {
            model,
            log_likelihood,
            standard_errors: self.standard_errors,
            ending: self.outcome.ending,
            steps: self.outcome.steps,
            evaluations: self.outcome.evaluations,
            gradient: self.outcome.gradient,
        }
    }
}
