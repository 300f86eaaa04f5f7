//! Devices for push messages.

use serde_json::{Value, json};
use test_kit::{Answer, SignedIn, TestApp};

const TOKEN: &str = "fcm-token-0123456789";

async fn register(app: &TestApp, member: &SignedIn, body: &Value) -> Answer {
    let request = app.post("/api/v1/users/me/devices").bearer(&member.token);
    request.json(body).send().await
}

async fn count(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from devices")
        .fetch_one(app.context.pool())
        .await
        .expect("it is there")
}

#[tokio::test]
async fn a_device_is_registered_and_forgotten() {
    let app = TestApp::start().await;
    let anna = app.sign_in("+79161234567").await;
    let made = register(&app, &anna, &json!({"provider": "fcm", "token": TOKEN})).await;
    let device = made.expect(201)["id"]
        .as_str()
        .expect("it is there")
        .to_owned();
    let place = format!("/api/v1/users/me/devices/{device}");
    assert_eq!(made.header("location"), place);
    let kept: Vec<u8> = sqlx::query_scalar("select token_sealed from devices")
        .fetch_one(app.context.pool())
        .await
        .expect("it is there");
    assert!(!String::from_utf8_lossy(&kept).contains("fcm-token"));
    let boris = app.sign_in("+79161234568").await;
    let foreign = app.delete(&place).bearer(&boris.token).send().await;
    foreign.expect_problem(404, "not_found");
    let gone = app.delete(&place).bearer(&anna.token).send().await;
    gone.expect(204);
    let again = app.delete(&place).bearer(&anna.token).send().await;
    again.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_token_belongs_to_whoever_registered_it_last() {
    let app = TestApp::start().await;
    let anna = app.sign_in("+79161234567").await;
    let boris = app.sign_in("+79161234568").await;
    let body = json!({"provider": "apns", "token": TOKEN, "locale": "en"});
    register(&app, &anna, &body).await.expect(201);
    register(&app, &anna, &body).await.expect(201);
    register(&app, &boris, &body).await.expect(201);
    let owner: uuid::Uuid = sqlx::query_scalar("select member_id from devices")
        .fetch_one(app.context.pool())
        .await
        .expect("it is there");
    assert_eq!(owner, boris.member.as_uuid());
}

#[tokio::test]
async fn the_oldest_device_gives_way() {
    let app = TestApp::start().await;
    let anna = app.sign_in("+79161234567").await;
    for n in 0..22 {
        let body = json!({"provider": "fcm", "token": format!("{TOKEN}-{n}")});
        register(&app, &anna, &body).await.expect(201);
        app.advance(std::time::Duration::from_secs(1));
    }
    assert_eq!(count(&app).await, 20);
}

#[tokio::test]
async fn a_browser_brings_its_keys_and_nobody_else_does() {
    let app = TestApp::start().await;
    let anna = app.sign_in("+79161234567").await;
    let keys = json!({"p256dh": "BNcRd", "auth": "tBHIt"});
    for (body, pointer) in [
        (
            json!({"provider": "web_push", "token": "https://push.example/1"}),
            "/keys",
        ),
        (
            json!({"provider": "fcm", "token": TOKEN, "keys": keys}),
            "/keys",
        ),
        (
            json!({"provider": "web_push", "token": TOKEN, "keys": keys}),
            "/token",
        ),
        (json!({"provider": "pigeon", "token": TOKEN}), "/provider"),
    ] {
        let answer = register(&app, &anna, &body).await;
        let problem = answer.expect_problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let body = json!({"provider": "web_push", "token": "https://push.example/1", "keys": keys});
    register(&app, &anna, &body).await.expect(201);
}
