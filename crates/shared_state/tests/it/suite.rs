//! What holds wherever it is counted.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::join_all;
use shared_state::{Cap, CapError, News, Quota, SharedState, Subscription, Taken};

use crate::worlds::{PATIENCE, quota, worlds};

const SECOND: Duration = Duration::from_secs(1);

fn cap(bucket: &'static str, key: &'static str, most: u32, within: u64) -> Cap<'static> {
    Cap {
        bucket,
        key: key.as_bytes(),
        most: NonZeroU32::new(most).expect("it works"),
        within: Duration::from_secs(within),
    }
}

fn reached(cap: usize, seconds: u64) -> Result<(), CapError> {
    Err(CapError::Reached {
        cap,
        retry_after: Duration::from_secs(seconds),
    })
}

async fn passes(state: &SharedState, key: &str, quota: Quota) -> bool {
    let taken = state.take("rate", key.as_bytes(), quota, 1).await;
    taken.retry_after.is_none()
}

#[tokio::test]
async fn a_burst_passes_then_the_rate_for_all_processes_together() {
    for world in worlds().await {
        let quota = quota(2, 3);
        let mut seen = Vec::new();
        for state in [&world.one, &world.other, &world.one, &world.other] {
            seen.push(state.take("rate", b"a", quota, 1).await);
        }
        let passed = |remaining| Taken {
            remaining,
            retry_after: None,
        };
        let refused = Taken {
            remaining: 0,
            retry_after: Some(SECOND / 2),
        };
        let wanted = [passed(2), passed(1), passed(0), refused];
        assert_eq!(seen, wanted, "{}", world.name);
        assert!(passes(&world.one, "b", quota).await, "{}", world.name);
        world.advance(SECOND / 2);
        assert!(passes(&world.other, "a", quota).await, "{}", world.name);
        assert!(!passes(&world.one, "a", quota).await, "{}", world.name);
        world.advance(SECOND * 60);
        let three = world.one.take("rate", b"a", quota, 3).await;
        assert_eq!(three, passed(0), "{}", world.name);
        let more_than_ever = world.one.take("other", b"a", quota, 4).await;
        assert!(more_than_ever.retry_after.is_some(), "{}", world.name);
        assert_eq!(more_than_ever.remaining, 3, "{}", world.name);
    }
}

#[tokio::test]
async fn of_many_at_once_exactly_the_quota_passes() {
    for world in worlds().await {
        let quota = quota(1, 100);
        let takes = (0..600).map(|index| {
            let state = [&world.one, &world.other][index % 2];
            passes(state, "a", quota)
        });
        let passed = join_all(takes).await;
        let passed = passed.into_iter().filter(|passed| *passed).count();
        assert_eq!(passed, 100, "{}", world.name);
    }
}

#[tokio::test]
async fn a_lower_quota_or_a_clock_set_back_locks_out_for_one_burst_at_most() {
    for world in worlds().await {
        for _ in 0..1000 {
            assert!(passes(&world.one, "a", quota(1, 1000)).await);
        }
        let taken = world.one.take("rate", b"a", quota(1, 10), 1).await;
        assert_eq!(taken.retry_after, Some(SECOND), "{}", world.name);
    }
}

#[tokio::test]
async fn caps_count_to_the_last_moment_and_all_or_none() {
    for world in worlds().await {
        let (short, long) = (cap("sms", "a", 3, 600), cap("sms", "a", 5, 3600));
        for state in [&world.one, &world.other, &world.one] {
            assert_eq!(state.look(&[short, long]).await, Ok(()), "{}", world.name);
            assert_eq!(state.admit(&[short, long]).await, Ok(()), "{}", world.name);
            world.advance(SECOND * 60);
        }
        // The first was three minutes ago.
        let refused = world.other.admit(&[long, short]).await;
        assert_eq!(refused, reached(1, 420), "{}", world.name);
        assert_eq!(world.one.counted(&long).await, Ok(3), "{}", world.name);
        world.advance(SECOND * 420);
        assert_eq!(world.other.admit(&[short, long]).await, Ok(()));
        world.advance(SECOND * 60);
        assert_eq!(world.one.admit(&[short, long]).await, Ok(()));
        // Five within the hour: the first was eleven minutes ago.
        let refused = world.one.admit(&[short, long]).await;
        assert_eq!(refused, reached(1, 49 * 60), "{}", world.name);
        assert_eq!(world.one.look(&[short]).await, reached(0, 60));
        assert_eq!(world.one.counted(&short).await, Ok(3), "{}", world.name);
        let neighbour = cap("sms", "b", 3, 600);
        assert_eq!(world.one.admit(&[neighbour]).await, Ok(()));
    }
}

#[tokio::test]
async fn of_many_at_once_exactly_the_cap_is_admitted() {
    for world in worlds().await {
        let (address, device) = (cap("address", "a", 30, 300), cap("device", "d", 50, 300));
        let admitted = join_all((0..120).map(|index| {
            let state = [&world.one, &world.other][index % 2];
            async move { state.admit(&[address, device]).await.is_ok() }
        }));
        let admitted = admitted.await.into_iter().filter(|admitted| *admitted);
        assert_eq!(admitted.count(), 30, "{}", world.name);
        // What one cap refused, the other has not counted.
        assert_eq!(world.one.counted(&device).await, Ok(30), "{}", world.name);
    }
}

#[tokio::test]
async fn what_has_happened_is_recorded_and_what_has_not_is_taken_back() {
    for world in worlds().await {
        let wrong = cap("wrong", "a", 2, 900);
        for _ in 0..5 {
            assert_eq!(world.one.record(&[wrong]).await, Ok(()));
            world.advance(SECOND);
        }
        // The last two count: one of two seconds ago, one of one.
        assert_eq!(world.other.look(&[wrong]).await, reached(0, 898));
        assert_eq!(world.other.take_back(&[wrong]).await, Ok(()));
        assert_eq!(world.one.look(&[wrong]).await, Ok(()), "{}", world.name);
        assert_eq!(world.one.take_back(&[wrong, wrong]).await, Ok(()));
        assert_eq!(world.one.counted(&wrong).await, Ok(0), "{}", world.name);
    }
}

#[tokio::test]
async fn news_reach_every_other_process_in_order() {
    for world in worlds().await {
        let (mut one, mut other) = (world.one.subscribe(), world.other.subscribe());
        for number in 0..1000_u32 {
            world.one.tell_soon(&number.to_be_bytes());
        }
        world.one.told().await;
        world.one.tell(b"").await.expect("it works");
        world.other.tell(b"mine").await.expect("it works");
        let heard = hear(&mut other, 1001).await;
        for number in 0..1000_u32 {
            let message = number.to_be_bytes().to_vec();
            assert!(heard.contains(&message), "{}: {number}", world.name);
        }
        assert!(heard[..1000].is_sorted(), "{}", world.name);
        assert!(heard[1000].is_empty(), "{}", world.name);
        // One hears nothing of its own.
        assert_eq!(hear(&mut one, 1).await, [b"mine"], "{}", world.name);
    }
}

async fn hear(subscription: &mut Subscription, messages: usize) -> Vec<Vec<u8>> {
    let mut heard = Vec::new();
    while heard.len() < messages {
        let next = tokio::time::timeout(PATIENCE, subscription.next());
        match next.await.expect("news come soon") {
            Some(News::Told(message)) => heard.push(message.to_vec()),
            Some(News::Missed) => {}
            None => panic!("nobody tells any more"),
        }
    }
    heard
}
