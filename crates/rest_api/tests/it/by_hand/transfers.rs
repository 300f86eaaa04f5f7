//! Points from member to member.

use std::time::Duration;

use serde_json::{Value, json};
use test_kit::{Answer, SignedIn};

use super::{ANNA, BORIS, Desk, at_once};

async fn give(desk: &Desk, from: &SignedIn, to: &str, points: i64, key: &str) -> Answer {
    let body = json!({ "to": { "phone": to }, "points": points });
    desk.post(from, "/loyalty/transfers", key, &body)
        .send()
        .await
}

async fn lots(desk: &Desk, of: &SignedIn) -> Value {
    desk.get(of, "/loyalty/lots").await.expect(200)["items"].clone()
}

#[tokio::test]
async fn points_keep_their_age_and_both_see_it() {
    let desk = Desk::open().await;
    let anna = desk.shop.member_with(ANNA, 10_000).await;
    desk.shop.app.advance(Duration::from_secs(86_400));
    let anna = SignedIn {
        token: desk.shop.app.sign_in_again(ANNA).await.token,
        ..anna
    };
    let boris = desk.shop.app.sign_in(BORIS).await;
    let before = lots(&desk, &anna).await;
    let given = give(&desk, &anna, BORIS, 4_000, "a").await;
    let done = given.expect(201);
    assert_eq!(
        (&done["points"], &done["available_after"]),
        (&json!(4_000), &json!(6_000))
    );
    let again = give(&desk, &anna, BORIS, 4_000, "a").await;
    assert_eq!(again.expect(201), done);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(desk.shop.balance(&boris).await["available"], 4_000);
    let got = lots(&desk, &boris).await;
    assert_eq!(got[0]["origin"], "transfer");
    assert_eq!(got[0]["origin_id"], done["id"]);
    for same in [
        "funder_business_id",
        "earned_at",
        "activates_at",
        "expires_at",
    ] {
        assert_eq!(got[0][same], before[0][same], "{same}");
    }
    for (who, kind, text) in [
        (&anna, "transfer_out", "Given to another member: 40 points."),
        (
            &boris,
            "transfer_in",
            "Received from another member: 40 points.",
        ),
    ] {
        let history = desk.get(who, "/loyalty/history").await.expect(200);
        let movement = &history["items"][0];
        assert_eq!(movement["kind"], kind);
        assert_eq!(movement["text"], text);
        assert_eq!(
            movement["source"],
            json!({ "kind": "transfer", "id": done["id"] })
        );
    }
    desk.shop.audit().await;
}

#[tokio::test]
async fn what_may_not_be_given_is_refused() {
    let desk = Desk::open().await;
    let anna = desk.shop.member_with(ANNA, 200_000).await;
    let boris = desk.shop.app.sign_in(BORIS).await;
    give(&desk, &anna, ANNA, 5_000, "a")
        .await
        .expect_problem(409, "transfer_not_allowed");
    give(&desk, &anna, "+79169999999", 5_000, "b")
        .await
        .expect_problem(409, "unknown_member");
    let few = give(&desk, &anna, BORIS, 999, "c").await;
    assert_eq!(
        few.expect_problem(409, "amount_out_of_range")["least"],
        1_000
    );
    give(&desk, &boris, ANNA, 5_000, "d")
        .await
        .expect_problem(409, "not_enough_points");
    // Somebody who has points waiting and has not joined does not take part yet.
    desk.shop
        .post(&crate::transactions::purchase(
            "W-1",
            "+79167777777",
            100_000,
        ))
        .await
        .expect(201);
    give(&desk, &anna, "+79167777777", 5_000, "e")
        .await
        .expect_problem(409, "unknown_member");
    let body = json!({ "to": { "phone": BORIS, "card_number": "400000000017" }, "points": 5_000 });
    let both = desk
        .post(&anna, "/loyalty/transfers", "f", &body)
        .send()
        .await;
    both.expect_problem(422, "invalid_fields");
    let till = desk
        .shop
        .app
        .post("/api/v1/loyalty/transfers")
        .bearer(&desk.shop.till);
    let body = json!({ "to": { "phone": BORIS }, "points": 5_000 });
    let till = till.idempotency_key("g").json(&body).send().await;
    till.expect_problem(403, "forbidden");

    desk.limit(&json!({ "transfer_daily": 60_000, "transfer_unproved": 10_000 }))
        .await;
    give(&desk, &anna, BORIS, 50_000, "h").await.expect(201);
    let more = give(&desk, &anna, BORIS, 10_001, "i").await;
    assert_eq!(
        more.expect_problem(409, "transfer_limit_reached")["left"],
        10_000
    );
    desk.shop.app.advance(Duration::from_secs(301));
    give(&desk, &anna, BORIS, 10_001, "j")
        .await
        .expect_problem(401, "step_up_required");
    give(&desk, &anna, BORIS, 10_000, "k").await.expect(201);
    give(&desk, &anna, BORIS, 1_000, "l")
        .await
        .expect_problem(409, "transfer_limit_reached");
    desk.shop.audit().await;
}

#[tokio::test]
async fn debt_is_paid_first_on_both_sides() {
    let desk = Desk::open().await;
    let anna = desk.shop.member_with(ANNA, 10_000).await;
    let boris = desk.shop.app.sign_in(BORIS).await;
    let mut body = super::adjustment(&boris, -3_000);
    body["into_debt"] = json!(true);
    desk.post(&desk.admin, "/loyalty/adjustments", "a", &body)
        .send()
        .await
        .expect(201);
    give(&desk, &anna, BORIS, 5_000, "b").await.expect(201);
    let balance = desk.shop.balance(&boris).await;
    assert_eq!(
        (&balance["available"], &balance["debt"]),
        (&json!(2_000), &json!(0))
    );
    desk.shop.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn gifts_in_opposite_order_meet_without_harm() {
    let desk = Desk::open().await;
    let anna = desk.shop.member_with(ANNA, 100_000).await;
    let boris = desk.shop.member_with(BORIS, 100_000).await;
    desk.limit(&json!({ "transfer_daily": 1_000_000_000, "transfer_unproved": 1_000_000 }))
        .await;
    let requests = (0..60)
        .map(|n| {
            let (from, to) = if n % 2 == 0 {
                (&anna, BORIS)
            } else {
                (&boris, ANNA)
            };
            let body = json!({ "to": { "phone": to }, "points": 1_000 });
            desk.post(from, "/loyalty/transfers", &format!("k{n}"), &body)
        })
        .collect();
    let answers = at_once(requests).await;
    for answer in &answers {
        answer.expect(201);
    }
    for member in [&anna, &boris] {
        assert_eq!(desk.shop.balance(member).await["available"], 100_000);
    }
    desk.shop.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_days_limit_holds_however_many_try_at_once() {
    let desk = Desk::open().await;
    let anna = desk.shop.member_with(ANNA, 100_000).await;
    desk.shop.app.sign_in(BORIS).await;
    desk.limit(&json!({ "transfer_daily": 10_000 })).await;
    let body = json!({ "to": { "phone": BORIS }, "points": 2_000 });
    let requests = (0..20)
        .map(|n| desk.post(&anna, "/loyalty/transfers", &format!("k{n}"), &body))
        .collect();
    let answers = at_once(requests).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 201).count(),
        5
    );
    assert_eq!(desk.shop.balance(&anna).await["available"], 90_000);
    desk.shop.audit().await;
}
