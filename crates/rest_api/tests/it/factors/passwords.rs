//! Password and authenticator together: setting, signing in, and whoever guesses.

use std::time::Duration;

use domain::rights::StaffRole;
use serde_json::{Value, json};
use test_kit::{Answer, TestApp};
use totp_rs::{Builder, Secret, Totp};

use super::{call, token_of};

const PHONE: &str = "+79160000001";
const NOBODY: &str = "+79160000009";
pub(crate) const PASSWORD: &str = "зелёный слон пьёт кефир";

/// The authenticator of a secret as the service shows it.
pub(crate) fn authenticator(secret: &str) -> Totp {
    let secret = Secret::try_from_base32(secret).expect("base 32");
    let builder = Builder::new().with_secret(secret.as_bytes().to_vec());
    builder
        .with_account_name("me")
        .build()
        .expect("an authenticator")
}

/// The code that it shows now.
pub(crate) fn code(app: &TestApp, totp: &Totp) -> String {
    let now = u64::try_from(app.now().timestamp()).expect("after 1970");
    totp.generate(now).to_string()
}

/// A code that none of the three good steps has.
fn wrong(app: &TestApp, totp: &Totp) -> String {
    let now = u64::try_from(app.now().timestamp()).expect("after 1970");
    let good: Vec<String> = [now - 30, now, now + 30]
        .iter()
        .map(|at| totp.generate(*at).to_string())
        .collect();
    let mut all = (0..10).map(|n| format!("00000{n}"));
    all.find(|one| !good.contains(one)).expect("one of ten")
}

/// Sets password and authenticator of somebody who signed in by phone.
async fn enrolled(app: &TestApp, token: &str) -> Totp {
    let set = call(
        app,
        "PUT",
        "password",
        token,
        &json!({"password": PASSWORD}),
    )
    .await;
    set.expect(204);
    let begun = call(app, "POST", "totp", token, &json!({}))
        .await
        .expect(202);
    let secret = begun["secret"].as_str().expect("a secret");
    let uri = begun["otpauth_uri"].as_str().expect("an address");
    assert!(uri.contains(&format!("secret={secret}")), "{uri}");
    let totp = authenticator(secret);
    let first = json!({"code": code(app, &totp)});
    call(app, "POST", "totp", token, &first).await.expect(204);
    totp
}

async fn enter(app: &TestApp, phone: &str, password: &str, totp: &str) -> Answer {
    let body = json!({"phone": phone, "password": password, "totp": totp});
    app.post("/api/v1/auth/token").json(&body).send().await
}

#[tokio::test]
async fn password_and_code_together_open_a_role() {
    let app = TestApp::start().await;
    let business = app.business("cafe-luna").await;
    app.staff(business, PHONE, StaffRole::Manager).await;
    app.advance(Duration::from_secs(61));
    let weak = app.sign_in_by_phone(PHONE).await.token;
    let totp = enrolled(&app, &weak).await;
    // The code that confirmed it is used up.
    enter(&app, PHONE, PASSWORD, &code(&app, &totp))
        .await
        .expect_problem(401, "sign_in_failed");
    app.advance(Duration::from_secs(30));
    let now = code(&app, &totp);
    let strong = token_of(&enter(&app, PHONE, PASSWORD, &now).await);
    let staff = format!("/api/v1/businesses/{business}/staff");
    app.get(&staff).bearer(&strong).send().await.expect(200);
    enter(&app, PHONE, PASSWORD, &now)
        .await
        .expect_problem(401, "sign_in_failed");
    let mine = call(&app, "GET", "factors", &strong, &Value::Null).await;
    let mine = mine.expect(200);
    assert!(mine["password_changed_at"].is_string() && mine["totp_since"].is_string());
    call(&app, "DELETE", "totp", &strong, &Value::Null)
        .await
        .expect_problem(409, "last_factor");
}

