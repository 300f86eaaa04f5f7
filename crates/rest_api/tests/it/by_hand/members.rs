//! Members as operators see and treat them.

use std::time::Duration;

use domain::rights::{OperatorRole, StaffRole};
use http_kit::HttpConfig;
use serde_json::json;
use test_kit::RequestBuilder;

use super::{ANNA, BORIS, Desk};
use crate::transactions::purchase;

#[tokio::test]
async fn an_operator_finds_and_sees_members() {
    let desk = Desk::open().await;
    let anna = desk.shop.member_with(ANNA, 2_500).await;
    let search = |body: serde_json::Value| {
        let request = desk.shop.app.post("/api/v1/admin/members/search");
        request.bearer(&desk.support.token).json(&body).send()
    };
    let found = search(json!({ "phone": "8 (916) 123-45-67" }))
        .await
        .expect(200);
    assert_eq!(found["items"][0]["id"], json!(anna.member));
    assert_eq!(found["items"][0]["phone_masked"], "+7916•••4567");
    let number = found["items"][0]["number"].clone();
    for body in [
        json!({ "card_number": number }),
        json!({ "member_id": anna.member }),
    ] {
        assert_eq!(search(body).await.expect(200), found);
    }
    let nobody = search(json!({ "phone": "+79169999999" })).await.expect(200);
    assert_eq!(nobody["items"], json!([]));
    search(json!({}))
        .await
        .expect_problem(422, "invalid_fields");
}

