//! What bounds codes beside the phone itself: networks, devices, prefixes, countries, budgets, and the brake on codes that
//! never come back.

use std::time::Duration;

use domain::phone::Region;
use domain::rights::OperatorRole;
use serde_json::{Value, json};
use services::auth::code_rules::CodeRules;
use services::context::ServiceConfig;
use test_kit::{Answer, SignedIn, TestApp, config_of_tests};

use super::{asking, count, enter};

/// A service with these rules, which sends to Kazakhstan too.
async fn with_rules(codes: CodeRules) -> TestApp {
    TestApp::with_config(ServiceConfig {
        codes,
        sms_regions: vec![Region::RU, "KZ".parse().expect("a country")],
        ..config_of_tests()
    })
    .await
}

/// The n-th phone, each with a prefix of its own.
fn phone(n: usize) -> String {
    format!("+7916{:03}0000", 100 + n)
}

async fn sent(app: &TestApp) -> i64 {
    count(app, "select count(*) from development_outbox").await
}

/// Asserts that a limit refused.
fn refused_by(answer: &Answer, limit: &str) {
    let problem = answer.expect_problem(429, "too_many_requests");
    assert_eq!(
        problem["violated-policies"],
        json!([format!("codes_by_{limit}")])
    );
    let wait: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=3600).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_network_gets_thirty_codes_in_five_minutes() {
    let app = with_rules(CodeRules {
        per_network: 30,
        ..CodeRules::unlimited()
    })
    .await;
    for n in 0..30 {
        let asked = asking(&app, &phone(n)).from("203.0.113.7");
        asked.send().await.expect(202);
    }
    for (n, forwarded) in (30..40).zip(1..) {
        // Headers that claim another address are nobody's word.
        let claimed = format!("198.51.100.{forwarded}");
        let asked = asking(&app, &phone(n))
            .from("203.0.113.7")
            .header("x-forwarded-for", &claimed);
        refused_by(&asked.send().await, "network");
    }
    assert_eq!(sent(&app).await, 30);
    let elsewhere = asking(&app, &phone(30)).from("203.0.113.8");
    elsewhere.send().await.expect(202);
    app.advance(Duration::from_secs(300));
    let later = asking(&app, &phone(31)).from("203.0.113.7");
    later.send().await.expect(202);
}

#[tokio::test]
async fn a_v6_network_of_64_bits_is_one() {
    let app = with_rules(CodeRules {
        per_network: 3,
        ..CodeRules::unlimited()
    })
    .await;
    for n in 0..3 {
        let asked = asking(&app, &phone(n)).from(&format!("2001:db8:1:2::{n}"));
        asked.send().await.expect(202);
    }
    let same = asking(&app, &phone(3)).from("2001:db8:1:2:ffff::1");
    refused_by(&same.send().await, "network");
    let other = asking(&app, &phone(3)).from("2001:db8:1:3::1");
    other.send().await.expect(202);
}

#[tokio::test]
async fn many_networks_share_the_cap_of_a_phone() {
    let app = with_rules(CodeRules::unlimited()).await;
    for n in 1..=40 {
        let asked = asking(&app, &phone(0)).from(&format!("203.0.113.{n}"));
        let answer = asked.send().await;
        match n {
            1..=3 => {
                answer.expect(202);
            }
            _ => {
                answer.expect_problem(429, "code_already_sent");
            }
        }
        if n < 4 {
            app.advance(Duration::from_secs(61));
        }
    }
    assert_eq!(sent(&app).await, 3);
}

#[tokio::test]
async fn a_device_is_a_bucket_of_its_own() {
    let app = with_rules(CodeRules {
        per_device: 4,
        ..CodeRules::unlimited()
    })
    .await;
    let ask = |n: usize, device: &'static str| {
        let body = json!({ "phone": phone(n), "device_id": device });
        let asked = app.post("/api/v1/auth/otp").json(&body);
        asked.from(&format!("203.0.113.{n}")).send()
    };
    for n in 0..4 {
        ask(n, "one").await.expect(202);
    }
    refused_by(&ask(4, "one").await, "device");
    ask(4, "two").await.expect(202);
    let bad = ask(5, "no spaces here").await;
    bad.expect_problem(422, "invalid_fields");
}

#[tokio::test]
async fn neighbouring_numbers_share_a_cap_and_operators_see_it() {
    let app = with_rules(CodeRules {
        per_prefix: 10,
        ..CodeRules::unlimited()
    })
    .await;
    let support = app.operator("+79990000001", OperatorRole::Support).await;
    for n in 0..15 {
        let answer = asking(&app, &format!("+791612300{n:02}")).send().await;
        if n < 10 {
            answer.expect(202);
        } else {
            refused_by(&answer, "prefix");
        }
    }
    // The operator's own code is one of them.
    assert_eq!(sent(&app).await, 11);
    let stops = stops(&app, &support).await;
    assert_eq!(stops.len(), 1, "once for each time that it holds");
    assert_eq!(stops[0]["label"], "+7916123••••");
    assert_eq!(
        (&stops[0]["kind"], &stops[0]["holds"]),
        (&json!("prefix"), &json!(false))
    );
    asking(&app, "+79161240000").send().await.expect(202);
    app.advance(Duration::from_secs(3600));
    asking(&app, "+79161230014").send().await.expect(202);
}

