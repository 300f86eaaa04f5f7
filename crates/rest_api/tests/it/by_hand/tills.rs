//! Limits at tills, by the clock, and the cases that they open.

use std::time::Duration;

use domain::rights::StaffRole;
use serde_json::{Value, json};
use test_kit::{Answer, SignedIn};

use super::{ANNA, BORIS, Desk, at_once};
use crate::transactions::purchase;

const CASHIER: &str = "+79160000007";
const HOUR: Duration = Duration::from_secs(3_600);

/// A person at the till posts a purchase.
async fn sell(desk: &Desk, by: &SignedIn, receipt: &str, phone: &str, total: i64) -> Answer {
    let body = purchase(receipt, phone, total);
    desk.post(by, "/transactions", receipt, &body).send().await
}

/// What a quote says to the same, which posting refuses: the same refusal, and no case.
async fn foreseen(desk: &Desk, token: &str, body: &Value, limit: &str) {
    let before = cases(desk).await;
    let quote = desk.shop.app.post("/api/v1/loyalty/quote").bearer(token);
    let problem = quote.json(body).send().await;
    let problem = problem.expect_problem(409, "velocity_limit");
    assert_eq!(problem["limit"], limit);
    assert_eq!(cases(desk).await, before, "a question opens no case");
}

async fn cases(desk: &Desk) -> Vec<Value> {
    let page = desk.get(&desk.support, "/admin/fraud-cases").await;
    page.expect(200)["items"].as_array().expect("items").clone()
}

#[tokio::test]
async fn nobody_at_a_till_credits_the_own_account() {
    let desk = Desk::open().await;
    for (phone, role) in [
        (CASHIER, StaffRole::Cashier),
        ("+79160000008", StaffRole::Manager),
        ("+79160000009", StaffRole::Owner),
    ] {
        let person = desk.shop.app.staff(desk.shop.business, phone, role).await;
        let own = sell(&desk, &person, phone, phone, 10_000).await;
        own.expect_problem(409, "own_account");
        sell(&desk, &person, phone, ANNA, 10_000).await.expect(201);
    }
}

#[tokio::test]
async fn one_hand_credits_one_member_so_often_a_day() {
    let desk = Desk::open().await;
    desk.limit(&json!({ "cashier_member_day": 3, "repeated_credits": 2 }))
        .await;
    let cashier = desk
        .shop
        .app
        .staff(desk.shop.business, CASHIER, StaffRole::Cashier)
        .await;
    for n in 0..3 {
        sell(&desk, &cashier, &format!("A-{n}"), ANNA, 10_000)
            .await
            .expect(201);
    }
    let flagged = cases(&desk).await;
    assert_eq!(flagged.len(), 1);
    assert_eq!(flagged[0]["kind"], "repeated_credits");
    assert_eq!(flagged[0]["poster_id"], json!(cashier.member));
    let body = purchase("A-3", ANNA, 10_000);
    foreseen(&desk, &cashier.token, &body, "cashier_member_day").await;
    desk.shop.quote(&body).await.expect(200);
    let refused = sell(&desk, &cashier, "A-3", ANNA, 10_000).await;
    let problem = refused.expect_problem(409, "velocity_limit");
    assert_eq!(problem["limit"], "cashier_member_day");
    assert_eq!(problem["until"], "2026-03-02T21:00:00Z");
    sell(&desk, &cashier, "A-3", ANNA, 10_000)
        .await
        .expect_problem(409, "velocity_limit");
    // What earns nothing is no credit; another member, another hand and another day are free.
    let mut body = purchase("A-4", ANNA, 10_000);
    body["not_earning"] = json!(10_000);
    desk.post(&cashier, "/transactions", "A-4", &body)
        .send()
        .await
        .expect(201);
    sell(&desk, &cashier, "B-1", BORIS, 10_000)
        .await
        .expect(201);
    desk.shop
        .post(&purchase("T-1", ANNA, 10_000))
        .await
        .expect(201);
    let open = cases(&desk).await;
    let limit = open
        .iter()
        .find(|case| case["kind"] == "cashier_member_day")
        .expect("a case");
    assert_eq!(limit["occurrences"], 2);
    desk.shop.app.advance(12 * HOUR);
    let cashier = desk.shop.app.sign_in_again(CASHIER).await;
    sell(&desk, &cashier, "A-5", ANNA, 10_000).await.expect(201);
    desk.shop.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_member_earns_so_often_a_day_however_many_tills_post_at_once() {
    let desk = Desk::open().await;
    desk.limit(&json!({ "member_accruals_day": 3 })).await;
    let requests = (0..20)
        .map(|n| {
            let receipt = format!("A-{n}");
            let request = desk
                .shop
                .app
                .post("/api/v1/transactions")
                .bearer(&desk.shop.till);
            let request = request.idempotency_key(&receipt);
            request.json(&purchase(&receipt, ANNA, 10_000))
        })
        .collect();
    let answers = at_once(requests).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 201).count(),
        3
    );
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        let problem = refused.expect_problem(409, "velocity_limit");
        assert_eq!(problem["limit"], "member_accruals_day");
    }
    let open = cases(&desk).await;
    assert_eq!((open.len(), &open[0]["occurrences"]), (1, &json!(17)));
    let body = purchase("A-20", ANNA, 10_000);
    foreseen(&desk, &desk.shop.till, &body, "member_accruals_day").await;
    // A refund makes no room, another partner has its own count, the next day begins anew.
    let other = desk.shop.app.business("bukva").await;
    let till = desk.shop.app.till(other).await;
    let elsewhere = desk
        .shop
        .app
        .post("/api/v1/transactions")
        .bearer(&till)
        .idempotency_key("o");
    elsewhere
        .json(&purchase("O-1", ANNA, 10_000))
        .send()
        .await
        .expect(201);
    desk.shop.app.advance(12 * HOUR);
    desk.shop
        .quote(&purchase("N-1", ANNA, 10_000))
        .await
        .expect(200);
    desk.shop
        .post(&purchase("N-1", ANNA, 10_000))
        .await
        .expect(201);
    desk.shop.audit().await;
}

