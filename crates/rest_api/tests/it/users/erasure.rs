//! A member leaves: the person goes, the books stay.

use std::time::Duration;

use domain::rights::{OperatorRole, StaffRole};
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use test_kit::{Answer, SignedIn, TestApp, place_of};

use crate::transactions::{Shop, purchase};

const PHONE: &str = "+79161234567";

async fn leave(app: &TestApp, member: &SignedIn, points_lost: i64) -> Answer {
    let path = format!("/api/v1/users/me?points_lost={points_lost}");
    app.delete(&path).bearer(&member.token).send().await
}

async fn sum(app: &TestApp) -> Value {
    sqlx::query_scalar(
        "select jsonb_build_object(
             'entries', (select jsonb_build_array(count(*), sum(abs(amount))) from ledger_entries),
             'wallets', (select sum(available + pending + held) from wallets),
             'purchases', (select sum(total) from purchases), 'lots', (select sum(remaining) from lots))",
    )
    .fetch_one(app.context.pool())
    .await
    .expect("sums")
}

/// Somebody who left a trace wherever there is one.
async fn rich(shop: &Shop) -> SignedIn {
    let app = &shop.app;
    let anna = app.sign_in(PHONE).await;
    let sale = purchase("A-1", PHONE, 100_000);
    shop.post(&sale).await.expect(201);
    let change = app.patch("/api/v1/users/me").bearer(&anna.token);
    let profile =
        json!({"name": "Анна Каренина", "birthday": "1990-05-17", "email": "anna@example.org"});
    change.json(&profile).send().await.expect(200);
    for (method, path, body) in [
        (
            "POST",
            "devices",
            json!({"provider": "fcm", "token": "token-of-anna"}),
        ),
        (
            "PUT",
            "preferences",
            json!({"topics": [], "quiet_hours": null, "zone": "Europe/Moscow"}),
        ),
    ] {
        let request = app.request(method, &format!("/api/v1/users/me/{path}"));
        let answer = request.bearer(&anna.token).json(&body).send().await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }
    for path in ["card", "referrals", "export"] {
        let request = app.get(&format!("/api/v1/users/me/{path}"));
        let answer = request.bearer(&anna.token).send().await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }
    app.run_personal_data_jobs().await;
    services::members::hash_tails::hash_phone_tails(&app.context)
        .await
        .expect("tails");
    anna
}

#[tokio::test]
async fn nothing_of_the_person_is_left_and_the_ledger_is_as_it_was() {
    let shop = Shop::open().await;
    let anna = rich(&shop).await;
    let app = &shop.app;
    let hash: String =
        sqlx::query_scalar("select encode(phone_hash, 'hex') from members where id = $1")
            .bind(anna.member.as_uuid())
            .fetch_one(app.context.pool())
            .await
            .unwrap();
    let before = sum(app).await;
    let told = leave(app, &anna, 0).await;
    let told = told.expect_problem(409, "points_would_be_lost");
    assert_eq!(told["points"], 5_000);
    let erased = leave(app, &anna, 5_000).await.expect(202);
    assert_eq!(erased["points_lost"], 5_000);
    let after = app.get("/api/v1/users/me").bearer(&anna.token).send().await;
    after.expect_problem(401, "unauthenticated");
    app.run_personal_data_jobs().await;
    app.run_personal_data_jobs().await;

    let dump = app.dump().await;
    for needle in [
        "9161234567",
        "Каренина",
        "1990-05-17",
        "anna@example.org",
        "token-of-anna",
        &hash,
    ] {
        assert_eq!(place_of(&dump, needle), None, "{needle}");
    }
    let left: (String, bool, String, Value) = sqlx::query_as(
        "select m.status, m.name_sealed is null and m.birthday_sealed is null and m.phone_sealed is null,
                e.state, e.removed
         from members m join erasures e on e.member_id = m.id where m.id = $1",
    )
    .bind(anna.member.as_uuid())
    .fetch_one(app.context.pool())
    .await
    .unwrap();
    assert_eq!((&*left.0, left.1, &*left.2), ("erased", true, "done"));
    assert_eq!(left.3["devices"], 1);
    assert_eq!(left.3["exports"], 1);
    assert_eq!(sum(app).await, before);
    shop.audit().await;

    // The phone is free, and brings nothing back.
    let again = app.sign_in_again(PHONE).await;
    assert_ne!(again.member, anna.member);
    let me = app
        .get("/api/v1/users/me")
        .bearer(&again.token)
        .send()
        .await;
    assert_eq!(me.expect(200)["name"], Value::Null);
    assert_eq!(shop.balance(&again).await["available"], 0);
    shop.post(&purchase("N", PHONE, 1_000)).await.expect(201);
    assert_eq!(shop.balance(&again).await["available"], 50);
    shop.audit().await;
}

