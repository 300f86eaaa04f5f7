//! A small cache of answers that may be a few seconds old. Its age is told by the service's clock; a change made by
//! this process is seen at once, a change made by another within [`MAX_AGE`].

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// How old an answer may be.
pub const MAX_AGE: TimeDelta = TimeDelta::seconds(5);

/// How many answers are kept.
const CAPACITY: usize = 20_000;

/// Answers by key.
#[derive(Debug)]
pub struct Cache<K, V> {
    inner: Mutex<Inner<K, V>>,
}

#[derive(Debug)]
struct Inner<K, V> {
    entries: HashMap<K, (DateTime<Utc>, V)>,
    generation: u64,
}

/// The state of the cache before an answer was looked up: an answer that a change overtook is not kept.
#[derive(Clone, Copy, Debug)]
pub struct Generation(u64);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self {
            inner: Mutex::new(Inner {
                entries: HashMap::new(),
                generation: 0,
            }),
        }
    }
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// The answer, if one is kept that is young enough; else what [`Cache::put`] needs.
    ///
    /// # Errors
    /// [`Generation`] when there is none.
    pub fn get(&self, key: &K, now: DateTime<Utc>) -> Result<V, Generation> {
        let inner = self.lock();
        match inner.entries.get(key) {
            Some((at, value)) if *at <= now && now - *at < MAX_AGE => Ok(value.clone()),
            _ => Err(Generation(inner.generation)),
        }
    }

    /// Keeps an answer that was looked up after `seen`, unless something was forgotten meanwhile.
    pub fn put(&self, key: K, value: V, now: DateTime<Utc>, seen: Generation) {
        let mut inner = self.lock();
        if inner.generation != seen.0 {
            return;
        }
        if inner.entries.len() >= CAPACITY {
            inner
                .entries
                .retain(|_, (at, _)| *at <= now && now - *at < MAX_AGE);
            if inner.entries.len() >= CAPACITY {
                inner.entries.clear();
            }
        }
        inner.entries.insert(key, (now, value));
    }

    /// Forgets one answer, because what it says was changed.
    pub fn forget(&self, key: &K) {
        let mut inner = self.lock();
        inner.generation += 1;
        inner.entries.remove(key);
    }

    /// Forgets all answers for which `stale` holds.
    pub fn forget_where(&self, mut stale: impl FnMut(&K, &V) -> bool) {
        let mut inner = self.lock();
        inner.generation += 1;
        inner.entries.retain(|key, (_, value)| !stale(key, value));
    }

    fn lock(&self) -> MutexGuard<'_, Inner<K, V>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    #[test]
    fn an_answer_is_kept_for_five_seconds() {
        let cache = Cache::default();
        let seen = cache.get(&1, at(0)).unwrap_err();
        cache.put(1, "a", at(0), seen);
        assert_eq!(cache.get(&1, at(4)).unwrap(), "a");
        assert!(cache.get(&1, at(5)).is_err());
        assert!(cache.get(&1, at(-1)).is_err());
    }

    #[test]
    fn an_answer_that_a_change_overtook_is_not_kept() {
        let cache = Cache::default();
        let seen = cache.get(&1, at(0)).unwrap_err();
        cache.forget(&1);
        cache.put(1, "old", at(0), seen);
        assert!(cache.get(&1, at(0)).is_err());
    }
}
