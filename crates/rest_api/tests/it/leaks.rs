//! No personal data, code, token or key in any log line, whatever its level, nor in any table as it is.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use domain::rights::{OperatorRole, StaffRole};
use serde_json::{Value, json};
use services::log::secrecy;
use test_kit::{SignedIn, TestApp, place_of, stands_alone};
use tracing_subscriber::fmt::MakeWriter;

use crate::factors::device::Device;
use crate::factors::passwords::{PASSWORD, authenticator, code as totp_code};
use crate::factors::{call, enrol};
use crate::transactions::Shop;

const PHONE: &str = "+79161234567";
const STRANGER: &str = "+79265550199";
const NEW_PHONE: &str = "+79037770188";
const NAME: &str = "Евдокия\" Ратмирова";

/// What was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("one thread").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn text(&self) -> String {
        let bytes = self.0.lock().expect("one thread");
        String::from_utf8(bytes.clone()).expect("log lines are text")
    }
}

/// Sends every request that takes personal data; gives what must not be found.
async fn scenario(shop: &Shop) -> (Vec<String>, Vec<String>) {
    let app = &shop.app;
    let mut secrets: Vec<String> = [
        "9161234567",
        "9265550199",
        "Евдокия",
        "Ратмирова",
        "1990-05-17",
        "ratmirova@example.org",
        "fcm-token-of-evdokia",
    ]
    .map(str::to_owned)
    .to_vec();
    let anna = app.sign_in(PHONE).await;
    let mut codes = vec![app.code_for(PHONE).await];
    secrets.extend([
        anna.token.clone(),
        anna.refresh_token.clone(),
        shop.till.clone(),
    ]);
    let admin = app.operator("+79160000077", OperatorRole::Admin).await;
    codes.push(app.code_for("+79160000077").await);
    secrets.extend(["9160000077".to_owned(), admin.token.clone()]);
    let cashier = app
        .staff(shop.business, "+79160000078", StaffRole::Manager)
        .await;
    secrets.extend(["9160000078".to_owned(), cashier.token.clone()]);
    as_a_member(app, &anna).await;
    let code = shop.code(&anna).await;
    let card = app
        .get("/api/v1/users/me/card")
        .bearer(&anna.token)
        .send()
        .await
        .expect(200);
    secrets.push(card["secret"].as_str().expect("a secret").to_owned());
    codes.push(code.rsplit('.').next().expect("digits").to_owned());
    at_the_till(shop, &code).await;
    wrong_requests(app, &anna, &codes[0]).await;
    let renew = json!({"refresh_token": anna.refresh_token});
    let renewed = app
        .post("/api/v1/auth/refresh")
        .json(&renew)
        .send()
        .await
        .expect(200);
    secrets.push(
        renewed["refresh_token"]
            .as_str()
            .expect("a token")
            .to_owned(),
    );
    let renewed = renewed["access_token"].as_str().expect("a token");
    secrets.push(renewed.to_owned());
    with_factors(app, renewed, (&mut secrets, &mut codes)).await;
    app.run_personal_data_jobs().await;
    (secrets, codes)
}

/// Keeps the text at `name` of an answer for the search.
fn keep(answer: &Value, name: &str, secrets: &mut Vec<String>) -> String {
    let text = answer[name].as_str().expect("a text").to_owned();
    secrets.push(text.clone());
    text
}

/// Everything that somebody signs in with, enrolled, used and mistaken; and the phone changed.
async fn with_factors(
    app: &TestApp,
    token: &str,
    (secrets, codes): (&mut Vec<String>, &mut Vec<String>),
) {
    secrets.extend([
        PASSWORD.to_owned(),
        "слон пьёт".to_owned(),
        "9037770188".to_owned(),
    ]);
    let set = json!({ "password": PASSWORD });
    call(app, "PUT", "password", token, &set).await.expect(204);
    let begun = call(app, "POST", "totp", token, &json!({}))
        .await
        .expect(202);
    let totp = authenticator(&keep(&begun, "secret", secrets));
    codes.push(totp_code(app, &totp));
    let first = json!({ "code": codes.last() });
    call(app, "POST", "totp", token, &first).await.expect(204);
    let mut device = Device::new();
    enrol(app, token, &mut device).await.expect(201);
    let made = call(app, "POST", "recovery-codes", token, &Value::Null).await;
    let made = made.expect(200)["codes"].clone();
    let recovery: Vec<String> = serde_json::from_value(made).expect("codes");
    secrets.extend(recovery.iter().cloned());
    secrets.extend(recovery.iter().map(|code| code.replace('-', "")));

    let ask = json!({ "phone": NEW_PHONE });
    let asked = app
        .post("/api/v1/users/me/phone/otp")
        .bearer(token)
        .json(&ask);
    let challenge = asked.send().await.expect(202)["challenge_id"].clone();
    codes.push(app.code_for(NEW_PHONE).await);
    let moved = json!({ "phone": NEW_PHONE, "challenge_id": challenge, "code": codes.last() });
    let moved = app.put("/api/v1/users/me/phone").bearer(token).json(&moved);
    moved.send().await.expect(200);

    app.advance(std::time::Duration::from_secs(61));
    codes.push(totp_code(app, &totp));
    let enter = |body: Value| app.post("/api/v1/auth/token").json(&body).send();
    let wrong = json!({ "phone": NEW_PHONE, "password": "слон пьёт", "totp": codes.last() });
    enter(wrong).await.expect_problem(401, "sign_in_failed");
    let right = json!({ "phone": NEW_PHONE, "password": PASSWORD, "totp": codes.last() });
    let tokens = enter(right).await.expect(200);
    keep(&tokens, "access_token", secrets);
    keep(&tokens, "refresh_token", secrets);

    let asked = app.post("/api/v1/auth/otp").json(&ask).send().await;
    let challenge = asked.expect(202)["challenge_id"].clone();
    codes.push(app.code_for(NEW_PHONE).await);
    let back = json!({ "phone": NEW_PHONE, "challenge_id": challenge, "code": codes.last(),
        "recovery_code": recovery[0] });
    let tokens = enter(back).await.expect(200);
    keep(&tokens, "access_token", secrets);
    keep(&tokens, "refresh_token", secrets);
}