#[tokio::test]
async fn what_must_be_done_first_is_told() {
    let shop = Shop::open().await;
    let app = &shop.app;
    let admin = app.operator("+79160000001", OperatorRole::Admin).await;
    leave(app, &admin, 0)
        .await
        .expect_problem(409, "roles_held");
    let cashier = app
        .staff(shop.business, "+79160000002", StaffRole::Cashier)
        .await;
    leave(app, &cashier, 0)
        .await
        .expect_problem(409, "roles_held");
    let anna = shop.member_with(PHONE, 5_000).await;
    let code = shop.code(&anna).await;
    let hold = json!({ "reference": "order-1", "points": 1_000, "member": { "code": code } });
    let request = app.post("/api/v1/loyalty/holds").bearer(&shop.till);
    let made = request.idempotency_key("h").json(&hold).send().await;
    made.expect(201);
    leave(app, &anna, 5_000)
        .await
        .expect_problem(409, "holds_open");
    app.advance(Duration::from_secs(301));
    leave(app, &anna, 5_000)
        .await
        .expect_problem(401, "step_up_required");
    app.advance(Duration::from_secs(16 * 60));
    let anna = app.sign_in_again(PHONE).await;
    leave(app, &anna, 5_000).await.expect(202);
}

#[tokio::test]
async fn what_operators_wrote_of_a_person_goes_too() {
    let shop = Shop::open().await;
    let app = &shop.app;
    let anna = app.sign_in(PHONE).await;
    let support = app.operator("+79160000001", OperatorRole::Support).await;
    for what in ["block", "unblock"] {
        let path = format!("/api/v1/admin/members/{}/{what}", anna.member);
        let why = json!({ "reason": format!("Каренина, {what}") });
        let done = app.post(&path).bearer(&support.token).json(&why);
        done.send().await.expect(204);
    }
    let mut owner = PgConnection::connect(&app.database_url())
        .await
        .expect("the database answers");
    let across = sqlx::query("set app.business = '*'").execute(&mut owner);
    across.await.expect("it may");
    sqlx::query(
        "insert into fraud_cases (id, kind, business_id, poster_id, member_id, occurrences, opened_at, last_at,
                                  closed_by, closed_at, note)
         values (gen_random_uuid(), 'repeated_credits', $1, $2, $3, 1, now(), now(), $2, now(), 'Каренина платит сама')",
    )
    .bind(shop.business.as_uuid())
    .bind(support.member.as_uuid())
    .bind(anna.member.as_uuid())
    .execute(&mut owner)
    .await
    .expect("a case");
    let anna = app.sign_in_again(PHONE).await;
    leave(app, &anna, 0).await.expect(202);
    app.run_personal_data_jobs().await;
    assert_eq!(place_of(&app.dump().await, "Каренина"), None);
    let kept: (i64, i64) = sqlx::query_as(
        "select (select count(*) from member_blocks where lifted_by = $1), (select count(*) from fraud_cases where closed_by = $1)",
    )
    .bind(support.member.as_uuid())
    .fetch_one(&mut owner)
    .await
    .expect("counts");
    assert_eq!(kept, (1, 1), "who decided stays");
}
