//! Terms, outlets and rules are kept for seconds; what this server changes holds at once.

use std::time::Duration;

use domain::ids::BusinessId;
use domain::rights::OperatorRole;
use http_kit::HttpConfig;
use serde_json::{Value, json};
use test_kit::{RequestBuilder, SignedIn};

use crate::transactions::{Shop, purchase};

const PHONE: &str = "+79161234567";

struct Town {
    shop: Shop,
    admin: SignedIn,
    other: axum::Router,
}

impl Town {
    async fn found() -> Self {
        let shop = Shop::open().await;
        let admin = shop.app.operator("+79160000001", OperatorRole::Admin).await;
        let other = rest_api::router(shop.app.neighbour().await, HttpConfig::default());
        Self { shop, admin, other }
    }

    /// What a purchase of 1,000.00 would earn, told by this server or by the other.
    async fn earns(&self, here: bool) -> i64 {
        let path = "/api/v1/loyalty/quote";
        let request = if here {
            self.shop.app.post(path)
        } else {
            RequestBuilder::new(self.other.clone(), http::Method::POST, path)
        };
        let body = purchase("Q-1", PHONE, 100_000);
        let quote = request.bearer(&self.shop.till).json(&body).send().await;
        let earned = quote.expect(200)["points_earned"].as_i64();
        earned.expect("points")
    }

    async fn admin(&self, method: &str, path: &str, key: &str, body: &Value) -> Value {
        let request = self.shop.app.request(method, path);
        let request = request.bearer(&self.admin.token).idempotency_key(key);
        let answer = request.header("if-match", "\"v1\"").json(body).send().await;
        assert!(answer.status.is_success(), "{}", answer.text());
        answer.json()
    }

    /// Asserts what is earned here at once, and there after a while.
    async fn earns_now(&self, before: i64, after: i64) {
        assert_eq!(self.earns(true).await, after);
        assert_eq!(self.earns(false).await, before);
        self.shop.app.advance(Duration::from_secs(5));
        assert_eq!(self.earns(false).await, after);
        assert_eq!(self.earns(true).await, after);
    }
}

fn rule(business: Option<BusinessId>, points: i64) -> Value {
    json!({
        "business_id": business,
        "definition": {
            "name_ru": "Подарок", "name_en": "Gift",
            "reward": { "kind": "fixed", "points": points },
        },
    })
}

#[tokio::test]
async fn rules_and_terms_that_change_here_hold_here_at_once() {
    let town = Town::found().await;
    assert_eq!(town.earns(true).await, 5_000);
    assert_eq!(town.earns(false).await, 5_000);

    let own = rule(Some(town.shop.business), 100);
    town.admin("POST", "/api/v1/admin/rules", "own", &own).await;
    town.earns_now(5_000, 5_100).await;

    let everywhere = rule(None, 10);
    let made = town
        .admin("POST", "/api/v1/admin/rules", "all", &everywhere)
        .await;
    town.earns_now(5_100, 5_110).await;

    let path = format!(
        "/api/v1/admin/rules/{}",
        made["id"].as_str().expect("an id")
    );
    let mut change = rule(None, 20);
    change
        .as_object_mut()
        .expect("an object")
        .remove("business_id");
    town.admin("PATCH", &path, "change", &change).await;
    town.earns_now(5_110, 5_120).await;

    let path = format!("/api/v1/businesses/{}", town.shop.business);
    let terms = json!({ "base_rate": 1_000 });
    town.admin("PATCH", &path, "terms", &terms).await;
    town.earns_now(5_120, 10_120).await;
}

#[tokio::test]
async fn an_outlet_that_is_added_here_sells_at_once() {
    let town = Town::found().await;
    assert_eq!(town.earns(true).await, 5_000);
    let path = format!("/api/v1/businesses/{}/locations", town.shop.business);
    let made = town
        .admin("POST", &path, "l-1", &json!({ "name": "Corner" }))
        .await;
    let mut sale = purchase("A-1", PHONE, 10_000);
    sale["location_id"] = made["id"].clone();
    town.shop.post(&sale).await.expect(201);
}

#[tokio::test]
async fn a_rule_in_force_when_it_was_bought_counts_when_the_receipt_comes_late() {
    let town = Town::found().await;
    let mut own = rule(Some(town.shop.business), 100);
    own["effective_until"] = json!("2026-03-02T12:00:00Z");
    town.admin("POST", "/api/v1/admin/rules", "own", &own).await;
    town.shop.app.advance(Duration::from_secs(60 * 60 * 60));
    let mut sale = purchase("A-1", PHONE, 100_000);
    for (bought_at, earned) in [
        ("2026-03-02T08:59:59Z", 5_000),
        ("2026-03-02T11:59:59Z", 5_100),
        ("2026-03-02T12:00:00Z", 5_000),
    ] {
        sale["occurred_at"] = json!(bought_at);
        sale["receipt_number"] = json!(bought_at);
        let posted = town.shop.post(&sale).await.expect(201);
        assert_eq!(posted["points_earned"], earned, "{bought_at}");
    }
}
