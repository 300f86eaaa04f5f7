//! A small source of repeatable chance (SplitMix64): the same seed gives the same coalition on every machine.
//! Nothing secret may come from here.

/// The source.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A source for one purpose: other purposes under the same seed don't disturb it.
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        let mut mixed = seed;
        for byte in purpose.bytes() {
            mixed = mix(mixed ^ u64::from(byte));
        }
        Self(mixed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from 0 to `count - 1`; 0 when `count` is 0.
    pub(super) fn below(&mut self, count: u64) -> u64 {
        let drawn = self.next();
        drawn.checked_rem(count).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high.saturating_sub(low).saturating_add(1)).unwrap_or(1);
        low.saturating_add(i64::try_from(self.below(width)).unwrap_or(0))
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// A place in a list of that length.
    pub(super) fn index(&mut self, length: usize) -> usize {
        let count = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(count)).unwrap_or(0)
    }

    /// One of a list that is not empty.
    pub(super) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.index(all.len())]
    }

    /// A place drawn by weight; the first when nothing has any.
    pub(super) fn weighted(&mut self, weights: impl Iterator<Item = u64> + Clone) -> usize {
        let mut drawn = self.below(weights.clone().sum());
        for (place, weight) in weights.enumerate() {
            match drawn.checked_sub(weight) {
                Some(left) => drawn = left,
                None => return place,
            }
        }
        0
    }
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_draws() {
        let draws = |seed| {
            let mut random = Random::new(seed, "a");
            (0..5).map(|_| random.below(1000)).collect::<Vec<_>>()
        };
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
        assert_ne!(
            Random::new(1, "a").below(u64::MAX),
            Random::new(1, "b").below(u64::MAX)
        );
    }

    #[test]
    fn draws_stay_in_their_range_and_follow_the_weights() {
        let mut random = Random::new(7, "weights");
        let mut counts = [0_u32; 3];
        for _ in 0..10_000 {
            counts[random.weighted([1, 0, 3].into_iter())] += 1;
            assert!((-2..=2).contains(&random.between(-2, 2)));
        }
        assert_eq!(counts[1], 0);
        assert!((2_200..2_800).contains(&counts[0]), "{counts:?}");
        assert_eq!(random.below(0), 0);
        assert_eq!(random.weighted(std::iter::empty()), 0);
    }
}
