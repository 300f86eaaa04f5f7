//! What several processes of one service must know together: how often somebody did something, and that something
//! kept in memory is no longer true. On Redis (7, or Valkey 8 and later) all processes count as one; without it the
//! same interface counts in this process. No business word in it, and no personal data leaves it: who is counted is
//! named in Redis by a keyed hash.
//!
//! Start at [`SharedState`]. Three things are offered, and they differ in what happens when Redis is away:
//! - [`SharedState::take`], a rate: never fails, this process counts alone for that time;
//! - [`Cap`]s, how often within which time: fail with [`Unavailable`], so that what costs money or guards a secret
//!   stays shut;
//! - [`SharedState::tell`] and [`Subscription`], what was changed: others find out by the age of what they keep.

mod caps;
mod keys;
mod local;
mod now;
mod quota;
mod redis;
mod state;
mod subscription;

pub use caps::{Cap, CapError, Unavailable};
pub use now::Now;
pub use quota::{Quota, Taken};
pub use state::{BadAddress, Health, SharedState};
pub use subscription::{News, Subscription};
