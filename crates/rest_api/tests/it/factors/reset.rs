//! An admin lets somebody in again who lost everything.

use std::time::Duration;

use domain::rights::{OperatorRole, StaffRole};
use serde_json::{Value, json};
use test_kit::{Answer, SignedIn, TestApp};

use super::recovery::come_back;
use super::{Device, assert, call, enrol, token_of};

const PHONE: &str = "+79160000001";
const ADMIN: &str = "+79160000002";

async fn reset(app: &TestApp, by: &SignedIn, whom: &SignedIn) -> Answer {
    let path = format!("/api/v1/admin/members/{}/factors/reset", whom.member);
    app.post(&path).bearer(&by.token).send().await
}

/// A manager with a passkey, and an admin.
async fn town(app: &TestApp) -> (SignedIn, Device, SignedIn) {
    let business = app.business("luna").await;
    let manager = app.staff(business, PHONE, StaffRole::Manager).await;
    let mut device = Device::new();
    enrol(app, &manager.token, &mut device).await.expect(201);
    (
        manager,
        device,
        app.operator(ADMIN, OperatorRole::Admin).await,
    )
}

#[tokio::test]
async fn who_lost_everything_enrols_with_the_code_that_an_admin_hands_over() {
    let app = TestApp::start().await;
    let (manager, mut lost, admin) = town(&app).await;
    let handed_out = reset(&app, &admin, &manager).await.expect(200);
    let code = handed_out["code"].as_str().expect("a code");
    let me = app.get("/api/v1/users/me").bearer(&manager.token).send();
    me.await.expect_problem(401, "unauthenticated");
    let gone = assert(&app, &mut lost).await;
    gone.expect_problem(401, "sign_in_failed");

    // The phone alone does not do, whoever has it.
    app.advance(Duration::from_secs(61));
    let weak = app.sign_in_by_phone(PHONE).await.token;
    let refused = call(&app, "POST", "passkeys", &weak, &json!({})).await;
    refused.expect_problem(403, "enrolment_code_required");
    // A phone gets three codes in ten minutes.
    app.advance(Duration::from_secs(600));
    let wrong = come_back(&app, "0000-0000-0000-0000").await;
    wrong.expect_problem(401, "sign_in_failed");
    let admitted = token_of(&come_back(&app, code).await);
    let mut found = Device::new();
    enrol(&app, &admitted, &mut found).await.expect(201);
    token_of(&assert(&app, &mut found).await);
    app.advance(Duration::from_secs(600));
    come_back(&app, code)
        .await
        .expect_problem(401, "sign_in_failed");
}

#[tokio::test]
async fn a_reset_wants_a_fresh_admin_who_is_somebody_else_and_is_noted() {
    let app = TestApp::start().await;
    let (manager, _, admin) = town(&app).await;
    let own = reset(&app, &admin, &admin).await;
    own.expect_problem(409, "own_account");
    let support = app.operator("+79160000003", OperatorRole::Support).await;
    for other in [&manager, &support] {
        reset(&app, other, &admin)
            .await
            .expect_problem(403, "forbidden");
    }
    let nobody = SignedIn {
        member: uuid::Uuid::from_u128(7).into(),
        ..admin.clone()
    };
    reset(&app, &admin, &nobody)
        .await
        .expect_problem(404, "not_found");
    sqlx::query("update code_phones set failures = 100, waits_until = now() + interval '1 year'")
        .execute(app.context.pool())
        .await
        .expect("the database answers");
    reset(&app, &admin, &manager).await.expect(200);
    type Row = (String, Option<String>, Option<uuid::Uuid>);
    let noted: Vec<Row> = sqlx::query_as(
        "select action, object_id, actor_id from audit_log
         where action in ('factor.reset', 'factor.remove', 'session.end_all', 'sign_in.unlock') order by id",
    )
    .fetch_all(app.context.pool())
    .await
    .expect("the database answers");
    let entry = |action: &str| {
        let whom = manager.member.to_string();
        (action.to_owned(), Some(whom), Some(admin.member.as_uuid()))
    };
    let all = [
        "factor.reset",
        "session.end_all",
        "sign_in.unlock",
        "factor.remove",
    ];
    assert_eq!(noted, all.map(entry));
    app.advance(Duration::from_secs(61));
    app.sign_in_by_phone(PHONE).await;
    app.advance(Duration::from_secs(300));
    let late = reset(&app, &admin, &manager).await;
    late.expect_problem(401, "step_up_required");
    let kept: Value =
        sqlx::query_scalar("select coalesce(jsonb_agg(r), '[]') from recovery_codes r")
            .fetch_one(app.context.pool())
            .await
            .expect("the database answers");
    assert_eq!(kept.as_array().map(Vec::len), Some(1));
}
