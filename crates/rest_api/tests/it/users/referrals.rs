//! Invitations.

use std::time::Duration;

use serde_json::{Value, json};
use test_kit::{Answer, SignedIn, TestApp};

async fn invitations(app: &TestApp, member: &SignedIn) -> Value {
    let request = app.get("/api/v1/users/me/referrals").bearer(&member.token);
    request.send().await.expect(200)
}

async fn enter(app: &TestApp, phone: &str, code: &str) -> Answer {
    let asked = app.post("/api/v1/auth/otp").json(&json!({"phone": phone}));
    let challenge = asked.send().await.expect(202)["challenge_id"].clone();
    let sms = app.code_for(phone).await;
    let agreed = json!([{"kind": "terms", "version": 1}, {"kind": "personal_data", "version": 1}]);
    let body = json!({"phone": phone, "challenge_id": challenge, "code": sms,
        "consents": agreed, "invitation_code": code});
    app.post("/api/v1/auth/token").json(&body).send().await
}

#[tokio::test]
async fn who_was_invited_is_remembered_once_and_shown_masked() {
    let app = TestApp::start().await;
    let anna = app.sign_in("+79161234567").await;
    let mine = invitations(&app, &anna).await;
    assert_eq!(mine["count"], 0);
    assert_eq!(mine["was_brought"], false);
    let code = mine["code"].as_str().expect("it is there").to_owned();
    assert_eq!(invitations(&app, &anna).await["code"], code.as_str());

    let typed = code.to_lowercase().replace('-', " ");
    let boris = enter(&app, "+79161234568", &typed).await.expect(200);
    let mine = invitations(&app, &anna).await;
    assert_eq!(mine["count"], 1);
    assert_eq!(mine["brought"][0]["phone_masked"], "+7916•••4568");
    let boris = SignedIn {
        token: boris["access_token"]
            .as_str()
            .expect("it is there")
            .to_owned(),
        refresh_token: String::new(),
        member: boris["member_id"]
            .as_str()
            .expect("it is there")
            .parse()
            .unwrap(),
    };
    assert_eq!(invitations(&app, &boris).await["was_brought"], true);

    // Only the first sign-in counts, and nobody invites himself.
    app.advance(Duration::from_secs(61));
    enter(&app, "+79161234568", &code).await.expect(200);
    enter(&app, "+79161234567", &code).await.expect(200);
    assert_eq!(invitations(&app, &anna).await["count"], 1);
}

#[tokio::test]
async fn a_code_of_nobody_brings_nobody_and_a_mistyped_one_is_told() {
    let app = TestApp::start().await;
    enter(&app, "+79161234567", "000-000-000").await.expect(200);
    let wrong = enter(&app, "+79161234568", "000-000-001").await;
    let problem = wrong.expect_problem(422, "invalid_fields");
    assert_eq!(problem["errors"][0]["pointer"], "/invitation_code");
    let referrals: i64 = sqlx::query_scalar("select count(*) from referrals")
        .fetch_one(app.context.pool())
        .await
        .expect("it is there");
    assert_eq!(referrals, 0);
}
