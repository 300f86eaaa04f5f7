//! Customers grouped by equal histories. A million customers at day resolution share some ten thousand patterns, and a
//! likelihood needs to visit each pattern once only.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::error::Error;
use crate::history::History;

/// One history and how many customers have it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pattern {
    /// The history that they share.
    pub history: History,
    /// How many customers share it; any positive number.
    pub weight: f64,
}

/// Distinct histories with weights, in a fixed order that does not depend on the order of the input.
#[derive(Debug, Clone, PartialEq)]
pub struct Patterns {
    rows: Vec<Pattern>,
    total: f64,
}

impl Patterns {
    /// Groups customers by equal histories.
    ///
    /// # Errors
    /// [`Error::Empty`] if there are none.
    pub fn group<I: IntoIterator<Item = History>>(histories: I) -> Result<Self, Error> {
        Self::weighted(histories.into_iter().map(|history| (history, 1.0)))
    }

    /// Groups histories that come with weights; a weight of 3 is the same as three equal rows.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows, [`Error::Weight`] for a weight that is not finite and positive.
    pub fn weighted<I: IntoIterator<Item = (History, f64)>>(histories: I) -> Result<Self, Error> {
        let mut weights: FastMap<(u32, u64, u64), f64> = FastMap::default();
        for (row, (history, weight)) in histories.into_iter().enumerate() {
            if !weight.is_finite() || weight <= 0.0 {
                return Err(Error::Weight { row, weight });
            }
            let key = (
                history.frequency(),
                history.age().to_bits(),
                history.recency().to_bits(),
            );
            *weights.entry(key).or_insert(0.0) += weight;
        }
        if weights.is_empty() {
            return Err(Error::Empty);
        }
        // For floats from zero up the order of the bits is the order of the values.
        let mut keyed: Vec<_> = weights.into_iter().collect();
        keyed.sort_unstable_by_key(|(key, _)| *key);
        let rows: Vec<Pattern> = keyed
            .into_iter()
            .filter_map(|((frequency, age, recency), weight)| {
                let history =
                    History::new(frequency, f64::from_bits(recency), f64::from_bits(age)).ok()?;
                Some(Pattern { history, weight })
            })
            .collect();
        let total = rows.iter().map(|row| row.weight).sum();
        Ok(Self { rows, total })
    }

    /// The patterns, by frequency, age and recency.
    #[must_use]
    pub fn rows(&self) -> &[Pattern] {
        &self.rows
    }

    /// Number of customers: the sum of the weights.
    #[must_use]
    pub fn customers(&self) -> f64 {
        self.total
    }

    /// Weighted mean of a function of the history.
    pub(crate) fn mean(&self, of: impl Fn(&History) -> f64) -> f64 {
        let sum: f64 = self
            .rows
            .iter()
            .map(|row| row.weight * of(&row.history))
            .sum();
        sum / self.total
    }

    /// Refuses data from which no purchase rate or dropout can be told.
    pub(crate) fn require_repeats(&self) -> Result<(), Error> {
        if self.rows.iter().all(|row| row.history.frequency() == 0) {
            return Err(Error::NotEnoughData {
                reason: "no customer has a repeat purchase",
            });
        }
        if self.rows.iter().all(|row| row.history.age() == 0.0) {
            return Err(Error::NotEnoughData {
                reason: "no customer was observed for any time",
            });
        }
        Ok(())
    }
}

/// A map for keys that nobody chooses with evil intent: short numbers.
pub(crate) type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<FastHasher>>;

/// Multiply and rotate; good enough for bit patterns of floats and small numbers.
#[derive(Debug, Default)]
pub(crate) struct FastHasher(u64);

impl Hasher for FastHasher {
    fn finish(&self) -> u64 {
        // The table looks at the lowest and the highest bits.
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0.rotate_left(23) ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
