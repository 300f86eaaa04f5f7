//! Points given and taken by hand, alone and with a second person.

use std::time::Duration;

use domain::rights::OperatorRole;
use serde_json::json;

use super::{ANNA, Desk, adjustment, at_once};
use crate::transactions::purchase;

#[tokio::test]
async fn a_small_one_is_done_at_once_and_explains_itself() {
    let desk = Desk::open().await;
    let anna = desk.shop.app.sign_in(ANNA).await;
    let mut body = adjustment(&anna, 50_000);
    body["funder_business_id"] = json!(desk.shop.business);
    let request = || desk.post(&desk.support, "/loyalty/adjustments", "a", &body);
    let given = request().send().await;
    let done = given.expect(201);
    assert_eq!(done["status"], "done");
    assert_eq!(done["applied"], 50_000);
    assert_eq!(done["decided_by"], json!(null));
    assert_eq!(request().send().await.expect(201), done, "the same answer");
    assert_eq!(desk.shop.balance(&anna).await["available"], 50_000);
    let at = given.header("location").trim_start_matches("/api/v1");
    assert_eq!(desk.get(&desk.support, at).await.expect(200), done);

    let history = desk.get(&anna, "/loyalty/history").await.expect(200);
    let movement = &history["items"][0];
    assert_eq!(movement["kind"], "adjustment");
    assert_eq!(movement["source"]["kind"], "adjustment");
    assert_eq!(
        movement["text"],
        "Added by the programme at luna: 500 points."
    );
    let lots = desk.get(&anna, "/loyalty/lots").await.expect(200);
    assert_eq!(lots["items"][0]["origin"], "adjustment");
    assert_eq!(
        lots["items"][0]["funder_business_id"],
        json!(desk.shop.business)
    );

    // Down to zero, or into debt where it is said so; what comes later pays the debt first.
    let taken = desk.adjust(&desk.support, &anna, -60_000, "b").await;
    assert_eq!(taken.expect(201)["applied"], -50_000);
    let empty = desk.adjust(&desk.support, &anna, -1, "c").await;
    empty.expect_problem(409, "not_enough_points");
    let mut body = adjustment(&anna, -7_000);
    body["into_debt"] = json!(true);
    let owed = desk.post(&desk.support, "/loyalty/adjustments", "d", &body);
    assert_eq!(owed.send().await.expect(201)["applied"], -7_000);
    assert_eq!(desk.shop.balance(&anna).await["debt"], 7_000);
    desk.adjust(&desk.support, &anna, 10_000, "e")
        .await
        .expect(201);
    let balance = desk.shop.balance(&anna).await;
    assert_eq!(
        (&balance["available"], &balance["debt"]),
        (&json!(3_000), &json!(0))
    );
    desk.shop.audit().await;
}

