//! One-time codes: their life, their tries, their single use, and what they say.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use domain::people::Locale;
use domain::phone::{Phone, Region};
use futures_util::future::join_all;
use serde_json::json;
use services::auth::code_rules::{CodeRules, TestNumber};
use services::context::ServiceConfig;
use services::notifications::development_outbox;
use test_kit::{TestApp, config_of_tests, start_of_tests};

use super::{PHONE, asking, challenge, count, enter, other_than};
use crate::transactions::{Shop, purchase};

#[tokio::test]
async fn a_code_ends_after_five_minutes_and_with_the_next() {
    let app = TestApp::start().await;
    let first = challenge(&app, PHONE).await;
    let first_code = app.code_for(PHONE).await;
    app.advance(Duration::from_secs(61));
    let second = challenge(&app, PHONE).await;
    let second_code = app.code_for(PHONE).await;
    let old = enter(&app, PHONE, &first, &first_code).await;
    old.expect_problem(401, "sign_in_failed");
    let mixed = enter(&app, PHONE, &first, &second_code).await;
    mixed.expect_problem(401, "sign_in_failed");
    app.advance(Duration::from_secs(301));
    let late = enter(&app, PHONE, &second, &second_code).await;
    late.expect_problem(401, "sign_in_failed");
}

#[tokio::test]
async fn five_of_fifty_wrong_codes_at_once_are_compared_and_then_none() {
    let app = TestApp::start().await;
    let asked = challenge(&app, PHONE).await;
    let code = app.code_for(PHONE).await;
    let wrong = other_than(&code);
    let tries = join_all((0..50).map(|_| enter(&app, PHONE, &asked, &wrong))).await;
    for tried in tries {
        tried.expect_problem(401, "sign_in_failed");
    }
    assert_eq!(
        count(&app, "select attempts::bigint from one_time_codes").await,
        5
    );
    assert_eq!(
        count(&app, "select failures::bigint from code_phones").await,
        5
    );
    let right = enter(&app, PHONE, &asked, &code).await;
    right.expect_problem(401, "sign_in_failed");
}

#[tokio::test]
async fn a_new_code_does_not_forgive() {
    let app = TestApp::start().await;
    let mut last = json!(null);
    for _ in 0..2 {
        app.advance(Duration::from_secs(61));
        last = challenge(&app, PHONE).await;
        let wrong = other_than(&app.code_for(PHONE).await);
        for _ in 0..5 {
            let tried = enter(&app, PHONE, &last, &wrong).await;
            tried.expect_problem(401, "sign_in_failed");
        }
    }
    let locked = enter(&app, PHONE, &last, &app.code_for(PHONE).await).await;
    locked.expect_problem(429, "account_locked");
    assert_eq!(locked.header("retry-after"), "30");
    app.advance(Duration::from_secs(61));
    let fresh = challenge(&app, PHONE).await;
    let code = app.code_for(PHONE).await;
    let wrong = enter(&app, PHONE, &fresh, &other_than(&code)).await;
    wrong.expect_problem(401, "sign_in_failed");
    let right = enter(&app, PHONE, &fresh, &code).await;
    right.expect_problem(429, "account_locked");
    assert_eq!(right.header("retry-after"), "60");
    app.advance(Duration::from_secs(60));
    enter(&app, PHONE, &fresh, &code).await.expect(200);
}

#[tokio::test]
async fn after_a_hundred_wrong_codes_only_an_operator_helps() {
    let app = TestApp::start().await;
    challenge(&app, PHONE).await;
    sqlx::query("update code_phones set failures = 99")
        .execute(app.context.pool())
        .await
        .expect("the test's own database");
    app.advance(Duration::from_secs(61));
    let asked = challenge(&app, PHONE).await;
    let code = app.code_for(PHONE).await;
    let wrong = enter(&app, PHONE, &asked, &other_than(&code)).await;
    wrong.expect_problem(401, "sign_in_failed");
    app.advance(Duration::from_secs(24 * 3600));
    let asked = asking(&app, PHONE).send().await;
    asked.expect_problem(429, "code_already_sent");
}

