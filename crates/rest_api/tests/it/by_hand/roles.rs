//! Operator roles given and taken.

use std::time::Duration;

use http_kit::HttpConfig;
use serde_json::json;
use test_kit::{RequestBuilder, SignedIn};

use super::{ANNA, Desk, at_once};

fn change(desk: &Desk, by: &SignedIn, whom: &SignedIn, role: &str, action: &str) -> RequestBuilder {
    let body = json!({ "member_id": whom.member, "role": role, "action": action });
    let request = desk.shop.app.post("/api/v1/admin/roles");
    request.bearer(&by.token).json(&body)
}

#[tokio::test]
async fn roles_come_and_go_within_five_seconds() {
    let desk = Desk::open().await;
    let app = &desk.shop.app;
    let anna = app.sign_in(ANNA).await;
    let neighbour = rest_api::router(app.neighbour().await, HttpConfig::default());
    let there = || {
        let request = RequestBuilder::new(
            neighbour.clone(),
            http::Method::GET,
            "/api/v1/admin/members",
        );
        request.bearer(&anna.token).send()
    };
    there().await.expect_problem(403, "forbidden");
    let given = change(&desk, &desk.admin, &anna, "support", "give")
        .send()
        .await;
    assert_eq!(given.expect(200)["roles"], json!(["support"]));
    let again = change(&desk, &desk.admin, &anna, "support", "give")
        .send()
        .await;
    assert_eq!(again.expect(200)["roles"], json!(["support"]));
    desk.get(&anna, "/admin/members").await.expect(200);
    app.advance(Duration::from_secs(5));
    there().await.expect(200);
    let taken = change(&desk, &desk.admin, &anna, "support", "take")
        .send()
        .await;
    assert_eq!(taken.expect(200)["roles"], json!([]));
    desk.get(&anna, "/admin/members")
        .await
        .expect_problem(403, "forbidden");
    app.advance(Duration::from_secs(5));
    there().await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn nobody_raises_himself_and_only_an_admin_raises() {
    let desk = Desk::open().await;
    let own = change(&desk, &desk.admin, &desk.admin, "support", "give")
        .send()
        .await;
    own.expect_problem(409, "own_account");
    let own = change(&desk, &desk.admin, &desk.admin, "admin", "take")
        .send()
        .await;
    own.expect_problem(409, "own_account");
    let weak = change(&desk, &desk.support, &desk.support, "admin", "give")
        .send()
        .await;
    weak.expect_problem(403, "forbidden");
    desk.shop.app.advance(Duration::from_secs(301));
    let old = change(&desk, &desk.admin, &desk.support, "admin", "give")
        .send()
        .await;
    old.expect_problem(401, "step_up_required");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_admins_who_take_each_others_role_leave_one() {
    let desk = Desk::open().await;
    let requests = vec![
        change(&desk, &desk.admin, &desk.second, "admin", "take"),
        change(&desk, &desk.second, &desk.admin, "admin", "take"),
    ];
    let answers = at_once(requests).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{answers:?}");
    let roles = desk.shop.app.context.connection().await;
    let admins: i64 = sqlx::query_scalar("select count(*) from operators where role = 'admin'")
        .fetch_one(&mut *roles.unwrap())
        .await
        .unwrap();
    assert_eq!(admins, 1);
}
