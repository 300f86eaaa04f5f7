//! Refunds and voids: by line, by amount, in steps, with debt and with expired lots.

use std::time::Duration;

use serde_json::json;

use super::{Shop, purchase};

const PHONE: &str = "+79161234567";
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_refund_by_line_takes_back_what_the_line_earned() {
    let shop = Shop::open().await;
    let member = shop.app.sign_in(PHONE).await;
    let mut body = purchase("A-1", PHONE, 150_000);
    body["lines"] = json!([{ "amount": 100_000 }, { "category": "food", "amount": 50_000 }]);
    let posted = shop.post(&body).await.expect(201);
    let id = posted["id"].as_str().expect("an id");
    let order = json!({ "lines": [{ "line": 2 }], "receipt_number": "R-1", "reason": "cold" });
    let refund = shop.refund(id, &order, "r-1").await.expect(201);
    assert_eq!(refund["amount"], 50_000);
    assert_eq!(refund["points_taken_back"], 2_500);
    assert_eq!(shop.balance(&member).await["available"], 5_000);
    let again = shop
        .refund(id, &json!({ "lines": [{ "line": 2 }] }), "r-2")
        .await;
    again.expect_problem(409, "already_refunded");
    let unknown = shop
        .refund(id, &json!({ "lines": [{ "line": 3 }] }), "r-3")
        .await;
    unknown.expect_problem(409, "unknown_line");
    let over = shop.refund(id, &json!({ "amount": 100_001 }), "r-4").await;
    assert_eq!(
        over.expect_problem(409, "refund_exceeds_sale")["refundable"],
        100_000
    );
    let seen = shop
        .refund(id, &json!({ "amount": 1, "receipt_number": "R-1" }), "r-5")
        .await;
    seen.expect_problem(409, "receipt_already_posted");
    let shown = shop
        .app
        .get(&format!("/api/v1/transactions/{id}"))
        .bearer(&shop.till)
        .send()
        .await;
    let shown = shown.expect(200);
    assert_eq!(shown["status"], "partly_refunded");
    assert_eq!(shown["refunds"][0]["reason"], "cold");
    shop.audit().await;
}

#[tokio::test]
async fn refunds_in_steps_end_where_one_full_refund_does() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 33_335).await;
    let mut body = purchase("A-2", PHONE, 99_999);
    body["member"] = json!({ "code": shop.code(&member).await });
    body["points"] = json!(33_333);
    body["lines"] = json!([{ "amount": 33_333 }, { "amount": 66_666 }]);
    let posted = shop.post(&body).await.expect(201);
    let id = posted["id"].as_str().expect("an id");
    let (mut money, mut points) = (0, 0);
    for (n, amount) in [1, 7, 33_333, 10_000, 56_658].into_iter().enumerate() {
        let refund = shop
            .refund(id, &json!({ "amount": amount }), &format!("r-{n}"))
            .await;
        let refund = refund.expect(201);
        money += refund["money_returned"].as_i64().expect("money");
        points += refund["points_returned"].as_i64().expect("points");
    }
    assert_eq!((money, points), (66_666, 33_333));
    let balance = shop.balance(&member).await;
    assert_eq!(
        (&balance["available"], &balance["debt"]),
        (&json!(33_335), &json!(0))
    );
    shop.refund(id, &json!({}), "r-9")
        .await
        .expect_problem(409, "already_refunded");
    let tier = shop
        .app
        .get("/api/v1/loyalty/tier")
        .bearer(&member.token)
        .send()
        .await
        .expect(200);
    assert_eq!(tier["value"], 33_335 * 20);
    shop.audit().await;
}

#[tokio::test]
async fn what_a_refund_takes_beyond_the_balance_is_debt_paid_by_later_earnings() {
    let shop = Shop::open().await;
    let member = shop.app.sign_in(PHONE).await;
    let first = shop
        .post(&purchase("A-1", PHONE, 200_000))
        .await
        .expect(201);
    let mut spending = purchase("A-2", PHONE, 20_000);
    spending["member"] = json!({ "code": shop.code(&member).await });
    spending["points"] = json!(10_000);
    shop.post(&spending).await.expect(201);
    let id = first["id"].as_str().expect("an id");
    let refund = shop.refund(id, &json!({}), "r-1").await.expect(201);
    assert_eq!(refund["points_taken_back"], 10_000);
    assert_eq!(refund["debt_added"], 9_500);
    let balance = shop.balance(&member).await;
    assert_eq!(
        (&balance["available"], &balance["debt"]),
        (&json!(0), &json!(9_500))
    );
    shop.post(&purchase("A-3", PHONE, 200_000))
        .await
        .expect(201);
    let balance = shop.balance(&member).await;
    assert_eq!(
        (&balance["available"], &balance["debt"]),
        (&json!(500), &json!(0))
    );
    shop.audit().await;
}

#[tokio::test]
async fn spent_points_go_back_to_their_lot_with_their_age() {
    let shop = Shop::open().await;
    shop.member_with(PHONE, 10_000).await;
    shop.app.advance(DAY * 300);
    let member = shop.app.sign_in(PHONE).await;
    let mut body = purchase("A-2", PHONE, 20_000);
    body["member"] = json!({ "code": shop.code(&member).await });
    body["points"] = json!(10_000);
    let posted = shop.post(&body).await.expect(201);
    let id = posted["id"].as_str().expect("an id");
    shop.app.advance(DAY * 100);
    let member = shop.app.sign_in(PHONE).await;
    // The lot of the 10 000 has expired meanwhile: it lives 14 days more.
    let refund = shop.refund(id, &json!({}), "r-1").await.expect(201);
    assert_eq!(refund["points_returned"], 10_000);
    assert_eq!(refund["grace_until"], "2027-04-20T21:00:00Z");
    assert_eq!(shop.balance(&member).await["available"], 10_000);
    shop.app.advance(DAY * 15);
    let member = shop.app.sign_in(PHONE).await;
    assert_eq!(shop.balance(&member).await["available"], 0);
    services::loyalty::advance_wallets::advance_wallets(&shop.app.context)
        .await
        .expect("the job");
    shop.audit().await;
}

#[tokio::test]
async fn a_void_is_for_the_same_day_in_the_programmes_zone() {
    let shop = Shop::open().await;
    let posted = shop
        .post(&purchase("A-1", PHONE, 100_000))
        .await
        .expect(201);
    let void = |id: String, key: &'static str| {
        let shop = &shop;
        async move {
            shop.app
                .post(&format!("/api/v1/transactions/{id}/void"))
                .bearer(&shop.till)
                .idempotency_key(key)
                .json(&json!({ "reason": "typo" }))
                .send()
                .await
        }
    };
    let id = posted["id"].as_str().expect("an id").to_owned();
    assert_eq!(void(id.clone(), "v-1").await.expect(201)["is_void"], true);
    void(id, "v-2")
        .await
        .expect_problem(409, "already_refunded");
    let late = shop
        .post(&purchase("A-2", PHONE, 100_000))
        .await
        .expect(201);
    // Noon in Moscow plus twelve hours is the next day there, and the same day in London.
    shop.app.advance(Duration::from_secs(12 * 3600));
    let id = late["id"].as_str().expect("an id").to_owned();
    void(id, "v-3").await.expect_problem(409, "void_too_late");
    let zero = shop.post(&purchase("A-3", PHONE, 0)).await.expect(201);
    let id = zero["id"].as_str().expect("an id").to_owned();
    void(id.clone(), "v-4").await.expect(201);
    void(id, "v-5")
        .await
        .expect_problem(409, "already_refunded");
    shop.audit().await;
}
