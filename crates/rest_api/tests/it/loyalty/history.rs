//! Movements that explain themselves.

use serde_json::{Value, json};
use test_kit::Answer;

use crate::transactions::{Shop, purchase};

const PHONE: &str = "+79161234567";

async fn history(shop: &Shop, token: &str, query: &str, language: &str) -> Answer {
    let path = format!("/api/v1/loyalty/history{query}");
    let request = shop.app.get(&path).bearer(token);
    request.header("accept-language", language).send().await
}

fn texts(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("items");
    items
        .iter()
        .map(|item| item["text"].as_str().expect("a text"))
        .collect()
}

#[tokio::test]
async fn every_movement_says_why_in_two_languages() {
    let shop = Shop::open().await;
    let member = shop.app.sign_in(PHONE).await;
    let first = shop.post(&purchase("A-1", PHONE, 200_000)).await;
    let first = first.expect(201)["id"].clone();
    let mut spending = purchase("A-2", PHONE, 10_000);
    spending["member"] = json!({ "code": shop.code(&member).await });
    spending["points"] = json!(5_000);
    shop.post(&spending).await.expect(201);
    let id = first.as_str().expect("an id");
    let refund = shop.refund(id, &json!({}), "r-1").await.expect(201);

    let answer = history(&shop, &member.token, "", "en").await;
    let page = answer.expect(200);
    assert_eq!(answer.header("content-language"), "en");
    assert_eq!(
        texts(&page),
        [
            "Taken back after a refund at luna: 100 points, of which owed: 47.5 points.",
            "Earned by a purchase at luna: 2.5 points.",
            "Paid for a purchase at luna: 50 points.",
            "Earned by a purchase at luna: 100 points.",
        ]
    );
    let newest = &page["items"][0];
    assert_eq!(newest["kind"], "clawback");
    assert_eq!(
        newest["source"],
        json!({ "kind": "refund", "id": refund["id"] })
    );
    assert_eq!(
        (&newest["available"], &newest["debt"]),
        (&json!(-5_250), &json!(4_750))
    );
    let oldest = &page["items"][3];
    assert_eq!(oldest["source"], json!({ "kind": "purchase", "id": first }));
    assert_eq!(
        oldest["business"],
        json!({ "id": shop.business.to_string(), "name": "luna" })
    );
    assert_eq!(oldest["occurred_at"], "2026-03-02T09:00:00Z");

    let answer = history(&shop, &member.token, "?limit=1", "de, ru;q=0.8").await;
    assert_eq!(answer.header("content-language"), "ru");
    assert_eq!(
        texts(&answer.expect(200)),
        ["Списано после возврата (luna): 100 баллов, из них в долг: 47,5 балла."]
    );
}

#[tokio::test]
async fn a_hold_leaves_its_trace() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 10_000).await;
    let code = shop.code(&member).await;
    let order = json!({ "reference": "order-1", "member": { "code": code }, "points": 5_000 });
    let hold = shop.app.post("/api/v1/loyalty/holds").bearer(&shop.till);
    let hold = hold.idempotency_key("h-1").json(&order).send().await;
    let hold = hold.expect(201)["id"].clone();
    let path = format!(
        "/api/v1/loyalty/holds/{}/void",
        hold.as_str().expect("an id")
    );
    let void = shop.app.post(&path).bearer(&shop.till);
    void.idempotency_key("h-2")
        .json(&json!({}))
        .send()
        .await
        .expect(200);
    let page = history(&shop, &member.token, "", "ru").await.expect(200);
    assert_eq!(
        texts(&page)[..2],
        [
            "Больше не отложено (luna): 50 баллов.",
            "Отложено для оплаты (luna): 50 баллов.",
        ]
    );
    assert_eq!(
        page["items"][0]["source"],
        json!({ "kind": "hold", "id": hold })
    );
    assert_eq!(page["items"][1]["held"], 5_000);
}

#[tokio::test]
async fn pages_hold_still_while_movements_arrive() {
    let shop = Shop::open().await;
    let member = shop.app.sign_in(PHONE).await;
    for n in 1..=5 {
        let body = purchase(&format!("A-{n}"), PHONE, n * 10_000);
        shop.post(&body).await.expect(201);
    }
    let amounts = |page: &Value| -> Vec<i64> {
        let items = page["items"].as_array().expect("items").iter();
        items
            .map(|item| item["available"].as_i64().expect("points"))
            .collect()
    };
    let mut seen = Vec::new();
    let mut query = "?limit=2".to_owned();
    for arriving in 6.. {
        let page = history(&shop, &member.token, &query, "en")
            .await
            .expect(200);
        seen.extend(amounts(&page));
        let body = purchase(&format!("A-{arriving}"), PHONE, arriving * 10_000);
        shop.post(&body).await.expect(201);
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, [2_500, 2_000, 1_500, 1_000, 500]);
}

#[tokio::test]
async fn bad_queries_and_foreign_cursors_are_refused() {
    let shop = Shop::open().await;
    let member = shop.app.sign_in(PHONE).await;
    let wrong = history(&shop, &member.token, "?limit=0&since=today", "en").await;
    let problem = wrong.expect_problem(422, "invalid_fields");
    let mut pointers: Vec<&str> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .filter_map(|error| error["pointer"].as_str())
        .collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["?limit", "?since"]);
    for n in 1..=2 {
        let body = purchase(&format!("A-{n}"), PHONE, 10_000);
        shop.post(&body).await.expect(201);
    }
    let page = history(&shop, &member.token, "?limit=1", "en")
        .await
        .expect(200);
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let other = shop.app.sign_in("+79160000077").await;
    for (token, cursor) in [(&other.token, cursor), (&member.token, "forged")] {
        let answer = history(&shop, token, &format!("?cursor={cursor}"), "en").await;
        answer.expect_problem(400, "invalid_cursor");
    }
}
