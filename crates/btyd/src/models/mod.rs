//! The models, and the questions that every model of purchases answers, one customer at a time or in batches.

pub(crate) mod beta_geometric;
mod beta_geometric_fit;
mod gamma_gamma;
mod gamma_gamma_fit;
mod lifetime_value;
mod negative_binomial;
mod pareto;
mod pareto_fit;

pub use beta_geometric::{BgNbd, MbgNbd};
pub use gamma_gamma::{GammaGamma, Spending};
pub use lifetime_value::{Discounting, lifetime_value};
pub use pareto::ParetoNbd;

use crate::error::Error;
use crate::history::{History, Horizon};
use crate::patterns::{FastMap, Patterns};

/// What a batch answers for each customer.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Score {
    /// Probability that the customer is still a customer.
    pub p_alive: f64,
    /// Expected number of purchases in the horizon.
    pub expected_purchases: f64,
    /// Probability of no purchase in the horizon.
    pub churn: f64,
}

/// A model of when customers buy and when they leave.
///
/// Times are in the unit of the data that the model was fitted to. Every answer is finite.
pub trait PurchaseModel: Sync {
    /// Odds, as a logarithm, of having left against being alive, given the history; minus infinity where leaving is
    /// impossible.
    fn ln_odds_dead(&self, history: &History) -> f64;

    /// Expected purchases in the horizon of a customer who is alive after `frequency` repeats in `age`.
    fn expected_if_alive(&self, frequency: u32, age: f64, horizon: Horizon) -> f64;

    /// Probability of no purchase in the horizon of a customer who is alive after `frequency` repeats in `age`; with
    /// its complement, so that neither loses digits.
    fn none_if_alive(&self, frequency: u32, age: f64, horizon: Horizon) -> (f64, f64);

    /// Expected repeat purchases of a new customer in the horizon, `E[X(t)]`.
    fn expected_new(&self, horizon: Horizon) -> f64;

    /// Probability that a new customer makes `count` repeat purchases in the horizon, `P(X(t) = count)`.
    fn pmf(&self, count: u32, horizon: Horizon) -> f64;

    /// Log-likelihood of one history.
    fn ln_likelihood(&self, history: &History) -> f64;

    /// Probability that the customer is still alive at the end of observation.
    fn p_alive(&self, history: &History) -> f64 {
        crate::special::sigmoid(-self.ln_odds_dead(history))
    }

    /// Expected purchases in the horizon after the end of observation, `E[Y(t) | x, t_x, T]`.
    fn expected_purchases(&self, history: &History, horizon: Horizon) -> f64 {
        self.p_alive(history) * self.expected_if_alive(history.frequency(), history.age(), horizon)
    }

    /// Probability of at least one purchase in the horizon after the end of observation.
    fn p_purchase(&self, history: &History, horizon: Horizon) -> f64 {
        let (_, some) = self.none_if_alive(history.frequency(), history.age(), horizon);
        self.p_alive(history) * some
    }

    /// Probability of no purchase in the horizon: the churn probability, `1 - p_purchase` without cancellation.
    fn churn(&self, history: &History, horizon: Horizon) -> f64 {
        let dead = crate::special::sigmoid(self.ln_odds_dead(history));
        let (none, _) = self.none_if_alive(history.frequency(), history.age(), horizon);
        (dead + (1.0 - dead) * none).min(1.0)
    }

    /// Log-likelihood of all patterns.
    fn log_likelihood(&self, patterns: &Patterns) -> f64 {
        let rows = patterns.rows().iter();
        rows.map(|row| row.weight * self.ln_likelihood(&row.history))
            .sum()
    }

    /// Scores many customers into `out`; what depends on frequency and age only is computed once for each pair.
    ///
    /// # Errors
    /// [`Error::Length`] if the slices differ in length.
    fn score_into(
        &self,
        histories: &[History],
        horizon: Horizon,
        out: &mut [Score],
    ) -> Result<(), Error> {
        batch(histories, out, |rows, scores| {
            score_chunk(self, rows, horizon, scores);
        })
    }

