//! How well a model foretold a holdout, and whether it is worth using at all: it has to beat days since the last
//! purchase, which cost nothing.

use crate::error::Error;

/// What was foretold of a customer, and what happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Foretold probability of at least one purchase in the holdout.
    pub p_purchase: f64,
    /// Foretold number of purchases in the holdout.
    pub expected_purchases: f64,
    /// Time since the last purchase at the end of observation.
    pub idle: f64,
    /// Purchases in the holdout.
    pub actual_purchases: u32,
}

/// A tenth of the customers, by foretold purchases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decile {
    /// Customers in it.
    pub customers: usize,
    /// Mean foretold purchases.
    pub expected_purchases: f64,
    /// Mean actual purchases.
    pub actual_purchases: f64,
    /// Mean foretold probability of a purchase.
    pub p_purchase: f64,
    /// Share who bought.
    pub active: f64,
}

/// Whether to use the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Ranks better than recency alone, and its probabilities are better than the overall rate.
    WorthUsing,
    /// Ranks customers no better than time since the last purchase.
    NoBetterThanRecency,
    /// Its probabilities are no better than giving everyone the overall rate.
    NoBetterThanBaseRate,
    /// Nobody bought, or everybody did: nothing can be told.
    Untold,
}

/// How well a model foretold a holdout.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Number of customers.
    pub customers: usize,
    /// Purchases foretold in all.
    pub expected_purchases: f64,
    /// Purchases in all.
    pub actual_purchases: u64,
    /// Area under the curve of foretold purchases against having bought; `None` if nobody or everybody bought.
    pub auc: Option<f64>,
    /// The same for recency alone, the most recent first.
    pub auc_of_recency: Option<f64>,
    /// Brier score: mean squared error of the foretold probability of a purchase; lower is better.
    pub brier: f64,
    /// Brier score of giving everyone the overall rate.
    pub brier_of_base_rate: f64,
    /// Tenths of the customers, lowest foretold purchases first; equal customers may be split.
    pub deciles: Vec<Decile>,
    /// Whether to use the model.
    pub verdict: Verdict,
}

/// Compares forecasts with what happened.
///
/// # Errors
/// [`Error::Empty`] without rows; [`Error::Value`] names a row with a number that is not finite, a probability outside
/// of 0 to 1, or a negative expectation or time.
pub fn validate(forecasts: &[Forecast]) -> Result<Report, Error> {
    if forecasts.is_empty() {
        return Err(Error::Empty);
    }
    for (row, one) in forecasts.iter().enumerate() {
        let wrong = [
            (one.p_purchase, (0.0..=1.0).contains(&one.p_purchase)),
            (
                one.expected_purchases,
                (0.0..=1e300).contains(&one.expected_purchases),
            ),
            (one.idle, (0.0..=1e300).contains(&one.idle)),
        ]
        .into_iter()
        .find(|(_, right)| !right);
        if let Some((value, _)) = wrong {
            return Err(Error::Value { row, value });
        }
    }
    let n = forecasts.len() as f64;
    let active: Vec<bool> = forecasts
        .iter()
        .map(|one| one.actual_purchases > 0)
        .collect();
    let outcome = |yes: &bool| f64::from(u8::from(*yes));
    let rate = active.iter().map(outcome).sum::<f64>() / n;
    let brier = forecasts
        .iter()
        .zip(&active)
        .map(|(one, yes)| (one.p_purchase - outcome(yes)).powi(2))
        .sum::<f64>()
        / n;
    let score: Vec<f64> = forecasts.iter().map(|one| one.expected_purchases).collect();
    let recency: Vec<f64> = forecasts.iter().map(|one| -one.idle).collect();
    let brier_of_base_rate = rate * (1.0 - rate);
    let (auc, auc_of_recency) = (auc(&score, &active)?, auc(&recency, &active)?);
    let verdict = match (auc, auc_of_recency) {
        (Some(model), Some(recency)) if model <= recency => Verdict::NoBetterThanRecency,
        (Some(_), Some(_)) if brier >= brier_of_base_rate => Verdict::NoBetterThanBaseRate,
        (Some(_), Some(_)) => Verdict::WorthUsing,
        _ => Verdict::Untold,
    };
    Ok(Report {
        customers: forecasts.len(),
        expected_purchases: score.iter().sum(),
        actual_purchases: forecasts
            .iter()
            .map(|one| u64::from(one.actual_purchases))
            .sum(),
        auc,
        auc_of_recency,
        brier,
        brier_of_base_rate,
        deciles: deciles(forecasts),
        verdict,
    })
}

/// Area under the receiver operating characteristic: the chance that an active customer scores higher than an inactive
/// one, equal scores counting half (Mann and Whitney 1947). `None` if all are active or none.
///
/// # Errors
/// [`Error::Length`] if the slices differ in length, [`Error::Value`] for a score that is not a number.
pub fn auc(scores: &[f64], active: &[bool]) -> Result<Option<f64>, Error> {
    if scores.len() != active.len() {
        return Err(Error::Length {
            expected: scores.len(),
            found: active.len(),
        });
    }
    if let Some(row) = scores.iter().position(|score| score.is_nan()) {
        return Err(Error::Value {
            row,
            value: scores[row],
        });
    }
    let mut rows: Vec<(f64, bool)> = scores.iter().copied().zip(active.iter().copied()).collect();
    rows.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let (mut below, mut won, mut positives) = (0.0, 0.0, 0.0);
    for equal in rows.chunk_by(|one, other| one.0 == other.0) {
        let yes = equal.iter().filter(|row| row.1).count() as f64;
        let no = equal.len() as f64 - yes;
        won += yes * (below + 0.5 * no);
        below += no;
        positives += yes;
    }
    Ok((positives > 0.0 && below > 0.0).then(|| won / (positives * below)))
}

fn deciles(forecasts: &[Forecast]) -> Vec<Decile> {
    let mut rows = forecasts.to_vec();
    // All fields, so that the order of the input does not matter.
    rows.sort_by(|one, other| {
        one.expected_purchases
            .total_cmp(&other.expected_purchases)
            .then(one.p_purchase.total_cmp(&other.p_purchase))
            .then(one.idle.total_cmp(&other.idle))
            .then(one.actual_purchases.cmp(&other.actual_purchases))
    });
    let n = rows.len();
    (0..10)
        .map(|k| &rows[k * n / 10..(k + 1) * n / 10])
        .filter(|part| !part.is_empty())
        .map(|part| {
            let mean =
                |of: fn(&Forecast) -> f64| part.iter().map(of).sum::<f64>() / part.len() as f64;
            Decile {
                customers: part.len(),
                expected_purchases: mean(|one| one.expected_purchases),
                actual_purchases: mean(|one| f64::from(one.actual_purchases)),
                p_purchase: mean(|one| one.p_purchase),
                active: mean(|one| f64::from(u8::from(one.actual_purchases > 0))),
            }
        })
        .collect()
}
