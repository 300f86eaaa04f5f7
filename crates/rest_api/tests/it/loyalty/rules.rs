//! How points are earned now, for anybody to read.

use serde_json::{Value, json};

use crate::transactions::Shop;

fn double(business: Option<String>) -> Value {
    json!({
        "business_id": business,
        "definition": {
            "name_ru": "Удвоение", "name_en": "Double",
            "reward": { "kind": "multiplier", "factor": 20_000 },
            "conditions": { "weekdays": [2], "hours": { "from_minute": 480, "until_minute": 660 } },
            "caps": {
                "per_purchase": 4_000,
                "per_member": { "points": 6_000, "period": "week" },
                "budget": 70_001,
            },
        },
    })
}

async fn rules(shop: &Shop, query: &str) -> Value {
    let path = format!("/api/v1/loyalty/rules{query}");
    shop.app.get(&path).send().await.expect(200)
}

#[tokio::test]
async fn anybody_reads_base_rate_and_promotions() {
    let shop = Shop::open().await;
    let here = shop.business.to_string();
    let rule = shop.promotion(double(Some(here.clone()))).await;
    let shown = rules(&shop, &format!("?business_id={here}")).await;
    assert_eq!(
        shown["business"],
        json!({ "id": here, "name": "luna", "base_rate": 500 })
    );
    assert_eq!(shown["validity"], json!({ "kind": "days", "count": 365 }));
    let promotion = &shown["promotions"][0];
    assert_eq!(promotion["id"], rule["id"]);
    assert_eq!(promotion["name_ru"], "Удвоение");
    assert_eq!(
        promotion["reward"],
        json!({ "kind": "multiplier", "factor": 20_000 })
    );
    assert_eq!(promotion["conditions"]["weekdays"], json!([2]));
    assert_eq!(promotion["per_purchase"], 4_000);
    assert_eq!(
        promotion["per_member"],
        json!({ "points": 6_000, "period": "week" })
    );
    // What the promotion may cost in all is the programme's own business.
    assert!(!shown.to_string().contains("70001"), "{shown}");

    let everywhere = rules(&shop, "").await;
    assert_eq!(everywhere["business"], Value::Null);
    assert_eq!(everywhere["promotions"], json!([]));
    let other = shop.app.business("sol").await;
    let elsewhere = rules(&shop, &format!("?business_id={other}")).await;
    assert_eq!(elsewhere["promotions"], json!([]));
}

#[tokio::test]
async fn a_promotion_for_all_is_shown_everywhere() {
    let shop = Shop::open().await;
    shop.promotion(double(None)).await;
    for query in [String::new(), format!("?business_id={}", shop.business)] {
        let shown = rules(&shop, &query).await;
        assert_eq!(shown["promotions"].as_array().map(Vec::len), Some(1));
        assert_eq!(shown["promotions"][0]["business_id"], Value::Null);
    }
}

#[tokio::test]
async fn an_unknown_business_is_not_found_and_no_business_is_wrong() {
    let shop = Shop::open().await;
    let unknown = "/api/v1/loyalty/rules?business_id=019cadf4-6c80-7000-8000-000000000001";
    let answer = shop.app.get(unknown).send().await;
    answer.expect_problem(404, "not_found");
    let answer = shop
        .app
        .get("/api/v1/loyalty/rules?business_id=luna&when=now")
        .send()
        .await;
    let problem = answer.expect_problem(422, "invalid_fields");
    let errors = problem["errors"].as_array().expect("errors");
    let mut pointers: Vec<&Value> = errors.iter().map(|error| &error["pointer"]).collect();
    pointers.sort_unstable_by_key(|pointer| pointer.as_str());
    assert_eq!(pointers, ["?business_id", "?when"]);
}
