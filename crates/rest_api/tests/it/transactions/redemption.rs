//! Spending: proof, limits, order of lots, holds.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Shop, purchase};

const PHONE: &str = "+79161234567";

#[tokio::test]
async fn spending_needs_the_rotating_code_and_takes_it_once() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 50_000).await;
    let mut body = purchase("A-2", PHONE, 100_000);
    body["points"] = json!(10_000);
    shop.post(&body).await.expect_problem(409, "proof_required");
    let code = shop.code(&member).await;
    body["member"] = json!({ "code": code });
    let posted = shop.post(&body).await.expect(201);
    assert_eq!(posted["points_spent"], 10_000);
    assert_eq!(posted["paid_by_points"], 10_000);
    assert_eq!(posted["points_earned"], 4_500);
    body["receipt_number"] = json!("A-3");
    shop.post(&body)
        .await
        .expect_problem(409, "invalid_member_code");
    shop.app.advance(Duration::from_secs(61));
    body["receipt_number"] = json!("A-4");
    shop.post(&body)
        .await
        .expect_problem(409, "invalid_member_code");
    let fresh = shop.code(&member).await;
    body["member"] = json!({ "code": fresh });
    shop.post(&body).await.expect(201);
    shop.audit().await;
}

#[tokio::test]
async fn points_pay_a_share_and_never_more_than_there_are() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 60_000).await;
    let mut body = purchase("A-2", PHONE, 100_000);
    body["member"] = json!({ "code": shop.code(&member).await });
    body["points"] = json!(50_001);
    let refused = shop
        .post(&body)
        .await
        .expect_problem(409, "points_share_exceeded");
    assert_eq!(refused["max_points"], 50_000);
    body["points"] = json!(60_001);
    let refused = shop
        .post(&body)
        .await
        .expect_problem(409, "not_enough_points");
    assert_eq!(refused["available"], 60_000);
    body["lines"] = json!([{ "category": "alcohol", "amount": 80_000 }, { "amount": 20_000 }]);
    body["points"] = json!(20_001);
    let refused = shop
        .post(&body)
        .await
        .expect_problem(409, "points_share_exceeded");
    assert_eq!(refused["max_points"], 20_000);
    body["points"] = json!(20_000);
    let posted = shop.post(&body).await.expect(201);
    assert_eq!(posted["lines"][0]["paid_by_points"], 0);
    assert_eq!(posted["lines"][1]["paid_by_points"], 20_000);
    assert_eq!(posted["points_earned"], 4_000);
    shop.audit().await;
}

#[tokio::test]
async fn a_hold_is_captured_voided_or_lapses_by_the_clock() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 30_000).await;
    let hold = hold(&shop, "order-1", &shop.code(&member).await, 10_000).await;
    let balance = shop.balance(&member).await;
    assert_eq!(
        (&balance["available"], &balance["held"]),
        (&json!(20_000), &json!(10_000))
    );
    let mut body = purchase("A-2", PHONE, 100_000);
    body["hold_id"] = hold["id"].clone();
    body["points"] = json!(4_000);
    let posted = shop.post(&body).await.expect(201);
    assert_eq!(posted["points_spent"], 4_000);
    assert_eq!(posted["available_after"], 26_000 + 4_800);
    body["receipt_number"] = json!("A-3");
    shop.post(&body).await.expect_problem(409, "hold_not_open");

    shop.app.advance(Duration::from_secs(31));
    let second = self::hold(&shop, "order-2", &shop.code(&member).await, 10_000).await;
    let voided = act(&shop, &second, "void", json!({})).await;
    assert_eq!(voided.expect(200)["status"], "voided");
    act(&shop, &second, "capture", json!({}))
        .await
        .expect_problem(409, "hold_not_open");

    shop.app.advance(Duration::from_secs(31));
    let third = self::hold(&shop, "order-3", &shop.code(&member).await, 10_000).await;
    shop.app.advance(Duration::from_secs(15 * 60));
    let later = shop.app.sign_in(PHONE).await;
    let balance = shop.balance(&later).await;
    assert_eq!(
        (&balance["available"], &balance["held"]),
        (&json!(30_800), &json!(0))
    );
    act(&shop, &third, "capture", json!({}))
        .await
        .expect_problem(409, "hold_not_open");
    shop.audit().await;
    services::loyalty::advance_wallets::advance_wallets(&shop.app.context)
        .await
        .expect("the job");
    assert_eq!(shop.balance(&later).await["available"], 30_800);
    shop.audit().await;
}

