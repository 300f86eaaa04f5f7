//! A member changes the phone.

use std::time::Duration;

use serde_json::{Value, json};
use test_kit::{Answer, SignedIn, TestApp};

use super::{PHONE, asking, challenge, count, enter, other_than, text};
use crate::transactions::{Shop, purchase};

const NEW: &str = "+79167654321";

/// Asks for a code for a new phone.
async fn ask(app: &TestApp, member: &SignedIn, phone: &str) -> Answer {
    let body = json!({ "phone": phone });
    let asked = app.post("/api/v1/users/me/phone/otp").bearer(&member.token);
    asked.json(&body).send().await
}

/// Shows the code of a new phone.
async fn change(
    app: &TestApp,
    member: &SignedIn,
    phone: &str,
    challenge: &Value,
    code: &str,
) -> Answer {
    let body = json!({ "phone": phone, "challenge_id": challenge, "code": code });
    let changed = app.put("/api/v1/users/me/phone").bearer(&member.token);
    changed.json(&body).send().await
}

#[tokio::test]
async fn the_new_phone_signs_in_the_old_one_is_told_and_spending_waits_a_day() {
    let shop = Shop::open().await;
    let elsewhere = shop.member_with(PHONE, 50_000).await;
    let app = &shop.app;
    app.advance(Duration::from_secs(61));
    let anna = app.sign_in(PHONE).await;
    let asked = ask(app, &anna, NEW).await.expect(202);
    let code = app.code_for(NEW).await;
    let profile = change(app, &anna, NEW, &asked["challenge_id"], &code).await;
    assert_eq!(profile.expect(200)["phone"], NEW);
    let to = domain::phone::Phone::parse(PHONE, domain::phone::Region::RU).expect("a phone");
    let told = services::notifications::development_outbox::list(&app.context, Some(&to), 1).await;
    let told = told.expect("the outbox").remove(0).text;
    assert!(
        told.contains("изменён") && !told.contains("7654321"),
        "{told}"
    );
    let other = app.get("/api/v1/users/me").bearer(&elsewhere.token);
    other.send().await.expect_problem(401, "unauthenticated");
    // Earning goes on; spending and setting aside wait.
    shop.post(&purchase("E-1", NEW, 100_000)).await.expect(201);
    let mut body = purchase("S-1", NEW, 100_000);
    body["member"] = json!({ "code": shop.code(&anna).await });
    body["points"] = json!(1_000);
    let refused = shop.post(&body).await.expect_problem(409, "spending_waits");
    assert!(text(&refused, "until").starts_with("2026-03-03T09:01:01"));
    let quoted = shop.quote(&body).await;
    quoted.expect_problem(409, "spending_waits");
    app.advance(Duration::from_secs(86_400));
    let again = app.sign_in(NEW).await;
    assert_eq!(again.member, anna.member);
    body["member"] = json!({ "code": shop.code(&again).await });
    shop.post(&body).await.expect(201);
    // The old number is nobody's now: whoever signs in with it is somebody new.
    let stranger = app.sign_in(PHONE).await;
    assert_ne!(stranger.member, anna.member);
    shop.audit().await;
}

#[tokio::test]
async fn a_hold_waits_too() {
    let shop = Shop::open().await;
    shop.member_with(PHONE, 50_000).await;
    let app = &shop.app;
    app.advance(Duration::from_secs(61));
    let anna = app.sign_in(PHONE).await;
    let asked = ask(app, &anna, NEW).await.expect(202);
    let code = app.code_for(NEW).await;
    let changed = change(app, &anna, NEW, &asked["challenge_id"], &code).await;
    changed.expect(200);
    let body = json!({
        "member": { "code": shop.code(&anna).await }, "points": 1_000, "reference": "H-1",
    });
    let hold = app
        .post("/api/v1/loyalty/holds")
        .bearer(&shop.till)
        .idempotency_key("h1")
        .json(&body);
    hold.send().await.expect_problem(409, "spending_waits");
}