#[tokio::test]
async fn above_the_limit_another_person_approves_once() {
    let desk = Desk::open().await;
    let anna = desk.shop.app.sign_in(ANNA).await;
    let asked = desk
        .adjust(&desk.admin, &anna, 100_001, "a")
        .await
        .expect(201);
    assert_eq!(asked["status"], "waiting");
    assert_eq!(asked["applied"], json!(null));
    assert_eq!(desk.shop.balance(&anna).await["available"], 0);
    let waiting = desk
        .get(&desk.support, "/loyalty/adjustments?waiting=true")
        .await;
    assert_eq!(waiting.expect(200)["items"][0]["id"], asked["id"]);

    let own = desk
        .decide(&desk.admin, &asked["id"], "approve", "1")
        .send()
        .await;
    own.expect_problem(409, "second_person_required");
    let weak = desk
        .decide(&desk.support, &asked["id"], "approve", "2")
        .send()
        .await;
    weak.expect_problem(403, "forbidden");
    let yes = desk
        .decide(&desk.second, &asked["id"], "approve", "3")
        .send()
        .await;
    let done = yes.expect(200);
    assert_eq!(
        (&done["status"], &done["applied"]),
        (&json!("done"), &json!(100_001))
    );
    assert_eq!(done["decided_by"], json!(desk.second.member));
    assert_eq!(done["decision_note"], "seen");
    let again = desk
        .decide(&desk.second, &asked["id"], "approve", "3")
        .send()
        .await;
    assert_eq!(
        again.expect(200),
        done,
        "the same answer under the same key"
    );
    let twice = desk
        .decide(&desk.second, &asked["id"], "approve", "4")
        .send()
        .await;
    twice.expect_problem(409, "already_decided");
    let no = desk
        .decide(&desk.second, &asked["id"], "decline", "5")
        .send()
        .await;
    no.expect_problem(409, "already_decided");
    assert_eq!(desk.shop.balance(&anna).await["available"], 100_001);
    let path = format!("/loyalty/adjustments?member_id={}", anna.member);
    let list = desk.get(&desk.support, &path);
    assert_eq!(
        list.await.expect(200)["items"].as_array().map(Vec::len),
        Some(1)
    );
    desk.shop.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_decide_at_once_one_does() {
    let desk = Desk::open().await;
    let anna = desk.shop.app.sign_in(ANNA).await;
    let third = desk
        .shop
        .app
        .operator("+79160000004", OperatorRole::Admin)
        .await;
    let asked = desk
        .adjust(&desk.admin, &anna, 200_000, "a")
        .await
        .expect(201);
    let requests = (0..20)
        .map(|n| {
            let by = if n % 2 == 0 { &desk.second } else { &third };
            let how = if n % 5 == 4 { "decline" } else { "approve" };
            desk.decide(by, &asked["id"], how, &format!("k{n}"))
        })
        .collect();
    let answers = at_once(requests).await;
    let decided: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(decided.len(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        refused.expect_problem(409, "already_decided");
    }
    let expected = if decided[0].json()["status"] == "done" {
        200_000
    } else {
        0
    };
    assert_eq!(desk.shop.balance(&anna).await["available"], expected);
    desk.shop.audit().await;
}

#[tokio::test]
async fn what_was_asked_for_cannot_be_changed_even_in_the_database() {
    let desk = Desk::open().await;
    let anna = desk.shop.app.sign_in(ANNA).await;
    desk.adjust(&desk.admin, &anna, 200_000, "a")
        .await
        .expect(201);
    let mut conn = desk.shop.app.context.connection().await.unwrap();
    for statement in [
        "update adjustments set points = 300000",
        "update adjustments set reason = 'other'",
        "update adjustments set requested_by = member_id",
        "update adjustments set status = 'done', applied = points, decided_by = requested_by, decided_at = now()",
        "delete from adjustments",
    ] {
        let refused = sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut *conn)
            .await;
        assert!(refused.is_err(), "{statement}");
    }
}

#[tokio::test]
async fn an_author_or_an_admin_declines() {
    let desk = Desk::open().await;
    let anna = desk.shop.app.sign_in(ANNA).await;
    let one = desk
        .adjust(&desk.support, &anna, 200_000, "a")
        .await
        .expect(201);
    let two = desk
        .adjust(&desk.admin, &anna, 200_000, "b")
        .await
        .expect(201);
    let foreign = desk
        .decide(&desk.support, &two["id"], "decline", "1")
        .send()
        .await;
    foreign.expect_problem(409, "second_person_required");
    let own = desk
        .decide(&desk.support, &one["id"], "decline", "2")
        .send()
        .await;
    assert_eq!(own.expect(200)["status"], "declined");
    let other = desk
        .decide(&desk.second, &two["id"], "decline", "3")
        .send()
        .await;
    assert_eq!(other.expect(200)["status"], "declined");
    let late = desk
        .decide(&desk.second, &one["id"], "approve", "4")
        .send()
        .await;
    late.expect_problem(409, "already_decided");
    let unknown = json!("019cadf4-6c80-7000-8000-000000000001");
    let nothing = desk
        .decide(&desk.second, &unknown, "approve", "5")
        .send()
        .await;
    nothing.expect_problem(404, "not_found");
    assert_eq!(desk.shop.balance(&anna).await["available"], 0);
}

#[tokio::test]
async fn nobody_adjusts_the_own_account_or_with_an_old_sign_in() {
    let desk = Desk::open().await;
    let anna = desk.shop.app.sign_in(ANNA).await;
    let own = desk.adjust(&desk.admin, &desk.admin, 100, "a").await;
    own.expect_problem(409, "own_account");
    let asked = desk
        .adjust(&desk.support, &desk.second, 200_000, "b")
        .await
        .expect(201);
    let beneficiary = desk
        .decide(&desk.second, &asked["id"], "approve", "c")
        .send()
        .await;
    beneficiary.expect_problem(409, "own_account");
    let member = desk.adjust(&anna, &anna, 100, "d").await;
    member.expect_problem(403, "forbidden");
    let nothing = desk.adjust(&desk.admin, &anna, 0, "e").await;
    nothing.expect_problem(409, "amount_out_of_range");
    let mut body = adjustment(&anna, 100);
    body["funder_business_id"] = json!("019cadf4-6c80-7000-8000-000000000001");
    let nowhere = desk
        .post(&desk.admin, "/loyalty/adjustments", "f", &body)
        .send()
        .await;
    nowhere.expect_problem(409, "unknown_business");
    body = adjustment(&anna, 100);
    body["member_id"] = json!("019cadf4-6c80-7000-8000-000000000001");
    let nobody = desk
        .post(&desk.admin, "/loyalty/adjustments", "g", &body)
        .send()
        .await;
    nobody.expect_problem(409, "unknown_member");
    body = adjustment(&anna, 100);
    body["status"] = json!("done");
    let smuggled = desk
        .post(&desk.admin, "/loyalty/adjustments", "h", &body)
        .send()
        .await;
    smuggled.expect_problem(422, "invalid_fields");

    desk.shop.app.advance(Duration::from_secs(301));
    let old = desk.adjust(&desk.admin, &anna, 100, "i").await;
    old.expect_problem(401, "step_up_required");
    let old = desk
        .decide(&desk.admin, &asked["id"], "approve", "j")
        .send()
        .await;
    old.expect_problem(401, "step_up_required");
    desk.shop.audit().await;
}

#[tokio::test]
async fn the_limit_is_the_programmes() {
    let desk = Desk::open().await;
    let anna = desk.shop.app.sign_in(ANNA).await;
    desk.limit(&json!({ "adjustment_alone": 0 })).await;
    let asked = desk.adjust(&desk.admin, &anna, 1, "a").await;
    assert_eq!(asked.expect(201)["status"], "waiting");
    // Points of a purchase and by hand together, and all of it is proved.
    desk.shop
        .post(&purchase("A-1", ANNA, 100_000))
        .await
        .expect(201);
    desk.limit(&json!({ "adjustment_alone": 5_000 })).await;
    desk.adjust(&desk.admin, &anna, -5_000, "b")
        .await
        .expect(201);
    assert_eq!(desk.shop.balance(&anna).await["available"], 0);
    desk.shop.audit().await;
}
