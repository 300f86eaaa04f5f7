//! A till finds its own members by the end of their phone.

use std::time::Duration;

use domain::rights::Scope;
use serde_json::{Value, json};
use test_kit::Answer;

use crate::transactions::{Shop, purchase};

const PHONE: &str = "+79161234567";

async fn search(shop: &Shop, till: &str, tail: &str) -> Answer {
    let request = shop.app.post("/api/v1/loyalty/members/lookup").bearer(till);
    let body = json!({ "member": { "phone_tail": tail } });
    request.json(&body).send().await
}

async fn found(shop: &Shop, till: &str, tail: &str) -> Vec<Value> {
    let answer = search(shop, till, tail).await.expect(200);
    answer["items"].as_array().expect("items").clone()
}

#[tokio::test]
async fn only_those_who_bought_here_are_found_and_masked() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 5_000).await;
    let rename = shop.app.patch("/api/v1/users/me").bearer(&member.token);
    let name = json!({ "name": "Анна Каренина" });
    rename.json(&name).send().await.expect(200);
    for (receipt, phone) in [("B", "+79260004567"), ("C", "+79160000001")] {
        shop.post(&purchase(receipt, phone, 1_000))
            .await
            .expect(201);
    }
    // The hashes are made behind the posting.
    assert!(found(&shop, &shop.till, "4567").await.is_empty());
    let hashed = services::members::hash_tails::hash_phone_tails(&shop.app.context).await;
    assert_eq!(hashed.unwrap(), 3);
    let again = services::members::hash_tails::hash_phone_tails(&shop.app.context).await;
    assert_eq!(again.unwrap(), 0);

    let members = found(&shop, &shop.till, "4567").await;
    assert_eq!(members.len(), 2);
    let anna = members
        .iter()
        .find(|one| one["status"] == "active")
        .unwrap();
    assert_eq!(anna["first_name"], "Анна");
    let text = Value::Array(members.clone()).to_string();
    assert!(
        !text.contains("916") && !text.contains("Каренина"),
        "{text}"
    );

    let other = shop.app.business("sol").await;
    let foreign = shop.app.till(other).await;
    assert!(found(&shop, &foreign, "4567").await.is_empty());
}

#[tokio::test]
async fn whoever_is_chosen_earns_and_does_not_spend() {
    let shop = Shop::open().await;
    shop.member_with(PHONE, 50_000).await;
    services::members::hash_tails::hash_phone_tails(&shop.app.context)
        .await
        .unwrap();
    let chosen = found(&shop, &shop.till, "4567").await[0]["found"].clone();
    let mut body = purchase("A-1", PHONE, 10_000);
    body["member"] = json!({ "found": chosen });
    let posted = shop.post(&body).await.expect(201);
    assert_eq!(posted["points_earned"], 500);
    // Not even as much as the business allows without a code.
    sqlx::query("update businesses set spend_without_code_up_to = 1000000")
        .execute(shop.app.context.pool())
        .await
        .unwrap();
    shop.app.advance(Duration::from_secs(10));
    body["receipt_number"] = json!("A-2");
    body["points"] = json!(100);
    shop.post(&body).await.expect_problem(409, "proof_required");
    body["member"] = json!({ "phone": PHONE });
    body["receipt_number"] = json!("A-3");
    shop.post(&body).await.expect(201);

    let look = json!({ "member": { "found": chosen } });
    let lookup = |till: String, body: Value| {
        let request = shop
            .app
            .post("/api/v1/loyalty/members/lookup")
            .bearer(&till);
        request.json(&body).send()
    };
    let seen = lookup(shop.till.clone(), look.clone()).await.expect(200);
    assert_eq!(seen["proof"], "weak");
    let other = shop.app.business("sol").await;
    let foreign = shop.app.till(other).await;
    let answer = lookup(foreign, look.clone()).await;
    answer.expect_problem(409, "unknown_member");
    shop.app.advance(Duration::from_secs(15 * 60));
    let late = lookup(shop.till.clone(), look).await;
    late.expect_problem(422, "invalid_fields");
}

#[tokio::test]
async fn searches_are_few() {
    let shop = Shop::open().await;
    let mut answers = Vec::new();
    for n in 0..31 {
        answers.push(search(&shop, &shop.till, &format!("{n:04}")).await);
    }
    let last = answers.pop().unwrap();
    answers
        .iter()
        .for_each(|answer| assert_eq!(answer.status, 200));
    last.expect_problem(429, "too_many_requests");
    assert!(!last.header("retry-after").is_empty());
    let key = shop
        .app
        .key(shop.business, &[Scope::TransactionsWrite])
        .await;
    let answer = search(&shop, &key, "4567").await;
    answer.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_tail_is_four_digits_and_stands_alone() {
    let shop = Shop::open().await;
    for member in [
        json!({ "phone_tail": "456" }),
        json!({ "phone_tail": "45a7" }),
        json!({ "phone_tail": "4567", "phone": PHONE }),
    ] {
        let request = shop.app.post("/api/v1/loyalty/members/lookup");
        let body = json!({ "member": member });
        let answer = request.bearer(&shop.till).json(&body).send().await;
        answer.expect_problem(422, "invalid_fields");
    }
}
