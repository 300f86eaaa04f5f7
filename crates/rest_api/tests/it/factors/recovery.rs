//! Coming back with a one-time code, and the first factor of an operator.

use std::time::Duration;

use domain::rights::OperatorRole;
use serde_json::{Value, json};
use services::auth::factors::issue_enrolment_code_as_system;
use test_kit::{Answer, TestApp};

use super::{Device, assert, call, enrol, token_of};

const PHONE: &str = "+79160000001";

/// Signs in by phone with a recovery code besides.
pub(super) async fn come_back(app: &TestApp, code: &str) -> Answer {
    app.advance(Duration::from_secs(61));
    let asked = app.post("/api/v1/auth/otp").json(&json!({"phone": PHONE}));
    let challenge = asked.send().await.expect(202)["challenge_id"].clone();
    let sms = app.code_for(PHONE).await;
    let body = json!({
        "phone": PHONE,
        "challenge_id": challenge,
        "code": sms,
        "recovery_code": code,
    });
    app.post("/api/v1/auth/token").json(&body).send().await
}

#[tokio::test]
async fn who_lost_everything_comes_back_once() {
    let app = TestApp::start().await;
    let admin = app.operator(PHONE, OperatorRole::Admin).await;
    let mut lost = Device::new();
    enrol(&app, &admin.token, &mut lost).await.expect(201);
    let made = call(&app, "POST", "recovery-codes", &admin.token, &Value::Null).await;
    let made = made.expect(200);
    let codes = made["codes"].as_array().expect("codes");
    assert_eq!(codes.len(), 10);
    let code = codes[3].as_str().expect("a code").to_lowercase();

    let entered = come_back(&app, &code).await;
    let back = token_of(&entered);
    let jobs = |token: String| app.get("/api/v1/admin/jobs").bearer(&token).send();
    jobs(back.clone()).await.expect_problem(403, "mfa_required");
    let mut found = Device::new();
    enrol(&app, &back, &mut found).await.expect(201);
    let strong = token_of(&assert(&app, &mut found).await);
    jobs(strong.clone()).await.expect(200);
    let left = call(&app, "GET", "factors", &strong, &Value::Null).await;
    assert_eq!(left.expect(200)["recovery_codes"], 9);

    come_back(&app, &code)
        .await
        .expect_problem(401, "sign_in_failed");
    // A renewed token does not make the quarter of an hour longer.
    app.advance(Duration::from_secs(901));
    let renew = json!({"refresh_token": entered.json()["refresh_token"]});
    let renewed = app.post("/api/v1/auth/refresh").json(&renew).send().await;
    call(&app, "POST", "passkeys", &token_of(&renewed), &json!({}))
        .await
        .expect_problem(401, "step_up_required");
}

#[tokio::test]
async fn wrong_recovery_codes_are_counted() {
    let app = TestApp::start().await;
    let anna = app.sign_in_by_phone(PHONE).await;
    let made = call(&app, "POST", "recovery-codes", &anna.token, &Value::Null).await;
    let made = made.expect(200);
    app.advance(Duration::from_secs(3600));
    for _ in 0..5 {
        app.advance(Duration::from_secs(3600));
        come_back(&app, "0000-0000-0000-0000")
            .await
            .expect_problem(401, "sign_in_failed");
    }
    let noted: Vec<(String, String)> = sqlx::query_as(
        "select object_id, after ->> 'kind' from audit_log where action = 'factor.lock'",
    )
    .fetch_all(app.context.pool())
    .await
    .expect("the database answers");
    assert_eq!(noted, [(anna.member.to_string(), "recovery".to_owned())]);
    // Five in a row, an hour apart each: the wait of half a minute is over, and the right one counts.
    app.advance(Duration::from_secs(3600));
    let right = made["codes"][0].as_str().expect("a code");
    come_back(&app, right).await.expect(200);
}

#[tokio::test]
async fn the_first_factor_of_an_operator_wants_a_code_from_the_command_line() {
    let app = TestApp::start().await;
    let member = app.operator(PHONE, OperatorRole::Admin).await.member;
    app.advance(Duration::from_secs(61));
    let weak = app.sign_in_by_phone(PHONE).await.token;
    for (method, path, body) in [
        ("POST", "passkeys", json!({})),
        ("POST", "totp", json!({})),
        (
            "PUT",
            "password",
            json!({"password": "зелёный слон пьёт кефир"}),
        ),
        ("POST", "recovery-codes", Value::Null),
    ] {
        call(&app, method, path, &weak, &body)
            .await
            .expect_problem(403, "enrolment_code_required");
    }
    let code = issue_enrolment_code_as_system(&app.context, member).await;
    let code = code.expect("a code is made").reveal();
    let admitted = token_of(&come_back(&app, &code).await);
    let mut device = Device::new();
    enrol(&app, &admitted, &mut device).await.expect(201);
    let strong = token_of(&assert(&app, &mut device).await);
    let jobs = app.get("/api/v1/admin/jobs").bearer(&strong).send().await;
    jobs.expect(200);

    let late = issue_enrolment_code_as_system(&app.context, member).await;
    let late = late.expect("a code is made").reveal();
    app.advance(Duration::from_secs(72 * 3600));
    come_back(&app, &late)
        .await
        .expect_problem(401, "sign_in_failed");
}
