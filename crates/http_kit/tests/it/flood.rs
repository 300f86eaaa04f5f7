//! More requests than can be carried out, and callers who claim to be somebody else each time.

use std::num::NonZeroU32;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http_kit::HttpConfig;
use http_kit::rate_limit::Quota;

use crate::Small;

fn number(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).expect("not zero")
}

#[tokio::test]
async fn one_too_many_is_refused_while_the_others_are_still_at_work() {
    const ROOM: usize = 4;
    let small = Small::with(HttpConfig {
        in_flight: number(4),
        ..HttpConfig::default()
    })
    .await;
    let requests = (0..10 * ROOM).map(|_| small.get("/wait").send());
    let mut flood: FuturesUnordered<_> = requests.collect();
    // Nobody inside can get through yet: those who are answered did not wait for anything.
    for _ in 0..9 * ROOM {
        let refused = flood.next().await.expect("an answer");
        let problem = refused.expect_problem(503, "overloaded");
        assert_eq!(refused.header("retry-after"), "1");
        let kind = problem["type"].as_str().unwrap_or_default();
        assert!(kind.ends_with("#temporary-reduced-capacity"), "{kind}");
        // Refused before anybody was asked who calls and how often.
        assert_eq!(refused.header("ratelimit"), "");
    }
    small.gate.add_permits(ROOM);
    let mut through = 0;
    while let Some(answer) = flood.next().await {
        assert_eq!(answer.status, 200);
        through += 1;
    }
    assert_eq!(through, ROOM);
    small.gate.add_permits(1);
    assert_eq!(
        small.get("/wait").send().await.status,
        200,
        "there is room again"
    );
}

async fn passed_of_100(proxies: &[&str]) -> usize {
    let small = Small::with(HttpConfig {
        anonymous_quota: Quota {
            per_second: number(1),
            burst: number(5),
        },
        trusted_proxies: (proxies.iter())
            .map(|network| network.parse().expect("a network"))
            .collect(),
        ..HttpConfig::default()
    })
    .await;
    let mut passed = 0;
    for caller in 0..100 {
        let address = format!("198.51.100.{caller}");
        let request = small.get("/versioned");
        let request = request.header("x-forwarded-for", &address);
        let request = request.header("forwarded", &format!("for={address}"));
        let answer = request.header("x-real-ip", &address).send().await;
        if answer.status == 200 {
            passed += 1;
        } else {
            let problem = answer.expect_problem(429, "too_many_requests");
            assert_eq!(problem["violated-policies"], serde_json::json!(["default"]));
            assert!(!answer.header("retry-after").is_empty());
        }
    }
    passed
}

#[tokio::test]
async fn a_hundred_invented_addresses_are_one_caller() {
    assert_eq!(passed_of_100(&[]).await, 5);
}

#[tokio::test]
async fn a_trusted_proxy_is_believed() {
    // A test has no socket, which counts as this address.
    assert_eq!(passed_of_100(&["0.0.0.0/32"]).await, 100);
}
