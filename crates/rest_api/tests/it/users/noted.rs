//! What a member changes of himself stands in the audit log: which fields and which objects, never what stands in them.

use serde_json::{Value, json};
use test_kit::{SignedIn, TestApp};

const PHONE: &str = "+79161234567";

async fn send(app: &TestApp, by: &SignedIn, method: &str, path: &str, body: &Value) -> Value {
    let request = app.request(method, &format!("/api/v1/users/me{path}"));
    let request = request.bearer(&by.token);
    let request = if body.is_null() {
        request
    } else {
        request.json(body)
    };
    let answer = request.send().await;
    assert!(answer.status.is_success(), "{path}: {}", answer.text());
    if answer.status == 204 {
        Value::Null
    } else {
        answer.json()
    }
}

/// What was noted of these actions, oldest first: action, object and what is now, all of it by the member himself.
async fn noted(app: &TestApp, by: &SignedIn, like: &str) -> Vec<(String, String, Value)> {
    type Row = (String, String, Value, String, uuid::Uuid);
    let rows: Vec<Row> = sqlx::query_as(
        "select action, object_id, coalesce(after::jsonb, 'null'), actor_kind, actor_id
         from audit_log where action like $1 order by id",
    )
    .bind(like)
    .fetch_all(app.context.pool())
    .await
    .expect("the database answers");
    let theirs = rows
        .iter()
        .all(|row| row.3 == "person" && row.4 == by.member.as_uuid());
    assert!(theirs, "{rows:#?}");
    rows.into_iter()
        .map(|(action, object, after, ..)| (action, object, after))
        .collect()
}

#[tokio::test]
async fn of_a_profile_the_fields_are_noted_and_not_their_values() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let me = anna.member.to_string();
    for body in [
        json!({"name": "Евдокия", "birthday": "1990-05-17", "email": "evdokia@example.org"}),
        json!({"name": "Евдокия", "birthday": "1990-05-17", "email": "evdokia@example.org"}),
        json!({"locale": "en", "email": null}),
    ] {
        send(&app, &anna, "PATCH", "", &body).await;
    }
    let change = |action: &str, after: Value| (action.to_owned(), me.clone(), after);
    assert_eq!(
        noted(&app, &anna, "member.%").await,
        [
            change(
                "member.profile_change",
                json!({"fields": ["name", "birthday"]})
            ),
            change("member.email_change", json!({"given": true})),
            change("member.profile_change", json!({"fields": ["locale"]})),
            change("member.email_change", json!({"given": false})),
        ],
        "the same once more is no change"
    );
    let words: bool =
        sqlx::query_scalar("select exists (select from audit_log a where a::text ~ $1)")
            .bind("Евдокия|evdokia|1990-05-17")
            .fetch_one(app.context.pool())
            .await
            .expect("the database answers");
    assert!(!words, "what a member says of himself stands in the log");
}

#[tokio::test]
async fn preferences_are_noted_by_the_fields_that_changed() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let set = |quiet: Value, zone: &str| json!({"topics": [], "quiet_hours": quiet, "zone": zone});
    for body in [
        set(Value::Null, "Europe/Moscow"),
        set(Value::Null, "Asia/Omsk"),
    ] {
        send(&app, &anna, "PUT", "/preferences", &body).await;
    }
    let noted = noted(&app, &anna, "member.preferences_change").await;
    let fields: Vec<&Value> = noted.iter().map(|entry| &entry.2["fields"]).collect();
    let all = json!(["topics", "quiet_hours", "zone"]);
    assert_eq!(fields, [&all, &json!(["zone"])]);
    assert_eq!(noted[0].1, anna.member.to_string());
}

#[tokio::test]
async fn each_consent_is_noted_when_it_is_given_and_withdrawn() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    for given in [true, false] {
        let word = json!([{"kind": "marketing_sms", "version": 1, "given": given}]);
        let body = json!({"channel": "app", "consents": word});
        send(&app, &anna, "PUT", "/consents", &body).await;
    }
    let kept: Vec<uuid::Uuid> = sqlx::query_scalar("select id from consents order by id")
        .fetch_all(app.context.pool())
        .await
        .expect("the database answers");
    let word = |n: usize, action: &str, kind: &str, channel: &str| {
        let after = json!({"kind": kind, "version": 1, "channel": channel});
        (action.to_owned(), kept[n].to_string(), after)
    };
    assert_eq!(
        noted(&app, &anna, "consent.%").await,
        [
            word(0, "consent.give", "terms", "sign_in"),
            word(1, "consent.give", "personal_data", "sign_in"),
            word(2, "consent.give", "marketing_sms", "app"),
            word(3, "consent.withdraw", "marketing_sms", "app"),
        ]
    );
}

#[tokio::test]
async fn devices_are_noted_with_those_that_gave_way() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let body = json!({"provider": "fcm", "token": "fcm-token-of-evdokia"});
    let mut devices = Vec::new();
    for _ in 0..2 {
        let made = send(&app, &anna, "POST", "/devices", &body).await;
        devices.push(made["id"].as_str().expect("an identifier").to_owned());
    }
    let place = format!("/devices/{}", devices[1]);
    send(&app, &anna, "DELETE", &place, &Value::Null).await;
    let again = app.delete(&format!("/api/v1/users/me{place}"));
    let again = again.bearer(&anna.token).send().await;
    again.expect_problem(404, "not_found");
    let added = |n: usize, replaced: Value| {
        let after = json!({"provider": "fcm", "replaced": replaced, "gave_way": []});
        ("device.add".to_owned(), devices[n].clone(), after)
    };
    assert_eq!(
        noted(&app, &anna, "device.%").await,
        [
            added(0, json!([])),
            added(1, json!([devices[0]])),
            ("device.remove".to_owned(), devices[1].clone(), Value::Null),
        ],
        "what is not there is not removed"
    );
}
