//! How many requests one caller may make, counted by all processes together ([`shared_state`]).

use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
pub use shared_state::Quota;
use shared_state::SharedState;
use uuid::Uuid;

/// The policy's header.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The state's header.
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

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

/// Counts requests, together with all processes that share their counts.
#[derive(Debug)]
pub struct RequestLimits {
    shared: SharedState,
    signed_in: Quota,
    anonymous: Quota,
}

impl RequestLimits {
    /// Limits with these quotas.
    #[must_use]
    pub fn new(shared: SharedState, signed_in: Quota, anonymous: Quota) -> Self {
        Self {
            shared,
            signed_in,
            anonymous,
        }
    }

    /// Counts one request of `key` and says whether it passes.
    pub async fn take(&self, key: &LimitKey) -> Decision {
        let (bucket, quota) = match key {
            LimitKey::SignedIn(_) => ("signed-in", self.signed_in),
            LimitKey::Address(_) => ("address", self.anonymous),
        };
        let taken = match key {
            LimitKey::SignedIn(id) => self.shared.take(bucket, id.as_bytes(), quota, 1).await,
            LimitKey::Address(IpAddr::V4(address)) => {
                let octets = address.octets();
                self.shared.take(bucket, &octets, quota, 1).await
            }
            LimitKey::Address(IpAddr::V6(address)) => {
                let octets = address.octets();
                self.shared.take(bucket, &octets, quota, 1).await
            }
        };
        Decision {
            quota,
            remaining: taken.remaining,
            retry_after: taken.retry_after,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use chrono::DateTime;
    use services::clock::Clock;

    use super::*;

    #[tokio::test]
    async fn a_burst_passes_then_the_rate() {
        let clock = Clock::manual(DateTime::from_timestamp(1_772_442_000, 0).expect("a moment"));
        let quota = Quota {
            per_second: NonZeroU32::new(1).expect("not zero"),
            burst: NonZeroU32::new(3).expect("not zero"),
        };
        let shared = SharedState::in_process(&[7; 32], clock.for_counting());
        let limits = RequestLimits::new(shared, quota, quota);
        let one = LimitKey::address("203.0.113.7".parse().expect("an address"));
        for remaining in [2, 1, 0] {
            assert_eq!(limits.take(&one).await.remaining, remaining);
        }
        let refused = limits.take(&one).await;
        assert_eq!(refused.retry_after_seconds(), Some(1));
        let mut headers = HeaderMap::new();
        refused.write_headers(&mut headers);
        assert_eq!(headers[RATE_LIMIT_POLICY], "\"default\";q=3;w=3");
        assert_eq!(headers[RATE_LIMIT], "\"default\";r=0;t=1");
        let other = LimitKey::SignedIn(Uuid::from_u128(1));
        assert_eq!(limits.take(&other).await.retry_after, None);
        clock.advance(Duration::from_secs(1));
        assert_eq!(limits.take(&one).await.retry_after, None);
        assert!(limits.take(&one).await.retry_after.is_some());
    }

    #[test]
    fn a_v6_network_is_one() {
        let key = |text: &str| LimitKey::address(text.parse().expect("an address"));
        assert_eq!(key("2001:db8:1:2:3::4"), key("2001:db8:1:2:ffff::1"));
        assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
        assert_eq!(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    }
}
