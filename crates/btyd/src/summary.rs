//! From transactions to histories, in one pass and a few bytes a customer.
//!
//! Several purchases on a day are one purchase; the first purchase day starts the clock and its spend is left out of the
//! mean; time runs until the end of observation. Each customer's rows must come in order of time, the customers in any
//! order: a stream sorted by time, or by customer and time, will do.

use std::collections::HashMap;
use std::hash::Hash;

use crate::error::Error;
use crate::history::History;
use crate::models::Spending;

/// One purchase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Purchase<K> {
    /// Who bought.
    pub customer: K,
    /// Number of the day, from any origin; see [`crate::day_number`].
    pub day: i32,
    /// What it cost, in any money; a day's purchases are added up.
    pub spend: f64,
}

/// Over which days, and in which unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Last day of calibration; later purchases belong to the holdout.
    pub observation_end: i32,
    /// Last day of the holdout; later purchases are ignored. Equal to `observation_end` without a holdout.
    pub holdout_end: i32,
    /// Days in a unit of time: 7 for weeks.
    pub days_per_unit: f64,
}

impl Window {
    /// A window without a holdout, in weeks.
    #[must_use]
    pub fn weeks_until(observation_end: i32) -> Self {
        Self {
            observation_end,
            holdout_end: observation_end,
            days_per_unit: 7.0,
        }
    }

    /// The same with a holdout until a later day.
    #[must_use]
    pub fn with_holdout(self, holdout_end: i32) -> Self {
        Self {
            holdout_end,
            ..self
        }
    }
}

/// What is known of one customer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Repeat purchase days, recency and age at the end of observation.
    pub history: History,
    /// Mean spend of the repeat purchase days; `None` without any.
    pub mean_spend: Option<f64>,
    /// Purchase days in the holdout.
    pub holdout_purchases: u32,
}

impl Summary {
    /// The spending that [`crate::GammaGamma`] asks for.
    ///
    /// # Errors
    /// [`Error::Spend`] if the mean is not positive, as after refunds.
    pub fn spending(&self) -> Result<Spending, Error> {
        Spending::new(self.history.frequency(), self.mean_spend.unwrap_or(0.0))
    }
}

#[derive(Debug, Clone, Copy)]
struct State {
    spend: f64,
    first: i32,
    last_observed: i32,
    last: i32,
    repeats: u32,
    holdout: u32,
}

/// Takes purchases one by one.
#[derive(Debug)]
pub struct Summarizer<K> {
    window: Window,
    customers: HashMap<K, State>,
    rows: usize,
}

impl<K: Eq + Hash> Summarizer<K> {
    /// Starts with no customer.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the unit is not positive or the holdout ends before the observation.
    pub fn new(window: Window) -> Result<Self, Error> {
        if !(1e-6..=1e6).contains(&window.days_per_unit) {
            return Err(Error::Parameter {
                name: "days_per_unit",
                value: window.days_per_unit,
            });
        }
        if window.holdout_end < window.observation_end {
            return Err(Error::Parameter {
                name: "holdout_end",
                value: f64::from(window.holdout_end),
            });
        }
        Ok(Self {
            window,
            customers: HashMap::new(),
            rows: 0,
        })
    }

    /// Takes the next purchase. Customers who first buy after the end of observation are left out.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] or [`Error::Spend`] name the row; the purchase is then not counted.
    pub fn push(&mut self, purchase: Purchase<K>) -> Result<(), Error> {
        let row = self.rows;
        self.rows += 1;
        let Purchase {
            customer,
            day,
            spend,
        } = purchase;
        if !spend.is_finite() {
            return Err(Error::Spend { row, spend });
        }
        if day > self.window.holdout_end {
            return Ok(());
        }
        let observed = day <= self.window.observation_end;
        if !observed && !self.customers.contains_key(&customer) {
            return Ok(());
        }
        let state = self.customers.entry(customer).or_insert(State {
            spend: 0.0,
            first: day,
            last_observed: day,
            last: day,
            repeats: 0,
            holdout: 0,
        });
        if day < state.last {
            return Err(Error::OutOfOrder { row, day });
        }
        let new_day = day > state.last;
        state.last = day;
        if observed {
            state.last_observed = day;
            state.repeats += u32::from(new_day);
            if day > state.first {
                state.spend += spend;
            }
        } else {
            state.holdout += u32::from(new_day);
        }
        Ok(())
    }

    /// The customers with their summaries, in no particular order.
    pub fn finish(self) -> impl Iterator<Item = (K, Summary)> {
        let window = self.window;
        self.customers
            .into_iter()
            .filter_map(move |(customer, state)| Some((customer, summary(&state, &window)?)))
    }
}

fn summary(state: &State, window: &Window) -> Option<Summary> {
    let units = |until: i32| (f64::from(until) - f64::from(state.first)) / window.days_per_unit;
    let (recency, age) = (units(state.last_observed), units(window.observation_end));
    let history = History::new(state.repeats, recency, age).ok()?;
    let mean_spend = (state.repeats > 0).then(|| state.spend / f64::from(state.repeats));
    Some(Summary {
        history,
        mean_spend,
        holdout_purchases: state.holdout,
    })
}

/// Summarises purchases that come in order of time.
///
/// # Errors
/// As [`Summarizer::new`] and [`Summarizer::push`].
pub fn summarize<K, I>(purchases: I, window: Window) -> Result<Vec<(K, Summary)>, Error>
where
    K: Eq + Hash + Ord,
    I: IntoIterator<Item = Purchase<K>>,
{
    let mut summarizer = Summarizer::new(window)?;
    for purchase in purchases {
        summarizer.push(purchase)?;
    }
    let mut summaries: Vec<_> = summarizer.finish().collect();
    summaries.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    Ok(summaries)
}