#[tokio::test]
async fn a_country_has_a_cap() {
    let app = with_rules(CodeRules {
        per_region: 2,
        ..CodeRules::unlimited()
    })
    .await;
    asking(&app, &phone(0)).send().await.expect(202);
    asking(&app, &phone(1)).send().await.expect(202);
    refused_by(&asking(&app, &phone(2)).send().await, "region");
    asking(&app, "+77011234567").send().await.expect(202);
}

#[tokio::test]
async fn the_budgets_end_all_sending() {
    let app = with_rules(CodeRules {
        hourly_budget: 5,
        daily_budget: 8,
        ..CodeRules::unlimited()
    })
    .await;
    for n in 0..5 {
        asking(&app, &phone(n)).send().await.expect(202);
    }
    let sixth = asking(&app, &phone(5)).send().await;
    sixth.expect_problem(503, "unavailable");
    assert_eq!(sixth.header("retry-after"), "3600");
    assert_eq!(sent(&app).await, 5);
    app.advance(Duration::from_secs(3600));
    for n in 5..8 {
        asking(&app, &phone(n)).send().await.expect(202);
    }
    let ninth = asking(&app, &phone(8)).send().await;
    ninth.expect_problem(503, "unavailable");
    assert_eq!(ninth.header("retry-after"), (23 * 3600).to_string());
    assert_eq!(sent(&app).await, 8);
    // What is refused takes nothing: a phone that asks again and again uses up nobody's budget.
    assert_eq!(
        count(&app, "select max(taken) from limit_counters").await,
        8
    );
}

async fn stops(app: &TestApp, operator: &SignedIn) -> Vec<Value> {
    let shown = app.get("/api/v1/admin/code-stops").bearer(&operator.token);
    let shown = shown.send().await.expect(200);
    shown["items"].as_array().expect("items").clone()
}

/// Sends a code to each phone and enters every n-th of them.
async fn send_all(app: &TestApp, phones: &[String], entered: usize) {
    for (n, phone) in phones.iter().enumerate() {
        let asked = asking(app, phone).send().await.expect(202);
        if n % entered == 0 {
            let code = app.code_for(phone).await;
            let challenge = &asked["challenge_id"];
            enter(app, phone, challenge, &code).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_country_whose_codes_do_not_come_back_is_stopped_until_an_operator_lifts_it() {
    let app = with_rules(CodeRules {
        brake_after: 20,
        ..CodeRules::unlimited()
    })
    .await;
    let far: Vec<String> = (0..20)
        .map(|n| format!("+7701{:03}0000", 100 + n))
        .collect();
    send_all(&app, &far, 7).await;
    // A code that lives may still come back.
    asking(&app, "+77012000000").send().await.expect(202);
    app.advance(Duration::from_secs(400));
    let refused = asking(&app, "+77012010000").send().await;
    refused.expect_problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "86400");
    asking(&app, &phone(0)).send().await.expect(202);
    let admin = app.operator("+79990000001", OperatorRole::Admin).await;
    let stop = stops(&app, &admin).await.remove(0);
    assert_eq!(
        (
            &stop["label"],
            &stop["sent"],
            &stop["verified"],
            &stop["holds"]
        ),
        (&json!("KZ"), &json!(21), &json!(3), &json!(true))
    );
    let id = stop["id"].as_str().expect("an id");
    let address = format!("/api/v1/admin/code-stops/{id}");
    let lifted = app.delete(&address).bearer(&admin.token).send().await;
    lifted.expect(204);
    let again = app.delete(&address).bearer(&admin.token).send().await;
    again.expect_problem(404, "not_found");
    asking(&app, "+77012010000").send().await.expect(202);
    let member = app.sign_in("+79990000002").await;
    let curious = app.get("/api/v1/admin/code-stops").bearer(&member.token);
    curious.send().await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_prefix_is_stopped_and_its_country_goes_on() {
    let app = with_rules(CodeRules {
        brake_after: 20,
        ..CodeRules::unlimited()
    })
    .await;
    let bad: Vec<String> = (0..20).map(|n| format!("+791612300{n:02}")).collect();
    send_all(&app, &bad, 20).await;
    app.advance(Duration::from_secs(400));
    let refused = asking(&app, "+79161230099").send().await;
    refused.expect_problem(503, "unavailable");
    // The country is the programme's own: it is told of, and goes on.
    asking(&app, "+79161240000").send().await.expect(202);
    let support = app.operator("+79990000001", OperatorRole::Support).await;
    let kinds: Vec<Value> = stops(&app, &support)
        .await
        .into_iter()
        .map(|stop| json!([stop["kind"], stop["holds"]]))
        .collect();
    assert!(kinds.contains(&json!(["prefix", true])), "{kinds:?}");
    assert!(kinds.contains(&json!(["region", false])), "{kinds:?}");
    app.advance(Duration::from_secs(86_400));
    asking(&app, "+79161230099").send().await.expect(202);
}

#[tokio::test]
async fn where_codes_come_back_nothing_is_stopped() {
    let app = with_rules(CodeRules {
        brake_after: 20,
        ..CodeRules::unlimited()
    })
    .await;
    let good: Vec<String> = (0..30).map(|n| format!("+770112300{n:02}")).collect();
    send_all(&app, &good, 4).await;
    app.advance(Duration::from_secs(400));
    asking(&app, "+77011230099").send().await.expect(202);
    assert_eq!(count(&app, "select count(*) from code_stops").await, 0);
}
