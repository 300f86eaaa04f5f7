//! A balance that is kept is never older than what this server has written, nor than a few seconds.

use std::time::Duration;

use http_kit::HttpConfig;
use serde_json::{Value, json};
use sqlx::Connection as _;
use test_kit::{Answer, RequestBuilder, SignedIn};

use crate::transactions::{Shop, purchase};

const PHONE: &str = "+79161234567";

async fn look(shop: &Shop, member: &SignedIn) -> Answer {
    let request = shop.app.get("/api/v1/loyalty/balance");
    let answer = request.bearer(&member.token).send().await;
    answer.expect(200);
    answer
}

async fn available(shop: &Shop, member: &SignedIn) -> i64 {
    let body = look(shop, member).await.json();
    body["available"].as_i64().expect("points")
}

#[tokio::test]
async fn a_balance_says_its_age() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 1_000).await;
    let first = look(&shop, &member).await;
    assert_eq!(
        (first.header("age"), first.header("cache-control")),
        ("0", "no-store")
    );
    shop.app.advance(Duration::from_secs(3));
    let kept = look(&shop, &member).await;
    assert_eq!(kept.header("age"), "3");
    assert_eq!(kept.json(), first.json());
    let fresh = shop
        .app
        .get("/api/v1/loyalty/balance")
        .bearer(&member.token);
    let fresh = fresh
        .header("cache-control", "max-age=5, No-Cache")
        .send()
        .await;
    assert_eq!(fresh.header("age"), "0");
    assert_eq!(fresh.json()["as_of"], "2026-03-02T09:00:03Z");
    shop.app.advance(Duration::from_secs(5));
    assert_eq!(look(&shop, &member).await.header("age"), "0");
}

#[tokio::test]
async fn whatever_this_server_writes_is_in_the_next_balance() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 10_000).await;
    assert_eq!(available(&shop, &member).await, 10_000);

    let mut paid = purchase("A-1", PHONE, 20_000);
    paid["member"] = json!({ "code": shop.code(&member).await });
    paid["points"] = json!(4_000);
    let posted = shop.post(&paid).await.expect(201);
    assert_eq!(available(&shop, &member).await, 6_800);

    let id = posted["id"].as_str().expect("an id");
    shop.refund(id, &json!({}), "r-1").await.expect(201);
    assert_eq!(available(&shop, &member).await, 10_000);

    for verb in ["void", "capture"] {
        shop.app.advance(Duration::from_secs(30));
        let code = shop.code(&member).await;
        let hold = json!({ "reference": verb, "member": { "code": code }, "points": 3_000 });
        let hold = till_post(&shop, "loyalty/holds", verb, &hold).send().await;
        assert_eq!(available(&shop, &member).await, 7_000);
        let id = hold.expect(201)["id"].as_str().expect("an id").to_owned();
        let path = format!("loyalty/holds/{id}/{verb}");
        let ended = till_post(&shop, &path, &id, &json!({})).send().await;
        ended.expect(200);
        let left = if verb == "void" { 10_000 } else { 7_000 };
        assert_eq!(available(&shop, &member).await, left);
    }

    let batch = json!({ "items": [purchase("B-1", PHONE, 20_000)] });
    let batch = till_post(&shop, "transactions/batch", "b-1", &batch)
        .send()
        .await;
    assert!(batch.status.is_success(), "{}", batch.text());
    assert_eq!(available(&shop, &member).await, 8_000);
}

fn till_post(shop: &Shop, path: &str, key: &str, body: &Value) -> RequestBuilder {
    let request = shop.app.post(&format!("/api/v1/{path}"));
    request.bearer(&shop.till).idempotency_key(key).json(body)
}

#[tokio::test]
async fn what_falls_due_is_never_kept_over() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 10_000).await;
    let code = shop.code(&member).await;
    let hold =
        json!({ "reference": "h", "member": { "code": code }, "points": 3_000, "minutes": 1 });
    let hold = till_post(&shop, "loyalty/holds", "h", &hold).send().await;
    hold.expect(201);
    shop.app.advance(Duration::from_secs(58));
    assert_eq!(available(&shop, &member).await, 7_000);
    shop.app.advance(Duration::from_secs(2));
    let lapsed = look(&shop, &member).await;
    assert_eq!(lapsed.json()["available"], 10_000);
    assert_eq!(lapsed.header("age"), "0");
}

#[tokio::test]
async fn what_another_server_writes_is_seen_within_seconds() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 1_000).await;
    let other = rest_api::router(shop.app.neighbour().await, HttpConfig::default());
    assert_eq!(available(&shop, &member).await, 1_000);
    let sale = RequestBuilder::new(other, http::Method::POST, "/api/v1/transactions");
    let sale = sale.bearer(&shop.till).idempotency_key("A-1");
    let sale = sale.json(&purchase("A-1", PHONE, 20_000)).send().await;
    sale.expect(201);
    assert_eq!(available(&shop, &member).await, 1_000);
    shop.app.advance(Duration::from_secs(5));
    assert_eq!(available(&shop, &member).await, 2_000);
}

#[tokio::test]
async fn a_connection_that_broke_is_thrown_away() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 1_000).await;
    let fresh = || {
        let request = shop.app.get("/api/v1/loyalty/balance");
        let request = request.bearer(&member.token);
        request.header("cache-control", "no-cache").send()
    };
    fresh().await.expect(200);
    let mut owner = sqlx::PgConnection::connect(&shop.app.database_url()).await;
    let owner = owner.as_mut().expect("the database answers");
    sqlx::query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()",
    )
    .execute(owner)
    .await
    .expect("backends may be ended");
    // One broken connection fails one look at most, which may be sent again.
    let mut statuses = Vec::new();
    for _ in 0..20 {
        statuses.push(fresh().await.status.as_u16());
    }
    assert!(
        statuses.iter().all(|status| [200, 503].contains(status)),
        "{statuses:?}"
    );
    let failed = statuses.iter().filter(|status| **status == 503).count();
    assert!(failed <= 8, "{statuses:?}");
    assert!(statuses.ends_with(&[200, 200, 200]), "{statuses:?}");
}
