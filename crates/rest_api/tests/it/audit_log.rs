//! The audit log, as requests fill it.

use domain::rights::{OperatorRole, StaffRole};
use serde_json::{Value, json};
use sqlx::{Connection as _, Row as _};
use test_kit::{SignedIn, TestApp};

const ADMIN: &str = "+79160000001";
const OWNER: &str = "+79160000002";
const CASHIER: &str = "+79160000003";

/// The entries of an action, oldest first, as JSON.
async fn entries(app: &TestApp, action: &str) -> Vec<Value> {
    let rows =
        sqlx::query("select to_jsonb(l) as entry from audit_log l where action = $1 order by id")
            .bind(action)
            .fetch_all(app.context.pool())
            .await
            .expect("the database answers");
    rows.iter().map(|row| row.get("entry")).collect()
}

async fn only(app: &TestApp, action: &str) -> Value {
    let mut found = entries(app, action).await;
    assert_eq!(found.len(), 1, "{action}: {found:#?}");
    found.remove(0)
}

#[tokio::test]
async fn an_entry_says_who_what_before_after_and_under_which_request() {
    let app = TestApp::start().await;
    let admin = app.operator(ADMIN, OperatorRole::Admin).await;
    let path = "/api/v1/admin/settings";
    let shown = app.get(path).bearer(&admin.token).send().await;
    let mut settings = shown.expect(200)["settings"].clone();
    settings["activation_delay_hours"] = json!(48);
    let put = |tag: String| {
        let request = app.put(path).bearer(&admin.token).header("if-match", &tag);
        let request = request.header("x-request-id", "till-7.000_1");
        request.json(&settings).send()
    };
    put("\"v1\"".into()).await.expect(200);
    // What is refused leaves no entry.
    put("\"v1\"".into())
        .await
        .expect_problem(412, "precondition_failed");

    let entry = only(&app, "settings.change").await;
    assert_eq!(entry["actor_kind"], "person");
    assert_eq!(entry["actor_id"], json!(admin.member));
    assert_eq!(entry["roles"], json!(["admin"]));
    assert_eq!(entry["request_id"], "till-7.000_1");
    assert_eq!(entry["via"], "PUT /api/v1/admin/settings");
    assert_eq!(entry["object_kind"], "programme");
    assert_eq!(entry["business_id"], Value::Null);
    assert_eq!(entry["before"], json!({ "activation_delay_hours": 0 }));
    assert_eq!(entry["after"], json!({ "activation_delay_hours": 48 }));

    let started = entries(&app, "session.start").await;
    assert_eq!(started.len(), 1);
    assert_eq!(started[0]["actor_id"], json!(admin.member));
    assert_eq!(started[0]["object_id"], entry["session_id"]);
    let granted = only(&app, "operator.grant").await;
    assert_eq!(
        granted["actor_kind"], "system",
        "a test works beside any request"
    );
    assert_eq!(granted["object_id"], json!(admin.member));
}

#[tokio::test]
async fn a_business_is_named_and_no_person_is() {
    let app = TestApp::start().await;
    let admin = app.operator(ADMIN, OperatorRole::Admin).await;
    let new = json!({ "slug": "luna", "name": "Луна", "category": "cafe", "base_rate": 500, "owner_phone": OWNER });
    let add = app.post("/api/v1/businesses").bearer(&admin.token);
    let business = add.json(&new).send().await.expect(201)["id"].clone();
    let place = format!("/api/v1/businesses/{}", business.as_str().expect("an id"));
    let owner = app.sign_in(OWNER).await;
    let staff = json!({ "phone": CASHIER, "role": "cashier" });
    let give = app.post(&format!("{place}/staff")).bearer(&owner.token);
    give.json(&staff).send().await.expect(201);
    let key = json!({ "name": "Касса 1", "scopes": ["loyalty:read"] });
    let make = app.post(&format!("{place}/keys")).bearer(&owner.token);
    let made = make.json(&key).send().await.expect(201);

    let given = entries(&app, "staff.give").await;
    assert_eq!(given.len(), 2, "the owner and the cashier");
    let cashier = &given[1];
    assert_eq!(cashier["actor_id"], json!(owner.member));
    assert_eq!(
        cashier["roles"],
        json!([format!(
            "{}@{}",
            StaffRole::Owner,
            business.as_str().expect("an id")
        )])
    );
    for action in ["business.add", "staff.give", "integration_key.make"] {
        for entry in entries(&app, action).await {
            assert_eq!(entry["business_id"], business, "{action}");
            assert!(entry["request_id"].is_string(), "{action}");
        }
    }
    assert_eq!(
        only(&app, "integration_key.make").await["object_id"],
        made["key"]["id"]
    );

    let text: String = sqlx::query_scalar("select string_agg(l::text, ' ') from audit_log l")
        .fetch_one(app.context.pool())
        .await
        .expect("the database answers");
    let secret = made["secret"].as_str().expect("a secret");
    for never in ["9160000001", "9160000002", "9160000003", secret] {
        assert!(!text.contains(never), "{never} stands in the log");
    }
}