/// What a member says of himself, right and wrong.
async fn as_a_member(app: &TestApp, anna: &SignedIn) {
    let member = [
        (
            "PATCH",
            "",
            json!({"name": NAME, "birthday": "1990-05-17", "email": "ratmirova@example.org"}),
        ),
        (
            "PATCH",
            "",
            json!({"name": "Евдокия\r\n{\"level\":", "email": "ratmirova@example"}),
        ),
        (
            "POST",
            "/devices",
            json!({"provider": "fcm", "token": "fcm-token-of-evdokia"}),
        ),
        (
            "PUT",
            "/consents",
            json!({"channel": "web", "consents": [{"kind": "marketing_sms", "version": 1, "given": true}]}),
        ),
        (
            "PUT",
            "/preferences",
            json!({"topics": [], "quiet_hours": null, "zone": "Europe/Moscow"}),
        ),
        ("GET", "/referrals", Value::Null),
        ("GET", "/export", Value::Null),
    ];
    for (method, path, body) in member {
        let request = app
            .request(method, &format!("/api/v1/users/me{path}"))
            .bearer(&anna.token);
        let request = if body.is_null() {
            request
        } else {
            request.json(&body)
        };
        let answer = request.send().await;
        assert!(
            answer.status.as_u16() < 500,
            "{method} {path}: {}",
            answer.text()
        );
    }
}

async fn wrong_requests(app: &TestApp, anna: &SignedIn, code: &str) {
    let broken = app.patch("/api/v1/users/me").bearer(&anna.token);
    let broken = broken.header("content-type", "application/json");
    broken
        .body(format!("{{\"name\": \"{NAME}"))
        .send()
        .await
        .expect_problem(400, "invalid_json");
    let outbox = app.get(&format!("/dev/outbox?phone={}", &PHONE[1..]));
    assert_eq!(outbox.send().await.status, 200);
    let wrong = json!({"phone": PHONE, "challenge_id": uuid::Uuid::nil(), "code": code});
    let wrong = app.post("/api/v1/auth/token").json(&wrong).send().await;
    wrong.expect_problem(401, "sign_in_failed");
}

async fn at_the_till(shop: &Shop, code: &str) {
    let app = &shop.app;
    for (n, member) in [
        json!({"phone": PHONE}),
        json!({"phone": STRANGER}),
        json!({"code": code}),
    ]
    .into_iter()
    .enumerate()
    {
        let look = json!({ "member": member });
        let request = app
            .post("/api/v1/loyalty/members/lookup")
            .bearer(&shop.till);
        assert!(request.json(&look).send().await.status.as_u16() < 500);
        let sale = json!({ "receipt_number": format!("L-{n}"), "member": member, "total": 10_000 });
        shop.quote(&sale).await.expect(200);
        shop.post(&sale).await.expect(201);
    }
    services::members::hash_tails::hash_phone_tails(&app.context)
        .await
        .expect("tails");
    let tail = json!({ "member": { "phone_tail": "4567" } });
    let request = app
        .post("/api/v1/loyalty/members/lookup")
        .bearer(&shop.till);
    request.json(&tail).send().await.expect(200);
    let batch = json!({ "items": [{ "receipt_number": "L-9", "member": { "phone": PHONE }, "total": 100 }] });
    let request = app.post("/api/v1/transactions/batch").bearer(&shop.till);
    let answer = request.idempotency_key("batch").json(&batch).send().await;
    assert!(answer.status.as_u16() < 500, "{}", answer.text());
    let file = format!(
        "receipt_number,occurred_at,phone,total\nf1,2026-02-01,{PHONE},10.50\nf2,2026-02-02,{PHONE}x,1\n"
    );
    let request = app.post("/api/v1/transactions/imports").bearer(&shop.till);
    let request = request
        .idempotency_key("file")
        .header("content-type", "text/csv");
    let answer = request.body(file).send().await;
    assert!(answer.status.is_success(), "{}", answer.text());
    app.run_imports().await;
}

#[tokio::test]
async fn neither_log_nor_database_holds_what_is_personal_or_secret() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_env_filter(format!("trace,{}", secrecy()))
        .with_writer(lines.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let shop = Shop::open().await;
    let (secrets, codes) = scenario(&shop).await;
    tracing::info!(
        name = "Евгения\r\n{\"level\":\"INFO\"}",
        "a name with a line of its own"
    );
    // Rows as they are, and what the usual tool would carry away.
    let dump = shop.app.dump().await + &shop.app.pg_dump().await;
    drop(guard);
    let log = lines.text();
    assert!(log.lines().count() > 100, "the log was listened to");
    for line in log.lines() {
        let line: Result<Value, _> = serde_json::from_str(line);
        assert!(line.is_ok_and(|line| line["level"].is_string()));
    }
    for secret in &secrets {
        assert_eq!(place_of(&log, secret), None, "in the log: {secret}");
        assert_eq!(place_of(&dump, secret), None, "in the database: {secret}");
    }
    for code in &codes {
        let told = |text: &str| {
            text.lines()
                .find(|line| stands_alone(line, code))
                .map(str::to_owned)
        };
        assert_eq!(told(&log), None, "in the log: {code}");
        assert_eq!(told(&dump), None, "in the database: {code}");
    }
    let _kept: TestApp = shop.app;
}
