//! Sign-ins: listed, ended by their person and by operators, ended by the clock, everywhere within seconds.

use std::time::Duration;

use axum::Router;
use domain::rights::{OperatorRole, StaffRole};
use futures_util::future::join_all;
use http::Method;
use http_kit::HttpConfig;
use serde_json::{Value, json};
use test_kit::{Answer, RequestBuilder, SignedIn, TestApp};

use super::{PHONE, asking, count, enter, renew, text};

const DAY: Duration = Duration::from_secs(86_400);

/// Three routes of one caller, at one server.
async fn looks(router: &Router, token: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for path in [
        "/api/v1/users/me",
        "/api/v1/auth/sessions",
        "/api/v1/loyalty/balance",
    ] {
        let asked = RequestBuilder::new(router.clone(), Method::GET, path).bearer(token);
        statuses.push(asked.send().await.status.as_u16());
    }
    statuses
}

async fn sessions(app: &TestApp, token: &str) -> Vec<Value> {
    let listed = app.get("/api/v1/auth/sessions").bearer(token).send().await;
    let listed = listed.expect(200);
    listed["items"].as_array().expect("items").clone()
}

/// Signs in from an address with a program.
async fn sign_in_from(app: &TestApp, address: &str, agent: &str) -> Value {
    app.advance(Duration::from_secs(181));
    let asked = asking(app, PHONE).send().await.expect(202);
    let body = json!({
        "phone": PHONE, "challenge_id": asked["challenge_id"], "code": app.code_for(PHONE).await,
        "device": "Телефон",
    });
    let entered = app.post("/api/v1/auth/token").json(&body).from(address);
    entered.header("user-agent", agent).send().await.expect(200)
}

#[tokio::test]
async fn a_sign_in_is_known_by_device_program_coarse_place_and_time() {
    let app = TestApp::start().await;
    let agent = "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36";
    let tokens = sign_in_from(&app, "203.0.113.7", agent).await;
    let token = text(&tokens, "access_token");
    let one = sessions(&app, &token).await.remove(0);
    assert_eq!(
        (&one["device"], &one["client"], &one["place"]),
        (
            &json!("Телефон"),
            &json!("Chrome, Android"),
            &json!("203.0.0.0/16")
        )
    );
    assert_eq!(one["created_at"], one["last_seen_at"]);
    app.advance(Duration::from_secs(60));
    let body = json!({ "refresh_token": tokens["refresh_token"] });
    let renewed = app.post("/api/v1/auth/refresh").json(&body);
    let renewed = renewed.from("2001:db8:1:2::3").send().await.expect(200);
    let one = sessions(&app, &text(&renewed, "access_token"))
        .await
        .remove(0);
    assert_eq!(one["place"], "2001:db8::/32");
    assert_ne!(one["created_at"], one["last_seen_at"]);
    assert!(!one.to_string().contains("113.7"), "{one}");
}

#[tokio::test]
async fn one_of_three_is_ended_then_all_others() {
    let app = TestApp::start().await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(sign_in_from(&app, "203.0.113.7", "").await);
    }
    let mine = text(&tokens[2], "access_token");
    assert_eq!(sessions(&app, &mine).await.len(), 3);
    let first = text(&tokens[0], "session_id");
    let ended = app.delete(&format!("/api/v1/auth/sessions/{first}"));
    ended.bearer(&mine).send().await.expect(204);
    let dead = renew(&app, &text(&tokens[0], "refresh_token")).await;
    dead.expect_problem(401, "sign_in_failed");
    assert_eq!(sessions(&app, &mine).await.len(), 2);
    let others = app.delete("/api/v1/auth/sessions").bearer(&mine);
    others.send().await.expect(204);
    let second = text(&tokens[1], "access_token");
    assert_eq!(looks(&app.router(), &second).await, [401; 3]);
    let dead = renew(&app, &text(&tokens[1], "refresh_token")).await;
    dead.expect_problem(401, "sign_in_failed");
    assert_eq!(sessions(&app, &mine).await.len(), 1);
    renew(&app, &text(&tokens[2], "refresh_token"))
        .await
        .expect(200);
}

/// Another server on the same database.
async fn neighbour(app: &TestApp) -> Router {
    rest_api::router(app.neighbour().await, HttpConfig::default())
}

#[tokio::test]
async fn a_logout_ends_access_tokens_on_every_server_within_five_seconds() {
    let app = TestApp::start().await;
    let there = neighbour(&app).await;
    let anna = app.sign_in(PHONE).await;
    assert_eq!(looks(&there, &anna.token).await, [200; 3]);
    let out = app.post("/api/v1/auth/logout").bearer(&anna.token);
    out.send().await.expect(204);
    assert_eq!(looks(&app.router(), &anna.token).await, [401; 3]);
    app.advance(Duration::from_secs(5));
    assert_eq!(looks(&there, &anna.token).await, [401; 3]);
    // The sign-in is over, not a spelling of its token.
    let mut padded = anna.token.clone();
    padded.push('=');
    let (head, signature) = anna.token.rsplit_once('.').expect("three parts");
    let last = signature.chars().last().expect("a character");
    let twin = char::from(u8::try_from(last).expect("ASCII") ^ 1);
    let respelt = format!("{head}.{}{twin}", &signature[..signature.len() - 1]);
    for token in [padded, respelt] {
        assert_eq!(looks(&app.router(), &token).await, [401; 3]);
    }
}

