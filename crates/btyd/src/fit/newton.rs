//! A damped Newton search (Levenberg 1944, Marquardt 1963) over the logarithms of a few positive parameters. With second
//! derivatives at hand it needs ten to twenty evaluations where a quasi-Newton search needs a hundred.

use super::{Ending, FitOptions};

/// The logarithms stay within this distance of zero.
const BORDER: f64 = 14.0;
/// Gradient of the mean log-likelihood at which a maximum is accepted.
const FLAT: f64 = 1e-9;

pub(crate) type Matrix<const N: usize> = [[f64; N]; N];

/// Value, gradient and, if it comes cheaply, Hessian of a mean negative log-likelihood.
#[derive(Debug, Clone)]
pub(crate) struct Evaluation<const N: usize> {
    pub(crate) value: f64,
    pub(crate) gradient: [f64; N],
    pub(crate) hessian: Option<Matrix<N>>,
}

/// A mean negative log-likelihood by the logarithms of its parameters.
pub(crate) trait Objective<const N: usize> {
    fn evaluate(&self, place: &[f64; N]) -> Evaluation<N>;
}

/// Where a search ended.
#[derive(Debug, Clone)]
pub(crate) struct Outcome<const N: usize> {
    pub(crate) place: [f64; N],
    pub(crate) value: f64,
    pub(crate) gradient: f64,
    /// Hessian without the penalty.
    pub(crate) information: Matrix<N>,
    pub(crate) ending: Ending,
    pub(crate) steps: u32,
    pub(crate) evaluations: u32,
}

struct Search<'a, const N: usize, O> {
    objective: &'a O,
    penalty: f64,
    evaluations: u32,
}

impl<const N: usize, O: Objective<N>> Search<'_, N, O> {
    /// With the penalty; not-a-number counts as a bad place.
    fn evaluate(&mut self, place: &[f64; N]) -> Evaluation<N> {
        self.evaluations += 1;
        let mut at = self.objective.evaluate(place);
        for i in 0..N {
            at.value += self.penalty * place[i] * place[i];
            at.gradient[i] += 2.0 * self.penalty * place[i];
            if let Some(hessian) = &mut at.hessian {
                hessian[i][i] += 2.0 * self.penalty;
            }
        }
        if !at.value.is_finite() {
            at.value = f64::INFINITY;
        }
        at
    }

    /// The Hessian as evaluated, or by central differences of the gradient.
    fn hessian(&mut self, place: &[f64; N], at: &Evaluation<N>) -> Matrix<N> {
        if let Some(hessian) = at.hessian {
            return hessian;
        }
        let step = 1e-4;
        let mut hessian = [[0.0; N]; N];
        for i in 0..N {
            let (mut up, mut down) = (*place, *place);
            up[i] += step;
            down[i] -= step;
            let (up, down) = (self.evaluate(&up).gradient, self.evaluate(&down).gradient);
            for j in 0..N {
                let slope = (up[j] - down[j]) / (2.0 * step);
                hessian[i][j] += 0.5 * slope;
                hessian[j][i] += 0.5 * slope;
            }
        }
        hessian
    }
}