#[tokio::test]
async fn an_operator_sees_a_member_whole_and_all_page_by_page() {
    let desk = Desk::open().await;
    let anna = desk.shop.member_with(ANNA, 2_500).await;
    let works = desk
        .shop
        .app
        .staff(desk.shop.business, BORIS, StaffRole::Cashier)
        .await;
    let whole = desk
        .get(&desk.support, &format!("/admin/members/{}", works.member))
        .await
        .expect(200);
    assert_eq!(whole["phone"], BORIS);
    assert_eq!(whole["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        whole["staff_places"][0]["business_id"],
        json!(desk.shop.business)
    );
    let whole = desk
        .get(&desk.support, &format!("/admin/members/{}", anna.member))
        .await
        .expect(200);
    assert_eq!(
        (&whole["available"], &whole["tier"]),
        (&json!(2_500), &json!("insider"))
    );
    let unknown = desk
        .get(
            &desk.support,
            "/admin/members/019cadf4-6c80-7000-8000-000000000001",
        )
        .await;
    unknown.expect_problem(404, "not_found");

    let mut seen = Vec::new();
    let mut path = "/admin/members?limit=2".to_owned();
    loop {
        let page = desk.get(&desk.support, &path).await.expect(200);
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["id"].clone()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/admin/members?limit=2&cursor={cursor}");
    }
    assert_eq!(seen.len(), 5);
    let forged = desk
        .get(&desk.support, "/admin/members?cursor=abcdefgh")
        .await;
    forged.expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn only_support_and_admins_may() {
    let desk = Desk::open().await;
    let app = &desk.shop.app;
    let anna = app.sign_in(ANNA).await;
    let analyst = app.operator("+79160000009", OperatorRole::Analyst).await;
    let owner = app
        .staff(desk.shop.business, "+79160000008", StaffRole::Owner)
        .await;
    let one = format!("/api/v1/admin/members/{}", anna.member);
    let why = json!({ "reason": "x" });
    let requests: [(&str, String, serde_json::Value); 7] = [
        ("GET", "/api/v1/admin/members".into(), json!(null)),
        (
            "POST",
            "/api/v1/admin/members/search".into(),
            json!({ "phone": ANNA }),
        ),
        ("GET", one.clone(), json!(null)),
        ("POST", format!("{one}/block"), why.clone()),
        ("POST", format!("{one}/unblock"), why),
        ("GET", "/api/v1/loyalty/adjustments".into(), json!(null)),
        (
            "POST",
            "/api/v1/admin/roles".into(),
            json!({ "member_id": anna.member, "role": "admin", "action": "give" }),
        ),
    ];
    for (method, path, body) in &requests {
        let request = || -> RequestBuilder {
            let request = app.request(method, path);
            if body.is_null() {
                request
            } else {
                request.json(body)
            }
        };
        request()
            .send()
            .await
            .expect_problem(401, "unauthenticated");
        for token in [&anna.token, &analyst.token, &owner.token, &desk.shop.till] {
            let refused = request().bearer(token).send().await;
            refused.expect_problem(403, "forbidden");
        }
    }
}

#[tokio::test]
async fn a_blocked_member_is_out_everywhere_within_five_seconds() {
    let desk = Desk::open().await;
    let app = &desk.shop.app;
    let anna = desk.shop.member_with(ANNA, 10_000).await;
    let neighbour = rest_api::router(app.neighbour().await, HttpConfig::default());
    let there = || {
        let request = RequestBuilder::new(
            neighbour.clone(),
            http::Method::GET,
            "/api/v1/loyalty/balance",
        );
        request.bearer(&anna.token).send()
    };
    there().await.expect(200);
    let path = format!("/api/v1/admin/members/{}", anna.member);
    let act = |what: &str, reason: &str| {
        let request = app
            .post(&format!("{path}/{what}"))
            .bearer(&desk.support.token);
        request.json(&json!({ "reason": reason })).send()
    };
    act("block", "Sells points").await.expect(204);
    act("block", "Sells points")
        .await
        .expect_problem(409, "conflict");
    let here = app
        .get("/api/v1/loyalty/balance")
        .bearer(&anna.token)
        .send()
        .await;
    here.expect_problem(401, "unauthenticated");
    app.advance(Duration::from_secs(5));
    there().await.expect_problem(401, "unauthenticated");
    let renewed = app
        .post("/api/v1/auth/refresh")
        .json(&json!({ "refresh_token": anna.refresh_token }));
    assert_eq!(renewed.send().await.status, 401);
    desk.shop
        .post(&purchase("B-1", ANNA, 10_000))
        .await
        .expect_problem(403, "member_blocked");
    let boris = app.sign_in(BORIS).await;
    desk.adjust(&desk.admin, &boris, 5_000, "g")
        .await
        .expect(201);
    let body = json!({ "to": { "phone": ANNA }, "points": 2_000 });
    let gift = desk
        .post(&boris, "/loyalty/transfers", "t", &body)
        .send()
        .await;
    gift.expect_problem(409, "unknown_member");
    let blocked = desk
        .get(&desk.support, "/admin/members?blocked=true")
        .await
        .expect(200);
    assert_eq!(blocked["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(blocked["items"][0]["status"], "blocked");
}

#[tokio::test]
async fn a_block_is_lifted_and_both_reasons_stay() {
    let desk = Desk::open().await;
    let anna = desk.shop.member_with(ANNA, 10_000).await;
    let path = format!("/api/v1/admin/members/{}", anna.member);
    let act = |what: &str, reason: &str| {
        let request = desk.shop.app.post(&format!("{path}/{what}"));
        let request = request.bearer(&desk.support.token);
        request.json(&json!({ "reason": reason })).send()
    };
    act("block", "Sells points").await.expect(204);
    act("unblock", "A mistake").await.expect(204);
    act("unblock", "A mistake")
        .await
        .expect_problem(409, "conflict");
    desk.shop
        .post(&purchase("B-2", ANNA, 10_000))
        .await
        .expect(201);
    let whole = desk
        .get(&desk.support, &format!("/admin/members/{}", anna.member))
        .await
        .expect(200);
    assert_eq!(whole["status"], "active");
    assert_eq!(whole["blocks"][0]["reason"], "Sells points");
    assert_eq!(whole["blocks"][0]["lift_reason"], "A mistake");
    assert_eq!(whole["sessions"], json!([]));
    desk.shop.audit().await;
}

#[tokio::test]
async fn an_operator_is_blocked_by_an_admin_alone() {
    let desk = Desk::open().await;
    let block = |by: &str, whom: domain::ids::MemberId| {
        let request = desk
            .shop
            .app
            .post(&format!("/api/v1/admin/members/{whom}/block"));
        request.bearer(by).json(&json!({ "reason": "x" })).send()
    };
    let upward = block(&desk.support.token, desk.admin.member).await;
    upward.expect_problem(403, "forbidden");
    let own = block(&desk.admin.token, desk.admin.member).await;
    own.expect_problem(409, "own_account");
    block(&desk.admin.token, desk.support.member)
        .await
        .expect(204);
    let gone = desk.get(&desk.support, "/admin/members").await;
    gone.expect_problem(401, "unauthenticated");
}