#[tokio::test]
async fn a_person_and_a_key_credit_so_much_an_hour() {
    let desk = Desk::open().await;
    desk.limit(&json!({ "cashier_points_hour": 1_000, "key_points_hour": 1_500 }))
        .await;
    let cashier = desk
        .shop
        .app
        .staff(desk.shop.business, CASHIER, StaffRole::Cashier)
        .await;
    sell(&desk, &cashier, "A-1", ANNA, 20_000).await.expect(201);
    let small = purchase("A-2", BORIS, 100);
    foreseen(&desk, &cashier.token, &small, "cashier_points_hour").await;
    let refused = sell(&desk, &cashier, "A-2", BORIS, 100).await;
    let problem = refused.expect_problem(409, "velocity_limit");
    assert_eq!(problem["limit"], "cashier_points_hour");
    assert_eq!(problem["until"], "2026-03-02T10:00:00Z");
    // What another server has seen counts here too: it stands in the database.
    desk.shop
        .post(&purchase("T-1", ANNA, 30_000))
        .await
        .expect(201);
    let small = purchase("T-2", BORIS, 100);
    foreseen(&desk, &desk.shop.till, &small, "key_points_hour").await;
    let full = desk.shop.post(&small).await;
    assert_eq!(
        full.expect_problem(409, "velocity_limit")["limit"],
        "key_points_hour"
    );
    let kinds: Vec<Value> = cases(&desk)
        .await
        .iter()
        .map(|case| case["kind"].clone())
        .collect();
    assert_eq!(kinds, ["key_points_hour", "cashier_points_hour"]);
    desk.shop.app.advance(HOUR);
    let cashier = desk.shop.app.sign_in_again(CASHIER).await;
    sell(&desk, &cashier, "A-2", BORIS, 100).await.expect(201);
    desk.shop
        .post(&purchase("T-2", BORIS, 100))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_case_is_closed_once_with_a_note() {
    let desk = Desk::open().await;
    desk.limit(&json!({ "member_accruals_day": 1 })).await;
    for receipt in ["A-1", "A-2"] {
        desk.shop.post(&purchase(receipt, ANNA, 10_000)).await;
    }
    let id = cases(&desk).await[0]["id"]
        .as_str()
        .expect("an identifier")
        .to_owned();
    let close = |note: &str| {
        let path = format!("/admin/fraud-cases/{id}/close");
        desk.post(&desk.support, &path, "c", &json!({ "note": note }))
            .send()
    };
    close("").await.expect_problem(422, "invalid_fields");
    let closed = close("A busy day").await.expect(200);
    assert_eq!(closed["note"], "A busy day");
    assert_eq!(closed["closed_by"], json!(desk.support.member));
    close("Again").await.expect_problem(409, "already_decided");
    assert!(cases(&desk).await.is_empty());
    let page = desk
        .get(&desk.support, "/admin/fraud-cases?closed=true")
        .await
        .expect(200);
    assert_eq!(page["items"].as_array().map(Vec::len), Some(1));
    desk.shop
        .post(&purchase("A-3", ANNA, 10_000))
        .await
        .expect_problem(409, "velocity_limit");
    assert_eq!(cases(&desk).await.len(), 1, "a new case");
    let owner = desk
        .shop
        .app
        .staff(desk.shop.business, CASHIER, StaffRole::Owner)
        .await;
    desk.get(&owner, "/admin/fraud-cases")
        .await
        .expect_problem(403, "forbidden");
    let nothing = "/admin/fraud-cases/019cadf4-6c80-7000-8000-000000000001/close";
    let nothing = desk
        .post(&desk.support, nothing, "d", &json!({ "note": "x" }))
        .send()
        .await;
    nothing.expect_problem(404, "not_found");
}

#[tokio::test]
async fn what_a_hand_credited_is_forgotten_when_no_limit_counts_it_any_more() {
    let desk = Desk::open().await;
    let app = &desk.shop.app;
    let cashier = app.staff(desk.shop.business, CASHIER, StaffRole::Cashier);
    sell(&desk, &cashier.await, "A-1", ANNA, 10_000)
        .await
        .expect(201);
    for (wait, left) in [(0, 1), (71, 1), (2, 0)] {
        app.advance(wait * HOUR);
        app.forget_staff_credits().await;
        let rows: i64 = sqlx::query_scalar("select count(*) from staff_credits")
            .fetch_one(
                &mut *app
                    .context
                    .across()
                    .connection()
                    .await
                    .expect("a connection"),
            )
            .await
            .expect("the database answers");
        assert_eq!(rows, left);
    }
}