#[tokio::test]
async fn wrong_codes_and_stolen_tokens_are_written_down() {
    let app = TestApp::start().await;
    let member = app.sign_in(CASHIER).await;
    let renew = || {
        let body = json!({ "refresh_token": member.refresh_token });
        app.post("/api/v1/auth/refresh").json(&body).send()
    };
    renew().await.expect(200);
    app.advance(std::time::Duration::from_secs(60));
    let refused = renew().await;
    assert!(refused.status.is_client_error());
    let reuse = only(&app, "session.reuse").await;
    assert_eq!(reuse["actor_kind"], "anonymous");
    assert_eq!(reuse["after"]["member_id"], json!(member.member));

    sqlx::query("update code_phones set failures = 9")
        .execute(app.context.pool())
        .await
        .expect("the database answers");
    let asked = app
        .post("/api/v1/auth/otp")
        .json(&json!({ "phone": CASHIER }))
        .send()
        .await;
    let challenge = asked.expect(202)["challenge_id"].clone();
    let code = app.code_for(CASHIER).await;
    let other = if code.starts_with('0') { "1" } else { "0" };
    let wrong = format!("{other}{}", &code[1..]);
    let body = json!({ "phone": CASHIER, "challenge_id": challenge, "code": wrong });
    let answer = app.post("/api/v1/auth/token").json(&body).send().await;
    assert!(answer.status.is_client_error());
    let lock = only(&app, "sign_in.lock").await;
    assert_eq!(
        (&lock["object_kind"], &lock["object_id"]),
        (&json!("challenge"), &challenge)
    );
    assert_eq!(lock["after"]["failures"], 10);
}

const LOG: &str = "/api/v1/admin/audit";

async fn read(app: &TestApp, token: &str, query: &str) -> Value {
    let request = app.get(&format!("{LOG}{query}")).bearer(token);
    request.send().await.expect(200)
}

fn actions(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("a list");
    items
        .iter()
        .map(|entry| entry["action"].as_str().expect("a text"))
        .collect()
}

/// A log with three businesses in it, added a minute after the admin signed in.
async fn three_businesses() -> (TestApp, SignedIn) {
    let app = TestApp::start().await;
    let admin = app.operator(ADMIN, OperatorRole::Admin).await;
    app.advance(std::time::Duration::from_secs(60));
    for slug in ["luna", "sol", "mars"] {
        app.business(slug).await;
    }
    (app, admin)
}

#[tokio::test]
async fn an_admin_reads_the_log_filtered() {
    let (app, admin) = three_businesses().await;
    let token = &admin.token;
    let mine = format!("?actor_id={}&action=session.start", admin.member);
    let mine = read(&app, token, &mine).await;
    assert_eq!(actions(&mine), ["session.start"]);
    let entry = &mine["items"][0];
    assert_eq!(entry["label_en"], "Signed in");
    assert_eq!(entry["label_ru"], "Выполнен вход");
    assert_eq!(entry["actor"]["kind"], "person");
    assert_eq!(entry["via"], "POST /api/v1/auth/token");
    assert_eq!(entry["sequence"], Value::Null);

    let added = read(&app, token, "?action=business.add").await;
    let luna = added["items"][2]["business_id"].as_str().expect("an id");
    for query in [
        format!("?business_id={luna}"),
        format!("?object_kind=business&object_id={luna}"),
    ] {
        let page = read(&app, token, &query).await;
        assert_eq!(actions(&page), ["business.add"], "{query}: {page:#}");
    }
    let stamp = app.now() - chrono::TimeDelta::seconds(30);
    let stamp = stamp.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let since = read(&app, token, &format!("?from={stamp}&object_kind=business")).await;
    assert_eq!(actions(&since).len(), 3);
    let until = read(&app, token, &format!("?until={stamp}&object_kind=business")).await;
    assert_eq!(actions(&until), Vec::<&str>::new());
}

