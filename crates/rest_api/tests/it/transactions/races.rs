//! Many at the same moment: nothing is oversold, nothing is posted twice.

use serde_json::json;
use test_kit::Answer;

use super::{Shop, purchase};

const PHONE: &str = "+79161234567";

fn count(answers: &[Answer], status: u16) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status.as_u16() == status)
        .count()
}

/// Sends requests at the same moment.
async fn at_once(requests: Vec<test_kit::RequestBuilder>) -> Vec<Answer> {
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|request| tokio::spawn(request.send()))
        .collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(task.await.expect("a request ends"));
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_spends_of_a_hundred_points_find_a_thousand() {
    let shop = Shop::open().await;
    // The business lifts the code for small amounts, so that all may try at once.
    let owner = shop
        .app
        .staff(
            shop.business,
            "+79160000002",
            domain::rights::StaffRole::Owner,
        )
        .await;
    let path = format!("/api/v1/businesses/{}", shop.business);
    let shown = shop.app.get(&path).send().await;
    let change = shop
        .app
        .patch(&path)
        .bearer(&owner.token)
        .header("if-match", shown.header("etag"));
    change
        .json(&json!({ "spend_without_code_up_to": 10_000 }))
        .send()
        .await
        .expect(200);
    let member = shop.member_with(PHONE, 100_000).await;

    let requests = (0..200)
        .map(|n| {
            let mut body = purchase(&format!("S-{n}"), PHONE, 20_000);
            body["points"] = json!(10_000);
            body["not_earning"] = json!(20_000);
            let request = shop.app.post("/api/v1/transactions").bearer(&shop.till);
            request.idempotency_key(&format!("s-{n}")).json(&body)
        })
        .collect();
    let answers = at_once(requests).await;
    assert_eq!(count(&answers, 201), 10);
    assert_eq!(count(&answers, 409), 190);
    for refused in answers
        .iter()
        .filter(|answer| answer.status.as_u16() == 409)
    {
        refused.expect_problem(409, "not_enough_points");
    }
    assert_eq!(shop.balance(&member).await["available"], 0);
    shop.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_posts_of_one_receipt_make_one_purchase() {
    let shop = Shop::open().await;
    let requests = (0..50)
        .map(|n| {
            // Other keys, other members: only the receipt is the same.
            let phone = format!("+791600000{:02}", n % 10);
            let body = purchase("A-1", &phone, 100_000);
            let request = shop.app.post("/api/v1/transactions").bearer(&shop.till);
            request.idempotency_key(&format!("k-{n}")).json(&body)
        })
        .collect();
    let answers = at_once(requests).await;
    assert_eq!(count(&answers, 201), 1);
    assert_eq!(count(&answers, 409), 49);
    let list = shop
        .app
        .get("/api/v1/transactions")
        .bearer(&shop.till)
        .send()
        .await
        .expect(200);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    shop.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_request_sent_twenty_times_has_one_effect() {
    let shop = Shop::open().await;
    let body = purchase("A-1", PHONE, 100_000);
    let requests = (0..20)
        .map(|_| {
            let request = shop.app.post("/api/v1/transactions").bearer(&shop.till);
            request.idempotency_key("same").json(&body)
        })
        .collect();
    let answers = at_once(requests).await;
    let fresh = answers
        .iter()
        .filter(|a| a.status == 201 && a.header("idempotency-replayed").is_empty());
    assert_eq!(fresh.count(), 1);
    let kept = &answers
        .iter()
        .find(|answer| answer.status == 201)
        .expect("one effect")
        .body;
    for answer in &answers {
        match answer.status.as_u16() {
            201 => assert_eq!(&answer.body, kept),
            _ => drop(answer.expect_problem(409, "idempotency_in_flight")),
        }
    }
    shop.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_budget_is_not_oversold() {
    let shop = Shop::open().await;
    shop.promotion(json!({
        "definition": {
            "name_ru": "Подарок", "name_en": "Gift", "active": true,
            "reward": { "kind": "fixed", "points": 1_000 },
            "caps": { "budget": 5_500 },
        },
    }))
    .await;
    let requests = (0..30)
        .map(|n| {
            let body = purchase(&format!("A-{n}"), &format!("+791600001{n:02}"), 10_000);
            let request = shop.app.post("/api/v1/transactions").bearer(&shop.till);
            request.idempotency_key(&format!("k-{n}")).json(&body)
        })
        .collect();
    let answers = at_once(requests).await;
    let granted: i64 = answers
        .iter()
        .map(|answer| {
            answer.expect(201)["points_earned"]
                .as_i64()
                .expect("points")
                - 500
        })
        .sum();
    assert_eq!(granted, 5_500);
    shop.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refunds_at_once_never_exceed_the_sale() {
    let shop = Shop::open().await;
    let posted = shop
        .post(&purchase("A-1", PHONE, 100_000))
        .await
        .expect(201);
    let id = posted["id"].as_str().expect("an id");
    let requests = (0..30)
        .map(|n| {
            let request = shop.app.post(&format!("/api/v1/transactions/{id}/refunds"));
            let request = request
                .bearer(&shop.till)
                .idempotency_key(&format!("r-{n}"));
            request.json(&json!({ "amount": 10_000 }))
        })
        .collect();
    let answers = at_once(requests).await;
    assert_eq!(count(&answers, 201), 10);
    assert_eq!(count(&answers, 409), 20);
    shop.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_ends_once_and_a_code_pays_once() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 50_000).await;
    let code = shop.code(&member).await;
    let holds = (0..10)
        .map(|n| {
            let body = json!({ "reference": format!("o-{n}"), "member": { "code": code }, "points": 1_000 });
            let request = shop.app.post("/api/v1/loyalty/holds").bearer(&shop.till);
            request.idempotency_key(&format!("h-{n}")).json(&body)
        })
        .collect();
    let answers = at_once(holds).await;
    assert_eq!(count(&answers, 201), 1);
    assert_eq!(count(&answers, 409), 9);
    let made = answers.iter().find(|answer| answer.status == 201);
    let hold = made.expect("one hold").json();
    let id = hold["id"].as_str().expect("an id");
    let ends = (0..12)
        .map(|n| {
            let (path, body) = match n % 3 {
                0 => (format!("/api/v1/loyalty/holds/{id}/capture"), json!({})),
                1 => (format!("/api/v1/loyalty/holds/{id}/void"), json!({})),
                _ => {
                    let mut body = purchase(&format!("P-{n}"), PHONE, 50_000);
                    body["hold_id"] = hold["id"].clone();
                    ("/api/v1/transactions".to_owned(), body)
                }
            };
            let request = shop.app.post(&path).bearer(&shop.till);
            request.idempotency_key(&format!("e-{n}")).json(&body)
        })
        .collect();
    for answer in at_once(ends).await {
        assert!(
            [200, 201, 409].contains(&answer.status.as_u16()),
            "{}",
            answer.text()
        );
    }
    let balance = shop.balance(&member).await;
    assert_eq!(balance["held"], 0);
    shop.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn batches_that_overlap_in_opposite_order_do_not_block_each_other() {
    let shop = Shop::open().await;
    let phones: Vec<String> = (0..20).map(|n| format!("+791600003{n:02}")).collect();
    let requests = (0..8)
        .map(|batch| {
            let mut order: Vec<&String> = phones.iter().collect();
            if batch % 2 == 1 {
                order.reverse();
            }
            let items: Vec<_> = order
                .iter()
                .enumerate()
                .map(|(n, phone)| purchase(&format!("B-{batch}-{n}"), phone, 10_000))
                .collect();
            let request = shop
                .app
                .post("/api/v1/transactions/batch")
                .bearer(&shop.till);
            let request = request.idempotency_key(&format!("b-{batch}"));
            request.json(&json!({ "items": items }))
        })
        .collect();
    for answer in at_once(requests).await {
        assert_eq!(answer.expect(207)["posted"], 20);
    }
    shop.audit().await;
}
