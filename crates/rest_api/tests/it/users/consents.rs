//! Consents: asked for with their texts, kept with their hashes, withdrawn as easily as given.

use serde_json::{Value, json};
use test_kit::{SignedIn, TestApp};

const PHONE: &str = "+79161234567";

/// Signs in without agreeing to anything.
async fn silent(app: &TestApp) -> SignedIn {
    let asked = app.post("/api/v1/auth/otp").json(&json!({"phone": PHONE}));
    let challenge = asked.send().await.expect(202)["challenge_id"].clone();
    let code = app.code_for(PHONE).await;
    let body = json!({"phone": PHONE, "challenge_id": challenge, "code": code});
    let tokens = app.post("/api/v1/auth/token").json(&body).send().await;
    let tokens = tokens.expect(200);
    let text = |name: &str| tokens[name].as_str().expect("it is there").to_owned();
    SignedIn {
        token: text("access_token"),
        refresh_token: text("refresh_token"),
        member: text("member_id").parse().expect("it is there"),
    }
}

async fn set(app: &TestApp, member: &SignedIn, consents: Value) -> test_kit::Answer {
    let request = app.put("/api/v1/users/me/consents").bearer(&member.token);
    let body = json!({"channel": "app", "consents": consents});
    request.json(&body).send().await
}

fn given(answer: &Value) -> Vec<&str> {
    let items = answer["items"].as_array().expect("it is there").iter();
    items
        .filter(|item| item["given"] == true)
        .map(|item| item["kind"].as_str().expect("it is there"))
        .collect()
}

#[tokio::test]
async fn without_the_required_consents_nothing_more_is_recorded() {
    let app = TestApp::start().await;
    let anna = silent(&app).await;
    let me = app.get("/api/v1/users/me").bearer(&anna.token).send().await;
    assert_eq!(
        me.expect(200)["consents_missing"],
        json!(["terms", "personal_data"])
    );
    let refused = [
        app.get("/api/v1/users/me/card"),
        app.patch("/api/v1/users/me").json(&json!({"name": "Анна"})),
        app.put("/api/v1/users/me/preferences")
            .json(&json!({"topics": [], "quiet_hours": null, "zone": "Europe/Moscow"})),
        app.post("/api/v1/users/me/devices")
            .json(&json!({"provider": "fcm", "token": "token-of-a-phone"})),
        app.get("/api/v1/users/me/referrals"),
    ];
    for request in refused {
        let answer = request.bearer(&anna.token).send().await;
        let problem = answer.expect_problem(409, "consent_required");
        assert_eq!(problem["missing"], json!(["terms", "personal_data"]));
    }
    let agreed = json!([{"kind": "terms", "version": 1, "given": true},
        {"kind": "personal_data", "version": 1, "given": true}]);
    let now = set(&app, &anna, agreed).await.expect(200);
    assert_eq!(given(&now), ["terms", "personal_data"]);
    let card = app.get("/api/v1/users/me/card").bearer(&anna.token);
    card.send().await.expect(200);
    let withdrawn = json!([{"kind": "personal_data", "version": 1, "given": false}]);
    set(&app, &anna, withdrawn).await.expect(200);
    let card = app.get("/api/v1/users/me/card").bearer(&anna.token);
    let problem = card.send().await.expect_problem(409, "consent_required");
    assert_eq!(problem["missing"], json!(["personal_data"]));
}

