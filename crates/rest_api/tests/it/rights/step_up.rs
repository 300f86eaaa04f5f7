//! What wants a proof of identity that is at most five minutes old: the list, and each of it asked with an older one.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::rights::{OperatorRole, StaffRole};
use serde_json::{Value, json};
use test_kit::TestApp;

const OWNER: &str = "+79160000001";

/// Who corrects balances, makes secrets, exports, erases, moves a phone or gives power. A line for each such operation.
const BY_THE_TABLE: [(&str, &str); 9] = [
    ("DELETE", "/api/v1/users/me"),
    ("GET", "/api/v1/users/me/export"),
    ("PUT", "/api/v1/users/me/phone"),
    ("POST", "/api/v1/users/me/phone/otp"),
    ("POST", "/api/v1/businesses/{id}/keys"),
    ("POST", "/api/v1/loyalty/adjustments"),
    ("POST", "/api/v1/loyalty/adjustments/{id}/approve"),
    ("POST", "/api/v1/admin/roles"),
    ("POST", "/api/v1/admin/members/{id}/factors/reset"),
];

/// Factors: who may change them depends on which the person has, so the use case asks for the proof
/// (`services::auth::factors`).
fn by_the_use_case() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("POST", "/api/v1/auth/passkeys", json!({})),
        (
            "DELETE",
            "/api/v1/auth/passkeys/019cadf4-6c80-7000-8000-000000000001",
            Value::Null,
        ),
        ("POST", "/api/v1/auth/totp", json!({})),
        ("DELETE", "/api/v1/auth/totp", Value::Null),
        (
            "PUT",
            "/api/v1/auth/password",
            json!({ "password": "a slow green elephant" }),
        ),
        ("POST", "/api/v1/auth/recovery-codes", Value::Null),
    ]
}

#[test]
fn the_table_asks_for_a_fresh_proof_where_it_matters() {
    let marked: BTreeSet<(String, String)> = rest_api::routes::table()
        .into_iter()
        .filter(|entry| entry.rights.wants_step_up())
        .map(|entry| (entry.method.to_owned(), entry.path))
        .collect();
    let expected = BY_THE_TABLE.map(|(method, path)| (method.to_owned(), path.to_owned()));
    assert_eq!(marked, BTreeSet::from(expected));
}

#[tokio::test]
async fn a_proof_of_six_minutes_is_too_old_for_each_of_it() {
    let app = TestApp::start().await;
    let business = app.business("luna").await;
    app.staff(business, OWNER, StaffRole::Owner).await;
    app.advance(Duration::from_secs(61));
    let person = app.operator(OWNER, OperatorRole::Admin).await;
    app.advance(Duration::from_secs(360));
    let id = business.to_string();
    let by_the_table = BY_THE_TABLE
        .map(|(method, path)| (method.to_owned(), path.replace("{id}", &id), json!({})));
    let by_the_use_case = by_the_use_case()
        .into_iter()
        .map(|(method, path, body)| (method.to_owned(), path.to_owned(), body));
    for (method, path, body) in by_the_table.into_iter().chain(by_the_use_case) {
        let request = app.request(&method, &path).bearer(&person.token);
        let request = match body {
            Value::Null => request,
            body => request.idempotency_key("k").json(&body),
        };
        let answer = request.send().await;
        assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
        answer.expect_problem(401, "step_up_required");
    }
}