#[tokio::test]
async fn the_log_is_paged_and_each_look_is_written_down_once() {
    let (app, admin) = three_businesses().await;
    let token = &admin.token;
    let first = read(&app, token, "?action=business.add&limit=2").await;
    assert_eq!(actions(&first), ["business.add", "business.add"]);
    assert_eq!(first["items"][0]["after"]["slug"], "mars", "newest first");
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let next = format!("?action=business.add&limit=2&cursor={cursor}");
    let next = read(&app, token, &next).await;
    assert_eq!(next["items"][0]["after"]["slug"], "luna");
    assert_eq!(next["next_cursor"], Value::Null);
    let other = app.get(&format!("{LOG}?cursor={cursor}")).bearer(token);
    other.send().await.expect_problem(400, "invalid_cursor");

    let look = only(&app, "audit.read").await;
    assert_eq!(look["after"], json!({ "action": "business.add" }));
    assert_eq!(look["actor_id"], json!(admin.member));
}

#[tokio::test]
async fn the_log_is_for_admins_and_refuses_nonsense() {
    let app = TestApp::start().await;
    let admin = app.operator(ADMIN, OperatorRole::Admin).await;
    let analyst = app.operator(OWNER, OperatorRole::Analyst).await;
    let member = app.sign_in(CASHIER).await;
    app.get(LOG)
        .send()
        .await
        .expect_problem(401, "unauthenticated");
    for token in [&analyst.token, &member.token] {
        let refused = app.get(LOG).bearer(token).send().await;
        refused.expect_problem(403, "forbidden");
    }
    let nonsense = app.get(&format!("{LOG}?action=nothing&actor_id=x&limit=0"));
    let wrong = nonsense.bearer(&admin.token).send().await;
    let problem = wrong.expect_problem(422, "invalid_fields");
    assert_eq!(
        problem["errors"].as_array().map(Vec::len),
        Some(3),
        "{problem}"
    );
}

#[tokio::test]
async fn the_nightly_proof_tells_of_the_log() {
    let app = TestApp::start().await;
    let admin = app.operator(ADMIN, OperatorRole::Admin).await;
    while services::audit_log::seal::seal(&app.context)
        .await
        .expect("sealed")
        > 0
    {}
    let check = async || {
        let request = app.get("/api/v1/admin/ledger/check?fresh=true");
        let body = request.bearer(&admin.token).send().await.expect(200);
        body["audit_log"].clone()
    };
    let sound = check().await;
    assert_eq!(
        (&sound["clean"], &sound["differences"]),
        (&json!(true), &json!(0))
    );
    assert_eq!(sound["sealed"], entries_in_all(&app).await);

    let mut superuser = sqlx::PgConnection::connect(&app.database_url())
        .await
        .expect("answers");
    for statement in [
        "set session_replication_role = replica",
        "update audit_log set via = 'elsewhere' where action = 'session.start'",
    ] {
        let done = sqlx::query(statement).execute(&mut superuser).await;
        done.expect("somebody with all rights may");
    }
    let altered = check().await;
    assert_eq!(
        (&altered["clean"], &altered["differences"]),
        (&json!(false), &json!(1))
    );
    assert_eq!(altered["named"][0]["check"], "entry_altered");
    assert!(altered["named"][0]["entry_id"].is_string());
}

async fn entries_in_all(app: &TestApp) -> i64 {
    sqlx::query_scalar("select count(*) from audit_log")
        .fetch_one(app.context.pool())
        .await
        .expect("the database answers")
}
