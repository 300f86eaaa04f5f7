//! Earning: what a purchase gives and how the answer explains it.

use std::time::Duration;

use serde_json::json;

use super::{Shop, purchase};

const PHONE: &str = "+79161234567";

#[tokio::test]
async fn a_purchase_earns_and_explains_itself() {
    let shop = Shop::open().await;
    let member = shop.app.sign_in(PHONE).await;
    let mut body = purchase("A-1", PHONE, 0);
    body["total"] = json!(150_000);
    body["cashier"] = json!("Olga");
    body["lines"] = json!([
        { "category": "food", "amount": 99_999 },
        { "category": "tobacco", "amount": 50_001 },
    ]);
    let posted = shop.post(&body).await;
    let transaction = posted.expect(201);
    // 999.99 at 5 % is 49.9995 points, rounded down once at the end of the line.
    assert_eq!(transaction["points_earned"], 4_999);
    assert_eq!(transaction["paid_by_money"], 150_000);
    assert_eq!(transaction["status"], "posted");
    assert_eq!(transaction["cashier"], "Olga");
    assert_eq!(
        transaction["lines"][1]["excluded"],
        json!(["category_earns_nothing"])
    );
    assert_eq!(transaction["accruals"][0]["asked"], 4_999);
    assert_eq!(transaction["accruals"][0]["rule_id"], json!(null));
    assert_eq!(
        transaction["lots"][0]["funder_business_id"],
        shop.business.to_string()
    );
    // 365 days after the 2nd of March 2026, to the end of the day in Moscow.
    assert_eq!(transaction["lots"][0]["expires_at"], "2027-03-02T21:00:00Z");
    let id = transaction["id"].as_str().expect("an id");
    assert_eq!(
        posted.header("location"),
        format!("/api/v1/transactions/{id}")
    );

    let balance = shop.balance(&member).await;
    assert_eq!(balance["available"], 4_999);
    let shown = shop.app.get(&format!("/api/v1/transactions/{id}"));
    assert_eq!(
        shown.bearer(&shop.till).send().await.expect(200),
        transaction
    );
    let own = shop.app.get(&format!("/api/v1/transactions/{id}"));
    assert_eq!(
        own.bearer(&member.token).send().await.expect(200),
        transaction
    );
    shop.audit().await;
}

#[tokio::test]
async fn an_unknown_phone_earns_and_the_points_wait() {
    let shop = Shop::open().await;
    shop.post(&purchase("A-1", PHONE, 100_000))
        .await
        .expect(201);
    let mut spending = purchase("A-2", PHONE, 100_000);
    spending["points"] = json!(1_000);
    shop.post(&spending)
        .await
        .expect_problem(409, "member_not_joined");
    let member = shop.app.sign_in(PHONE).await;
    assert_eq!(shop.balance(&member).await["available"], 5_000);
    shop.audit().await;
}

#[tokio::test]
async fn the_tier_rises_inside_the_purchase_and_counts_from_the_next() {
    let shop = Shop::open().await;
    let member = shop.app.sign_in(PHONE).await;
    let first = shop
        .post(&purchase("A-1", PHONE, 3_000_000))
        .await
        .expect(201);
    assert_eq!(
        (&first["tier"], &first["tier_after"]),
        (&json!("insider"), &json!("vip"))
    );
    assert_eq!(first["points_earned"], 150_000);
    let second = shop
        .post(&purchase("A-2", PHONE, 100_000))
        .await
        .expect(201);
    assert_eq!(second["tier"], "vip");
    assert_eq!(second["points_earned"], 6_000);
    let tier = shop
        .app
        .get("/api/v1/loyalty/tier")
        .bearer(&member.token)
        .send()
        .await
        .expect(200);
    assert_eq!(tier["tier"]["code"], "vip");
    shop.audit().await;
}

#[tokio::test]
async fn the_tier_rises_also_when_nothing_is_earned() {
    let shop = Shop::open().await;
    let mut body = purchase("A-1", PHONE, 3_000_000);
    body["lines"] = json!([{ "category": "tobacco", "amount": 3_000_000 }]);
    let first = shop.post(&body).await.expect(201);
    assert_eq!(first["points_earned"], 0);
    assert_eq!(first["tier_after"], "vip");
    let second = shop.post(&purchase("A-2", PHONE, 1_000)).await.expect(201);
    assert_eq!(second["tier"], "vip");
}

