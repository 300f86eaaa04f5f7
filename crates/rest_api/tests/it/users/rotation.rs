//! The key of personal data changes while people sign in, are looked up and buy.

use serde_json::{Value, json};
use services::personal_data::reseal::{reseal, under_old_keys};
use services::vault::DataKeys;
use test_kit::{Answer, TestApp};

use crate::transactions::purchase;

fn keys(current: u8, oldest: u8) -> DataKeys {
    DataKeys {
        current,
        oldest,
        later: vec![(2, [2; 32])],
    }
}

async fn sell(app: &TestApp, till: &str, receipt: &str, phone: &str) -> Answer {
    let request = app.post("/api/v1/transactions").bearer(till);
    let body = purchase(receipt, phone, 10_000);
    request.idempotency_key(receipt).json(&body).send().await
}

async fn look_up(app: &TestApp, till: &str, phone: &str) -> Value {
    let request = app.post("/api/v1/loyalty/members/lookup").bearer(till);
    let body = json!({ "member": { "phone": phone } });
    request.json(&body).send().await.expect(200)
}

/// What goes on at one server: a known member buys, is looked up and signs in; a stranger buys and buys again.
async fn business_as_usual(app: &TestApp, till: &str, round: &str, member: &str) {
    let phone = "+79161234567";
    sell(app, till, &format!("{round}-known"), phone)
        .await
        .expect(201);
    let found = look_up(app, till, phone).await;
    assert_eq!(found["member_id"], member, "{round}");
    // Codes are sent sparingly.
    app.advance(std::time::Duration::from_secs(5 * 3600));
    let signed_in = app.sign_in_again(phone).await;
    assert_eq!(signed_in.member.to_string(), member, "{round}");
    let me = app
        .get("/api/v1/users/me")
        .bearer(&signed_in.token)
        .send()
        .await;
    assert_eq!(me.expect(200)["email"], "anna@example.org");
    let stranger = format!("+7916000{}", &round[..4]);
    sell(app, till, &format!("{round}-new"), &stranger)
        .await
        .expect(201);
    let found = look_up(app, till, &stranger).await;
    assert_eq!(found["available"], 500);
}

async fn members(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from members")
        .fetch_one(app.context.pool())
        .await
        .expect("a count")
}

#[tokio::test]
async fn nobody_notices_that_keys_change() {
    let before = TestApp::start().await;
    let business = before.business("luna").await;
    let till = before.till(business).await;
    let anna = before.sign_in("+79161234567").await;
    let change = before.patch("/api/v1/users/me").bearer(&anna.token);
    let profile = json!({"name": "Анна", "birthday": "1990-05-17", "email": "anna@example.org"});
    change.json(&profile).send().await.expect(200);
    let device = before.post("/api/v1/users/me/devices").bearer(&anna.token);
    let token = json!({"provider": "fcm", "token": "token-of-anna"});
    device.json(&token).send().await.expect(201);
    let member = anna.member.to_string();
    business_as_usual(&before, &till, "0001", &member).await;
    reseal(&before.context).await.unwrap();

    // Every process learns the new key and goes on with the old one; then it is written beside.
    let announced = before.neighbour_under(&keys(1, 1)).await;
    business_as_usual(&announced, &till, "0002", &member).await;
    business_as_usual(&before, &till, "0003", &member).await;
    let done = reseal(&announced.context).await.unwrap();
    assert!(done.rows >= 2, "{done:?}");
    assert!(done.left.is_empty(), "{done:?}");

    // One after the other seals and looks up with the new key.
    let changed = announced.neighbour_under(&keys(2, 1)).await;
    business_as_usual(&changed, &till, "0004", &member).await;
    business_as_usual(&announced, &till, "0005", &member).await;
    let found = look_up(&changed, &till, "+79160000005").await;
    assert_eq!(found["available"], 500);
    let found = look_up(&announced, &till, "+79160000004").await;
    assert_eq!(found["available"], 500);
    assert!(!under_old_keys(&changed.context).await.unwrap().is_empty());
    reseal(&changed.context).await.unwrap();
    business_as_usual(&changed, &till, "0006", &member).await;
    assert_eq!(reseal(&changed.context).await.unwrap().rows, 0);

    // The outbox shows its texts for a few days; nothing else needs the old key.
    let left = under_old_keys(&changed.context).await.unwrap();
    assert!(
        left.iter().all(|one| one.place == "development_outbox"),
        "{left:?}"
    );
    sqlx::query("delete from development_outbox")
        .execute(changed.context.pool())
        .await
        .unwrap();
    assert!(under_old_keys(&changed.context).await.unwrap().is_empty());

    // The old key is taken away.
    let after = changed.neighbour_under(&keys(2, 2)).await;
    business_as_usual(&after, &till, "0007", &member).await;
    business_as_usual(&changed, &till, "0008", &member).await;
    reseal(&after.context).await.unwrap();
    business_as_usual(&after, &till, "0009", &member).await;
    // Anna and nine strangers, none of them twice.
    assert_eq!(members(&after).await, 10);
    for other in [after, changed, announced] {
        other.context.close().await;
    }
}

#[tokio::test]
async fn every_sealed_column_is_known_to_the_change_of_keys() {
    let app = TestApp::start().await;
    let columns: Vec<String> = sqlx::query_scalar(
        "select table_name || '.' || column_name from information_schema.columns
         where table_schema = 'public' and data_type = 'bytea' and column_name like '%sealed' order by 1",
    )
    .fetch_all(app.context.pool())
    .await
    .unwrap();
    let counted = include_str!("../../../../store/src/old_rows.sql");
    for column in &columns {
        let (table, name) = column.split_once('.').unwrap();
        assert!(
            counted.contains(&format!("from {table}"))
                && counted.contains(&format!("get_byte({name}, 0)")),
            "{column} is not counted in old_rows.sql"
        );
    }
    assert!(columns.len() >= 8, "{columns:?}");
}
