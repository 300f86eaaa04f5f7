//! A quote says what posting would do, and refuses what posting would refuse.

use std::time::Duration;

use serde_json::{Value, json};
use test_kit::SignedIn;

use crate::transactions::{Shop, purchase};

const PHONE: &str = "+79161234567";

/// Quotes and posts the same and compares the two; gives what was posted.
async fn quoted_and_posted(shop: &Shop, body: &Value) -> Value {
    let quoted = shop.quote(body).await;
    let posted = shop.post(body).await;
    if !posted.status.is_success() {
        assert_eq!(quoted.status, posted.status, "{}", quoted.text());
        assert_eq!(quoted.json()["code"], posted.json()["code"]);
        return posted.json();
    }
    let (quote, purchase) = (quoted.expect(200), posted.expect(201));
    for field in [
        "total",
        "paid_by_points",
        "paid_by_money",
        "points_spent",
        "points_earned",
        "tier",
        "tier_after",
        "available_after",
        "lines",
    ] {
        assert_eq!(quote[field], purchase[field], "{field} of {body}");
    }
    let spent = |answer: &Value| answer["spent"].clone();
    assert_eq!(spent(&quote), spent(&purchase));
    purchase
}

async fn by_code(shop: &Shop, member: &SignedIn, receipt: &str, points: i64) -> Value {
    shop.app.advance(Duration::from_secs(30));
    let mut body = purchase(receipt, PHONE, 100_000);
    body["member"] = json!({ "code": shop.code(member).await });
    body["points"] = json!(points);
    body
}

#[tokio::test]
async fn a_quote_and_the_purchase_agree_however_the_member_is_named() {
    let shop = Shop::open().await;
    quoted_and_posted(&shop, &purchase("stranger", "+79160000009", 10_000)).await;
    let member = shop.member_with(PHONE, 50_000).await;
    let card = shop.app.get("/api/v1/users/me/card").bearer(&member.token);
    let card = card.send().await.expect(200);
    let mut body = purchase("named", PHONE, 10_000);
    let names = [
        json!({ "card_number": card["ean13"] }),
        json!({ "card_number": "400000000000" }),
        json!({ "phone": PHONE }),
        json!({ "customer_id": "C-1" }),
        json!({ "customer_id": "C-1" }),
    ];
    for (n, name) in names.into_iter().enumerate() {
        body["member"] = name;
        body["receipt_number"] = json!(format!("named-{n}"));
        quoted_and_posted(&shop, &body).await;
    }
    let paid = quoted_and_posted(&shop, &by_code(&shop, &member, "P-1", 20_000).await).await;
    assert_eq!(paid["points_spent"], 20_000);
    let over = quoted_and_posted(&shop, &by_code(&shop, &member, "P-2", 50_000).await).await;
    assert_eq!(over["code"], "not_enough_points");
}

#[tokio::test]
async fn a_quote_refuses_a_used_receipt_a_used_code_and_missing_proof() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 50_000).await;
    let mut paid = by_code(&shop, &member, "A-1", 1_000).await;
    shop.post(&paid).await.expect(201);
    let quoted = shop.quote(&paid).await;
    quoted.expect_problem(409, "receipt_already_posted");
    paid["receipt_number"] = json!("A-2");
    let used = quoted_and_posted(&shop, &paid).await;
    assert_eq!(used["code"], "invalid_member_code");
    let mut weak = purchase("A-3", PHONE, 100_000);
    weak["points"] = json!(1_000);
    let weak = quoted_and_posted(&shop, &weak).await;
    assert_eq!(weak["code"], "proof_required");
}

#[tokio::test]
async fn many_small_lots_pay_a_large_bill() {
    let shop = Shop::open().await;
    let member = shop.app.sign_in(PHONE).await;
    for n in 0..70 {
        let body = purchase(&format!("small-{n}"), PHONE, 2_000);
        shop.post(&body).await.expect(201);
    }
    let few = quoted_and_posted(&shop, &by_code(&shop, &member, "few", 300).await).await;
    assert_eq!(few["spent"].as_array().map(Vec::len), Some(3));
    shop.app.advance(Duration::from_secs(60));
    let all = shop.balance(&member).await["available"].as_i64();
    let all = all.expect("points").min(50_000);
    let paid = quoted_and_posted(&shop, &by_code(&shop, &member, "many", all).await).await;
    assert_eq!(paid["points_spent"], all);
    shop.audit().await;
}

#[tokio::test]
async fn a_code_of_a_sign_in_that_was_ended_is_worth_nothing() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 50_000).await;
    let paid = by_code(&shop, &member, "A-1", 1_000).await;
    let out = shop.app.post("/api/v1/auth/logout");
    let out = out.bearer(&member.token).json(&json!({})).send().await;
    assert!(out.status.is_success(), "{}", out.text());
    let refused = quoted_and_posted(&shop, &paid).await;
    assert_eq!(refused["code"], "invalid_member_code");
}

#[tokio::test]
async fn a_quote_follows_the_clock_where_something_is_due() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 10_000).await;
    let code = shop.code(&member).await;
    let hold =
        json!({ "reference": "h", "member": { "code": code }, "points": 9_000, "minutes": 1 });
    let made = shop.app.post("/api/v1/loyalty/holds").bearer(&shop.till);
    let made = made.idempotency_key("h").json(&hold).send().await;
    let hold = made.expect(201);
    let body = by_code(&shop, &member, "A-1", 5_000).await;
    let held = shop.quote(&body).await;
    held.expect_problem(409, "not_enough_points");
    let mut captured = purchase("A-2", PHONE, 100_000);
    captured["hold_id"] = hold["id"].clone();
    let quote = shop.quote(&captured).await.expect(200);
    assert_eq!(quote["points_spent"], 9_000);
    // It lapses by the clock alone.
    shop.app.advance(Duration::from_secs(30));
    let body = by_code(&shop, &member, "A-3", 5_000).await;
    let paid = quoted_and_posted(&shop, &body).await;
    assert_eq!(paid["points_spent"], 5_000);
    shop.audit().await;
}
