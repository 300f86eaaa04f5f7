//! A rate with room for bursts, and the rule by which it is counted: the generic cell rate algorithm, of which one
//! number is kept, the moment at which the burst will be whole again. `redis/take.lua` says the same in Lua.

use std::num::NonZeroU32;
use std::time::Duration;

const SECOND: u64 = 1_000_000;

/// A steady rate with room for bursts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// Requests a second in the long run.
    pub per_second: NonZeroU32,
    /// Requests at once after a pause.
    pub burst: NonZeroU32,
}

impl Quota {
    /// The seconds in which an exhausted burst is whole again.
    #[must_use]
    pub fn window_seconds(self) -> u32 {
        self.burst.get().div_ceil(self.per_second.get())
    }

    /// Microseconds from one request to the next.
    pub(crate) fn interval(self) -> u64 {
        (SECOND / u64::from(self.per_second.get())).max(1)
    }
}

/// What the counting says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// How many more would pass right now.
    pub remaining: u32,
    /// When refused: how long until it would pass.
    pub retry_after: Option<Duration>,
}

/// Takes `n` from what was whole again at `full_at`; says what to keep, if it passes.
pub(crate) fn take(full_at: Option<u64>, now: u64, quota: Quota, n: u32) -> (Taken, Option<u64>) {
    let interval = quota.interval();
    let room = interval * u64::from(quota.burst.get());
    // A clock that was set back, or a quota that was lowered, must not lock anybody out for longer than one burst.
    let full_at = full_at.unwrap_or(now).clamp(now, now + room);
    let next = full_at + interval * u64::from(n);
    let left = |until: u64| {
        let left = (room - (until - now).min(room)) / interval;
        u32::try_from(left).unwrap_or(u32::MAX)
    };
    match next.checked_sub(now + room) {
        None | Some(0) => (
            Taken {
                remaining: left(next),
                retry_after: None,
            },
            Some(next),
        ),
        Some(over) => (
            Taken {
                remaining: left(full_at),
                retry_after: Some(Duration::from_micros(over)),
            },
            None,
        ),
    }
}
