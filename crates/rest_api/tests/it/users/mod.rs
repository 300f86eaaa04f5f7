//! The member's own profile and card.

mod consents;
mod devices;
mod erasure;
mod export;
mod noted;
mod preferences;
mod referrals;
mod rotation;
mod whose_data;

use serde_json::json;
use test_kit::TestApp;

const PHONE: &str = "+79161234567";

#[tokio::test]
async fn a_profile_is_changed_field_by_field() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let change = |body: serde_json::Value| {
        app.patch("/api/v1/users/me")
            .bearer(&anna.token)
            .json(&body)
            .send()
    };
    let changed = change(json!({"name": " Анна ", "birthday": "1990-05-17", "locale": "en"})).await;
    let profile = changed.expect(200);
    assert_eq!(profile["name"], "Анна");
    assert_eq!(profile["birthday"], "1990-05-17");
    let profile = change(json!({"name": null})).await.expect(200);
    assert_eq!(profile["name"], serde_json::Value::Null);
    assert_eq!(profile["birthday"], "1990-05-17");
    assert_eq!(profile["locale"], "en");
}

#[tokio::test]
async fn all_wrong_fields_are_named_and_nothing_changes() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let body = json!({"name": "", "birthday": "17.05.1990", "locale": "de", "number": "1", "status": "active"});
    let answer = app
        .patch("/api/v1/users/me")
        .bearer(&anna.token)
        .json(&body)
        .send()
        .await;
    let problem = answer.expect_problem(422, "invalid_fields");
    let mut pointers: Vec<&str> = problem["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| error["pointer"].as_str().expect("a pointer"))
        .collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        [
            "/birthday",
            "/locale",
            "/name",
            "/name",
            "/number",
            "/status"
        ]
    );
    let me = app
        .get("/api/v1/users/me")
        .bearer(&anna.token)
        .send()
        .await
        .expect(200);
    assert_eq!(me["version"], 1);
    let answer = app
        .patch("/api/v1/users/me")
        .bearer(&anna.token)
        .json(&json!({"birthday": "1890-01-01"}))
        .send()
        .await;
    assert_eq!(
        answer.expect_problem(422, "invalid_fields")["errors"][0]["pointer"],
        "/birthday"
    );
}

#[tokio::test]
async fn a_stale_change_is_refused_when_the_caller_asks_for_it() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let seen = app
        .get("/api/v1/users/me")
        .bearer(&anna.token)
        .send()
        .await
        .header("etag")
        .to_owned();
    let change = |name: &str| {
        let request = app
            .patch("/api/v1/users/me")
            .bearer(&anna.token)
            .header("if-match", &seen);
        request.json(&json!({ "name": name })).send()
    };
    change("Анна").await.expect(200);
    change("Инна")
        .await
        .expect_problem(412, "precondition_failed");
}

#[tokio::test]
async fn a_card_has_a_code() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let card = app
        .get("/api/v1/users/me/card")
        .bearer(&anna.token)
        .send()
        .await
        .expect(200);
    assert_eq!(card["number"].as_str().map(str::len), Some(12));
    assert!(
        card["code"]
            .as_str()
            .is_some_and(|code| code.starts_with("SK1."))
    );
    let again = app
        .get("/api/v1/users/me/card")
        .bearer(&anna.token)
        .send()
        .await
        .expect(200);
    assert_eq!(card["locator"], again["locator"]);
}

#[tokio::test]
async fn a_till_has_no_profile() {
    let app = TestApp::start().await;
    let business = app.business("cafe-luna").await;
    let till = app.till(business).await;
    app.get("/api/v1/users/me")
        .bearer(&till)
        .send()
        .await
        .expect_problem(403, "forbidden");
    app.get("/api/v1/users/me")
        .send()
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn an_email_is_kept_sealed_and_unverified() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let change = |body: serde_json::Value| {
        let request = app.patch("/api/v1/users/me").bearer(&anna.token);
        request.json(&body).send()
    };
    let profile = change(json!({"email": " Anna.K@Example.ORG"})).await;
    profile.expect_problem(422, "invalid_fields");
    let profile = change(json!({"email": "Anna.K@Example.ORG"}))
        .await
        .expect(200);
    assert_eq!(profile["email"], "Anna.K@example.org");
    assert_eq!(profile["email_verified"], false);
    let wrong = change(json!({"email": "anna@nowhere"})).await;
    let problem = wrong.expect_problem(422, "invalid_fields");
    assert_eq!(problem["errors"][0]["pointer"], "/email");
    assert!(!problem.to_string().contains("nowhere"), "{problem}");
    let kept: Vec<u8> = sqlx::query_scalar("select email_sealed from member_emails")
        .fetch_one(app.context.pool())
        .await
        .expect("one address");
    assert!(!String::from_utf8_lossy(&kept).contains("example"));
    let profile = change(json!({"email": null})).await.expect(200);
    assert_eq!(profile["email"], serde_json::Value::Null);
}
