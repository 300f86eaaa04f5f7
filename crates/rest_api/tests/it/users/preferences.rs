//! Notification preferences.

use serde_json::{Value, json};
use test_kit::{Answer, SignedIn, TestApp};

const PATH: &str = "/api/v1/users/me/preferences";

async fn set(app: &TestApp, member: &SignedIn, seen: Option<&str>, body: &Value) -> Answer {
    let mut request = app.put(PATH).bearer(&member.token);
    if let Some(seen) = seen {
        request = request.header("if-match", seen);
    }
    request.json(body).send().await
}

#[tokio::test]
async fn preferences_begin_with_quiet_nights_and_no_offers() {
    let app = TestApp::start().await;
    let anna = app.sign_in("+79161234567").await;
    let answer = app.get(PATH).bearer(&anna.token).send().await;
    assert_eq!(answer.header("etag"), "\"v0\"");
    let choices = answer.expect(200);
    assert_eq!(
        choices["quiet_hours"],
        json!({"from": "22:00", "until": "09:00"})
    );
    assert_eq!(choices["zone"], "Europe/Moscow");
    let topics = choices["topics"].as_array().expect("it is there");
    let of = |name: &str| {
        topics
            .iter()
            .find(|one| one["topic"] == name)
            .expect("it is there")
    };
    assert_eq!(of("points")["channels"], json!(["push"]));
    assert_eq!(of("offers")["channels"], json!([]));
}

#[tokio::test]
async fn preferences_are_replaced_whole_and_not_unseen() {
    let app = TestApp::start().await;
    let anna = app.sign_in("+79161234567").await;
    let body = json!({
        "topics": [{"topic": "points", "channels": ["sms", "push", "sms"]}],
        "quiet_hours": null, "zone": "Asia/Novosibirsk",
    });
    let first = set(&app, &anna, Some("\"v0\""), &body).await;
    assert_eq!(first.header("etag"), "\"v1\"");
    let choices = first.expect(200);
    assert_eq!(choices["quiet_hours"], Value::Null);
    let topics = choices["topics"].as_array().expect("it is there");
    assert_eq!(topics.len(), 6);
    assert_eq!(topics[0]["channels"], json!(["push", "sms"]));
    assert!(topics[1..].iter().all(|one| one["channels"] == json!([])));
    let stale = set(&app, &anna, Some("\"v0\""), &body).await;
    stale.expect_problem(412, "precondition_failed");
    let second = set(&app, &anna, None, &body).await;
    assert_eq!(second.header("etag"), "\"v2\"");
    let read = app.get(PATH).bearer(&anna.token).send().await;
    assert_eq!(read.expect(200), second.expect(200));
}

#[tokio::test]
async fn what_is_no_zone_and_no_time_is_refused() {
    let app = TestApp::start().await;
    let anna = app.sign_in("+79161234567").await;
    let with = |quiet: Value, zone: &str| json!({"topics": [], "quiet_hours": quiet, "zone": zone});
    for (body, pointer) in [
        (with(Value::Null, "Mars/Olympus"), "/zone"),
        (
            with(json!({"from": "25:00", "until": "09:00"}), "Europe/Moscow"),
            "/quiet_hours/from",
        ),
    ] {
        let problem = set(&app, &anna, None, &body).await;
        let problem = problem.expect_problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
}
