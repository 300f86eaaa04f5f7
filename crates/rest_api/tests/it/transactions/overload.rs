//! More at once than can be carried out, and tills that hang up: what was answered 201 is posted, once, and nothing
//! else is.

use std::num::NonZeroU32;
use std::time::Duration;

use futures_util::future::join_all;
use http_kit::HttpConfig;
use http_kit::rate_limit::Quota;
use test_kit::{Answer, RequestBuilder, TestApp};

use super::{Shop, purchase};

/// A shop whose till may send as much as it likes and waits as long as it takes.
async fn busy_shop() -> Shop {
    let unlimited = Quota {
        per_second: NonZeroU32::MAX,
        burst: NonZeroU32::MAX,
    };
    let app = TestApp::with_http(HttpConfig {
        request_timeout: Duration::from_secs(120),
        signed_in_quota: unlimited,
        anonymous_quota: unlimited,
        ..HttpConfig::default()
    })
    .await;
    let business = app.business("luna").await;
    let till = app.till(business).await;
    Shop {
        app,
        business,
        till,
    }
}

impl Shop {
    fn sale(&self, n: u32) -> RequestBuilder {
        let phone = format!("+79160{:06}", n % 500);
        let request = self.app.post("/api/v1/transactions").bearer(&self.till);
        request.idempotency_key(&format!("k-{n}")).json(&purchase(
            &format!("A-{n}"),
            &phone,
            10_000,
        ))
    }

    async fn posted(&self) -> usize {
        let count: i64 = sqlx::query_scalar("select count(*) from purchases")
            .fetch_one(self.app.context.pool())
            .await
            .expect("purchases can be counted");
        usize::try_from(count).expect("a count")
    }
}

async fn at_once(requests: impl Iterator<Item = RequestBuilder>) -> Vec<Answer> {
    let tasks = requests.map(|request| tokio::spawn(request.send()));
    let ended = join_all(tasks).await;
    ended
        .into_iter()
        .map(|answer| answer.expect("a request ends"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_thousand_at_once_each_is_posted_or_told_to_come_again() {
    let shop = busy_shop().await;
    let mut waiting: Vec<u32> = (0..10_000).collect();
    let answers = at_once(waiting.iter().map(|n| shop.sale(*n))).await;
    let mut refused = Vec::new();
    for (n, answer) in waiting.drain(..).zip(&answers) {
        if answer.status == 201 {
            continue;
        }
        answer.expect_problem(503, "overloaded");
        assert_eq!(answer.header("retry-after"), "1");
        refused.push(n);
    }
    assert_eq!(shop.posted().await, 10_000 - refused.len());
    assert!(refused.len() < 10_000, "something was posted");
    // Whoever comes again under the same key is served.
    refused.truncate(200);
    let before = shop.posted().await;
    for answer in at_once(refused.iter().map(|n| shop.sale(*n))).await {
        answer.expect(201);
    }
    assert_eq!(shop.posted().await, before + refused.len());
    shop.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tills_that_hang_up_and_come_again_have_their_purchase_once() {
    let shop = busy_shop().await;
    // At different depths of the work.
    let leaving = (0..200).map(|n| {
        let request = tokio::spawn(shop.sale(n).send());
        async move {
            for _ in 0..n % 20 {
                tokio::task::yield_now().await;
            }
            request.abort();
            let _ended = request.await;
        }
    });
    join_all(leaving).await;
    let mut answers = at_once((0..200).map(|n| shop.sale(n))).await;
    // The first try may still be at work.
    while answers.iter().any(|answer| answer.status == 409) {
        let again = (0..).zip(&answers).filter(|(_, a)| a.status == 409);
        let again: Vec<u32> = again.map(|(n, _)| n).collect();
        for (n, answer) in again
            .iter()
            .zip(at_once(again.iter().map(|n| shop.sale(*n))).await)
        {
            answers[usize::try_from(*n).expect("a place")] = answer;
        }
    }
    for answer in &answers {
        answer.expect(201);
    }
    assert_eq!(shop.posted().await, 200);
    shop.audit().await;
}
