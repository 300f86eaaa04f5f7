//! How many requests one caller may make. The counting stands behind [`RateLimiter`], so that several processes can
//! later count together; [`LocalLimiter`] counts in this process with the generic cell rate algorithm.

use std::future::Future;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use governor::clock::Clock as GovernorClock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DefaultKeyedStateStore;
use http::{HeaderMap, HeaderName, HeaderValue};
use services::clock::Clock;
use uuid::Uuid;

/// The policy's header.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The state's header.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// After so many requests, what nobody asks for any more is forgotten.
const SWEEP_EVERY: u32 = 16_384;

/// A steady rate with room for bursts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// Who is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitKey {
    /// A caller with a valid credential, by the key's or the member's identifier.
    SignedIn(Uuid),
    /// Everybody else, by address; an IPv6 network of 64 bits counts as one.
    Address(IpAddr),
}

impl LimitKey {
    /// The key for an address.
    #[must_use]
    pub fn address(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Address(address),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => Self::Address(v4.into()),
                None => Self::Address(IpAddr::V6((v6.to_bits() >> 64 << 64).into())),
            },
        }
    }
}

/// What the counting says about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The quota that holds.
    pub quota: Quota,
    /// How many more requests would pass right now.
    pub remaining: u32,
    /// When refused: how long until the next one passes.
    pub retry_after: Option<Duration>,
}

impl Decision {
    /// Whole seconds to wait, rounded up; at least one.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let wait = self.retry_after?;
        Some((wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1))
    }

    /// Tells policy and state in the answer's headers.
    pub fn write_headers(&self, headers: &mut HeaderMap) {
        let window = self.quota.window_seconds();
        let used = self.quota.burst.get().saturating_sub(self.remaining);
        let whole_again = u64::from(used.div_ceil(self.quota.per_second.get()));
        let reset = self.retry_after_seconds().unwrap_or(whole_again);
        let policy = format!("\"default\";q={};w={window}", self.quota.burst);
        let state = format!("\"default\";r={};t={reset}", self.remaining);
        for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
            let value =
                HeaderValue::try_from(value).expect("digits and letters are a header value");
            headers.insert(name, value);
        }
    }
}

/// Counts requests.
pub trait RateLimiter: Send + Sync + std::fmt::Debug {
    /// Counts one request of `key` and says whether it passes.
    fn take<'a>(&'a self, key: &'a LimitKey)
    -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>>;
}

type Limiter = governor::RateLimiter<
    LimitKey,
    DefaultKeyedStateStore<LimitKey>,
    LimiterClock,
    StateInformationMiddleware,
>;

/// Counts in this process.
#[derive(Debug)]
pub struct LocalLimiter {
    signed_in: (Quota, Limiter),
    anonymous: (Quota, Limiter),
    clock: LimiterClock,
    until_sweep: AtomicU32,
}

impl LocalLimiter {
    /// A limiter with these quotas; a manual clock moves it too.
    #[must_use]
    pub fn new(signed_in: Quota, anonymous: Quota, clock: Clock) -> Self {
        let clock = LimiterClock {
            clock,
            started: Instant::now(),
        };
        Self {
            signed_in: (signed_in, limiter(signed_in, clock.clone())),
            anonymous: (anonymous, limiter(anonymous, clock.clone())),
            clock,
            until_sweep: AtomicU32::new(SWEEP_EVERY),
        }
    }

    fn decide(&self, key: &LimitKey) -> Decision {
        self.sweep_sometimes();
        let (quota, limiter) = match key {
            LimitKey::SignedIn(_) => &self.signed_in,
            LimitKey::Address(_) => &self.anonymous,
        };
        match limiter.check_key(key) {
            Ok(state) => Decision {
                quota: *quota,
                remaining: state.remaining_burst_capacity(),
                retry_after: None,
            },
            Err(refused) => Decision {
                quota: *quota,
                remaining: 0,
                retry_after: Some(refused.wait_time_from(self.clock.now())),
            },
        }
    }

    fn sweep_sometimes(&self) {
        if self.until_sweep.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.until_sweep.store(SWEEP_EVERY, Ordering::Relaxed);
            self.signed_in.1.retain_recent();
            self.anonymous.1.retain_recent();
        }
    }
}

impl RateLimiter for LocalLimiter {
    fn take<'a>(
        &'a self,
        key: &'a LimitKey,
    ) -> Pin<Box<dyn Future<Output = Decision> + Send + 'a>> {
        let decision = self.decide(key);
        Box::pin(std::future::ready(decision))
    }
}

fn limiter(quota: Quota, clock: LimiterClock) -> Limiter {
    let rate = governor::Quota::per_second(quota.per_second).allow_burst(quota.burst);
    governor::RateLimiter::new(rate, DefaultKeyedStateStore::default(), clock)
}

/// Steady time for counting: the machine's monotonic clock, or the hand of a test.
#[derive(Clone, Debug)]
struct LimiterClock {
    clock: Clock,
    started: Instant,
}

impl GovernorClock for LimiterClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let elapsed = match &self.clock {
            Clock::System => self.started.elapsed(),
            manual @ Clock::Manual(_) => {
                let micros = u64::try_from(manual.now().timestamp_micros()).unwrap_or(0);
                Duration::from_micros(micros)
            }
        };
        Nanos::from(elapsed)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate() {
        let clock = Clock::manual(DateTime::from_timestamp(1_772_442_000, 0).expect("a moment"));
        let quota = Quota {
            per_second: NonZeroU32::new(1).expect("not zero"),
            burst: NonZeroU32::new(3).expect("not zero"),
        };
        let limiter = LocalLimiter::new(quota, quota, clock.clone());
        let one = LimitKey::address("203.0.113.7".parse().expect("an address"));
        let remaining: Vec<u32> = (0..3).map(|_| limiter.decide(&one).remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let refused = limiter.decide(&one);
        assert_eq!(refused.retry_after_seconds(), Some(1));
        let mut headers = HeaderMap::new();
        refused.write_headers(&mut headers);
        assert_eq!(headers[RATE_LIMIT_POLICY], "\"default\";q=3;w=3");
        assert_eq!(headers[RATE_LIMIT], "\"default\";r=0;t=1");
        let other = LimitKey::SignedIn(Uuid::from_u128(1));
        assert_eq!(limiter.decide(&other).retry_after, None);
        clock.advance(Duration::from_secs(1));
        assert_eq!(limiter.decide(&one).retry_after, None);
        assert!(limiter.decide(&one).retry_after.is_some());
    }

    #[test]
    fn a_v6_network_is_one() {
        let key = |text: &str| LimitKey::address(text.parse().expect("an address"));
        assert_eq!(key("2001:db8:1:2:3::4"), key("2001:db8:1:2:ffff::1"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }
}
