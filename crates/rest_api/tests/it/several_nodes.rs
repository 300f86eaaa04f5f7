//! Two servers on one database and one Redis: what one counts or changes, the other knows. The clock stands still, so
//! nothing that is kept grows old: what the other finds out, it was told. And a server whose Redis is away.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use domain::rights::{Scope, StaffRole};
use futures_util::future::join_all;
use http_kit::HttpConfig;
use http_kit::rate_limit::Quota;
use serde_json::json;
use services::auth::code_rules::CodeRules;
use services::context::ServiceConfig;
use test_kit::{RequestBuilder, TestApp, config_of_tests, redis_servers};

use crate::transactions::purchase;

const PHONE: &str = "+79161234567";
const OWNER: &str = "+79160000002";

/// How long a test waits for news.
const PATIENCE: Duration = Duration::from_secs(20);

/// An address of Redis where there is none: the port is taken by something that answers nothing.
struct Nobody(std::net::TcpListener);

impl Nobody {
    fn new() -> Self {
        Self(std::net::TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    fn url(&self) -> String {
        let address = self.0.local_addr().expect("an address");
        format!("redis://{address}")
    }
}

/// Two servers for each kind of Redis.
async fn pairs() -> Vec<(TestApp, TestApp)> {
    let mut pairs = Vec::new();
    for redis in redis_servers() {
        let one = TestApp::on_redis(HttpConfig::default(), &redis).await;
        let other = one.sibling(HttpConfig::default(), &redis).await;
        pairs.push((one, other));
    }
    pairs
}

/// Asks until the answer has this status.
async fn becomes(status: u16, ask: impl Fn() -> RequestBuilder) {
    let begun = Instant::now();
    loop {
        let answer = ask().send().await;
        if answer.status == status {
            return;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "still {}, not {status}",
            answer.status
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn two_servers_share_a_limit_exactly() {
    for redis in redis_servers() {
        let quota = Quota {
            per_second: NonZeroU32::MIN,
            burst: NonZeroU32::new(50).expect("not zero"),
        };
        let http = || HttpConfig {
            signed_in_quota: quota,
            ..HttpConfig::default()
        };
        let one = TestApp::on_redis(http(), &redis).await;
        let other = one.sibling(http(), &redis).await;
        let till = one.till(one.business("luna").await).await;
        let asked = (0..200).map(|index| {
            let app = [&one, &other][index % 2];
            app.get("/api/v1/transactions").bearer(&till).send()
        });
        let answers = join_all(asked).await;
        let limited = |status: u16| answers.iter().filter(move |one| one.status == status);
        assert_eq!(limited(429).count(), 150);
        assert_eq!(limited(200).count(), 50);
        let refused = limited(429).next().expect("one of them");
        refused.expect_problem(429, "too_many_requests");
        assert_eq!(refused.header("retry-after"), "1");
        one.advance(Duration::from_secs(1));
        let next = other.get("/api/v1/transactions").bearer(&till);
        next.send().await.expect(200);
        let after = one.get("/api/v1/transactions").bearer(&till);
        after.send().await.expect_problem(429, "too_many_requests");
    }
}

#[tokio::test]
async fn a_sign_in_that_is_ended_here_is_ended_there() {
    for (one, other) in pairs().await {
        let anna = one.sign_in(PHONE).await;
        let me = || other.get("/api/v1/users/me").bearer(&anna.token);
        me().send().await.expect(200);
        let out = one.post("/api/v1/auth/logout").bearer(&anna.token);
        out.send().await.expect(204);
        becomes(401, me).await;
    }
}

#[tokio::test]
async fn a_role_that_is_taken_here_is_gone_there() {
    for (one, other) in pairs().await {
        let business = one.business("luna").await;
        let owner = one.staff(business, OWNER, StaffRole::Owner).await;
        let manager = one.staff(business, PHONE, StaffRole::Manager).await;
        let path = format!("/api/v1/businesses/{business}/staff");
        let staff = || other.get(&path).bearer(&manager.token);
        let before = staff().send().await.status;
        let address = format!("{path}/{}", manager.member);
        let taken = one.delete(&address).bearer(&owner.token);
        taken.send().await.expect(204);
        assert_eq!(before, 200);
        becomes(403, staff).await;
    }
}

#[tokio::test]
async fn a_key_that_is_revoked_here_opens_nothing_there() {
    for (one, other) in pairs().await {
        let business = one.business("luna").await;
        let owner = one.staff(business, OWNER, StaffRole::Owner).await;
        let till = one.key(business, Scope::ALL).await;
        let list = || other.get("/api/v1/transactions").bearer(&till);
        list().send().await.expect(200);
        let keys = format!("/api/v1/businesses/{business}/keys");
        let listed = one.get(&keys).bearer(&owner.token).send().await.expect(200);
        let id = listed["items"][0]["id"].as_str().expect("an id").to_owned();
        let revoked = one.delete(&format!("{keys}/{id}")).bearer(&owner.token);
        revoked.send().await.expect(204);
        becomes(401, list).await;
    }
}

#[tokio::test]
async fn what_is_bought_here_is_in_the_balance_there() {
    for (one, other) in pairs().await {
        let till = one.till(one.business("luna").await).await;
        let anna = one.sign_in(PHONE).await;
        let look = async || {
            let asked = other.get("/api/v1/loyalty/balance").bearer(&anna.token);
            asked.send().await.expect(200)["available"].clone()
        };
        assert_eq!(look().await, 0);
        let posted = one
            .post("/api/v1/transactions")
            .bearer(&till)
            .idempotency_key("A-1")
            .json(&purchase("A-1", PHONE, 10_000));
        posted.send().await.expect(201);
        let begun = Instant::now();
        while look().await != 500 {
            assert!(begun.elapsed() < PATIENCE, "the old balance is still shown");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn codes_that_were_guessed_here_count_there() {
    for (one, other) in pairs().await {
        let till = one.till(one.business("luna").await).await;
        let anna = one.sign_in(PHONE).await;
        let card = one.get("/api/v1/users/me/card").bearer(&anna.token);
        let code = card.send().await.expect(200)["code"].clone();
        let code = code.as_str().expect("a code").to_owned();
        let (locator, digits) = code.rsplit_once('.').expect("a code");
        let wrong = (digits.parse::<u64>().expect("digits") + 1) % 100_000_000;
        let wrong = format!("{locator}.{wrong:08}");
        let show = |app: &TestApp, code: &str| {
            let body = json!({ "member": { "code": code } });
            let lookup = app.post("/api/v1/loyalty/members/lookup").bearer(&till);
            lookup.json(&body)
        };
        show(&other, &code).send().await.expect(200);
        for _ in 0..10 {
            let refused = show(&one, &wrong).send().await;
            refused.expect_problem(409, "invalid_member_code");
        }
        becomes(409, || show(&other, &code)).await;
    }
}

#[tokio::test]
async fn two_servers_share_the_cap_of_codes_exactly() {
    for redis in redis_servers() {
        let config = ServiceConfig {
            codes: CodeRules {
                per_network: 30,
                hourly_budget: 35,
                ..CodeRules::unlimited()
            },
            ..config_of_tests()
        };
        let one = TestApp::on_redis_with(config, HttpConfig::default(), &redis).await;
        let other = one.sibling(HttpConfig::default(), &redis).await;
        let ask = |app: &TestApp, number: usize, from: &str| {
            let body = json!({ "phone": format!("+791600{number:05}") });
            let asked = app.post("/api/v1/auth/otp").json(&body).from(from);
            asked.send()
        };
        let asked = (0..40).map(|number| ask([&one, &other][number % 2], number, "203.0.113.7"));
        let answers = join_all(asked).await;
        let count = |status: u16| answers.iter().filter(|one| one.status == status).count();
        assert_eq!((count(202), count(429)), (30, 10));
        // The budget is the database's: what it refuses is not counted elsewhere either.
        let asked = (40..60).map(|number| ask([&one, &other][number % 2], number, "203.0.113.8"));
        let answers = join_all(asked).await;
        let count = |status: u16| answers.iter().filter(|one| one.status == status).count();
        assert_eq!((count(202), count(503)), (5, 15));
        let codes: i64 = sqlx::query_scalar("select count(*) from one_time_codes")
            .fetch_one(one.context.pool())
            .await
            .expect("the database answers");
        assert_eq!(codes, 35);
    }
}

#[tokio::test]
async fn without_redis_reads_and_purchases_go_on_and_no_code_is_sent() {
    let nobody = Nobody::new();
    let app = TestApp::start().await;
    let (business, anna) = (app.business("luna").await, app.sign_in(PHONE).await);
    let till = app.till(business).await;
    let away = app.sibling(HttpConfig::default(), &nobody.url()).await;

    let ready = away.get("/health/ready").send().await.expect(200);
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["shared_state"], "degraded");
    let begun = Instant::now();
    for number in 0..20 {
        let me = away.get("/api/v1/users/me").bearer(&anna.token);
        me.send().await.expect(200);
        let receipt = format!("A-{number}");
        let posted = away
            .post("/api/v1/transactions")
            .bearer(&till)
            .idempotency_key(&receipt)
            .json(&purchase(&receipt, PHONE, 10_000));
        posted.send().await.expect(201);
    }
    let waited = begun.elapsed();
    assert!(waited < PATIENCE, "{waited:?} for forty requests");

    let sent = away.sms.messages().len();
    app.advance(Duration::from_secs(61));
    let asked = away
        .post("/api/v1/auth/otp")
        .json(&json!({ "phone": PHONE }));
    let refused = asked.send().await;
    refused.expect_problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(away.sms.messages().len(), sent);
    let codes: i64 =
        sqlx::query_scalar("select count(*) from one_time_codes where created_at > $1")
            .bind(app.now() - chrono::TimeDelta::seconds(30))
            .fetch_one(app.context.pool())
            .await
            .expect("the database answers");
    assert_eq!(codes, 0);
}

#[tokio::test]
async fn without_redis_a_server_still_limits() {
    let nobody = Nobody::new();
    let http = HttpConfig {
        anonymous_quota: Quota {
            per_second: NonZeroU32::MIN,
            burst: NonZeroU32::new(3).expect("not zero"),
        },
        ..HttpConfig::default()
    };
    let app = TestApp::on_redis(http, &nobody.url()).await;
    for _ in 0..3 {
        let answer = app.get("/api/v1/nowhere").send().await;
        answer.expect_problem(404, "not_found");
    }
    let refused = app.get("/api/v1/nowhere").send().await;
    refused.expect_problem(429, "too_many_requests");
}
