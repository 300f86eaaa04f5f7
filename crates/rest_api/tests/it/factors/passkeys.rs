//! Enrolling passkeys, signing in with them, and everything that is refused.

use std::time::Duration;

use domain::rights::{OperatorRole, StaffRole};
use serde_json::{Value, json};
use test_kit::TestApp;

use super::{Device, answer, assert, call, enrol, token_of};

const PHONE: &str = "+79160000001";
const OTHER: &str = "+79160000002";

#[tokio::test]
async fn a_member_enrols_a_passkey_and_signs_in_with_it() {
    let app = TestApp::start().await;
    let anna = app.sign_in_by_phone(PHONE).await;
    let mut device = Device::new();
    let made = enrol(&app, &anna.token, &mut device).await.expect(201);
    assert_eq!(made["name"], "Телефон");
    app.advance(Duration::from_secs(3600));
    let token = token_of(&assert(&app, &mut device).await);
    let me = app.get("/api/v1/users/me").bearer(&token).send().await;
    assert_eq!(me.expect(200)["phone"], PHONE);
    let listed = call(&app, "GET", "passkeys", &token, &Value::Null).await;
    let listed = listed.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["items"][0]["id"], made["id"]);
    assert!(listed["items"][0]["last_used_at"].is_string());
}

#[tokio::test]
async fn a_cashier_gets_the_role_by_the_passkey_alone() {
    let app = TestApp::start().await;
    let business = app.business("cafe-luna").await;
    app.staff(business, PHONE, StaffRole::Manager).await;
    app.advance(Duration::from_secs(61));
    let weak = app.sign_in_by_phone(PHONE).await.token;
    let staff = format!("/api/v1/businesses/{business}/staff");
    let list = |token: String| app.get(&staff).bearer(&token).send();
    list(weak.clone()).await.expect_problem(403, "mfa_required");
    let mut device = Device::new();
    enrol(&app, &weak, &mut device).await.expect(201);
    let told = app.get("/dev/outbox?phone=89160000001").send().await;
    let told = told.expect(200)["items"][0]["text"].to_string();
    assert!(told.contains("ключ входа"), "{told}");
    list(weak).await.expect_problem(403, "mfa_required");
    let strong = token_of(&assert(&app, &mut device).await);
    list(strong).await.expect(200);
}

