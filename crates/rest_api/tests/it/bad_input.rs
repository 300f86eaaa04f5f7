//! What nobody should send, sent to every operation of the document: cursors that we did not make, pages without end,
//! fields that are not the caller's to set, bodies without end.

use std::time::Duration;

use domain::rights::{OperatorRole, StaffRole};
use serde_json::{Map, Value, json};
use test_kit::{Answer, RequestBuilder, TestApp};

use crate::document::{concrete, document, operations};

/// Fields that are the service's to set, whoever asks.
const NOT_YOURS: [&str; 7] = [
    "role",
    "balance",
    "status",
    "created_by",
    "is_admin",
    "version",
    "tenant_id",
];

/// A service and a credential of each kind.
struct Everybody {
    app: TestApp,
    credentials: Vec<Option<String>>,
}

impl Everybody {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let business = app.business("luna").await;
        let credentials = vec![
            None,
            Some(app.sign_in("+79161234567").await.token),
            Some(app.till(business).await),
            Some(
                app.staff(business, "+79160000002", StaffRole::Owner)
                    .await
                    .token,
            ),
            Some(
                app.operator("+79160000001", OperatorRole::Admin)
                    .await
                    .token,
            ),
        ];
        Self { app, credentials }
    }

    /// The answers to everybody's same request.
    async fn answers(&self, request: impl Fn(&TestApp) -> RequestBuilder) -> Vec<Answer> {
        let mut answers = Vec::new();
        for credential in &self.credentials {
            let mut one = request(&self.app)
                .idempotency_key("bad-input")
                .header("if-match", "\"v1\"");
            if let Some(credential) = credential {
                one = one.bearer(credential);
            }
            answers.push(one.send().await);
        }
        // So many requests of nobody would have to wait otherwise.
        self.app.advance(Duration::from_secs(1));
        answers
    }
}

/// Operations with this query parameter: method and a path with something in place of each parameter.
fn with_query(document: &Value, name: &str) -> Vec<(String, String)> {
    let has = |operation: &Value| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|all| {
            all.iter()
                .any(|one| one["in"] == "query" && one["name"] == name)
        })
    };
    operations(document)
        .into_iter()
        .filter(|(_, _, operation)| has(operation))
        .map(|(method, path, _)| (method.to_uppercase(), concrete(&path)))
        .collect()
}