#[tokio::test]
async fn after_five_tries_everybody_waits_and_a_stranger_s_phone_too() {
    let app = TestApp::start().await;
    let anna = app.sign_in_by_phone(PHONE).await;
    let totp = enrolled(&app, &anna.token).await;
    app.advance(Duration::from_secs(60));
    let bad = wrong(&app, &totp);
    for phone in [PHONE, NOBODY] {
        for password in [PASSWORD, "зелёный слон", PASSWORD, "x", PASSWORD] {
            let answer = enter(&app, phone, password, &bad).await;
            answer.expect_problem(401, "sign_in_failed");
        }
        let good = code(&app, &totp);
        let answer = enter(&app, phone, PASSWORD, &good).await;
        answer.expect_problem(429, "account_locked");
        assert_eq!(answer.header("retry-after"), "30");
    }
    let me = Some(anna.member.to_string());
    let expected = [(me, "password", 5), (None, "password", 5)];
    assert_eq!(
        locks(&app).await,
        expected.map(|(id, kind, n)| (id, kind.to_owned(), n))
    );
    app.advance(Duration::from_secs(31));
    let good = code(&app, &totp);
    enter(&app, PHONE, PASSWORD, &good).await.expect(200);
}

/// The locks that the audit log tells of, oldest first: whose factor, which kind, after how many failures.
async fn locks(app: &TestApp) -> Vec<(Option<String>, String, i32)> {
    sqlx::query_as(
        "select object_id, after ->> 'kind', (after ->> 'failures')::int from audit_log
         where action = 'factor.lock' order by id",
    )
    .fetch_all(app.context.pool())
    .await
    .expect("the database answers")
}

#[tokio::test]
async fn a_network_that_tries_many_phones_waits() {
    let app = TestApp::start().await;
    for n in 0..30 {
        let phone = format!("+791600001{n:02}");
        let answer = enter(&app, &phone, "зелёный слон", "000000").await;
        answer.expect_problem(401, "sign_in_failed");
    }
    let answer = enter(&app, PHONE, "зелёный слон", "000000").await;
    answer.expect_problem(429, "account_locked");
}

#[tokio::test]
async fn five_wrong_first_codes_make_the_enrolment_wait() {
    let app = TestApp::start().await;
    let anna = app.sign_in_by_phone(PHONE).await;
    let begun = call(&app, "POST", "totp", &anna.token, &json!({})).await;
    let begun = begun.expect(202);
    let totp = authenticator(begun["secret"].as_str().expect("a secret"));
    let bad = json!({"code": wrong(&app, &totp)});
    for _ in 0..5 {
        call(&app, "POST", "totp", &anna.token, &bad)
            .await
            .expect_problem(409, "factor_does_not_fit");
    }
    let good = json!({"code": code(&app, &totp)});
    call(&app, "POST", "totp", &anna.token, &good)
        .await
        .expect_problem(429, "account_locked");
    let noted = (Some(anna.member.to_string()), "totp".to_owned(), 5);
    assert_eq!(locks(&app).await, [noted]);
    app.advance(Duration::from_secs(31));
    let good = json!({"code": code(&app, &totp)});
    call(&app, "POST", "totp", &anna.token, &good)
        .await
        .expect(204);
}

#[tokio::test]
async fn bad_passwords_and_half_sign_ins_are_named() {
    let app = TestApp::start().await;
    let anna = app.sign_in_by_phone(PHONE).await;
    for (password, fault) in [
        ("kiwi7", "too_short"),
        ("Password1", "too_common"),
        ("79160000001", "too_common"),
    ] {
        let body = json!({"password": password});
        let set = call(&app, "PUT", "password", &anna.token, &body);
        let problem = set.await.expect_problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["code"], fault, "{password}");
        assert!(!problem.to_string().contains(password));
    }
    for (body, pointer) in [
        (json!({"phone": PHONE, "password": PASSWORD}), "/totp"),
        (json!({"phone": PHONE, "totp": "000000"}), "/password"),
        (json!({"phone": PHONE, "code": "000000"}), "/challenge_id"),
        (
            json!({"phone": PHONE, "password": PASSWORD, "totp": "000000", "code": "000000"}),
            "/code",
        ),
    ] {
        let answer = app.post("/api/v1/auth/token").json(&body).send().await;
        let problem = answer.expect_problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
}