#[tokio::test]
async fn points_are_pending_until_their_delay_is_over_whatever_the_job_does() {
    let shop = Shop::open().await;
    let member = shop.app.sign_in(PHONE).await;
    shop.promotion(json!({
        "definition": {
            "name_ru": "Позже", "name_en": "Later", "active": true,
            "reward": { "kind": "fixed", "points": 10_000 },
            "activation_delay_hours": 24,
            "validity": { "kind": "days", "count": 2 },
        },
    }))
    .await;
    shop.post(&purchase("A-1", PHONE, 100_000))
        .await
        .expect(201);
    let balance = shop.balance(&member).await;
    assert_eq!(
        (&balance["available"], &balance["pending"]),
        (&json!(5_000), &json!(10_000))
    );
    shop.app.advance(Duration::from_secs(24 * 3600));
    let later = shop.app.sign_in(PHONE).await;
    let balance = shop.balance(&later).await;
    assert_eq!(
        (&balance["available"], &balance["pending"]),
        (&json!(15_000), &json!(0))
    );
    shop.app.advance(Duration::from_secs(4 * 24 * 3600));
    let later = shop.app.sign_in(PHONE).await;
    assert_eq!(shop.balance(&later).await["available"], 5_000);
    shop.audit().await;
    let done = services::loyalty::advance_wallets::advance_wallets(&shop.app.context).await;
    assert_eq!(done.expect("wallets are brought up to date"), 1);
    assert_eq!(shop.balance(&later).await["available"], 5_000);
    shop.audit().await;
}

#[tokio::test]
async fn a_quote_tells_the_same_and_changes_nothing() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 10_000).await;
    let mut body = purchase("A-2", PHONE, 100_000);
    body["member"] = json!({ "code": shop.code(&member).await });
    body["points"] = json!(10_000);
    let quote = shop.quote(&body).await.expect(200);
    assert_eq!(quote["max_points"], 10_000);
    assert_eq!(quote["paid_by_money"], 90_000);
    assert_eq!(quote["points_earned"], 4_500);
    assert_eq!(quote["available_after"], 4_500);
    assert_eq!(shop.balance(&member).await["available"], 10_000);
    let posted = shop.post(&body).await.expect(201);
    for same in [
        "points_earned",
        "points_spent",
        "paid_by_money",
        "available_after",
    ] {
        assert_eq!(posted[same], quote[same], "{same}");
    }
    let stranger = purchase("A-3", "+79160000099", 100_000);
    assert_eq!(
        shop.quote(&stranger).await.expect(200)["points_earned"],
        5_000
    );
    shop.audit().await;
}

#[tokio::test]
async fn bad_input_names_every_field_and_changes_nothing() {
    let shop = Shop::open().await;
    let bad = json!({
        "receipt_number": "",
        "member": { "phone": "+79161234567", "code": "x", "colour": 1 },
        "total": -5,
        "lines": [{ "amount": "much" }],
        "bonus": true,
    });
    let problem = shop
        .post_with_key(&bad, "k")
        .await
        .expect_problem(422, "invalid_fields");
    let pointers: Vec<&str> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .filter_map(|error| error["pointer"].as_str())
        .collect();
    for pointer in [
        "/receipt_number",
        "/total",
        "/lines/0/amount",
        "/bonus",
        "/member/colour",
    ] {
        assert!(pointers.contains(&pointer), "{pointer} in {pointers:?}");
    }
}

#[tokio::test]
async fn what_the_rules_refuse_has_its_own_code_and_changes_nothing() {
    let shop = Shop::open().await;
    let refused = |change: serde_json::Value, status: u16, code: &'static str| {
        let shop = &shop;
        async move {
            let mut body = purchase("B-1", PHONE, 1_000);
            for (name, value) in change.as_object().expect("an object") {
                body[name] = value.clone();
            }
            shop.post_with_key(&body, code)
                .await
                .expect_problem(status, code);
        }
    };
    let lines = json!([{ "amount": 400 }, { "amount": 500 }]);
    refused(json!({ "lines": lines }), 409, "total_mismatch").await;
    refused(
        json!({ "lines": [{ "category": "fur", "amount": 1_000 }] }),
        409,
        "unknown_category",
    )
    .await;
    refused(
        json!({ "member": { "card_number": "2000000000170" } }),
        422,
        "invalid_fields",
    )
    .await;
    refused(
        json!({ "location_id": uuid::Uuid::nil() }),
        409,
        "unknown_location",
    )
    .await;
    refused(
        json!({ "occurred_at": "2026-03-02T10:00:00Z" }),
        409,
        "posted_in_future",
    )
    .await;
    refused(
        json!({ "occurred_at": "2026-02-20T10:00:00Z" }),
        409,
        "too_old",
    )
    .await;
    refused(
        json!({ "total": 1_000_000_000_001_i64 }),
        422,
        "invalid_fields",
    )
    .await;
    refused(json!({ "not_earning": 2_000 }), 409, "total_mismatch").await;
    shop.post_with_key(&json!("x".repeat(70_000)), "big")
        .await
        .expect_problem(413, "body_too_large");
    let list = shop
        .app
        .get("/api/v1/transactions")
        .bearer(&shop.till)
        .send()
        .await
        .expect(200);
    assert_eq!(list["items"], json!([]));
    shop.audit().await;
}

