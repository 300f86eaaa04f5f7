//! What a role is worth without a second factor, and what wants a fresh proof.

use std::time::Duration;

use domain::rights::{OperatorRole, StaffRole};
use serde_json::{Value, json};
use test_kit::TestApp;

const PHONE: &str = "+79160000001";

/// Operations that only staff and operators may call, as (method, path).
fn for_roles_alone() -> Vec<(String, String)> {
    let document = serde_json::to_value(rest_api::openapi()).expect("plain JSON");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in ["get", "post", "put", "patch", "delete"] {
            let Some(needs) = item[method]["security"].as_array() else {
                continue;
            };
            let named = |name: &str| needs.iter().any(|need| need.get(name).is_some());
            if (named("staff") || named("operator")) && !named("member") {
                let id = "019cadf4-6c80-7000-8000-000000000001";
                let concrete = path.replace("{id}", id).replace("{user_id}", id);
                found.push((method.to_uppercase(), concrete));
            }
        }
    }
    found
}

/// Signs in by phone and code alone somebody who is an owner of a business and an admin.
async fn weak_owner_and_admin(app: &TestApp) -> String {
    let business = app.business("cafe-luna").await;
    app.staff(business, PHONE, StaffRole::Owner).await;
    app.advance(Duration::from_secs(61));
    app.operator(PHONE, OperatorRole::Admin).await;
    app.advance(Duration::from_secs(61));
    app.sign_in_by_phone(PHONE).await.token
}

#[tokio::test]
async fn a_code_by_text_message_opens_no_staff_route() {
    let app = TestApp::start().await;
    let token = weak_owner_and_admin(&app).await;
    let operations = for_roles_alone();
    assert!(operations.len() >= 15, "{operations:?}");
    for (method, path) in operations {
        let answer = app.request(&method, &path).bearer(&token).send().await;
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
        answer.expect_problem(403, "mfa_required");
    }
    let me = app.get("/api/v1/users/me").bearer(&token).send().await;
    assert_eq!(me.expect(200)["phone"], PHONE, "the person stays a member");
    let own = app.get("/api/v1/transactions").bearer(&token).send().await;
    assert_eq!(own.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_secret_wants_a_fresh_proof() {
    let app = TestApp::start().await;
    let business = app.business("cafe-luna").await;
    let owner = app.staff(business, PHONE, StaffRole::Owner).await;
    let keys = format!("/api/v1/businesses/{business}/keys");
    let make = |token: String| {
        let new = json!({"name": "Till 1", "scopes": ["transactions:write"]});
        app.post(&keys).bearer(&token).json(&new).send()
    };
    make(owner.token.clone()).await.expect(201);
    app.advance(Duration::from_secs(300));
    make(owner.token.clone()).await.expect(201);
    app.advance(Duration::from_secs(1));
    make(owner.token.clone())
        .await
        .expect_problem(401, "step_up_required");
    let listed = app.get(&keys).bearer(&owner.token).send().await;
    assert_eq!(
        listed.expect(200)["items"].as_array().map(Vec::len),
        Some(2)
    );
    let renewed: Value = app
        .post("/api/v1/auth/refresh")
        .json(&json!({"refresh_token": owner.refresh_token}))
        .send()
        .await
        .expect(200);
    let renewed = renewed["access_token"].as_str().expect("a token");
    make(renewed.to_owned())
        .await
        .expect_problem(401, "step_up_required");
}