#[tokio::test]
async fn support_ends_all_sign_ins_of_a_member() {
    let app = TestApp::start().await;
    let there = neighbour(&app).await;
    let anna = app.sign_in(PHONE).await;
    let boris = app.sign_in("+79161112233").await;
    let support = app.operator("+79160000002", OperatorRole::Support).await;
    assert_eq!(looks(&there, &anna.token).await, [200; 3]);
    let address = format!("/api/v1/admin/members/{}/sessions", anna.member);
    let curious = app.delete(&address).bearer(&boris.token).send().await;
    curious.expect_problem(403, "forbidden");
    let nobody = app.delete("/api/v1/admin/members/018f2b7e-1234-7abc-8def-0123456789ab/sessions");
    let nobody = nobody.bearer(&support.token).send().await;
    nobody.expect_problem(404, "not_found");
    let ended = app.delete(&address).bearer(&support.token).send().await;
    ended.expect(204);
    assert_eq!(looks(&app.router(), &anna.token).await, [401; 3]);
    let dead = renew(&app, &anna.refresh_token).await;
    dead.expect_problem(401, "sign_in_failed");
    app.advance(Duration::from_secs(5));
    assert_eq!(looks(&there, &anna.token).await, [401; 3]);
    assert_eq!(looks(&there, &boris.token).await, [200; 3]);
    app.advance(Duration::from_secs(60));
    app.sign_in(PHONE).await;
}

/// The staff of a business, asked for at one server.
async fn staff_list(router: &Router, business: &str, token: &str) -> Answer {
    let path = format!("/api/v1/businesses/{business}/staff");
    let asked = RequestBuilder::new(router.clone(), Method::GET, &path).bearer(token);
    asked.send().await
}

#[tokio::test]
async fn a_role_that_is_taken_is_gone_everywhere_within_five_seconds() {
    let app = TestApp::start().await;
    let there = neighbour(&app).await;
    let business = app.business("luna").await;
    let owner = app.staff(business, PHONE, StaffRole::Owner).await;
    let manager = app
        .staff(business, "+79161112233", StaffRole::Manager)
        .await;
    let business = business.to_string();
    staff_list(&there, &business, &manager.token)
        .await
        .expect(200);
    let path = format!("/api/v1/businesses/{business}/staff/{}", manager.member);
    let taken = app.delete(&path).bearer(&owner.token).send().await;
    taken.expect(204);
    let here = staff_list(&app.router(), &business, &manager.token).await;
    assert!(
        [403, 404].contains(&here.status.as_u16()),
        "{}",
        here.text()
    );
    app.advance(Duration::from_secs(5));
    let there = staff_list(&there, &business, &manager.token).await;
    assert!(
        [403, 404].contains(&there.status.as_u16()),
        "{}",
        there.text()
    );
}

#[tokio::test]
async fn a_block_is_felt_everywhere_within_five_seconds() {
    let app = TestApp::start().await;
    let there = neighbour(&app).await;
    let anna = app.sign_in(PHONE).await;
    assert_eq!(looks(&there, &anna.token).await, [200; 3]);
    sqlx::query("update members set status = 'blocked'")
        .execute(app.context.pool())
        .await
        .expect("the test's own database");
    app.advance(Duration::from_secs(5));
    for router in [app.router(), there] {
        assert_eq!(looks(&router, &anna.token).await, [401; 3]);
    }
    let dead = renew(&app, &anna.refresh_token).await;
    dead.expect_problem(401, "sign_in_failed");
}

/// Renews again and again, with a pause before each.
async fn keep_alive(app: &TestApp, person: &SignedIn, pause: Duration, times: u32) -> Answer {
    let mut token = person.refresh_token.clone();
    let mut last = None;
    for _ in 0..times {
        app.advance(pause);
        let renewed = renew(app, &token).await;
        if renewed.status == 200 {
            token = text(&renewed.json(), "refresh_token");
        }
        last = Some(renewed);
    }
    last.expect("at least once")
}

#[tokio::test]
async fn a_member_is_signed_in_for_thirty_days_of_rest_and_ninety_in_all() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    keep_alive(&app, &anna, DAY * 29, 3).await.expect(200);
    let boris = app.sign_in("+79161112233").await;
    let rested = keep_alive(&app, &boris, DAY * 30, 1).await;
    rested.expect_problem(401, "sign_in_failed");
    let vera = app.sign_in("+79161112244").await;
    let over = keep_alive(&app, &vera, DAY * 30 - Duration::from_secs(1), 4).await;
    over.expect_problem(401, "sign_in_failed");
}

