//! Two processes that count together, on whatever there is.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared_state::{Now, Quota, SharedState};

/// How long a test waits for what comes soon.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Two processes with one clock.
pub(crate) struct World {
    pub(crate) name: String,
    pub(crate) one: SharedState,
    pub(crate) other: SharedState,
    hand: Arc<AtomicU64>,
}

impl World {
    pub(crate) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_micros()).expect("it works");
        self.hand.fetch_add(by, Ordering::SeqCst);
    }
}

/// Every kind of world there is; each is a programme of its own.
pub(crate) async fn worlds() -> Vec<World> {
    let (hand, now) = clock();
    let one = SharedState::in_process(&secret(), now);
    let other = one.neighbour().expect("it works");
    let mut worlds = vec![World {
        name: "in process".to_owned(),
        one,
        other,
        hand,
    }];
    for url in addresses() {
        let ((hand, now), secret) = (clock(), secret());
        let (one, other) = (
            on_redis(&url, &secret, now.clone()).await,
            on_redis(&url, &secret, now).await,
        );
        worlds.push(World {
            name: url,
            one,
            other,
            hand,
        });
    }
    worlds
}

/// The servers that tests may use.
pub(crate) fn addresses() -> Vec<String> {
    let all = std::env::var("OWNCIRCLE_TEST_REDIS_URL")
        .expect("OWNCIRCLE_TEST_REDIS_URL names servers that tests may use");
    let all: Vec<String> = all.split_whitespace().map(ToOwned::to_owned).collect();
    assert!(!all.is_empty(), "OWNCIRCLE_TEST_REDIS_URL names no server");
    all
}

/// A process on a Redis that answers.
pub(crate) async fn on_redis(url: &str, secret: &[u8; 32], now: Now) -> SharedState {
    let state = SharedState::on_redis(url, secret, now, PATIENCE).expect("it works");
    assert!(state.wait_until_shared(PATIENCE).await, "{url}");
    state
}

/// A clock that stands still in March 2026.
pub(crate) fn clock() -> (Arc<AtomicU64>, Now) {
    let hand = Arc::new(AtomicU64::new(1_772_442_000_000_000));
    let shown = Arc::clone(&hand);
    (hand, Now::told_by(move || shown.load(Ordering::SeqCst)))
}

/// A programme that no other test has.
pub(crate) fn secret() -> [u8; 32] {
    let mut secret = [0; 32];
    aws_lc_rs::rand::fill(&mut secret).expect("it works");
    secret
}

pub(crate) fn quota(per_second: u32, burst: u32) -> Quota {
    Quota {
        per_second: NonZeroU32::new(per_second).expect("it works"),
        burst: NonZeroU32::new(burst).expect("it works"),
    }
}