#[tokio::test]
async fn one_of_a_hundred_at_once_signs_in() {
    let app = TestApp::start().await;
    let asked = challenge(&app, PHONE).await;
    let code = app.code_for(PHONE).await;
    let body = json!({ "phone": PHONE, "challenge_id": asked, "code": code });
    // From two networks: one alone may not ask so much at once.
    let tries = join_all((0..100).map(|n| {
        let entered = app.post("/api/v1/auth/token").json(&body);
        entered.from(&format!("203.0.113.{}", n % 2)).send()
    }))
    .await;
    let won = tries.iter().filter(|tried| tried.status == 200).count();
    let lost = tries.iter().filter(|tried| tried.status == 401).count();
    assert_eq!((won, lost), (1, 99));
    assert_eq!(count(&app, "select count(*) from sessions").await, 1);
}

#[tokio::test]
async fn a_guess_at_no_code_blames_nobody() {
    let app = TestApp::start().await;
    challenge(&app, PHONE).await;
    let nothing = json!("018f2b7e-1234-7abc-8def-0123456789ab");
    for _ in 0..30 {
        let tried = enter(&app, PHONE, &nothing, "000000").await;
        tried.expect_problem(401, "sign_in_failed");
    }
    let stranger = enter(&app, "+79169999999", &nothing, "000000").await;
    stranger.expect_problem(401, "sign_in_failed");
    assert_eq!(
        count(&app, "select failures::bigint from code_phones").await,
        0
    );
}

