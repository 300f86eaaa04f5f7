//! The proof of the ledger, asked for over HTTP.

use std::time::Duration;

use serde_json::Value;

use super::Office;

const PATH: &str = "/api/v1/admin/ledger/check";

#[tokio::test]
async fn the_last_audit_is_shown_and_a_fresh_one_on_request() {
    let office = Office::open().await;
    let first = office.get(PATH).await.expect(200);
    assert_eq!(first["clean"], true);
    assert_eq!(first["differences"], 0);
    assert_eq!(first["named"].as_array().expect("a list").len(), 0);
    assert_eq!(first["totals"]["members"], 1);
    assert_eq!(first["totals"]["points"]["available"], 0);

    let admin = office.admin.member;
    sqlx::query("update wallets set available = available + 7 where member_id = $1")
        .bind(admin.as_uuid())
        .execute(office.app.context.pool())
        .await
        .expect("the database answers");
    office.app.advance(Duration::from_secs(60));
    assert_eq!(office.get(PATH).await.expect(200), first, "as it was kept");

    let fresh = office.get(&format!("{PATH}?fresh=true")).await.expect(200);
    assert_eq!(fresh["clean"], false);
    assert_eq!(fresh["differences"], 1);
    let named = &fresh["named"][0];
    assert_eq!(named["check"], "wallet_balance");
    assert_eq!(named["subject"], "member");
    assert_eq!(named["subject_id"], admin.to_string());
    assert_eq!(named["member_id"], admin.to_string());
    assert_eq!(named["business_id"], Value::Null);
    assert_eq!(named["field"], "available");
    assert_eq!(
        (&named["expected"], &named["found"]),
        (&"0".into(), &"7".into())
    );
    assert_eq!(office.get(PATH).await.expect(200), fresh);
}

#[tokio::test]
async fn it_is_for_admins_and_refuses_nonsense() {
    let office = Office::open().await;
    office
        .are_for_admins_only(&[("GET", PATH, Value::Null)])
        .await;
    let wrong = office.get(&format!("{PATH}?fresh=perhaps&deep=true")).await;
    let problem = wrong.expect_problem(422, "invalid_fields");
    assert_eq!(
        problem["errors"].as_array().expect("a list").len(),
        2,
        "{problem}"
    );
}
