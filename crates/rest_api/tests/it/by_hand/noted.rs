//! What is done by hand stands in the audit log, by whom and to what, and without words that people wrote.

use serde_json::json;

use super::{ANNA, BORIS, Desk};

#[tokio::test]
async fn each_deed_is_noted_with_its_doer() {
    let desk = Desk::open().await;
    let anna = desk.shop.member_with(ANNA, 100_000).await;
    desk.shop.app.sign_in(BORIS).await;
    let asked = desk
        .adjust(&desk.admin, &anna, 200_000, "a")
        .await
        .expect(201);
    let yes = desk.decide(&desk.second, &asked["id"], "approve", "b");
    yes.send().await.expect(200);
    let asked = desk
        .adjust(&desk.admin, &anna, 200_000, "c")
        .await
        .expect(201);
    let no = desk.decide(&desk.second, &asked["id"], "decline", "d");
    no.send().await.expect(200);
    for (points, key) in [(50_000, "e"), (50_001, "f")] {
        let body = json!({ "to": { "phone": BORIS }, "points": points });
        let given = desk.post(&anna, "/loyalty/transfers", key, &body);
        given.send().await.expect(201);
    }
    let role = json!({ "member_id": anna.member, "role": "analyst", "action": "give" });
    let role = desk.post(&desk.admin, "/admin/roles", "g", &role);
    role.send().await.expect(200);
    let path = format!("/admin/members/{}", anna.member);
    desk.get(&desk.support, &path).await.expect(200);
    for what in ["block", "unblock"] {
        let why = json!({ "reason": "тайная причина" });
        let done = desk.post(&desk.admin, &format!("{path}/{what}"), "h", &why);
        done.send().await.expect(204);
    }
    let mut conn = desk.shop.app.context.connection().await.unwrap();
    let noted: Vec<(String, Option<uuid::Uuid>)> = sqlx::query_as(
        "select action, actor_id from audit_log
         where action like 'adjustment.%' or action like 'transfer.%' or action like 'operator.%'
            or action like 'member.%block' or action = 'member.view' order by id",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    let by = |who: &test_kit::SignedIn| Some(who.member.as_uuid());
    let expected = [
        ("operator.grant", None),
        ("operator.grant", None),
        ("operator.grant", None),
        ("adjustment.ask", by(&desk.admin)),
        ("adjustment.approve", by(&desk.second)),
        ("adjustment.ask", by(&desk.admin)),
        ("adjustment.reject", by(&desk.second)),
        ("transfer.make", by(&anna)),
        ("operator.grant", by(&desk.admin)),
        ("member.view", by(&desk.support)),
        ("member.block", by(&desk.admin)),
        ("member.unblock", by(&desk.admin)),
    ];
    let noted: Vec<(&str, Option<uuid::Uuid>)> = noted
        .iter()
        .map(|(action, actor)| (action.as_str(), *actor))
        .collect();
    assert_eq!(noted, expected);
    let words: bool = sqlx::query_scalar(
        "select exists (select from audit_log a where a::text like '%тайная%' or a::text like '%Извинение%')",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert!(!words, "what people wrote stands in the audit log");
}
