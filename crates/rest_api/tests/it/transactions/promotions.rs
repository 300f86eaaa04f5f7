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