#[tokio::test]
async fn a_business_never_sees_another() {
    let shop = Shop::open().await;
    let posted = shop.post(&purchase("A-1", PHONE, 1_000)).await.expect(201);
    let id = posted["id"].as_str().expect("an id");
    let other = shop.app.business("mars").await;
    let stranger = shop.app.till(other).await;
    let unknown = uuid::Uuid::nil();
    let path = |id: &str| format!("/api/v1/transactions/{id}");
    let ask = |id: String| {
        let (app, stranger) = (&shop.app, &stranger);
        async move { app.get(&path(&id)).bearer(stranger).send().await }
    };
    let foreign = ask(id.to_owned()).await.expect_problem(404, "not_found");
    let missing = ask(unknown.to_string())
        .await
        .expect_problem(404, "not_found");
    assert_eq!(foreign["detail"], missing["detail"]);
    let refund = shop.app.post(&format!("{}/refunds", path(id)));
    let refund = refund
        .bearer(&stranger)
        .idempotency_key("r")
        .json(&json!({}))
        .send()
        .await;
    refund.expect_problem(404, "not_found");
    let mut body = purchase("A-2", PHONE, 1_000);
    body["business_id"] = json!(shop.business.to_string());
    let post = shop.app.post("/api/v1/transactions").bearer(&stranger);
    post.idempotency_key("p")
        .json(&body)
        .send()
        .await
        .expect_problem(404, "not_found");
    let list = shop
        .app
        .get("/api/v1/transactions")
        .bearer(&stranger)
        .send()
        .await
        .expect(200);
    assert_eq!(list["items"], json!([]));
}

#[tokio::test]
async fn a_list_is_paged_while_purchases_arrive() {
    let shop = Shop::open().await;
    for n in 0..5 {
        shop.post(&purchase(&format!("A-{n}"), PHONE, 1_000 + n))
            .await
            .expect(201);
    }
    let first = shop
        .app
        .get("/api/v1/transactions?limit=2")
        .bearer(&shop.till)
        .send()
        .await;
    let first = first.expect(200);
    shop.post(&purchase("A-9", PHONE, 9_000)).await.expect(201);
    let mut seen: Vec<i64> = totals(&first);
    let mut cursor = first["next_cursor"].as_str().map(str::to_owned);
    while let Some(at) = cursor {
        let path = format!("/api/v1/transactions?limit=2&cursor={at}");
        let page = shop
            .app
            .get(&path)
            .bearer(&shop.till)
            .send()
            .await
            .expect(200);
        seen.extend(totals(&page));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(seen, vec![1_004, 1_003, 1_002, 1_001, 1_000]);
    let forged = shop
        .app
        .get("/api/v1/transactions?cursor=abcd")
        .bearer(&shop.till)
        .send()
        .await;
    forged.expect_problem(400, "invalid_cursor");
}

fn totals(page: &serde_json::Value) -> Vec<i64> {
    let items = page["items"].as_array().expect("items");
    items
        .iter()
        .filter_map(|item| item["total"].as_i64())
        .collect()
}

#[tokio::test]
async fn currency_and_zone_stay_once_there_are_purchases() {
    let shop = Shop::open().await;
    let admin = shop
        .app
        .operator("+79160000001", domain::rights::OperatorRole::Admin)
        .await;
    let path = "/api/v1/admin/settings";
    let put = async |change: serde_json::Value| {
        let shown = shop.app.get(path).bearer(&admin.token).send().await;
        let mut settings = shown.expect(200)["settings"].clone();
        for (name, value) in change.as_object().expect("an object") {
            settings[name] = value.clone();
        }
        let put = shop.app.put(path).bearer(&admin.token);
        put.header("if-match", shown.header("etag"))
            .json(&settings)
            .send()
            .await
    };
    put(json!({ "currency": "KZT" })).await.expect(200);
    shop.post(&purchase("A-1", PHONE, 1_000)).await.expect(201);
    let refused = put(json!({ "currency": "RUB" })).await;
    refused.expect_problem(409, "setting_locked");
    let refused = put(json!({ "time_zone": "Asia/Omsk" })).await;
    refused.expect_problem(409, "setting_locked");
    put(json!({ "name": "New" })).await.expect(200);
}
