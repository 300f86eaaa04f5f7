//! Batches: a verdict for each purchase, the result of posting one by one.

use serde_json::{Value, json};
use sqlx::Connection as _;
use test_kit::Answer;

use super::{Shop, purchase};

const PHONE: &str = "+79161234567";

async fn batch(shop: &Shop, items: &[Value], key: &str) -> Answer {
    shop.app
        .post("/api/v1/transactions/batch")
        .bearer(&shop.till)
        .idempotency_key(key)
        .json(&json!({ "items": items }))
        .send()
        .await
}

#[tokio::test]
async fn what_is_wrong_is_refused_alone() {
    let shop = Shop::open().await;
    let items = [
        purchase("A-1", PHONE, 100_000),
        json!({ "receipt_number": "A-2", "member": {}, "total": 5 }),
        json!({ "receipt_number": "A-3", "total": "much", "colour": 1 }),
        purchase("A-1", PHONE, 100_000),
        purchase("A-4", "+79160000007", 50_000),
    ];
    let first = batch(&shop, &items, "b-1").await;
    let out = first.expect(207);
    assert_eq!((&out["posted"], &out["refused"]), (&json!(2), &json!(3)));
    let statuses: Vec<i64> = out["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|i| i["status"].as_i64())
        .collect();
    assert_eq!(statuses, [201, 422, 422, 409, 201]);
    assert_eq!(out["items"][3]["problem"]["code"], "receipt_already_posted");
    assert_eq!(
        out["items"][3]["problem"]["transaction_id"],
        out["items"][0]["transaction"]["id"]
    );
    assert!(
        out["items"][2]["problem"]["errors"]
            .as_array()
            .is_some_and(|errors| errors.len() >= 3)
    );
    let again = batch(&shop, &items, "b-1").await;
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("idempotency-replayed"), "true");
    let too_many: Vec<Value> = (0..1_001)
        .map(|n| purchase(&format!("C-{n}"), PHONE, 1))
        .collect();
    batch(&shop, &too_many, "b-2")
        .await
        .expect_problem(422, "invalid_fields");
    shop.audit().await;
}

#[tokio::test]
async fn what_fails_by_our_fault_is_tried_again_with_the_same_batch() {
    let shop = Shop::open().await;
    let mut owner = sqlx::PgConnection::connect(&shop.app.database_url())
        .await
        .expect("the database is there");
    for statement in [
        "create function fail() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$",
        "create trigger fail before insert on purchases for each row when (new.receipt_number = 'A-1')
         execute function fail()",
    ] {
        sqlx::query(statement)
            .execute(&mut owner)
            .await
            .expect("the owner may");
    }
    let items: Vec<Value> = (0..3)
        .map(|n| purchase(&format!("A-{n}"), PHONE, 10_000))
        .collect();
    let first = batch(&shop, &items, "b").await.expect(207);
    assert_eq!(
        (&first["posted"], &first["refused"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(first["items"][1]["status"], 500);
    assert_eq!(first["items"][1]["problem"]["code"], "internal");

    sqlx::query("drop trigger fail on purchases")
        .execute(&mut owner)
        .await
        .expect("the owner may");
    let second = batch(&shop, &items, "b").await;
    assert_eq!(second.header("idempotency-replayed"), "");
    let second = second.expect(207);
    assert_eq!(second["posted"], 3);
    for index in [0, 2] {
        assert_eq!(second["items"][index], first["items"][index]);
    }
    let third = batch(&shop, &items, "b").await;
    assert_eq!(third.header("idempotency-replayed"), "true");
    assert_eq!(third.expect(207), second);
    shop.audit().await;
}

#[tokio::test]
async fn a_batch_equals_the_same_purchases_one_by_one() {
    let (together, apart) = (Shop::open().await, Shop::open().await);
    let items: Vec<Value> = (0..60_i64)
        .map(|n| {
            let phone = format!("+7916000000{}", n % 7);
            let mut body = purchase(&format!("A-{n}"), &phone, 10_000 + n * 7_777);
            if n % 5 == 0 {
                body["lines"] = json!([
                    { "category": "tobacco", "amount": 10_000 },
                    { "amount": n * 7_777 },
                ]);
            }
            body
        })
        .collect();
    let out = batch(&together, &items, "b").await.expect(207);
    for (index, item) in items.iter().enumerate() {
        let single = apart.post(item).await.expect(201);
        let grouped = &out["items"][index]["transaction"];
        for same in [
            "points_earned",
            "tier",
            "tier_after",
            "available_after",
            "debt_after",
            "paid_by_money",
        ] {
            assert_eq!(grouped[same], single[same], "{same} of {index}");
        }
    }
    together.audit().await;
    apart.audit().await;
}
