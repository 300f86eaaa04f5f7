//! A small cache of answers that may be a few seconds old. Its age is told by the service's clock; a change made by
//! this process is seen at once, a change made by another within [`MAX_AGE`].
//!
//! Whoever finds nothing gets a [`Ticket`] and looks the answer up. Forgetting a key takes the tickets of that key
//! away and of no other, so that an answer that a change overtook is not kept while all else goes on being kept.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// How old an answer may be.
pub const MAX_AGE: TimeDelta = TimeDelta::seconds(5);

/// How many answers are kept where nothing else is said.
const CAPACITY: usize = 20_000;

/// Parts with a lock each.
const SHARDS: usize = 16;

/// Answers by key.
#[derive(Debug)]
pub struct Cache<K, V> {
    shards: [Mutex<Shard<K, V>>; SHARDS],
    hasher: RandomState,
    /// The most entries of one half of a shard.
    half: usize,
}

/// When the younger half is full it becomes the older one, and what was there is forgotten.
#[derive(Debug)]
struct Shard<K, V> {
    young: HashMap<K, Entry<V>>,
    old: HashMap<K, Entry<V>>,
    tickets: u64,
}

#[derive(Debug)]
struct Entry<V> {
    /// The tickets that may still be used.
    ticket: u64,
    kept: Option<Kept<V>>,
}

/// An answer with its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept<V> {
    /// When the looking up began: it was true then or later.
    pub at: DateTime<Utc>,
    /// The answer.
    pub value: V,
}

impl<V> Kept<V> {
    fn is_young(&self, now: DateTime<Utc>) -> bool {
        self.at <= now && now - self.at < MAX_AGE
    }
}

/// The right to keep an answer that is looked up after this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl<K, V> Cache<K, V> {
    /// A cache of about so many answers.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| {
                Mutex::new(Shard {
                    young: HashMap::new(),
                    old: HashMap::new(),
                    tickets: 0,
                })
            }),
            hasher: RandomState::new(),
            half: (capacity / SHARDS / 2).max(1),
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    /// The answer, if one is kept that is young enough; else what [`Cache::put`] needs.
    ///
    /// # Errors
    /// [`Ticket`] when there is none.
    pub fn get(&self, key: &K, now: DateTime<Utc>) -> Result<V, Ticket> {
        self.look(key, now).map(|kept| kept.value)
    }

    /// The answer with its age, if one is kept that is young enough; else what [`Cache::put`] needs.
    ///
    /// # Errors
    /// [`Ticket`] when there is none.
    pub fn look(&self, key: &K, now: DateTime<Utc>) -> Result<Kept<V>, Ticket> {
        let mut shard = self.shard(key);
        match shard.kept(key) {
            Some(kept) if kept.is_young(now) => Ok(kept.clone()),
            _ => Err(shard.ticket(key, self.half)),
        }
    }

    /// The answer that is kept, of whatever age.
    pub fn peek(&self, key: &K) -> Option<V> {
        self.shard(key).kept(key).map(|kept| kept.value.clone())
    }

    /// What [`Cache::put`] needs of somebody who looks the answer up whether or not one is kept.
    pub fn ticket(&self, key: &K) -> Ticket {
        self.shard(key).ticket(key, self.half)
    }

    /// Keeps an answer that was looked up with a ticket, unless the key was forgotten meanwhile. `at`: when the
    /// looking up began.
    pub fn put(&self, key: &K, value: V, at: DateTime<Utc>, ticket: Ticket) {
        let mut shard = self.shard(key);
        let Shard { young, old, .. } = &mut *shard;
        let Some(entry) = young.get_mut(key).or_else(|| old.get_mut(key)) else {
            return;
        };
        if entry.ticket == ticket.0 {
            entry.kept = Some(Kept { at, value });
        }
    }

    /// Forgets one answer, because what it says was changed.
    pub fn forget(&self, key: &K) {
        let mut shard = self.shard(key);
        shard.young.remove(key);
        shard.old.remove(key);
    }

    /// Forgets all answers for which `stale` holds, and all tickets.
    pub fn forget_where(&self, mut stale: impl FnMut(&K, &V) -> bool) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            let Shard {
                young,
                old,
                tickets,
            } = &mut *shard;
            *tickets += 1;
            for half in [young, old] {
                half.retain(|key, entry| {
                    entry.ticket = *tickets;
                    let kept = entry.kept.as_ref();
                    kept.is_some_and(|kept| !stale(key, &kept.value))
                });
            }
        }
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K, V>> {
        let hash = self.hasher.hash_one(key).to_le_bytes()[0];
        lock(&self.shards[usize::from(hash) % SHARDS])
    }
}