/// Asserts that nobody gets anything, and that somebody is told `status` and `code`.
fn refused(at: &str, answers: &[Answer], status: u16, code: &str) {
    let told = answers
        .iter()
        .any(|answer| answer.status == status && answer.json()["code"] == code);
    let seen: Vec<u16> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    assert!(
        told || seen.iter().all(|status| [401, 403, 404].contains(status)),
        "{at}: {seen:?}"
    );
    for answer in answers {
        assert!(answer.status.is_client_error(), "{at}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_cursor_that_we_did_not_make_opens_no_list() {
    let everybody = Everybody::open().await;
    let document = document();
    let lists = with_query(&document, "cursor");
    assert!(lists.len() >= 3, "{lists:?}");
    for (method, path) in lists {
        for cursor in ["AAAA", "eyJpZCI6MX0", &"A".repeat(1000)] {
            let path = format!("{path}?cursor={cursor}");
            let answers = everybody.answers(|app| app.request(&method, &path)).await;
            refused(&path, &answers, 400, "invalid_cursor");
        }
    }
}

#[tokio::test]
async fn a_page_has_an_end() {
    let everybody = Everybody::open().await;
    let lists = with_query(&document(), "limit");
    assert!(lists.len() >= 3, "{lists:?}");
    for (method, path) in lists {
        for limit in [
            "1000000000",
            "101",
            "0",
            "-1",
            "99999999999999999999",
            "1e9",
            "ten",
        ] {
            let path = format!("{path}?limit={limit}");
            let answers = everybody.answers(|app| app.request(&method, &path)).await;
            refused(&path, &answers, 422, "invalid_fields");
        }
    }
}

/// The body of an operation as its example has it, with the fields that it does not know.
fn meddled(document: &Value, operation: &Value) -> Option<(Value, Vec<&'static str>)> {
    let content = &operation["requestBody"]["content"]["application/json"];
    let mut body = content.get("example")?.clone();
    let fields: &mut Map<String, Value> = body.as_object_mut()?;
    let name = content["schema"]["$ref"].as_str()?;
    let schema = document.pointer(&name[1..])?;
    let known =
        |field: &str| schema["properties"].get(field).is_some() || fields.contains_key(field);
    let added: Vec<&str> = NOT_YOURS
        .into_iter()
        .filter(|field| !known(field))
        .collect();
    for field in &added {
        fields.insert((*field).to_owned(), json!("admin"));
    }
    Some((body, added))
}

#[tokio::test]
async fn nobody_sets_what_is_not_theirs_to_set() {
    let everybody = Everybody::open().await;
    let document = document();
    let mut tried = 0;
    for (method, path, operation) in operations(&document) {
        let Some((body, added)) = meddled(&document, operation) else {
            continue;
        };
        tried += 1;
        let (method, path) = (method.to_uppercase(), concrete(&path));
        let at = format!("{method} {path}");
        let answers = everybody
            .answers(|app| app.request(&method, &path).json(&body))
            .await;
        let told = answers.iter().find(|answer| answer.status == 422);
        let told = told
            .unwrap_or_else(|| panic!("{at}: nobody is told"))
            .json();
        let pointers = told["errors"].to_string();
        for field in added {
            assert!(
                pointers.contains(&format!("/{field}\"")),
                "{at}: {field}: {told}"
            );
        }
        for answer in answers {
            assert!(answer.status.is_client_error(), "{at}: {}", answer.text());
        }
    }
    assert!(tried >= 10, "{tried}");
}

#[tokio::test]
async fn bodies_have_an_end_and_a_depth() {
    let everybody = Everybody::open().await;
    let member = everybody.credentials[1].clone().expect("a member");
    let send = |body: String| {
        let request = everybody.app.patch("/api/v1/users/me").bearer(&member);
        request
            .header("content-type", "application/json")
            .body(body)
            .send()
    };
    let long = format!("{{\"name\":\"{}\"}}", "x".repeat(65 * 1024));
    send(long).await.expect_problem(413, "body_too_large");
    let deep = format!("{{\"name\":{}}}", "[".repeat(200) + &"]".repeat(200));
    send(deep).await.expect_problem(400, "invalid_json");
    let endless = format!("{{\"name\":\"{}\"}}", "x".repeat(60_000));
    send(endless).await.expect_problem(422, "invalid_fields");
}

#[tokio::test]
async fn another_tenant_in_a_header_changes_nothing() {
    let app = TestApp::start().await;
    let (luna, sol) = (app.business("luna").await, app.business("sol").await);
    let owner = app.staff(luna, "+79160000002", StaffRole::Owner).await;
    for name in ["x-tenant-id", "x-business-id", "x-user-id"] {
        let path = format!("/api/v1/businesses/{sol}/staff");
        let request = app.get(&path).bearer(&owner.token);
        let answer = request.header(name, &sol.to_string()).send().await;
        assert!(
            [403, 404].contains(&answer.status.as_u16()),
            "{name}: {}",
            answer.text()
        );
    }
}

/// The names that an answer repeats are the caller's: it holds none that could not be shown, and none without an end.
#[tokio::test]
async fn names_that_nobody_can_read_are_told_readably() {
    let app = TestApp::start().await;
    let control = "%00%1B%C2%84%E2%80%AE";
    let long = "x".repeat(2_000);
    for path in [
        format!("/api/v1/businesses?a{control}=1&a{control}=2"),
        format!("/api/v1/businesses?{long}=1"),
    ] {
        let told = app
            .get(&path)
            .send()
            .await
            .expect_problem(422, "invalid_fields");
        assert_readable(&told);
    }
    let many: Vec<String> = (0..300).map(|n| format!("a{n}=1&a{n}=2")).collect();
    let many = format!("/api/v1/businesses?{}", many.join("&"));
    let told = app
        .get(&many)
        .send()
        .await
        .expect_problem(422, "invalid_fields");
    assert_readable(&told);
    let body =
        json!({ "phone": "+79161234567", "a\u{0}\u{1b}\u{84}\u{202e}": 1, long.as_str(): 1 });
    let asked = app.post("/api/v1/auth/otp").json(&body).send().await;
    assert_readable(&asked.expect_problem(422, "invalid_fields"));
    let admin = app.operator("+79160000001", OperatorRole::Admin).await;
    let reward = json!({ "kind": "fixed", "points": 1, "a\u{1b}": 1 });
    let rule = json!({ "definition": { "name_ru": "а", "name_en": "a", "reward": reward } });
    let added = app.post("/api/v1/admin/rules").bearer(&admin.token);
    let told = added.json(&rule).send().await;
    assert_readable(&told.expect_problem(422, "invalid_fields"));
}

fn assert_readable(problem: &Value) {
    let errors = problem["errors"].as_array().expect("errors");
    assert!((1..=100).contains(&errors.len()), "{}", errors.len());
    for error in errors {
        for member in ["pointer", "detail"] {
            let text = error[member].as_str().expect("a text");
            assert!(text.chars().count() <= 500, "{text}");
            let hidden = |character: char| character.is_control() || character == '\u{202e}';
            assert!(!text.chars().any(hidden), "{text:?}");
        }
    }
}
