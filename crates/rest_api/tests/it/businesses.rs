//! Partners, their places, people and keys.

use domain::rights::{OperatorRole, StaffRole};
use serde_json::json;
use test_kit::TestApp;

const ADMIN: &str = "+79160000001";
const OWNER: &str = "+79160000002";
const STRANGER: &str = "+79160000003";

#[tokio::test]
async fn an_admin_adds_a_partner_whose_owner_runs_it() {
    let app = TestApp::start().await;
    let admin = app.operator(ADMIN, OperatorRole::Admin).await;
    let new = json!({"slug": "cafe-luna", "name": "Луна", "category": "cafe", "base_rate": 500, "owner_phone": OWNER});
    let add = || {
        app.post("/api/v1/businesses")
            .bearer(&admin.token)
            .json(&new)
            .send()
    };
    let added = add().await;
    let business = added.expect(201);
    assert_eq!(
        added.header("location"),
        format!(
            "/api/v1/businesses/{}",
            business["id"].as_str().expect("an id")
        )
    );
    add().await.expect_problem(409, "name_taken");

    let owner = app.sign_in(OWNER).await;
    let address = added.header("location").to_owned();
    let place = json!({"name": "Луна на Мясницкой", "point": {"latitude_e6": 55_760_000, "longitude_e6": 37_630_000}});
    app.post(&format!("{address}/locations"))
        .bearer(&owner.token)
        .json(&place)
        .send()
        .await
        .expect(201);
    let shown = app.get(&address).send().await;
    assert_eq!(
        shown.expect(200)["locations"][0]["point"]["latitude_e6"],
        55_760_000
    );

    let change = |tag: &str| {
        let request = app
            .patch(&address)
            .bearer(&owner.token)
            .header("if-match", tag);
        request.json(&json!({"base_rate": 700})).send()
    };
    assert_eq!(
        change(shown.header("etag")).await.expect(200)["base_rate"],
        700
    );
    change(shown.header("etag"))
        .await
        .expect_problem(412, "precondition_failed");
    let blind = app
        .patch(&address)
        .bearer(&owner.token)
        .json(&json!({"base_rate": 700}))
        .send()
        .await;
    blind.expect_problem(428, "precondition_required");
}

