//! Balance, lots, ladder and tier.

use std::time::Duration;

use domain::rights::Scope;
use serde_json::{Value, json};
use test_kit::TestApp;

use crate::transactions::{Shop, purchase};

const PHONE: &str = "+79161234567";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn a_balance_says_what_expires_next_and_follows_the_clock() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 5_000).await;
    assert_eq!(
        shop.balance(&member).await,
        json!({
            "available": 5_000, "pending": 0, "held": 0, "debt": 0,
            "next_expiry": { "expires_at": "2027-03-02T21:00:00Z", "points": 5_000 },
            "as_of": "2026-03-02T09:00:00Z",
        })
    );
    // No job has run: the clock alone decides.
    shop.app.advance(DAY * 366);
    let later = shop.app.sign_in(PHONE).await;
    let balance = shop.balance(&later).await;
    assert_eq!(balance["available"], 0);
    assert_eq!(balance["next_expiry"], Value::Null);
    assert_eq!(lots(&shop, &later.token, "").await["items"], json!([]));
}

async fn lots(shop: &Shop, token: &str, query: &str) -> Value {
    let path = format!("/api/v1/loyalty/lots{query}");
    let answer = shop.app.get(&path).bearer(token).send().await;
    answer.expect(200)
}

/// Three lots: a promotion's that activates a day later and lives two days, and two of purchases.
async fn three_lots(shop: &Shop) -> String {
    shop.promotion(json!({
        "definition": {
            "name_ru": "Первый визит", "name_en": "First visit",
            "reward": { "kind": "fixed", "points": 1_000 },
            "conditions": { "visit": { "kind": "first" } },
            "activation_delay_hours": 24,
            "validity": { "kind": "days", "count": 2 },
        },
    }))
    .await;
    for receipt in ["A-1", "A-2"] {
        let body = purchase(receipt, PHONE, 100_000);
        shop.post(&body).await.expect(201);
    }
    shop.app.sign_in(PHONE).await.token
}

#[tokio::test]
async fn lots_are_listed_by_expiry_page_by_page() {
    let shop = Shop::open().await;
    let token = three_lots(&shop).await;
    let all = lots(&shop, &token, "").await;
    let items = all["items"].as_array().expect("items");
    let origins: Vec<&Value> = items.iter().map(|lot| &lot["origin"]).collect();
    assert_eq!(origins, ["promotion", "purchase", "purchase"]);
    assert_eq!(items[0]["active"], false);
    assert_eq!(items[0]["expires_at"], "2026-03-05T21:00:00Z");
    assert_eq!(items[0]["funder_business_id"], Value::Null);
    assert_eq!(items[1]["active"], true);
    assert_eq!(items[1]["remaining"], 5_000);
    assert_eq!(
        items[1]["funder_business_id"],
        json!(shop.business.to_string())
    );
    assert_eq!(all["next_cursor"], Value::Null);

    let first = lots(&shop, &token, "?limit=2").await;
    assert_eq!(first["items"], json!(items[..2]));
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let last = lots(&shop, &token, &format!("?limit=2&cursor={cursor}")).await;
    assert_eq!(last["items"], json!(items[2..]));
    assert_eq!(last["next_cursor"], Value::Null);

    let other = shop.app.sign_in("+79160000077").await;
    let path = format!("/api/v1/loyalty/lots?cursor={cursor}");
    let foreign = shop.app.get(&path).bearer(&other.token).send().await;
    foreign.expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn lots_are_shown_by_the_clock_and_not_by_the_last_job() {
    let shop = Shop::open().await;
    three_lots(&shop).await;
    shop.app.advance(DAY + DAY / 2);
    let token = shop.app.sign_in(PHONE).await.token;
    let activated = lots(&shop, &token, "?limit=1").await;
    assert_eq!(activated["items"][0]["origin"], "promotion");
    assert_eq!(activated["items"][0]["active"], true);
    let cursor = activated["next_cursor"].as_str().expect("a cursor");
    let rest = lots(&shop, &token, &format!("?cursor={cursor}")).await;
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(rest["items"][0]["origin"], "purchase");

    shop.app.advance(DAY * 3);
    let token = shop.app.sign_in(PHONE).await.token;
    let expired = lots(&shop, &token, "").await;
    assert_eq!(expired["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(expired["items"][0]["origin"], "purchase");
}

#[tokio::test]
async fn anybody_reads_the_ladder() {
    let app = TestApp::start().await;
    let ladder = app.get("/api/v1/loyalty/tiers").send().await.expect(200);
    assert_eq!(ladder["measure"], "net_spend");
    assert_eq!(ladder["window_days"], 365);
    let tiers = ladder["tiers"].as_array().expect("tiers");
    assert_eq!(tiers.len(), 4);
    assert_eq!(
        tiers[1],
        json!({
            "code": "vip", "level": 1, "name_ru": "VIP", "name_en": "VIP", "threshold": 3_000_000,
            "multiplier": 12_000, "validity": null,
        })
    );
}

#[tokio::test]
async fn a_tier_says_what_is_missing() {
    let shop = Shop::open().await;
    let member = shop.app.sign_in(PHONE).await;
    let tier = async |token: &str| {
        let request = shop.app.get("/api/v1/loyalty/tier").bearer(token);
        request.send().await.expect(200)
    };
    let start = tier(&member.token).await;
    assert_eq!(start["tier"]["code"], "insider");
    assert_eq!(start["value"], 0);
    assert_eq!(start["missing_for_next"], 3_000_000);
    assert_eq!(start["window_start"], "2025-03-03");
    for (receipt, total) in [("A-1", 3_000_000), ("A-2", 500_000)] {
        shop.post(&purchase(receipt, PHONE, total))
            .await
            .expect(201);
    }
    let vip = tier(&member.token).await;
    assert_eq!(vip["tier"]["code"], "vip");
    assert_eq!(vip["since"], "2026-03-02T09:00:00Z");
    assert_eq!(vip["value"], 3_500_000);
    assert_eq!(vip["next"]["code"], "elite");
    assert_eq!(vip["missing_for_next"], 6_500_000);
    assert_eq!(vip["missing_to_keep"], 0);
    shop.post(&purchase("A-3", PHONE, 40_000_000))
        .await
        .expect(201);
    let top = tier(&member.token).await;
    assert_eq!(top["tier"]["code"], "inner_circle");
    assert_eq!(top["next"], Value::Null);
    assert_eq!(top["missing_for_next"], Value::Null);
}

#[tokio::test]
async fn points_are_shown_to_their_member_only() {
    let shop = Shop::open().await;
    let key = shop.app.key(shop.business, Scope::ALL).await;
    for path in ["balance", "history", "lots", "tier"] {
        let path = format!("/api/v1/loyalty/{path}");
        let nobody = shop.app.get(&path).send().await;
        nobody.expect_problem(401, "unauthenticated");
        let till = shop.app.get(&path).bearer(&key).send().await;
        till.expect_problem(403, "forbidden");
    }
}