#[tokio::test]
async fn the_answer_does_not_tell_members_from_others() {
    let (app, wire) = TestApp::counted().await;
    let phone = |n: usize| format!("+7916{:03}0000", 100 + n);
    let known: Vec<String> = (0..30).map(phone).collect();
    for phone in &known {
        app.sign_in(phone).await;
    }
    app.advance(Duration::from_secs(3600));
    let mut seen = BTreeSet::new();
    for phone in known.into_iter().chain((100..130).map(phone)) {
        app.quiet(&wire).await;
        let _before = wire.take();
        let answer = asking(&app, &phone).send().await;
        app.quiet(&wire).await;
        let trips = wire.take().len();
        let body = answer.expect(202);
        assert_eq!(
            (&body["expires_in"], &body["resend_after"]),
            (&json!(300), &json!(60))
        );
        let mut headers: Vec<String> = answer
            .headers
            .iter()
            .filter(|(name, _)| !["x-request-id", "ratelimit"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        let names: Vec<String> = body
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect();
        seen.insert((answer.body.len(), names, headers, trips));
        app.advance(Duration::from_secs(10));
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}

#[tokio::test]
async fn spellings_of_one_number_are_one_phone() {
    let app = TestApp::start().await;
    let spellings = [
        "+79161234567",
        "8 (916) 123-45-67",
        "+7 916 123 45 67",
        "89161234567",
        "9161234567",
        "+7(916)1234567",
        "8-916-123-45-67",
        "+7.916.123.45.67",
        "8 916 1234567",
    ];
    asking(&app, spellings[0]).send().await.expect(202);
    for spelling in spellings {
        let again = asking(&app, spelling).send().await;
        again.expect_problem(429, "code_already_sent");
    }
    let mut members = BTreeSet::new();
    for spelling in spellings {
        // Ten codes a day for one phone.
        app.advance(Duration::from_secs(3 * 3600));
        let asked = challenge(&app, spelling).await;
        let code = app.code_for(PHONE).await;
        let tokens = enter(&app, spelling, &asked, &code).await.expect(200);
        members.insert(tokens["member_id"].to_string());
    }
    assert_eq!(members.len(), 1);
}

#[tokio::test]
async fn what_is_no_served_mobile_number_gets_nothing() {
    let app = TestApp::start().await;
    for phone in [
        "87011234567",
        "+7 701 123 45 67",
        "+7 495 123-45-67",
        "+7 800 555 35 35",
        "8 812 123 45 67",
    ] {
        let refused = asking(&app, phone).send().await;
        refused.expect_problem(409, "phone_not_accepted");
    }
    for phone in [
        "+7916123456",
        "+79161234567;ext=5",
        "٨٩١٦١٢٣٤٥٦٧",
        ".;phone-context=",
        "+dwPAA;phone-context=AA",
        "+883510012345678",
        "",
    ] {
        let refused = asking(&app, phone).send().await;
        let problem = refused.expect(refused.status.as_u16());
        assert!([409, 422].contains(&refused.status.as_u16()), "{problem}");
        assert!(phone.is_empty() || !problem.to_string().contains(phone));
    }
    assert_eq!(
        count(&app, "select count(*) from development_outbox").await,
        0
    );
    assert_eq!(count(&app, "select count(*) from one_time_codes").await, 0);
}

#[tokio::test]
async fn a_number_whose_sim_was_changed_gets_no_code() {
    let app = TestApp::start().await;
    app.sms.change_sim(PHONE);
    let refused = asking(&app, PHONE).send().await;
    refused.expect_problem(409, "phone_not_accepted");
    assert_eq!(count(&app, "select count(*) from one_time_codes").await, 0);
    asking(&app, "+79161234568").send().await.expect(202);
}

#[tokio::test]
async fn browsers_and_android_read_the_message() {
    let hash = "FA+9qCX9VSu";
    let app = TestApp::with_config(ServiceConfig {
        public_url: "https://circle.example".to_owned(),
        codes: CodeRules {
            app_hash: Some(hash.to_owned()),
            ..CodeRules::unlimited()
        },
        ..config_of_tests()
    })
    .await;
    for (phone, locale) in [(PHONE, Locale::Ru), ("+79161234568", Locale::En)] {
        let body = json!({ "phone": phone, "locale": locale.as_str() });
        let asked = app.post("/api/v1/auth/otp").json(&body).send().await;
        asked.expect(202);
        let to = Phone::parse(phone, Region::RU).expect("a phone");
        let sent = development_outbox::list(&app.context, Some(&to), 1).await;
        let text = sent.expect("the outbox").remove(0).text;
        let code = app.code_for(phone).await;
        let last = text.lines().last().expect("a line");
        assert_eq!(last, format!("@circle.example #{code}"));
        assert_eq!(text.lines().rev().nth(1), Some(hash));
        assert!(
            text.len() <= 140 && text.encode_utf16().count() * 2 <= 140,
            "{text}"
        );
    }
}

/// A service with one number for tests, until a day.
async fn with_test_number(days: i64) -> TestApp {
    TestApp::with_config(ServiceConfig {
        codes: CodeRules {
            test_numbers: vec![TestNumber {
                phone: Phone::parse(PHONE, Region::RU).expect("a phone"),
                code: "112233".to_owned(),
            }],
            test_numbers_until: Some(start_of_tests() + TimeDelta::days(days)),
            ..CodeRules::unlimited()
        },
        ..config_of_tests()
    })
    .await
}

#[tokio::test]
async fn a_number_for_tests_signs_in_with_its_code_and_spends_nothing() {
    let app = with_test_number(20).await;
    let asked = challenge(&app, PHONE).await;
    let again = asking(&app, PHONE).send().await;
    again.expect_problem(429, "code_already_sent");
    assert_eq!(
        count(&app, "select count(*) from development_outbox").await,
        0
    );
    let body = json!({
        "phone": PHONE, "challenge_id": asked, "code": "112233",
        "consents": [{ "kind": "terms", "version": 1 }, { "kind": "personal_data", "version": 1 }],
    });
    let entered = app.post("/api/v1/auth/token").json(&body).send().await;
    let tokens = entered.expect(200);
    let business = app.business("luna").await;
    let till = app.till(business).await;
    let shop = Shop {
        app,
        business,
        till,
    };
    shop.post(&purchase("1", PHONE, 100_000)).await.expect(201);
    let bearer = tokens["access_token"].as_str().expect("a token");
    let card = shop.app.get("/api/v1/users/me/card").bearer(bearer);
    let code = card.send().await.expect(200)["code"].clone();
    let mut spent = purchase("2", PHONE, 100_000);
    spent["member"] = json!({ "code": code });
    spent["points"] = json!(1_000);
    let refused = shop.post(&spent).await;
    refused.expect_problem(409, "spending_waits");
    let amr: Vec<String> = sqlx::query_scalar("select amr from sessions")
        .fetch_one(shop.app.context.pool())
        .await
        .expect("a sign-in");
    assert_eq!(amr, ["test"]);
}

#[tokio::test]
async fn after_its_day_a_number_for_tests_is_like_all_others() {
    for days in [1, 31] {
        let app = with_test_number(days).await;
        if days == 1 {
            app.advance(Duration::from_secs(86_400));
        }
        let asked = challenge(&app, PHONE).await;
        assert_eq!(
            count(&app, "select count(*) from development_outbox").await,
            1
        );
        let code = app.code_for(PHONE).await;
        if code != "112233" {
            let refused = enter(&app, PHONE, &asked, "112233").await;
            refused.expect_problem(401, "sign_in_failed");
        }
        enter(&app, PHONE, &asked, &code).await.expect(200);
    }
}