#[tokio::test]
async fn only_an_admin_adds_partners() {
    let app = TestApp::start().await;
    let new = json!({"slug": "cafe-luna", "name": "Луна", "category": "cafe", "base_rate": 500});
    let support = app.operator(ADMIN, OperatorRole::Support).await;
    let stranger = app.sign_in(STRANGER).await;
    for token in [&support.token, &stranger.token] {
        let answer = app
            .post("/api/v1/businesses")
            .bearer(token)
            .json(&new)
            .send()
            .await;
        answer.expect_problem(403, "forbidden");
    }
    app.post("/api/v1/businesses")
        .json(&new)
        .send()
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_catalogue_is_paged() {
    let app = TestApp::start().await;
    for number in 0..5 {
        app.business(&format!("cafe-{number}")).await;
    }
    let mut seen = Vec::new();
    let mut address = "/api/v1/businesses?limit=2".to_owned();
    loop {
        let page = app.get(&address).send().await.expect(200);
        let items = page["items"].as_array().expect("items");
        seen.extend(
            items
                .iter()
                .map(|one| one["slug"].as_str().expect("a slug").to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        address = format!("/api/v1/businesses?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["cafe-0", "cafe-1", "cafe-2", "cafe-3", "cafe-4"]);
    let foreign = app.get(&format!("{address}&search=luna")).send().await;
    foreign.expect_problem(400, "invalid_cursor");
    let wrong = app.get("/api/v1/businesses?limit=1000&page=2").send().await;
    assert_eq!(
        wrong.expect_problem(422, "invalid_fields")["errors"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
}

#[tokio::test]
async fn a_key_is_made_shown_once_used_and_revoked() {
    let app = TestApp::start().await;
    let business = app.business("cafe-luna").await;
    let owner = app.staff(business, OWNER, StaffRole::Owner).await;
    let keys = format!("/api/v1/businesses/{business}/keys");
    let new = json!({"name": "Till 1", "scopes": ["transactions:write"]});
    let made = app
        .post(&keys)
        .bearer(&owner.token)
        .json(&new)
        .send()
        .await
        .expect(201);
    let secret = made["secret"].as_str().expect("a secret");
    let listed = app.get(&keys).bearer(&owner.token).send().await;
    assert_eq!(listed.expect(200)["items"][0]["prefix"], secret[..12]);
    assert!(!listed.text().contains(secret));
    app.get("/api/v1/users/me")
        .bearer(secret)
        .send()
        .await
        .expect_problem(403, "forbidden");
    let address = format!("{keys}/{}", made["key"]["id"].as_str().expect("an id"));
    app.delete(&address)
        .bearer(&owner.token)
        .send()
        .await
        .expect(204);
    app.get("/api/v1/users/me")
        .bearer(secret)
        .send()
        .await
        .expect_problem(401, "unauthenticated");
    app.delete(&address)
        .bearer(&owner.token)
        .send()
        .await
        .expect_problem(404, "not_found");
    let bad = json!({"name": "Till 1", "scopes": ["everything"]});
    let answer = app.post(&keys).bearer(&owner.token).json(&bad).send().await;
    assert_eq!(
        answer.expect_problem(422, "invalid_fields")["errors"][0]["pointer"],
        "/scopes/0"
    );
}

#[tokio::test]
async fn two_keys_live_side_by_side_and_one_ends_on_its_day() {
    let app = TestApp::start().await;
    let business = app.business("cafe-luna").await;
    let owner = app.staff(business, OWNER, StaffRole::Owner).await;
    let keys = format!("/api/v1/businesses/{business}/keys");
    let make = |body: serde_json::Value| {
        let made = app.post(&keys).bearer(&owner.token).json(&body);
        made.send()
    };
    let ends = app.now() + chrono::TimeDelta::minutes(10);
    let old = json!({"name": "Old", "scopes": ["loyalty:read"], "expires_at": ends});
    let new = json!({"name": "New", "scopes": ["loyalty:read"]});
    let past = json!({"name": "Past", "scopes": ["loyalty:read"], "expires_at": app.now()});
    make(past).await.expect_problem(422, "invalid_fields");
    let (old, new) = (make(old).await.expect(201), make(new).await.expect(201));
    let status = async |made: &serde_json::Value| {
        let secret = made["secret"].as_str().expect("a secret");
        let asked = app.get("/api/v1/users/me").bearer(secret).send().await;
        asked.status.as_u16()
    };
    // 403: it is a key, and it is valid.
    assert_eq!((status(&old).await, status(&new).await), (403, 403));
    app.advance(std::time::Duration::from_secs(600));
    assert_eq!((status(&old).await, status(&new).await), (401, 403));
}

#[tokio::test]
async fn another_business_does_not_exist() {
    let app = TestApp::start().await;
    let (luna, sol) = (
        app.business("cafe-luna").await,
        app.business("cafe-sol").await,
    );
    let owner = app.staff(luna, OWNER, StaffRole::Owner).await;
    let unknown = "019cadf4-6c80-7000-8000-000000000001".to_owned();
    for business in [sol.to_string(), unknown] {
        for path in ["keys", "staff"] {
            let address = format!("/api/v1/businesses/{business}/{path}");
            app.get(&address)
                .bearer(&owner.token)
                .send()
                .await
                .expect_problem(404, "not_found");
        }
        let address = format!("/api/v1/businesses/{business}/locations");
        let answer = app
            .post(&address)
            .bearer(&owner.token)
            .json(&json!({"name": "Мой"}))
            .send()
            .await;
        answer.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn roles_are_given_and_taken() {
    let app = TestApp::start().await;
    let business = app.business("cafe-luna").await;
    let owner = app.staff(business, OWNER, StaffRole::Owner).await;
    let staff = format!("/api/v1/businesses/{business}/staff");
    let given = app
        .post(&staff)
        .bearer(&owner.token)
        .json(&json!({"phone": STRANGER, "role": "cashier"}))
        .send()
        .await;
    let cashier = given.expect(201)["user_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let listed = app.get(&staff).bearer(&owner.token).send().await;
    assert_eq!(
        listed.expect(200)["items"].as_array().map(Vec::len),
        Some(2)
    );
    assert!(!listed.text().contains(STRANGER));
    let person = app.sign_in(STRANGER).await;
    app.get(&staff)
        .bearer(&person.token)
        .send()
        .await
        .expect_problem(403, "forbidden");
    app.delete(&format!("{staff}/{cashier}"))
        .bearer(&owner.token)
        .send()
        .await
        .expect(204);
    app.get(&staff)
        .bearer(&person.token)
        .send()
        .await
        .expect_problem(403, "forbidden");
    let last = app
        .delete(&format!("{staff}/{}", owner.member))
        .bearer(&owner.token)
        .send()
        .await;
    last.expect_problem(409, "last_owner");
}
