//! Counting in this process: all of it without Redis, and rates while Redis is away.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::caps::{Cap, CapError, Deed};
use crate::keys::{Digest, Keys};
use crate::now::Now;
use crate::quota::{self, Quota, Taken};

/// Parts of the rates, with a lock each.
const SHARDS: usize = 16;

/// From how many entries on a map is swept.
const SWEEP_FROM: usize = 4096;

/// See the module.
#[derive(Debug)]
pub(crate) struct LocalCounts {
    now: Now,
    started: Instant,
    /// When each burst is whole again.
    rates: [Mutex<Swept<u64>>; SHARDS],
    /// When things happened, oldest first.
    moments: Mutex<Swept<VecDeque<u64>>>,
}

impl LocalCounts {
    pub(crate) fn new(now: Now) -> Self {
        Self {
            now,
            started: Instant::now(),
            rates: Default::default(),
            moments: Mutex::default(),
        }
    }

    fn micros(&self) -> u64 {
        let steady = || u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX >> 16);
        self.now.told().unwrap_or_else(steady)
    }

    pub(crate) fn take(&self, digest: &Digest, quota: Quota, n: u32) -> Taken {
        let mut rates = lock(&self.rates[usize::from(digest[0]) % SHARDS]);
        // Read under the lock: whoever comes later must not come with an earlier moment.
        let now = self.micros();
        let (taken, keep) = quota::take(rates.get(digest), now, quota, n);
        if let Some(full_at) = keep {
            rates.put(*digest, full_at, full_at, now);
        }
        taken
    }

    pub(crate) fn caps(&self, keys: &Keys, caps: &[Cap<'_>], deed: Deed) -> Result<(), CapError> {
        let mut moments = lock(&self.moments);
        let now = self.micros();
        let digests: Vec<Digest> = caps
            .iter()
            .map(|cap| keys.digest(cap.bucket, cap.micros(), cap.key))
            .collect();
        let mut longest: Option<(usize, u64)> = None;
        for (index, (cap, digest)) in caps.iter().zip(&digests).enumerate() {
            let most = usize::try_from(cap.most.get()).unwrap_or(usize::MAX);
            let kept = moments.map.get(digest).map(|(kept, _)| kept);
            let first = kept.and_then(|kept| kept.get(kept.len().checked_sub(most)?));
            let until = first.map_or(0, |first| first + cap.micros());
            if until > now && longest.is_none_or(|(_, longest)| until - now > longest) {
                longest = Some((index, until - now));
            }
        }
        if deed.counts(longest.is_some()) {
            for (cap, digest) in caps.iter().zip(&digests) {
                let most = usize::try_from(cap.most.get()).unwrap_or(usize::MAX);
                let mut kept = moments.remove(digest).unwrap_or_default();
                kept.push_back(now);
                while kept.len() > most {
                    kept.pop_front();
                }
                moments.put(*digest, kept, now + cap.micros(), now);
            }
        }
        if deed == Deed::TakeBack {
            for digest in &digests {
                if let Some((kept, _)) = moments.map.get_mut(digest) {
                    kept.pop_back();
                }
            }
        }
        match longest {
            Some((cap, wait)) if matches!(deed, Deed::Admit | Deed::Look) => {
                Err(CapError::Reached {
                    cap,
                    retry_after: Duration::from_micros(wait),
                })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn counted(&self, keys: &Keys, cap: &Cap<'_>) -> u32 {
        let moments = lock(&self.moments);
        let now = self.micros();
        let digest = keys.digest(cap.bucket, cap.micros(), cap.key);
        let kept = moments.map.get(&digest).map(|(kept, _)| kept);
        let young = kept.map_or(0, |kept| {
            kept.iter().filter(|at| *at + cap.micros() > now).count()
        });
        u32::try_from(young).unwrap_or(u32::MAX)
    }
}

/// Values that are forgotten some time after their end.
#[derive(Debug)]
struct Swept<V> {
    map: HashMap<Digest, (V, u64)>,
    sweep_at: usize,
}

impl<V> Default for Swept<V> {
    fn default() -> Self {
        Self {
            map: HashMap::new(),
            sweep_at: SWEEP_FROM,
        }
    }
}

impl<V: Copy> Swept<V> {
    fn get(&self, digest: &Digest) -> Option<V> {
        self.map.get(digest).map(|(value, _)| *value)
    }
}

impl<V> Swept<V> {
    fn remove(&mut self, digest: &Digest) -> Option<V> {
        self.map.remove(digest).map(|(value, _)| value)
    }

    fn put(&mut self, digest: Digest, value: V, until: u64, now: u64) {
        if self.map.len() >= self.sweep_at {
            self.map.retain(|_, (_, until)| *until > now);
            self.sweep_at = (self.map.len() * 2).max(SWEEP_FROM);
        }
        self.map.insert(digest, (value, until));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn what_is_whole_again_is_forgotten() {
        let hand = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(1));
        let shown = std::sync::Arc::clone(&hand);
        let now = Now::told_by(move || shown.load(std::sync::atomic::Ordering::SeqCst));
        let counts = LocalCounts::new(now);
        let one = NonZeroU32::MIN;
        let quota = Quota {
            per_second: one,
            burst: one,
        };
        for index in 0..200_000_u64 {
            let mut digest = [0; 16];
            digest[1..9].copy_from_slice(&index.to_be_bytes());
            counts.take(&digest, quota, 1);
            hand.fetch_add(1_000, std::sync::atomic::Ordering::SeqCst);
        }
        // All in one shard, and a thousand of them are not whole at any moment.
        let kept = lock(&counts.rates[0]).map.len();
        assert!(kept <= SWEEP_FROM, "{kept}");
    }
}