#[tokio::test]
async fn a_hold_captured_alone_joins_the_purchase_that_comes_later() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 30_000).await;
    let hold = hold(&shop, "order-1", &shop.code(&member).await, 10_000).await;
    let captured = act(&shop, &hold, "capture", json!({ "points": 7_000 }))
        .await
        .expect(200);
    assert_eq!(
        (&captured["captured"], &captured["available_after"]),
        (&json!(7_000), &json!(23_000))
    );
    let mut body = purchase("A-2", PHONE, 100_000);
    body["hold_id"] = hold["id"].clone();
    let posted = shop.post(&body).await.expect(201);
    assert_eq!(posted["points_spent"], 7_000);
    let id = posted["id"].as_str().expect("an id");
    let refund = shop.refund(id, &json!({}), "r-1").await.expect(201);
    assert_eq!(refund["points_returned"], 7_000);
    assert_eq!(shop.balance(&member).await["available"], 30_000);
    shop.audit().await;
}

#[tokio::test]
async fn a_capture_without_a_purchase_can_be_undone() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 100_000).await;
    let hold = hold(&shop, "order-1", &shop.code(&member).await, 100_000).await;
    act(&shop, &hold, "capture", json!({ "points": 90_000 }))
        .await
        .expect(200);
    // The bill turns out smaller than what was captured, so that no purchase can take it.
    let mut body = purchase("A-2", PHONE, 100_000);
    body["hold_id"] = hold["id"].clone();
    let refused = shop.post(&body).await;
    refused.expect_problem(409, "points_share_exceeded");
    let voided = act(&shop, &hold, "void", json!({})).await.expect(200);
    assert_eq!(voided["status"], "voided");
    assert_eq!(voided["available_after"], 100_000);
    body["total"] = json!(300_000);
    shop.post(&body).await.expect_problem(409, "hold_not_open");
    shop.audit().await;
}

#[tokio::test]
async fn a_code_cannot_be_guessed() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 10_000).await;
    let code = shop.code(&member).await;
    let (locator, digits) = code.rsplit_once('.').expect("a code");
    let wrong = format!(
        "{:08}",
        (digits.parse::<u64>().expect("digits") + 1) % 100_000_000
    );
    let mut body = purchase("A-2", PHONE, 10_000);
    body["points"] = json!(1_000);
    let items: Vec<Value> = (0..20)
        .map(|n| {
            let digits = if n == 19 { digits } else { &wrong };
            body["receipt_number"] = json!(format!("G-{n}"));
            body["member"] = json!({ "code": format!("{locator}.{digits}") });
            body.clone()
        })
        .collect();
    let batch = shop
        .app
        .post("/api/v1/transactions/batch")
        .bearer(&shop.till);
    let batch = batch
        .idempotency_key("guess")
        .json(&json!({ "items": items }))
        .send()
        .await
        .expect(207);
    assert_eq!(batch["posted"], 0, "{batch}");
    // Another business is not locked out, and this one is not for ever.
    let other = shop.app.till(shop.app.business("mars").await).await;
    let lookup = shop
        .app
        .post("/api/v1/loyalty/members/lookup")
        .bearer(&other);
    lookup
        .json(&json!({ "member": { "code": code } }))
        .send()
        .await
        .expect(200);
    shop.app.advance(Duration::from_secs(15 * 60));
    let again = shop.app.sign_in(PHONE).await;
    body["member"] = json!({ "code": shop.code(&again).await });
    body["receipt_number"] = json!("A-9");
    shop.post(&body).await.expect(201);
}

async fn hold(shop: &Shop, reference: &str, code: &str, points: i64) -> Value {
    let body = json!({ "reference": reference, "member": { "code": code }, "points": points });
    let answer = shop
        .app
        .post("/api/v1/loyalty/holds")
        .bearer(&shop.till)
        .idempotency_key(reference)
        .json(&body)
        .send()
        .await;
    answer.expect(201)
}

async fn act(shop: &Shop, hold: &Value, verb: &str, body: Value) -> test_kit::Answer {
    let id = hold["id"].as_str().expect("an id");
    shop.app
        .post(&format!("/api/v1/loyalty/holds/{id}/{verb}"))
        .bearer(&shop.till)
        .idempotency_key(&format!("{id}-{verb}"))
        .json(&body)
        .send()
        .await
}
