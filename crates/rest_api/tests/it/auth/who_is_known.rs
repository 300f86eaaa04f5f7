//! Whether a phone is a member's shows neither in what is answered nor in what is asked of the database, which is what the
//! time of an answer is made of: a test without a clock.

use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};
use test_kit::{Answer, RequestBuilder, TestApp, Wire};
use uuid::Uuid;

use super::{PHONE, asking};

/// Who wants in. Each phone has a prefix of its own.
const STRANGERS: [[&str; 2]; 8] = [
    ["+79260000001", "+79270001001"],
    ["+79260010001", "+79270011001"],
    ["+79260020001", "+79270021001"],
    ["+79260030001", "+79270031001"],
    ["+79260040001", "+79270041001"],
    ["+79260050001", "+79270051001"],
    ["+79260060001", "+79270061001"],
    ["+79260070001", "+79270071001"],
];

/// A request, and each round trip that it took.
async fn asked(app: &TestApp, wire: &Wire, request: RequestBuilder) -> (Answer, Vec<String>) {
    app.quiet(wire).await;
    let _before = wire.take();
    let answer = request.send().await;
    app.quiet(wire).await;
    (answer, wire.take())
}

/// What an answer tells, but for what no two answers share.
fn told(answer: &Answer) -> (u16, Vec<String>, String) {
    let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort_unstable();
    let mut body = answer.json();
    for own in ["challenge_id", "instance", "request_id", "trace_id"] {
        if let Some(value) = body.get_mut(own) {
            *value = json!(null);
        }
    }
    (answer.status.as_u16(), names, body.to_string())
}

/// Compares the request for a member's phone with that for strangers' until a pair of them prepares nothing.
async fn alike(app: &TestApp, wire: &Wire, request: impl Fn(&str) -> RequestBuilder) {
    let steady = |trips: &[String]| !trips.iter().any(|trip| trip.starts_with("prepare "));
    for [first, stranger] in STRANGERS {
        app.advance(std::time::Duration::from_secs(7_200));
        // What a server keeps for a few seconds is read by whoever comes first.
        let _warm = asked(app, wire, request(first)).await;
        let known = asked(app, wire, request(PHONE)).await;
        let unknown = asked(app, wire, request(stranger)).await;
        assert_eq!(told(&known.0), told(&unknown.0));
        if steady(&known.1) && steady(&unknown.1) {
            assert_eq!(known.1, unknown.1);
            assert!(known.1.len() > 3, "something was asked: {:#?}", known.1);
            return;
        }
    }
    panic!("the statements are prepared each time");
}

#[tokio::test]
async fn asking_for_a_code_asks_the_same_for_every_phone() {
    let (app, wire) = TestApp::counted().await;
    app.sign_in(PHONE).await;
    alike(&app, &wire, |phone| asking(&app, phone)).await;
}

#[tokio::test]
async fn a_code_that_nobody_got_asks_the_same_for_every_phone() {
    let (app, wire) = TestApp::counted().await;
    app.sign_in(PHONE).await;
    let enter = |phone: &str| {
        let body = json!({ "phone": phone, "challenge_id": Uuid::from_u128(7), "code": "000000" });
        app.post("/api/v1/auth/token").json(&body)
    };
    alike(&app, &wire, enter).await;
}

#[tokio::test]
async fn a_password_asks_the_same_for_every_phone() {
    let (app, wire) = TestApp::counted().await;
    app.sign_in(PHONE).await;
    let enter = |phone: &str| {
        let body = json!({ "phone": phone, "password": "a slow green elephant", "totp": "000000" });
        app.post("/api/v1/auth/token").json(&body)
    };
    alike(&app, &wire, enter).await;
}

#[tokio::test]
async fn a_fault_inside_looks_the_same_for_every_phone() {
    let app = TestApp::start().await;
    app.sign_in(PHONE).await;
    app.advance(std::time::Duration::from_secs(7_200));
    let owner = store_owner(&app).await;
    for table in ["one_time_codes", "limit_counters", "code_phones"] {
        let rename = |from: &str, to: &str| format!("alter table {from} rename to {to}");
        run(&owner, rename(table, "away")).await;
        let mut all = Vec::new();
        for phone in [PHONE, STRANGERS[0][0]] {
            let answer = asking(&app, phone).send().await;
            assert!(answer.status.is_server_error(), "{}", answer.text());
            all.push(told(&answer));
        }
        assert_eq!(all[0], all[1], "{table}");
        run(&owner, rename("away", table)).await;
    }
    owner.close().await;
}

async fn store_owner(app: &TestApp) -> PgPool {
    let owner = PgPool::connect(&app.database_url()).await;
    owner.expect("the database answers")
}

async fn run(owner: &PgPool, statement: String) {
    let done = sqlx::query(AssertSqlSafe(statement)).execute(owner).await;
    done.expect("the owner may");
}
