//! How often something may happen within which time, exactly: a cap of three in ten minutes lets the fourth pass ten
//! minutes after the first.

use std::num::NonZeroU32;
use std::time::Duration;

/// So many within such a time. Caps of one bucket and key that differ in `within` are counted apart.
#[derive(Clone, Copy, Debug)]
pub struct Cap<'k> {
    /// What is counted: a short name of letters, digits and dashes, shown in Redis as it is.
    pub bucket: &'static str,
    /// Whose count it is; leaves this process only as a keyed hash.
    pub key: &'k [u8],
    /// How many. As many moments are kept, so caps of thousands belong elsewhere.
    pub most: NonZeroU32,
    /// In which time.
    pub within: Duration,
}

impl Cap<'_> {
    pub(crate) fn micros(&self) -> u64 {
        u64::try_from(self.within.as_micros()).unwrap_or(u64::MAX >> 16)
    }
}

/// What was not counted can't be let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what all processes count together can't be reached")]
pub struct Unavailable {
    /// After which time it is worth trying again.
    pub retry_after: Duration,
}

/// Why nothing was let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CapError {
    /// A cap is reached.
    #[error("a cap is reached")]
    Reached {
        /// Which of those asked for: the one with the longest wait.
        cap: usize,
        /// How long until it would pass.
        retry_after: Duration,
    },
    /// Nobody could count.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What is done with caps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Count, unless one of them is reached.
    Admit,
    /// Say whether one is reached.
    Look,
    /// Count, whether or not one is reached.
    Record,
    /// Take the last count back.
    TakeBack,
}

impl Deed {
    pub(crate) const fn counts(self, reached: bool) -> bool {
        matches!(self, Self::Record) || (matches!(self, Self::Admit) && !reached)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Look => "look",
            Self::Record => "record",
            Self::TakeBack => "back",
        }
    }
}