#[tokio::test]
async fn an_old_sign_in_changes_nothing() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    app.advance(Duration::from_secs(300));
    let asked = ask(&app, &anna, NEW).await.expect(202);
    let code = app.code_for(NEW).await;
    app.advance(Duration::from_secs(1));
    let late = change(&app, &anna, NEW, &asked["challenge_id"], &code).await;
    late.expect_problem(401, "step_up_required");
    // Two hours later, by a token that was renewed: the sign-in is as old as it is.
    let renewed = super::renew(&app, &anna.refresh_token).await.expect(200);
    let anna = SignedIn {
        token: text(&renewed, "access_token"),
        ..anna
    };
    app.advance(Duration::from_secs(300));
    let refused = ask(&app, &anna, NEW).await;
    refused.expect_problem(401, "step_up_required");
    let me = app.get("/api/v1/users/me").bearer(&anna.token);
    assert_eq!(me.send().await.expect(200)["phone"], PHONE);
}

#[tokio::test]
async fn a_code_for_one_thing_is_worth_nothing_for_another() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    // A sign-in code of the new number does not move an account to it.
    let signing_in = challenge(&app, NEW).await;
    let code = app.code_for(NEW).await;
    let moved = change(&app, &anna, NEW, &signing_in, &code).await;
    moved.expect_problem(401, "sign_in_failed");
    // Nor does a code for changing the phone sign in; and the one did not use up the other.
    enter(&app, NEW, &signing_in, &code).await.expect(200);
    app.advance(Duration::from_secs(61));
    let third = "+79161112233";
    let moving = ask(&app, &anna, third).await.expect(202)["challenge_id"].clone();
    let code = app.code_for(third).await;
    let entered = enter(&app, third, &moving, &code).await;
    entered.expect_problem(401, "sign_in_failed");
    change(&app, &anna, third, &moving, &code).await.expect(200);
    let twice = change(&app, &anna, third, &moving, &code).await;
    twice.expect_problem(401, "sign_in_failed");
}

#[tokio::test]
async fn a_taken_phone_stays_with_whom_it_is_and_only_its_holder_hears_that() {
    let app = TestApp::start().await;
    let boris = app.sign_in(NEW).await;
    app.advance(Duration::from_secs(61));
    let anna = app.sign_in(PHONE).await;
    let unknown = ask(&app, &anna, "+79161112233").await;
    let taken = ask(&app, &anna, NEW).await;
    assert_eq!(
        unknown.expect(202).as_object().map(|body| body.len()),
        Some(3)
    );
    let taken = taken.expect(202);
    let code = app.code_for(NEW).await;
    let wrong = other_than(&code);
    let guessed = change(&app, &anna, NEW, &taken["challenge_id"], &wrong).await;
    guessed.expect_problem(401, "sign_in_failed");
    let shown = change(&app, &anna, NEW, &taken["challenge_id"], &code).await;
    shown.expect_problem(409, "phone_taken");
    let me = app.get("/api/v1/users/me").bearer(&boris.token);
    assert_eq!(me.send().await.expect(200)["phone"], NEW);
    let own = ask(&app, &anna, PHONE).await;
    own.expect_problem(429, "code_already_sent");
    app.advance(Duration::from_secs(60));
    let own = ask(&app, &anna, PHONE).await.expect(202);
    let code = app.code_for(PHONE).await;
    let same = change(&app, &anna, PHONE, &own["challenge_id"], &code).await;
    same.expect_problem(409, "same_phone");
}

#[tokio::test]
async fn the_same_limits_hold() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    ask(&app, &anna, NEW).await.expect(202);
    let again = ask(&app, &anna, NEW).await;
    again.expect_problem(429, "code_already_sent");
    let other_way = asking(&app, NEW).send().await;
    other_way.expect_problem(429, "code_already_sent");
    let far = ask(&app, &anna, "+77011234567").await;
    far.expect_problem(409, "phone_not_accepted");
    let nobody = app
        .post("/api/v1/users/me/phone/otp")
        .json(&json!({ "phone": NEW }));
    nobody.send().await.expect_problem(401, "unauthenticated");
    let business = app.business("luna").await;
    let till = app.till(business).await;
    let key = app.post("/api/v1/users/me/phone/otp").bearer(&till);
    let key = key.json(&json!({ "phone": NEW }));
    key.send().await.expect_problem(403, "forbidden");
    assert_eq!(count(&app, "select count(*) from one_time_codes").await, 2);
}