impl<K: Eq + Hash + Clone, V> Shard<K, V> {
    fn kept(&self, key: &K) -> Option<&Kept<V>> {
        let known = self.young.get(key).or_else(|| self.old.get(key))?;
        known.kept.as_ref()
    }

    fn ticket(&mut self, key: &K, half: usize) -> Ticket {
        if let Some(entry) = self.young.get(key).or_else(|| self.old.get(key)) {
            return Ticket(entry.ticket);
        }
        if self.young.len() >= half {
            self.old = std::mem::take(&mut self.young);
        }
        self.tickets += 1;
        let entry = Entry {
            ticket: self.tickets,
            kept: None,
        };
        self.young.insert(key.clone(), entry);
        Ticket(self.tickets)
    }
}

fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
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
        let ticket = cache.get(&1, at(0)).unwrap_err();
        cache.put(&1, "a", at(0), ticket);
        assert_eq!(cache.get(&1, at(4)).unwrap(), "a");
        assert_eq!(cache.look(&1, at(4)).unwrap().at, at(0));
        assert!(cache.get(&1, at(5)).is_err());
        assert!(cache.get(&1, at(-1)).is_err());
    }

    #[test]
    fn an_answer_that_a_change_overtook_is_not_kept() {
        let cache = Cache::default();
        let ticket = cache.get(&1, at(0)).unwrap_err();
        cache.forget(&1);
        cache.put(&1, "old", at(0), ticket);
        assert!(cache.get(&1, at(0)).is_err());
        // Nor after somebody else has begun to look it up.
        let ticket = cache.get(&2, at(0)).unwrap_err();
        cache.forget(&2);
        let second = cache.get(&2, at(0)).unwrap_err();
        cache.put(&2, "old", at(0), ticket);
        assert!(cache.get(&2, at(0)).is_err());
        cache.put(&2, "new", at(0), second);
        assert_eq!(cache.get(&2, at(0)).unwrap(), "new");
    }

    #[test]
    fn a_change_of_one_key_takes_nothing_from_another() {
        let cache = Cache::default();
        let tickets: Vec<Ticket> = (0..1000)
            .map(|key| cache.get(&key, at(0)).unwrap_err())
            .collect();
        for key in 500..1000 {
            cache.forget(&key);
        }
        for (key, ticket) in (0..).zip(tickets) {
            cache.put(&key, key, at(0), ticket);
        }
        let kept = (0..1000).filter(|key| cache.get(key, at(0)).is_ok());
        assert_eq!(kept.count(), 500);
    }

    #[test]
    fn forgetting_many_spares_the_others_and_no_ticket() {
        let cache = Cache::default();
        for key in 0..100 {
            let ticket = cache.ticket(&key);
            cache.put(&key, key % 2, at(0), ticket);
        }
        let (even, fresh) = (cache.ticket(&0), cache.ticket(&200));
        let odd = cache.ticket(&1);
        cache.forget_where(|_, value| *value == 0);
        cache.put(&0, 0, at(0), even);
        cache.put(&200, 1, at(0), fresh);
        cache.put(&1, 7, at(0), odd);
        assert!(cache.get(&0, at(0)).is_err());
        assert!(cache.get(&200, at(0)).is_err());
        assert_eq!(cache.get(&1, at(0)).unwrap(), 1);
    }

    #[test]
    fn it_stays_small_and_keeps_what_came_last() {
        let cache = Cache::with_capacity(1600);
        for key in 0..100_000 {
            let ticket = cache.ticket(&key);
            cache.put(&key, (), at(0), ticket);
        }
        let kept: Vec<i32> = (0..100_000)
            .filter(|key| {
                let shard = cache.shard(key);
                shard.young.contains_key(key) || shard.old.contains_key(key)
            })
            .collect();
        assert!(kept.len() <= 1600, "{}", kept.len());
        assert!(kept.len() >= 800, "{}", kept.len());
        assert!(kept[0] >= 95_000, "{}", kept[0]);
    }
}
