//! A request has its effect once, however often it comes.

use serde_json::json;

use super::{Shop, purchase};

const PHONE: &str = "+79161234567";

#[tokio::test]
async fn the_same_request_gets_the_same_bytes() {
    let shop = Shop::open().await;
    let body = purchase("A-1", PHONE, 100_000);
    let first = shop.post_with_key(&body, "\"key-1\"").await;
    first.expect(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    for key in ["key-1", "\"key-1\""] {
        let again = shop.post_with_key(&body, key).await;
        assert_eq!(again.status, first.status);
        assert_eq!(again.body, first.body);
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(again.header("idempotency-replayed"), "true");
    }
    let other = purchase("A-1", PHONE, 100_001);
    shop.post_with_key(&other, "key-1")
        .await
        .expect_problem(422, "idempotency_key_reused");
    let keyless = shop
        .app
        .post("/api/v1/transactions")
        .bearer(&shop.till)
        .json(&body)
        .send()
        .await;
    keyless.expect_problem(400, "idempotency_key_required");
    let list = shop
        .app
        .get("/api/v1/transactions")
        .bearer(&shop.till)
        .send()
        .await
        .expect(200);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    shop.audit().await;
}

#[tokio::test]
async fn a_receipt_belongs_to_one_purchase_under_whatever_key() {
    let shop = Shop::open().await;
    let body = purchase("A-1", PHONE, 100_000);
    let first = shop.post_with_key(&body, "key-1").await.expect(201);
    let again = shop.post_with_key(&body, "key-2").await;
    let problem = again.expect_problem(409, "receipt_already_posted");
    assert_eq!(problem["transaction_id"], first["id"]);
    // A refusal is not kept: the key is free for the corrected request.
    let corrected = purchase("A-2", PHONE, 100_000);
    shop.post_with_key(&corrected, "key-2").await.expect(201);
    shop.audit().await;
}

#[tokio::test]
async fn keys_of_two_callers_do_not_meet() {
    let shop = Shop::open().await;
    let other = shop.app.business("mars").await;
    let till = shop.app.till(other).await;
    let body = purchase("A-1", PHONE, 100_000);
    let first = shop.post_with_key(&body, "key-1").await.expect(201);
    let second = shop.app.post("/api/v1/transactions").bearer(&till);
    let second = second
        .idempotency_key("key-1")
        .json(&body)
        .send()
        .await
        .expect(201);
    assert_ne!(first["id"], second["id"]);
    assert_eq!(second["business_id"], other.to_string());
}

#[tokio::test]
async fn a_request_in_flight_is_told_so() {
    let shop = Shop::open().await;
    let mut across = shop
        .app
        .context
        .across()
        .connection()
        .await
        .expect("a connection");
    let principal: uuid::Uuid = sqlx::query_scalar("select id from integration_keys")
        .fetch_one(&mut *across)
        .await
        .expect("the till's key");
    // Another node works on the same request: it holds the key's lock.
    let mut other = shop
        .app
        .context
        .pool()
        .acquire()
        .await
        .expect("a connection");
    sqlx::query("begin")
        .execute(&mut *other)
        .await
        .expect("a transaction");
    let key = services::idempotency::IdempotencyKey {
        principal,
        operation: "transactions.post",
        key: "key-1".to_owned(),
        body_sha256: [0; 32],
    };
    let digest = key.digest().as_u128();
    let half = |from: u32| u32::try_from(digest >> from & 0xffff_ffff).expect("32 bits");
    let taken: bool = sqlx::query_scalar("select pg_try_advisory_xact_lock($1, $2)")
        .bind(half(96).cast_signed())
        .bind(half(64).cast_signed())
        .fetch_one(&mut *other)
        .await
        .expect("a lock");
    assert!(taken);
    let body = purchase("A-1", PHONE, 100_000);
    let waiting = shop.post_with_key(&body, "key-1").await;
    waiting.expect_problem(409, "idempotency_in_flight");
    assert_ne!(waiting.header("retry-after"), "");
    sqlx::query("rollback")
        .execute(&mut *other)
        .await
        .expect("its end");
    shop.post_with_key(&body, "key-1").await.expect(201);
}

#[tokio::test]
async fn a_refund_is_made_once() {
    let shop = Shop::open().await;
    let posted = shop
        .post(&purchase("A-1", PHONE, 100_000))
        .await
        .expect(201);
    let id = posted["id"].as_str().expect("an id");
    let first = shop.refund(id, &json!({ "amount": 40_000 }), "r-1").await;
    first.expect(201);
    let again = shop.refund(id, &json!({ "amount": 40_000 }), "r-1").await;
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("idempotency-replayed"), "true");
    let other = shop
        .post(&purchase("A-2", PHONE, 100_000))
        .await
        .expect(201);
    let other = other["id"].as_str().expect("an id");
    let same_key = shop
        .refund(other, &json!({ "amount": 40_000 }), "r-1")
        .await;
    same_key.expect_problem(422, "idempotency_key_reused");
    shop.audit().await;
}