/// Finds a minimum of the mean negative log-likelihood with its penalty.
pub(crate) fn minimise<const N: usize, O: Objective<N>>(
    objective: &O,
    start: [f64; N],
    options: &FitOptions,
) -> Outcome<N> {
    let mut search = Search {
        objective,
        penalty: options.penalty,
        evaluations: 0,
    };
    let mut place = start.map(|value| value.clamp(-BORDER, BORDER));
    let mut at = search.evaluate(&place);
    let mut hessian = search.hessian(&place, &at);
    let (mut damping, mut steps, mut ending) = (1e-3, 0, Ending::StepLimit);
    while steps < options.max_steps {
        let pushed = free_gradient(&place, &at.gradient);
        let flat = largest(&pushed) < FLAT;
        let Some(next) = step(&place, &pushed, &hessian, damping) else {
            damping = damping.max(1e-6) * 10.0;
            if damping > 1e12 {
                break;
            }
            continue;
        };
        steps += 1;
        let tried = search.evaluate(&next);
        let noise = 1e-14 * (1.0 + at.value.abs());
        let lower = tried.value < at.value - noise;
        let level = tried.value <= at.value + noise;
        let flatter = largest(&free_gradient(&next, &tried.gradient)) < largest(&pushed);
        if lower || (level && flatter) {
            place = next;
            at = tried;
            hessian = search.hessian(&place, &at);
            damping = if damping < 1e-9 { 0.0 } else { damping * 0.1 };
        } else if flat {
            ending = Ending::Converged;
            break;
        } else {
            damping = damping.max(1e-6) * 10.0;
            if damping > 1e12 {
                break;
            }
        }
    }
    if place.iter().any(|value| value.abs() >= BORDER - 1e-6) {
        ending = Ending::Border;
    } else if largest(&at.gradient) < FLAT {
        ending = Ending::Converged;
    }
    for (i, row) in hessian.iter_mut().enumerate() {
        row[i] -= 2.0 * options.penalty;
    }
    Outcome {
        gradient: largest(&at.gradient),
        value: at.value,
        place,
        information: hessian,
        ending,
        steps,
        evaluations: search.evaluations,
    }
}

/// The gradient without components that push across the border.
fn free_gradient<const N: usize>(place: &[f64; N], gradient: &[f64; N]) -> [f64; N] {
    let mut free = *gradient;
    for i in 0..N {
        let outward =
            (place[i] >= BORDER && gradient[i] < 0.0) || (place[i] <= -BORDER && gradient[i] > 0.0);
        if outward {
            free[i] = 0.0;
        }
    }
    free
}

/// The damped Newton step, at most 2 in any logarithm.
fn step<const N: usize>(
    place: &[f64; N],
    gradient: &[f64; N],
    hessian: &Matrix<N>,
    damping: f64,
) -> Option<[f64; N]> {
    let mut damped = *hessian;
    for (i, row) in damped.iter_mut().enumerate() {
        row[i] += damping * row[i].abs().max(1e-6);
    }
    let root = cholesky(&damped)?;
    let direction = solve(&root, gradient);
    let length = largest(&direction);
    let shorten = if length > 2.0 { 2.0 / length } else { 1.0 };
    let mut next = *place;
    for i in 0..N {
        next[i] = (place[i] - shorten * direction[i]).clamp(-BORDER, BORDER);
    }
    next.iter().all(|value| value.is_finite()).then_some(next)
}

fn largest<const N: usize>(values: &[f64; N]) -> f64 {
    values.iter().fold(0.0, |most, value| value.abs().max(most))
}

fn cholesky<const N: usize>(matrix: &Matrix<N>) -> Option<Matrix<N>> {
    let mut root = [[0.0; N]; N];
    for i in 0..N {
        for j in 0..=i {
            let inner: f64 = (0..j).map(|k| root[i][k] * root[j][k]).sum();
            let rest = matrix[i][j] - inner;
            if i == j {
                // A pivot of rounding errors is no pivot.
                let enough = rest > 1e-13 * matrix[i][i].abs() && rest.is_finite();
                root[i][i] = enough.then(|| rest.sqrt())?;
            } else {
                root[i][j] = rest / root[j][j];
            }
        }
    }
    Some(root)
}

fn solve<const N: usize>(root: &Matrix<N>, right: &[f64; N]) -> [f64; N] {
    let mut values = *right;
    for i in 0..N {
        let inner: f64 = (0..i).map(|k| root[i][k] * values[k]).sum();
        values[i] = (values[i] - inner) / root[i][i];
    }
    for i in (0..N).rev() {
        let inner: f64 = (i + 1..N).map(|k| root[k][i] * values[k]).sum();
        values[i] = (values[i] - inner) / root[i][i];
    }
    values
}

/// The diagonal of the inverse, if the matrix is positive definite.
pub(crate) fn inverse_diagonal<const N: usize>(matrix: &Matrix<N>) -> Option<[f64; N]> {
    let root = cholesky(matrix)?;
    let mut diagonal = [0.0; N];
    for (i, entry) in diagonal.iter_mut().enumerate() {
        let mut unit = [0.0; N];
        unit[i] = 1.0;
        *entry = solve(&root, &unit)[i];
    }
    Some(diagonal)
}
