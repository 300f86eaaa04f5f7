//! Redis away, silent or slow: nobody waits for it, rates go on in the process, caps stay shut, and all of it heals by
//! itself.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use shared_state::{BadAddress, Cap, CapError, Health, News, Now, SharedState};

use crate::proxy::{Proxy, Way};
use crate::worlds::{PATIENCE, addresses, clock, on_redis, quota, secret};

/// More than one call may wait, because a machine under load is slow; far less than if every call waited.
const BOUND: Duration = Duration::from_secs(2);

/// How long a call waits here.
const SHORT: Duration = Duration::from_millis(250);

/// A process that waits for an answer no longer than so, on a Redis that answers.
async fn hasty(url: &str, secret: &[u8; 32], now: Now) -> SharedState {
    let state = SharedState::on_redis(url, secret, now, SHORT).expect("an address");
    assert!(state.wait_until_shared(PATIENCE).await, "{url}");
    state
}

const CAP: Cap<'static> = Cap {
    bucket: "sms",
    key: b"a",
    most: NonZeroU32::new(100).expect("it works"),
    within: Duration::from_secs(60),
};

#[tokio::test]
async fn nobody_waits_for_a_redis_that_is_shut_silent_or_slow_and_it_heals() {
    for url in addresses() {
        let proxy = Proxy::open(&url).await;
        let state = hasty(&proxy.url(), &secret(), clock().1).await;
        let ways = [
            Way::Shut,
            Way::Silent,
            Way::Slow(Duration::from_secs(3)),
            Way::Slow(Duration::from_millis(800)),
        ];
        for way in ways {
            proxy.make(way);
            // The first may pay the bound, once; nobody after it waits.
            let begun = Instant::now();
            let caps = state.admit(&[CAP]).await;
            assert!(begun.elapsed() < BOUND, "{way:?}: {:?}", begun.elapsed());
            let Err(CapError::Unavailable(away)) = caps else {
                panic!("{way:?}: {caps:?}");
            };
            assert!(away.retry_after >= Duration::from_secs(1));
            assert_eq!(state.health(), Health::Degraded, "{way:?}");
            let begun = Instant::now();
            for _ in 0..200 {
                let taken = state.take("rate", b"a", quota(1, 1000), 1).await;
                assert_eq!(taken.retry_after, None, "{way:?}");
                state.look(&[CAP]).await.unwrap_err();
                state.tell_soon(b"unheard");
            }
            let waited = begun.elapsed();
            assert!(waited < BOUND, "{way:?}: {waited:?} for four hundred calls");
            proxy.make(Way::Open);
            // An answer that is late under load makes it away once more.
            let begun = Instant::now();
            while state.admit(&[CAP]).await.is_err() {
                assert!(begun.elapsed() < PATIENCE, "{way:?}");
                state.wait_until_shared(PATIENCE).await;
            }
        }
    }
}

#[tokio::test]
async fn while_redis_is_away_a_process_limits_alone() {
    for url in addresses() {
        let proxy = Proxy::open(&url).await;
        let state = hasty(&proxy.url(), &secret(), clock().1).await;
        proxy.make(Way::Shut);
        assert!(state.wait_until_degraded(PATIENCE).await);
        let mut passed = 0;
        for _ in 0..30 {
            let taken = state.take("rate", b"a", quota(1, 10), 1).await;
            passed += u32::from(taken.retry_after.is_none());
        }
        assert_eq!(passed, 10);
    }
}

#[tokio::test]
async fn an_idle_process_finds_out_that_redis_is_away() {
    for url in addresses() {
        let proxy = Proxy::open(&url).await;
        let state = hasty(&proxy.url(), &secret(), Now::real()).await;
        for way in [Way::Shut, Way::Silent] {
            proxy.make(way);
            assert!(state.wait_until_degraded(PATIENCE).await, "{way:?}");
            proxy.make(Way::Open);
            assert!(state.wait_until_shared(PATIENCE).await, "{way:?}");
        }
    }
}

#[tokio::test]
async fn whoever_was_cut_off_hears_that_news_were_missed() {
    for url in addresses() {
        let (proxy, secret) = (Proxy::open(&url).await, secret());
        let state = hasty(&proxy.url(), &secret, Now::real()).await;
        let other = on_redis(&url, &secret, Now::real()).await;
        let mut heard = state.subscribe();
        proxy.make(Way::Shut);
        assert!(state.wait_until_degraded(PATIENCE).await);
        other.tell(b"unheard").await.expect("it works");
        proxy.make(Way::Open);
        let next = tokio::time::timeout(PATIENCE, heard.next());
        assert_eq!(next.await.expect("it is told"), Some(News::Missed));
        assert!(state.wait_until_shared(PATIENCE).await);
        other.tell(b"heard").await.expect("it works");
        let next = tokio::time::timeout(PATIENCE, heard.next());
        let told = News::Told(b"heard".as_slice().into());
        assert_eq!(next.await.expect("it is told"), Some(told));
    }
}

#[tokio::test]
async fn a_process_that_starts_before_redis_counts_alone_until_it_comes() {
    for url in addresses() {
        let proxy = Proxy::open(&url).await;
        proxy.make(Way::Shut);
        let state =
            SharedState::on_redis(&proxy.url(), &secret(), Now::real(), SHORT).expect("it works");
        assert_eq!(state.health(), Health::Degraded);
        let taken = state.take("rate", b"a", quota(1, 10), 1).await;
        assert_eq!(taken.remaining, 9);
        proxy.make(Way::Open);
        assert!(state.wait_until_shared(PATIENCE).await);
        let taken = state.take("rate", b"a", quota(1, 10), 1).await;
        assert_eq!(taken.remaining, 9);
    }
}

#[tokio::test]
async fn what_redis_holds_names_nobody_and_ends_by_itself() {
    for url in addresses() {
        let state = on_redis(&url, &secret(), Now::real()).await;
        let phone = b"+79161234567";
        state.take("rate", phone, quota(1, 10), 1).await;
        state
            .admit(&[Cap { key: phone, ..CAP }])
            .await
            .expect("it works");
        state.tell(b"news").await.expect("it works");
        let mut redis = redis::Client::open(url)
            .expect("it works")
            .get_multiplexed_async_connection()
            .await
            .expect("it works");
        let names: Vec<String> = redis::cmd("KEYS")
            .arg("oc:*")
            .query_async(&mut redis)
            .await
            .expect("it works");
        assert!(names.len() >= 3);
        for name in names {
            assert!(!name.contains("7916"), "{name}");
            let ttl: i64 = redis::cmd("PTTL")
                .arg(&name)
                .query_async(&mut redis)
                .await
                .expect("it works");
            // -2: it has ended meanwhile.
            assert!(ttl > 0 || ttl == -2, "{name}: {ttl}");
        }
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_and_not_repeated() {
    let bad = SharedState::on_redis("postgres://user:hidden@db", &secret(), Now::real(), SHORT);
    assert_eq!(bad.err(), Some(BadAddress));
}
