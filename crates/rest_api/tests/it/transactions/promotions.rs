//! Promotions and their limits, through posting.

use serde_json::json;

use super::{Shop, purchase};

const PHONE: &str = "+79161234567";

#[tokio::test]
async fn caps_clamp_and_say_so() {
    let shop = Shop::open().await;
    let rule = shop
        .promotion(json!({
            "definition": {
                "name_ru": "Удвоение", "name_en": "Double", "active": true,
                "reward": { "kind": "multiplier", "factor": 20_000 },
                "conditions": { "minimum": 10_000 },
                "caps": {
                    "per_purchase": 4_000,
                    "per_member": { "points": 6_000, "period": "day" },
                    "budget": 7_000,
                },
            },
        }))
        .await;
    let first = shop
        .post(&purchase("A-1", PHONE, 100_000))
        .await
        .expect(201);
    assert_eq!(first["points_earned"], 5_000 + 4_000);
    assert_eq!(first["accruals"][1]["rule_id"], rule["id"]);
    assert_eq!(first["accruals"][1]["asked"], 5_000);
    assert_eq!(first["accruals"][1]["granted"], 4_000);
    assert_eq!(first["accruals"][1]["clamped_by"], json!(["per_purchase"]));
    assert_eq!(first["lots"][1]["funder_business_id"], json!(null));
    let second = shop
        .post(&purchase("A-2", PHONE, 100_000))
        .await
        .expect(201);
    assert_eq!(second["accruals"][1]["granted"], 2_000);
    assert_eq!(
        second["accruals"][1]["clamped_by"],
        json!(["per_purchase", "per_member"])
    );
    let third = shop
        .post(&purchase("A-3", "+79160000009", 100_000))
        .await
        .expect(201);
    assert_eq!(third["accruals"][1]["granted"], 1_000);
    assert_eq!(
        third["accruals"][1]["clamped_by"],
        json!(["per_purchase", "budget"])
    );
    let small = shop.quote(&purchase("A-4", PHONE, 9_999)).await.expect(200);
    assert_eq!(small["not_applied"][0]["reason"], "minimum");
    // A refund gives back what counted against the limits.
    let id = first["id"].as_str().expect("an id");
    shop.refund(id, &json!({}), "r-1").await.expect(201);
    let fourth = shop
        .post(&purchase("A-5", "+79160000010", 100_000))
        .await
        .expect(201);
    assert_eq!(fourth["accruals"][1]["granted"], 4_000);
    shop.audit().await;
}

#[tokio::test]
async fn a_first_visit_is_one_visit() {
    let shop = Shop::open().await;
    shop.promotion(json!({
        "business_id": shop.business.to_string(),
        "funder_business_id": shop.business.to_string(),
        "definition": {
            "name_ru": "Знакомство", "name_en": "Welcome", "active": true,
            "reward": { "kind": "fixed", "points": 10_000 },
            "conditions": { "visit": { "kind": "first" } },
        },
    }))
    .await;
    let first = shop.post(&purchase("A-1", PHONE, 10_000)).await.expect(201);
    assert_eq!(first["points_earned"], 10_500);
    let second = shop.post(&purchase("A-2", PHONE, 10_000)).await.expect(201);
    assert_eq!(second["points_earned"], 500);
    shop.audit().await;
}

#[tokio::test]
async fn a_quote_knows_that_a_budget_is_used_up() {
    let shop = Shop::open().await;
    shop.promotion(json!({
        "definition": {
            "name_ru": "Подарок", "name_en": "Gift", "active": true,
            "reward": { "kind": "fixed", "points": 1_000 },
            "caps": { "budget": 1_500 },
        },
    }))
    .await;
    for (receipt, points) in [("A-1", 1_500), ("A-2", 1_000), ("A-3", 500)] {
        let body = purchase(receipt, PHONE, 10_000);
        let quoted = shop.quote(&body).await.expect(200);
        let posted = shop.post(&body).await.expect(201);
        assert_eq!(quoted["points_earned"], points);
        assert_eq!(posted["points_earned"], points);
    }
}

#[tokio::test]
async fn what_a_refund_forgives_still_counts_against_caps() {
    let shop = Shop::open().await;
    let admin = shop
        .app
        .operator("+79160000003", domain::rights::OperatorRole::Admin)
        .await;
    let path = "/api/v1/admin/settings";
    let shown = shop.app.get(path).bearer(&admin.token).send().await;
    let mut settings = shown.expect(200)["settings"].clone();
    settings["clawback"] = json!("down_to_zero");
    let put = shop.app.put(path).bearer(&admin.token);
    let put = put.header("if-match", shown.header("etag")).json(&settings);
    put.send().await.expect(200);
    shop.promotion(json!({
        "definition": {
            "name_ru": "Подарок", "name_en": "Gift", "active": true,
            "reward": { "kind": "fixed", "points": 1_000 },
            "caps": { "per_member": { "points": 1_000, "period": "month" } },
        },
    }))
    .await;
    let member = shop.app.sign_in(PHONE).await;
    let first = shop.post(&purchase("A-1", PHONE, 0)).await.expect(201);
    assert_eq!(first["points_earned"], 0);
    let bought = shop.post(&purchase("A-2", PHONE, 20)).await.expect(201);
    assert_eq!(bought["points_earned"], 1_001);
    let mut spending = purchase("A-3", PHONE, 100_000);
    spending["member"] = json!({ "code": shop.code(&member).await });
    spending["points"] = json!(1_001);
    spending["not_earning"] = json!(100_000);
    shop.post(&spending).await.expect(201);
    let id = bought["id"].as_str().expect("an id");
    let refund = shop.refund(id, &json!({}), "r-1").await.expect(201);
    assert_eq!(refund["points_taken_back"], 0);
    let again = shop.post(&purchase("A-4", PHONE, 20)).await.expect(201);
    assert_eq!(again["points_earned"], 1);
    shop.audit().await;
}
