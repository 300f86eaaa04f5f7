//! A till finds a member.

use domain::rights::{Scope, StaffRole};
use serde_json::{Value, json};
use test_kit::Answer;

use crate::transactions::{Shop, purchase};

const PHONE: &str = "+79161234567";

async fn look_up(shop: &Shop, credential: &str, body: &Value) -> Answer {
    let request = shop.app.post("/api/v1/loyalty/members/lookup");
    request.bearer(credential).json(body).send().await
}

#[tokio::test]
async fn a_member_is_found_by_phone_card_and_code() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 5_000).await;
    let rename = shop.app.patch("/api/v1/users/me").bearer(&member.token);
    let name = json!({ "name": "Анна Каренина" });
    rename.json(&name).send().await.expect(200);
    let card = shop.app.get("/api/v1/users/me/card").bearer(&member.token);
    let card = card.send().await.expect(200);

    let by_phone = look_up(
        &shop,
        &shop.till,
        &json!({ "member": { "phone": "8 916 123-45-67" } }),
    )
    .await;
    let found = by_phone.expect(200);
    assert_eq!(found["member_id"], json!(member.member.to_string()));
    assert_eq!(found["status"], "active");
    assert_eq!(found["first_name"], "Анна");
    assert_eq!(found["tier"]["code"], "insider");
    assert_eq!(found["available"], 5_000);
    assert_eq!(found["proof"], "weak");
    assert!(
        !by_phone.text().contains("9161234567"),
        "{}",
        by_phone.text()
    );

    for (field, value, proof) in [
        ("card_number", &card["number"], "weak"),
        ("card_number", &card["ean13"], "weak"),
        ("code", &card["code"], "strong"),
        // Looking does not use the code up.
        ("code", &card["code"], "strong"),
    ] {
        let body = json!({ "member": { field: value } });
        let found = look_up(&shop, &shop.till, &body).await.expect(200);
        assert_eq!(found["member_id"], json!(member.member.to_string()));
        assert_eq!(found["proof"], proof);
    }
}

#[tokio::test]
async fn a_customer_number_belongs_to_its_business() {
    let shop = Shop::open().await;
    let mut body = purchase("A-1", PHONE, 10_000);
    body["member"] = json!({ "customer_id": "client-17" });
    shop.post(&body).await.expect(201);
    let named = json!({ "member": { "customer_id": "client-17" } });
    let found = look_up(&shop, &shop.till, &named).await.expect(200);
    assert_eq!(found["status"], "waiting");
    assert_eq!(found["phone_masked"], Value::Null);
    assert_eq!(found["available"], 500);
    let other = shop.app.business("sol").await;
    let till = shop.app.till(other).await;
    let foreign = look_up(&shop, &till, &named).await;
    foreign.expect_problem(409, "unknown_member");
}

#[tokio::test]
async fn who_is_not_there_is_not_made() {
    let shop = Shop::open().await;
    for _ in 0..2 {
        let nobody = json!({ "member": { "phone": "+79160000055" } });
        let answer = look_up(&shop, &shop.till, &nobody).await;
        answer.expect_problem(409, "unknown_member");
    }
    let stale = json!({ "member": { "code": "SK1.012345678901.12345678" } });
    let answer = look_up(&shop, &shop.till, &stale).await;
    answer.expect_problem(409, "invalid_member_code");
}

#[tokio::test]
async fn only_staff_and_keys_with_the_scope_may_look() {
    let shop = Shop::open().await;
    let member = shop.member_with(PHONE, 500).await;
    let body = json!({ "member": { "phone": PHONE } });
    let anybody = shop.app.post("/api/v1/loyalty/members/lookup").json(&body);
    anybody.send().await.expect_problem(401, "unauthenticated");
    let answer = look_up(&shop, &member.token, &body).await;
    answer.expect_problem(403, "forbidden");
    let key = shop
        .app
        .key(shop.business, &[Scope::TransactionsWrite])
        .await;
    let answer = look_up(&shop, &key, &body).await;
    answer.expect_problem(403, "forbidden");
    let cashier = shop
        .app
        .staff(shop.business, "+79160000002", StaffRole::Cashier)
        .await;
    look_up(&shop, &cashier.token, &body).await.expect(200);
    let other = shop.app.business("sol").await;
    let foreign = json!({ "business_id": other.to_string(), "member": { "phone": PHONE } });
    let answer = look_up(&shop, &cashier.token, &foreign).await;
    answer.expect_problem(404, "not_found");
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let shop = Shop::open().await;
    for (body, expected) in [
        (
            json!({ "member": { "phone": "x", "name": "Анна" }, "till": 1 }),
            vec![
                ("/member/name", "unknown_field"),
                ("/member/phone", "bad_format"),
                ("/member/phone", "too_short"),
                ("/till", "unknown_field"),
            ],
        ),
        (json!({}), vec![("/member", "missing_field")]),
        (
            json!({ "member": { "card_number": "200000000018", "phone": PHONE } }),
            vec![("/member", "one_of")],
        ),
        (
            json!({ "member": { "card_number": "4000000000170" } }),
            vec![("/member/card_number", "bad_format")],
        ),
    ] {
        let answer = look_up(&shop, &shop.till, &body).await;
        let problem = answer.expect_problem(422, "invalid_fields");
        let mut found: Vec<(&str, &str)> = problem["errors"]
            .as_array()
            .expect("errors")
            .iter()
            .filter_map(|error| Some((error["pointer"].as_str()?, error["code"].as_str()?)))
            .collect();
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}