#[tokio::test]
async fn proving_it_again_takes_the_place_of_the_sign_in() {
    let app = TestApp::start().await;
    let business = app.business("cafe-luna").await;
    let owner = app.staff(business, PHONE, StaffRole::Owner).await;
    let mut device = Device::new();
    enrol(&app, &owner.token, &mut device).await.expect(201);
    app.advance(Duration::from_secs(301));
    let keys = format!("/api/v1/businesses/{business}/keys");
    let make = |token: String| {
        let new = json!({"name": "Till 1", "scopes": ["transactions:write"]});
        app.post(&keys).bearer(&token).json(&new).send()
    };
    make(owner.token.clone())
        .await
        .expect_problem(401, "step_up_required");
    let path = "/api/v1/auth/passkeys/assert";
    let begun = app.post(path).bearer(&owner.token).json(&json!({}));
    let begun = begun.send().await.expect(202);
    let credential = device.sign(&begun["public_key"]).await;
    let body = json!({"challenge_id": begun["challenge_id"], "credential": credential});
    let proved = app.post(path).bearer(&owner.token).json(&body).send().await;
    make(token_of(&proved)).await.expect(201);
    make(owner.token)
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_stranger_token_is_not_ended_by_my_passkey() {
    let app = TestApp::start().await;
    let anna = app.sign_in_by_phone(PHONE).await;
    let boris = app.sign_in_by_phone(OTHER).await;
    let mut device = Device::new();
    enrol(&app, &anna.token, &mut device).await.expect(201);
    let path = "/api/v1/auth/passkeys/assert";
    let begun = app.post(path).json(&json!({})).send().await.expect(202);
    let credential = device.sign(&begun["public_key"]).await;
    let body = json!({"challenge_id": begun["challenge_id"], "credential": credential});
    let entered = app.post(path).bearer(&boris.token).json(&body).send().await;
    assert_eq!(entered.expect(200)["member_id"], anna.member.to_string());
    let me = app
        .get("/api/v1/users/me")
        .bearer(&boris.token)
        .send()
        .await;
    assert_eq!(me.expect(200)["phone"], OTHER);
}

#[tokio::test]
async fn a_dishonest_enrolment_is_refused() {
    let app = TestApp::start().await;
    let anna = app.sign_in_by_phone(PHONE).await;
    let with = |change: fn(&mut Device)| {
        let mut device = Device::new();
        change(&mut device);
        device
    };
    for mut device in [
        with(|device| device.origin = "https://evil.example"),
        with(|device| device.origin = "http://127.0.0.1"),
        with(|device| device.site = "evil.example"),
        with(|device| device.verifies = false),
    ] {
        enrol(&app, &anna.token, &mut device)
            .await
            .expect_problem(409, "factor_does_not_fit");
    }
    let listed = call(&app, "GET", "passkeys", &anna.token, &Value::Null).await;
    assert_eq!(listed.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_challenge_is_answered_once_by_whom_it_is_for_and_in_time() {
    let app = TestApp::start().await;
    let anna = app.sign_in_by_phone(PHONE).await;
    let boris = app.sign_in_by_phone(OTHER).await;
    let mut device = Device::new();
    let begun = call(&app, "POST", "passkeys", &anna.token, &json!({})).await;
    let begun = begun.expect(202);
    let credential = device.create(&begun["public_key"]).await;
    let body = json!({"challenge_id": begun["challenge_id"], "credential": credential});
    // Boris's answer to Anna's challenge uses it up, and so nobody's counts.
    for token in [&boris.token, &anna.token] {
        call(&app, "POST", "passkeys", token, &body)
            .await
            .expect_problem(409, "factor_does_not_fit");
    }
    enrol(&app, &anna.token, &mut device).await.expect(201);

    let path = "/api/v1/auth/passkeys/assert";
    let begun = app.post(path).json(&json!({})).send().await.expect(202);
    let credential = device.sign(&begun["public_key"]).await;
    let body = json!({"challenge_id": begun["challenge_id"], "credential": credential});
    let send = || app.post(path).json(&body).send();
    send().await.expect(200);
    send().await.expect_problem(401, "sign_in_failed");

    let begun = app.post(path).json(&json!({})).send().await.expect(202);
    app.advance(Duration::from_secs(301));
    answer(&app, &mut device, &begun)
        .await
        .expect_problem(401, "sign_in_failed");
}

#[tokio::test]
async fn a_dishonest_assertion_signs_nobody_in() {
    let app = TestApp::start().await;
    let anna = app.sign_in_by_phone(PHONE).await;
    let mut device = Device::new();
    enrol(&app, &anna.token, &mut device).await.expect(201);
    assert(&app, &mut device).await.expect(200);
    device.origin = "https://evil.example";
    assert(&app, &mut device)
        .await
        .expect_problem(401, "sign_in_failed");
    device.origin = "http://127.0.0.1:8080";
    device.verifies = false;
    assert(&app, &mut device)
        .await
        .expect_problem(401, "sign_in_failed");
    device.verifies = true;
    assert(&app, &mut device).await.expect(200);

    // A device that nobody has enrolled, and a copy of one that has signed meanwhile.
    let mut foreign = Device::new();
    foreign.create(&options_for_nobody()).await;
    assert(&app, &mut foreign)
        .await
        .expect_problem(401, "sign_in_failed");
    let mut copy = device.copy();
    assert(&app, &mut device).await.expect(200);
    assert(&app, &mut copy)
        .await
        .expect_problem(401, "sign_in_failed");
    assert(&app, &mut device).await.expect(200);
}

fn options_for_nobody() -> Value {
    json!({
        "challenge": "AQID",
        "user": {"id": "AQID", "name": "nobody", "displayName": "nobody"},
    })
}

#[tokio::test]
async fn a_passkey_is_one_person_s_and_a_weak_sign_in_adds_no_second() {
    let app = TestApp::start().await;
    let anna = app.sign_in_by_phone(PHONE).await;
    let mut device = Device::new();
    let begun = call(&app, "POST", "passkeys", &anna.token, &json!({})).await;
    let begun = begun.expect(202);
    enrol(&app, &anna.token, &mut device).await.expect(201);
    // Within five minutes, but by phone alone: the passkey is asked for.
    let credential = Device::new().create(&begun["public_key"]).await;
    let body = json!({"challenge_id": begun["challenge_id"], "credential": credential});
    call(&app, "POST", "passkeys", &anna.token, &body)
        .await
        .expect_problem(401, "step_up_required");
    let strong = token_of(&assert(&app, &mut device).await);
    enrol(&app, &strong, &mut Device::new()).await.expect(201);
    app.advance(Duration::from_secs(301));
    call(&app, "POST", "passkeys", &strong, &json!({}))
        .await
        .expect_problem(401, "step_up_required");
}

#[tokio::test]
async fn a_passkey_is_removed_by_its_person_and_the_last_of_a_role_stays() {
    let app = TestApp::start().await;
    let admin = app.operator(PHONE, OperatorRole::Admin).await;
    let (mut phone, mut tablet) = (Device::new(), Device::new());
    let first = enrol(&app, &admin.token, &mut phone).await.expect(201);
    enrol(&app, &admin.token, &mut tablet).await.expect(201);
    let path = format!("passkeys/{}", first["id"].as_str().expect("an id"));
    let stranger = app.sign_in(OTHER).await;
    call(&app, "DELETE", &path, &stranger.token, &Value::Null)
        .await
        .expect_problem(404, "not_found");
    let elsewhere = token_of(&assert(&app, &mut tablet).await);
    call(&app, "DELETE", &path, &admin.token, &Value::Null)
        .await
        .expect(204);
    let me = app.get("/api/v1/users/me").bearer(&elsewhere).send().await;
    me.expect_problem(401, "unauthenticated");
    assert(&app, &mut phone)
        .await
        .expect_problem(401, "sign_in_failed");
    let listed = call(&app, "GET", "factors", &admin.token, &Value::Null).await;
    let last = listed.expect(200)["passkeys"][0]["id"].clone();
    let path = format!("passkeys/{}", last.as_str().expect("an id"));
    call(&app, "DELETE", &path, &admin.token, &Value::Null)
        .await
        .expect_problem(409, "last_factor");
}
