//! Signing in, renewing, and a person's sign-ins.

mod change_phone;
mod code_caps;
mod codes;
mod sessions;
mod signing_keys;
mod tokens;
mod who_is_known;

use std::time::Duration;

use serde_json::{Value, json};
use test_kit::{Answer, RequestBuilder, TestApp};

const PHONE: &str = "+79161234567";

/// The request for a code.
fn asking(app: &TestApp, phone: &str) -> RequestBuilder {
    app.post("/api/v1/auth/otp")
        .json(&json!({ "phone": phone }))
}

/// Asks for a code and gives its challenge.
async fn challenge(app: &TestApp, phone: &str) -> Value {
    let asked = asking(app, phone).send().await;
    asked.expect(202)["challenge_id"].clone()
}

/// Shows a code.
async fn enter(app: &TestApp, phone: &str, challenge: &Value, code: &str) -> Answer {
    let body = json!({ "phone": phone, "challenge_id": challenge, "code": code });
    app.post("/api/v1/auth/token").json(&body).send().await
}

/// Another code than this one.
fn other_than(code: &str) -> String {
    let other = if code.starts_with('0') { "1" } else { "0" };
    format!("{other}{}", &code[1..])
}

/// Renews a sign-in.
async fn renew(app: &TestApp, refresh_token: &str) -> Answer {
    let body = json!({ "refresh_token": refresh_token });
    app.post("/api/v1/auth/refresh").json(&body).send().await
}

/// A text in an answer.
fn text(answer: &Value, name: &str) -> String {
    answer[name].as_str().expect("a text").to_owned()
}

/// How many rows a question of the test counts.
async fn count(app: &TestApp, question: &'static str) -> i64 {
    sqlx::query_scalar(question)
        .fetch_one(app.context.pool())
        .await
        .expect("a number")
}

#[tokio::test]
async fn a_person_signs_in_and_out() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let me = app.get("/api/v1/users/me").bearer(&anna.token).send().await;
    assert_eq!(me.expect(200)["phone"], PHONE);
    assert_eq!(me.header("cache-control"), "no-store");
    let sessions = app
        .get("/api/v1/auth/sessions")
        .bearer(&anna.token)
        .send()
        .await
        .expect(200);
    assert_eq!(sessions["items"][0]["current"], true);
    app.post("/api/v1/auth/logout")
        .bearer(&anna.token)
        .send()
        .await
        .expect(204);
    let after = app.get("/api/v1/users/me").bearer(&anna.token).send().await;
    after.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_wrong_code_signs_nobody_in() {
    let app = TestApp::start().await;
    let asked = app
        .post("/api/v1/auth/otp")
        .json(&json!({"phone": PHONE}))
        .send()
        .await;
    let challenge = asked.expect(202)["challenge_id"].clone();
    let right = app.code_for(PHONE).await;
    let wrong = if right == "000000" {
        "000001"
    } else {
        "000000"
    };
    let enter = |code: String| {
        let body = json!({"phone": PHONE, "challenge_id": challenge, "code": code});
        app.post("/api/v1/auth/token").json(&body).send()
    };
    enter(wrong.to_owned())
        .await
        .expect_problem(401, "sign_in_failed");
    enter(right.clone()).await.expect(200);
    enter(right).await.expect_problem(401, "sign_in_failed");
}

#[tokio::test]
async fn codes_are_sent_sparingly_and_only_where_served() {
    let app = TestApp::start().await;
    let ask = |phone: &'static str| {
        app.post("/api/v1/auth/otp")
            .json(&json!({"phone": phone}))
            .send()
    };
    ask(PHONE).await.expect(202);
    let again = ask("8 (916) 123-45-67").await;
    again.expect_problem(429, "code_already_sent");
    assert_eq!(again.header("retry-after"), "60");
    app.advance(Duration::from_secs(60));
    ask(PHONE).await.expect(202);
    ask("+78121234567")
        .await
        .expect_problem(409, "phone_not_accepted");
    ask("+77011234567")
        .await
        .expect_problem(409, "phone_not_accepted");
    let problem = ask("+7916123").await.expect_problem(422, "invalid_fields");
    assert_eq!(problem["errors"][0]["pointer"], "/phone");
    assert!(!problem.to_string().contains("7916123"));
}

#[tokio::test]
async fn a_used_refresh_token_ends_the_sign_in() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let renew = |token: String| {
        app.post("/api/v1/auth/refresh")
            .json(&json!({"refresh_token": token}))
            .send()
    };
    let next = renew(anna.refresh_token.clone()).await.expect(200);
    let next = next["refresh_token"].as_str().expect("a token").to_owned();
    app.advance(Duration::from_secs(11));
    renew(anna.refresh_token.clone())
        .await
        .expect_problem(401, "sign_in_failed");
    renew(next).await.expect_problem(401, "sign_in_failed");
    let after = app.get("/api/v1/users/me").bearer(&anna.token).send().await;
    after.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn one_sign_in_is_ended_from_another() {
    let app = TestApp::start().await;
    let phone = app.sign_in(PHONE).await;
    app.advance(Duration::from_secs(61));
    let tablet = app.sign_in(PHONE).await;
    let sessions = app
        .get("/api/v1/auth/sessions")
        .bearer(&tablet.token)
        .send()
        .await
        .expect(200);
    let items = sessions["items"].as_array().expect("items");
    assert_eq!(items.len(), 2);
    let other = items
        .iter()
        .find(|one| one["current"] == false)
        .expect("another sign-in");
    let address = format!(
        "/api/v1/auth/sessions/{}",
        other["id"].as_str().expect("an id")
    );
    let stranger = app.sign_in("+79167654321").await;
    app.delete(&address)
        .bearer(&stranger.token)
        .send()
        .await
        .expect_problem(404, "not_found");
    app.delete(&address)
        .bearer(&tablet.token)
        .send()
        .await
        .expect(204);
    app.get("/api/v1/users/me")
        .bearer(&phone.token)
        .send()
        .await
        .expect_problem(401, "unauthenticated");
    app.delete("/api/v1/auth/sessions/17")
        .bearer(&tablet.token)
        .send()
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_public_keys_are_published() {
    let app = TestApp::start().await;
    let answer = app.get("/.well-known/jwks.json").send().await;
    let keys = answer.expect(200)["keys"].as_array().expect("keys").clone();
    assert_eq!(keys.len(), 2);
    for key in keys {
        assert_eq!(
            (key["kty"].as_str(), key["alg"].as_str()),
            (Some("RSA"), Some("RS256"))
        );
        assert!(key.get("d").is_none());
    }
    assert_eq!(answer.header("cache-control"), "public, max-age=300");
}

#[tokio::test]
async fn the_development_outbox_shows_the_code_of_a_phone() {
    let app = TestApp::start().await;
    let asked = app
        .post("/api/v1/auth/otp")
        .json(&json!({ "phone": "+79161234567" }));
    asked.send().await.expect(202);
    let shown = app
        .get("/dev/outbox?phone=89161234567")
        .send()
        .await
        .expect(200);
    let code = app.code_for("+79161234567").await;
    let text = shown["items"][0]["text"].as_str().expect("a text");
    assert!(text.contains(&code), "{text}");
    let other = app
        .get("/dev/outbox?phone=%2B79160000000")
        .send()
        .await
        .expect(200);
    assert_eq!(other["items"], json!([]));
    let page = app
        .get("/dev/outbox")
        .header("accept", "text/html")
        .send()
        .await;
    assert!(page.text().contains(&code));
    assert_ne!(page.header("content-security-policy"), "");
}
