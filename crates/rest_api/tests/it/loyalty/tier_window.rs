//! What counts toward a tier, and what has left the window. The sum that is kept with the wallet must be that of the days,
//! which the audit at the end of each test compares.

use std::time::Duration;

use domain::rights::OperatorRole;
use serde_json::{Value, json};

use crate::transactions::{Shop, purchase};

const PHONE: &str = "+79161234567";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What members who bought for so much come to be `vip`, in hundredths.
const VIP: i64 = 3_000_000;

async fn buy(shop: &Shop, receipt: &str, total: i64) -> Value {
    shop.post(&purchase(receipt, PHONE, total))
        .await
        .expect(201)
}

/// What counts now, as the member is told and as the quote reckons: an amount that is missing by one does not lift.
async fn counts(shop: &Shop) -> i64 {
    // A phone gets one code a minute.
    shop.app.advance(Duration::from_secs(61));
    let token = shop.app.sign_in(PHONE).await.token;
    let tier = shop.app.get("/api/v1/loyalty/tier").bearer(&token);
    let tier = tier.send().await.expect(200);
    let value = tier["value"].as_i64().expect("an amount");
    if tier["tier"]["code"] == "insider" {
        for (total, after) in [(VIP - value - 1, "insider"), (VIP - value, "vip")] {
            let quote = shop.quote(&purchase("Q-1", PHONE, total)).await.expect(200);
            assert_eq!(quote["tier_after"], after, "{quote}");
        }
    }
    value
}

#[tokio::test]
async fn what_has_left_the_window_no_longer_lifts_a_member() {
    let shop = Shop::open().await;
    buy(&shop, "A-1", 2_000_000).await;
    shop.app.advance(DAY * 200);
    buy(&shop, "A-2", 500_000).await;
    assert_eq!(counts(&shop).await, 2_500_000);
    shop.app.advance(DAY * 164);
    assert_eq!(counts(&shop).await, 2_500_000);
    shop.app.advance(DAY);
    assert_eq!(counts(&shop).await, 500_000);
    let third = buy(&shop, "A-3", 2_400_000).await;
    assert_eq!(third["tier_after"], "insider");
    let fourth = buy(&shop, "A-4", 99_999).await;
    assert_eq!(fourth["tier_after"], "insider");
    let fifth = buy(&shop, "A-5", 1).await;
    assert_eq!(fifth["tier_after"], "vip");
    assert_eq!(counts(&shop).await, VIP);
    shop.audit().await;
}

#[tokio::test]
async fn a_refund_of_what_has_left_the_window_takes_nothing_off() {
    let shop = Shop::open().await;
    let old = buy(&shop, "A-1", 1_000_000).await;
    shop.app.advance(DAY * 370);
    let new = buy(&shop, "A-2", 2_900_000).await;
    let old = old["id"].as_str().expect("an id");
    shop.refund(old, &json!({}), "r-1").await.expect(201);
    assert_eq!(counts(&shop).await, 2_900_000);
    let new = new["id"].as_str().expect("an id");
    let part = json!({ "amount": 400_000 });
    shop.refund(new, &part, "r-2").await.expect(201);
    assert_eq!(counts(&shop).await, 2_500_000);
    shop.audit().await;
}

#[tokio::test]
async fn members_who_were_never_counted_are_with_their_next_purchase() {
    let shop = Shop::open().await;
    buy(&shop, "A-1", 1_000_000).await;
    shop.app.advance(DAY * 3);
    buy(&shop, "A-2", 1_000_000).await;
    sqlx::query(
        "update wallets set counted_from = null, counted_spend = null, counted_points = null",
    )
    .execute(shop.app.context.pool())
    .await
    .expect("it is the program's to change");
    assert_eq!(counts(&shop).await, 2_000_000);
    let third = buy(&shop, "A-3", 999_999).await;
    assert_eq!(third["tier_after"], "insider");
    let fourth = buy(&shop, "A-4", 1).await;
    assert_eq!(fourth["tier_after"], "vip");
    shop.audit().await;
}

#[tokio::test]
async fn a_longer_window_counts_again_what_had_left_the_shorter() {
    let shop = Shop::open().await;
    buy(&shop, "A-1", 1_000_000).await;
    shop.app.advance(DAY * 370);
    buy(&shop, "A-2", 1_000_000).await;
    assert_eq!(counts(&shop).await, 1_000_000);
    shop.set_window(400).await;
    assert_eq!(counts(&shop).await, 2_000_000);
    let third = buy(&shop, "A-3", 1_000_000).await;
    assert_eq!(third["tier_after"], "vip");
    shop.audit().await;
}

impl Shop {
    async fn set_window(&self, days: u32) {
        let admin = self.app.operator("+79160000001", OperatorRole::Admin).await;
        let path = "/api/v1/admin/settings";
        let shown = self.app.get(path).bearer(&admin.token).send().await;
        let mut settings = shown.expect(200)["settings"].clone();
        settings["tier_window_days"] = json!(days);
        let set = self.app.put(path).bearer(&admin.token);
        let set = set.header("if-match", shown.header("etag"));
        set.json(&settings).send().await.expect(200);
    }
}
