//! A member gets all that is stored on him, and nothing of others.

use std::time::Duration;

use serde_json::json;
use test_kit::{Answer, SignedIn, TestApp};

use crate::transactions::{Shop, purchase};

const PHONE: &str = "+79161234567";

async fn export(app: &TestApp, member: &SignedIn) -> Answer {
    let request = app.get("/api/v1/users/me/export").bearer(&member.token);
    request.send().await
}

#[tokio::test]
async fn everything_of_mine_is_there_and_nothing_of_others() {
    let shop = Shop::open().await;
    let anna = shop.member_with(PHONE, 5_000).await;
    shop.post(&purchase("B", "+79260000000", 77_700))
        .await
        .expect(201);
    let change = shop.app.patch("/api/v1/users/me").bearer(&anna.token);
    let profile = json!({"name": "Анна", "birthday": "1990-05-17", "email": "anna@example.org"});
    change.json(&profile).send().await.expect(200);
    let asked = export(&shop.app, &anna).await;
    assert_eq!(asked.header("retry-after"), "5");
    assert_eq!(asked.expect(202)["ready"], false);
    shop.app.run_personal_data_jobs().await;
    let answer = export(&shop.app, &anna).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    let made = answer.expect(200);
    let document = &made["document"];
    let profile = &document["profile"];
    assert_eq!(profile["phone"], PHONE);
    assert_eq!(profile["name"], "Анна");
    assert_eq!(profile["birthday"], "1990-05-17");
    assert_eq!(profile["email"], "anna@example.org");
    assert_eq!(document["consents"].as_array().unwrap().len(), 2);
    assert_eq!(document["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(document["purchases"].as_array().unwrap().len(), 1);
    assert_eq!(document["lots"][0]["amount"], 5_000);
    assert_eq!(document["wallet"]["available"], 5_000);
    assert_eq!(document["businesses"][0]["visits"], 1);
    assert!(
        !document["movements"][0]["entries"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert!(!document["audit"].as_array().unwrap().is_empty());
    let text = made.to_string();
    assert!(!text.contains("77700") && !text.contains("9260000000"));

    let boris = shop.app.sign_in("+79161234568").await;
    assert_eq!(
        export(&shop.app, &boris).await.expect(202)["document"],
        json!(null)
    );
}

#[tokio::test]
async fn it_wants_a_recent_sign_in_and_is_kept_for_a_day() {
    let app = TestApp::start().await;
    let anna = app.sign_in(PHONE).await;
    let first = export(&app, &anna).await.expect(202)["id"].clone();
    app.run_personal_data_jobs().await;
    assert_eq!(export(&app, &anna).await.expect(200)["id"], first);
    app.advance(Duration::from_secs(301));
    export(&app, &anna)
        .await
        .expect_problem(401, "step_up_required");
    app.advance(Duration::from_secs(24 * 3600));
    let anna = app.sign_in_again(PHONE).await;
    let second = export(&app, &anna).await.expect(202)["id"].clone();
    assert_ne!(first, second);
    app.advance(Duration::from_secs(25 * 3600));
    app.ask_to_forget_exports().await;
    app.run_personal_data_jobs().await;
    let kept: i64 = sqlx::query_scalar("select count(*) from exports")
        .fetch_one(app.context.pool())
        .await
        .unwrap();
    assert_eq!(kept, 0);
}
