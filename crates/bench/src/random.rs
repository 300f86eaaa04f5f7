//! A small source of repeatable chance (SplitMix64). Nothing secret may come from here.

/// The source.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

/// 2 to the power of -53: what makes a number below 2^53 one below 1.
const UNIT: f64 = 1.0 / 9_007_199_254_740_992.0;

impl Random {
    /// A source of its own for each seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x5851_f42d_4c95_7f2d))
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A place in a list of that length; 0 for an empty one.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        let count = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.next().checked_rem(count).unwrap_or(0)).unwrap_or(0)
    }

    /// From 0 (included) to 1 (not included).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 * UNIT
    }
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