#[tokio::test]
async fn a_consent_is_kept_with_the_hash_of_its_text() {
    let app = TestApp::start().await;
    let texts = app.get("/api/v1/auth/consents").send().await.expect(200);
    let items = texts["items"].as_array().expect("it is there");
    assert_eq!(items.len(), 5);
    let anna = app.sign_in(PHONE).await;
    let marketing = json!([{"kind": "marketing_sms", "version": 1, "given": true}]);
    set(&app, &anna, marketing).await.expect(200);
    type Row = (String, String, Vec<u8>, bool, Vec<u8>);
    let rows: Vec<Row> = sqlx::query_as(
        "select kind, channel, text_sha256, given, address_hash from consents where member_id = $1 order by id",
    )
    .bind(anna.member.as_uuid())
    .fetch_all(app.context.pool())
    .await
    .expect("it is there");
    let kinds: Vec<(&str, &str)> = rows.iter().map(|row| (&*row.0, &*row.1)).collect();
    assert_eq!(
        kinds,
        [
            ("terms", "sign_in"),
            ("personal_data", "sign_in"),
            ("marketing_sms", "app")
        ]
    );
    for (kind, _, hash, given, address) in &rows {
        let text = items
            .iter()
            .find(|item| item["kind"] == **kind)
            .expect("it is there");
        let bodies = format!(
            "{}\n{}",
            text["body_ru"].as_str().expect("it is there"),
            text["body_en"].as_str().expect("it is there")
        );
        assert_eq!(http_kit::json::sha256(bodies.as_bytes())[..], hash[..]);
        let shown: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text["sha256"], shown);
        assert!(*given && address.len() == 32);
    }
}

#[tokio::test]
async fn advertising_is_agreed_to_for_each_channel_and_withdrawn_at_once() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let word = |kind: &str, given: bool| json!([{"kind": kind, "version": 1, "given": given}]);
    let now = set(&app, &anna, word("marketing_sms", true)).await;
    assert_eq!(
        given(&now.expect(200)),
        ["terms", "personal_data", "marketing_sms"]
    );
    set(&app, &anna, word("marketing_sms", false))
        .await
        .expect(200);
    let now = app.get("/api/v1/users/me/consents").bearer(&anna.token);
    assert_eq!(
        given(&now.send().await.expect(200)),
        ["terms", "personal_data"]
    );
}

#[tokio::test]
async fn an_old_wording_is_not_agreed_to_and_a_new_one_is_asked_for() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    sqlx::query(
        "insert into consent_texts (kind, version, title_ru, title_en, body_ru, body_en, sha256, effective_from)
         select kind, 2, title_ru, title_en, 'Новые правила.', 'New terms.',
                sha256(convert_to('Новые правила.' || chr(10) || 'New terms.', 'UTF8')), $1
         from consent_texts where kind = 'terms'",
    )
    .bind(app.now() + chrono::TimeDelta::hours(1))
    .execute(app.context.pool())
    .await
    .expect("it is there");
    let me = || app.get("/api/v1/users/me").bearer(&anna.token);
    assert_eq!(me().send().await.expect(200)["consents_missing"], json!([]));
    app.advance(std::time::Duration::from_secs(3600));
    let anna = app.sign_in_again(PHONE).await;
    let me = app.get("/api/v1/users/me").bearer(&anna.token).send().await;
    assert_eq!(me.expect(200)["consents_missing"], json!(["terms"]));
    let old = json!([{"kind": "terms", "version": 1, "given": true}]);
    let problem = set(&app, &anna, old).await;
    let problem = problem.expect_problem(409, "consent_text_changed");
    assert_eq!(problem["kind"], "terms");
    let new = json!([{"kind": "terms", "version": 2, "given": true}]);
    set(&app, &anna, new).await.expect(200);
    let me = app.get("/api/v1/users/me").bearer(&anna.token).send().await;
    assert_eq!(me.expect(200)["consents_missing"], json!([]));
}

#[tokio::test]
async fn the_first_wording_holds_from_the_beginning() {
    let long_before = test_kit::start_of_tests() - chrono::TimeDelta::days(3650);
    let app = TestApp::start_at(long_before).await;
    let texts = app.get("/api/v1/auth/consents").send().await.expect(200);
    assert_eq!(texts["items"].as_array().map(Vec::len), Some(5));
    let anna = silent(&app).await;
    let me = app.get("/api/v1/users/me").bearer(&anna.token).send().await;
    assert_eq!(
        me.expect(200)["consents_missing"],
        json!(["terms", "personal_data"])
    );
}

#[tokio::test]
async fn a_text_is_never_rewritten() {
    let app = TestApp::start().await;
    for statement in [
        "update consent_texts set body_en = 'x'",
        "delete from consent_texts",
        "update consents set given = false",
        "delete from consents",
    ] {
        let refused = sqlx::query(statement).execute(app.context.pool()).await;
        assert!(refused.is_err(), "{statement}");
    }
}