#[tokio::test]
async fn whoever_has_a_role_is_signed_in_for_an_hour_of_rest_and_twelve_in_all() {
    let app = TestApp::start().await;
    let business = app.business("luna").await;
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let cashier = app.staff(business, PHONE, StaffRole::Cashier).await;
    keep_alive(&app, &cashier, minutes(59), 12)
        .await
        .expect(200);
    let manager = app
        .staff(business, "+79161112233", StaffRole::Manager)
        .await;
    let rested = keep_alive(&app, &manager, minutes(60), 1).await;
    rested.expect_problem(401, "sign_in_failed");
    let admin = app.operator("+79160000003", OperatorRole::Admin).await;
    let over = keep_alive(&app, &admin, minutes(59), 13).await;
    over.expect_problem(401, "sign_in_failed");
    // Nor does an access token outlive the end of its sign-in.
    let support = app.operator("+79160000004", OperatorRole::Support).await;
    let last = keep_alive(&app, &support, minutes(59), 12)
        .await
        .expect(200);
    let token = text(&last, "access_token");
    assert_eq!(looks(&app.router(), &token).await, [200; 3]);
    app.advance(minutes(12 * 60 - 12 * 59) + Duration::from_secs(1));
    assert_eq!(looks(&app.router(), &token).await, [401; 3]);
}

#[tokio::test]
async fn a_member_who_gets_a_role_has_the_shorter_life() {
    let app = TestApp::start().await;
    let business = app.business("luna").await;
    let anna = app.sign_in(PHONE).await;
    let renewed = keep_alive(&app, &anna, DAY, 1).await.expect(200);
    let given = services::businesses::GiveRole {
        phone: domain::phone::Phone::parse(PHONE, domain::phone::Region::RU).expect("a phone"),
        role: StaffRole::Cashier,
        location: None,
    };
    services::businesses::give_role_as_system(&app.context, business, given)
        .await
        .expect("the role is given");
    let token = text(&renewed, "access_token");
    assert_eq!(looks(&app.router(), &token).await, [401; 3]);
}

#[tokio::test]
async fn twenty_renewals_at_once_give_one_child() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let answers = join_all((0..20).map(|_| renew(&app, &anna.refresh_token))).await;
    let mut children: Vec<String> = answers
        .iter()
        .map(|answer| text(&answer.expect(200), "refresh_token"))
        .collect();
    children.dedup();
    assert_eq!(children.len(), 1);
    let live = "select count(*) from refresh_tokens where used_at is null";
    assert_eq!(count(&app, live).await, 1);
    renew(&app, &children[0]).await.expect(200);
}

#[tokio::test]
async fn a_copied_token_ends_the_family_and_the_member_hears_of_it() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let second = text(
        &renew(&app, &anna.refresh_token).await.expect(200),
        "refresh_token",
    );
    let third = text(&renew(&app, &second).await.expect(200), "refresh_token");
    let before = count(&app, "select count(*) from development_outbox").await;
    let replayed = renew(&app, &anna.refresh_token).await;
    replayed.expect_problem(401, "sign_in_failed");
    let dead = renew(&app, &third).await;
    dead.expect_problem(401, "sign_in_failed");
    assert_eq!(looks(&app.router(), &anna.token).await, [401; 3]);
    let after = count(&app, "select count(*) from development_outbox").await;
    assert_eq!(after, before + 1, "the member is told once");
    let reuse = "select count(*) from sessions where end_reason = 'reuse'";
    assert_eq!(count(&app, reuse).await, 1);
}

#[tokio::test]
async fn a_lost_answer_is_repeated_for_ten_seconds() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let child = text(
        &renew(&app, &anna.refresh_token).await.expect(200),
        "refresh_token",
    );
    app.advance(Duration::from_secs(10));
    let again = renew(&app, &anna.refresh_token).await.expect(200);
    assert_eq!(text(&again, "refresh_token"), child);
    app.advance(Duration::from_secs(1));
    let late = renew(&app, &anna.refresh_token).await;
    late.expect_problem(401, "sign_in_failed");
    let dead = renew(&app, &child).await;
    dead.expect_problem(401, "sign_in_failed");
}

#[tokio::test]
async fn what_is_no_token_renews_nothing() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    for token in [anna.token.as_str(), "ocr_AAAA", "x"] {
        let refused = renew(&app, token).await;
        assert!(
            [401, 422].contains(&refused.status.as_u16()),
            "{}",
            refused.text()
        );
    }
    let none = json!("018f2b7e-1234-7abc-8def-0123456789ab");
    let entered = enter(&app, PHONE, &none, "123456").await;
    entered.expect_problem(401, "sign_in_failed");
}