    /// P(alive) of many customers into `out`.
    ///
    /// # Errors
    /// [`Error::Length`] if the slices differ in length.
    fn p_alive_into(&self, histories: &[History], out: &mut [f64]) -> Result<(), Error> {
        batch(histories, out, |rows, answers| {
            for (history, answer) in rows.iter().zip(answers) {
                *answer = self.p_alive(history);
            }
        })
    }

    /// Expected purchases of many customers into `out`.
    ///
    /// # Errors
    /// [`Error::Length`] if the slices differ in length.
    fn expected_purchases_into(
        &self,
        histories: &[History],
        horizon: Horizon,
        out: &mut [f64],
    ) -> Result<(), Error> {
        batch(histories, out, |rows, answers| {
            let mut known = Known::default();
            for (history, answer) in rows.iter().zip(answers) {
                let expected = known.get(history, |x, age| self.expected_if_alive(x, age, horizon));
                *answer = self.p_alive(history) * expected;
            }
        })
    }

    /// Churn probabilities of many customers into `out`.
    ///
    /// # Errors
    /// [`Error::Length`] if the slices differ in length.
    fn churn_into(
        &self,
        histories: &[History],
        horizon: Horizon,
        out: &mut [f64],
    ) -> Result<(), Error> {
        batch(histories, out, |rows, answers| {
            for (history, answer) in rows.iter().zip(answers) {
                *answer = self.churn(history, horizon);
            }
        })
    }
}

/// Answers by frequency and age, of the last many pairs.
struct Known<V>(FastMap<(u32, u64), V>);

impl<V> Default for Known<V> {
    fn default() -> Self {
        Self(FastMap::default())
    }
}

impl<V: Copy> Known<V> {
    /// Pairs to keep: enough for day resolution, and small.
    const MOST: usize = 1 << 16;

    fn get(&mut self, history: &History, compute: impl FnOnce(u32, f64) -> V) -> V {
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        let (frequency, age) = (history.frequency(), history.age());
        *self
            .0
            .entry((frequency, age.to_bits()))
            .or_insert_with(|| compute(frequency, age))
    }
}

fn score_chunk<M: PurchaseModel + ?Sized>(
    model: &M,
    histories: &[History],
    horizon: Horizon,
    out: &mut [Score],
) {
    let mut known = Known::default();
    for (history, score) in histories.iter().zip(out) {
        let dead = crate::special::sigmoid(model.ln_odds_dead(history));
        let (expected, none) = known.get(history, |x, age| {
            (
                model.expected_if_alive(x, age, horizon),
                model.none_if_alive(x, age, horizon).0,
            )
        });
        // The complement is exact enough: P(alive) near zero comes from its own logarithm.
        let alive = if dead < 0.5 {
            1.0 - dead
        } else {
            model.p_alive(history)
        };
        *score = Score {
            p_alive: alive,
            expected_purchases: alive * expected,
            churn: (dead + (1.0 - dead) * none).min(1.0),
        };
    }
}

/// Runs a batch, in parallel with the feature `rayon`.
pub(crate) fn batch<I: Sync, O: Send>(
    input: &[I],
    out: &mut [O],
    work: impl Fn(&[I], &mut [O]) + Sync,
) -> Result<(), Error> {
    if input.len() != out.len() {
        return Err(Error::Length {
            expected: input.len(),
            found: out.len(),
        });
    }
    #[cfg(feature = "rayon")]
    {
        use rayon::prelude::*;
        const CHUNK: usize = 1 << 16;
        input
            .par_chunks(CHUNK)
            .zip(out.par_chunks_mut(CHUNK))
            .for_each(|(rows, answers)| work(rows, answers));
    }
    #[cfg(not(feature = "rayon"))]
    work(input, out);
    Ok(())
}

/// Checks that a parameter is a number that the numerics are made for.
pub(crate) fn parameter(name: &'static str, value: f64) -> Result<f64, Error> {
    if (1e-8..=1e10).contains(&value) {
        Ok(value)
    } else {
        Err(Error::Parameter { name, value })
    }
}
