//! What every answer owes its reader: methods, versions, places of what was made, headers; and what happens when more is
//! asked than can be done.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use domain::rights::{OperatorRole, Scope, StaffRole};
use futures_util::future::join_all;
use http_kit::HttpConfig;
use serde_json::{Value, json};
use test_kit::{Answer, TestApp};

use crate::document::{METHODS, concrete, document, operations};

#[tokio::test]
async fn every_address_tells_its_methods() {
    let app = TestApp::start().await;
    for (path, item) in document()["paths"].as_object().expect("paths") {
        let answer = app.request("OPTIONS", &concrete(path)).send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.len()),
            (204, 0),
            "{path}"
        );
        let told: BTreeSet<String> = answer
            .header("allow")
            .split(',')
            .map(|method| method.trim().to_lowercase())
            .filter(|method| method != "head")
            .collect();
        let documented = METHODS.iter().filter(|method| item.get(**method).is_some());
        let documented: BTreeSet<String> = documented.map(|method| (*method).to_owned()).collect();
        assert_eq!(told, documented, "{path}");
        app.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let app = TestApp::start().await;
    for path in [
        "/api/v1/loyalty/tiers",
        "/api/v1/businesses",
        "/health/live",
        "/docs",
        "/problems",
    ] {
        let whole = app.get(path).send().await;
        let head = app.request("HEAD", path).send().await;
        assert_eq!((head.status, head.body.len()), (whole.status, 0), "{path}");
        for name in ["content-type", "etag", "cache-control"] {
            assert_eq!(head.header(name), whole.header(name), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn every_answer_has_the_headers_of_every_answer() {
    let app = TestApp::start().await;
    let document = document();
    let addresses = operations(&document)
        .into_iter()
        .map(|(method, path, _)| (method.to_uppercase(), concrete(&path)));
    let pages = rest_api::routes::table()
        .into_iter()
        .filter(|entry| !entry.documented)
        .map(|entry| ("GET".to_owned(), entry.path.replace("{code}", "not_found")));
    for (method, path) in addresses.chain(pages) {
        let answer = app
            .request(&method, &path)
            .header("x-request-id", "sweep-1")
            .send()
            .await;
        let at = format!("{method} {path}: {}", answer.status);
        assert_eq!(answer.header("x-request-id"), "sweep-1", "{at}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{at}");
        for absent in ["server", "x-powered-by", "via"] {
            assert_eq!(answer.header(absent), "", "{at}");
        }
        assert!(!answer.header("cache-control").is_empty(), "{at}");
        let media = answer.header("content-type");
        if !answer.body.is_empty() {
            // JSON is UTF-8 by its own definition (RFC 8259 section 11) and has no such parameter.
            assert!(
                media.contains("json") || media.contains("charset=utf-8"),
                "{at}: {media}"
            );
        }
        if answer.status.is_client_error() {
            assert_eq!(media, "application/problem+json", "{at}");
            assert_eq!(answer.header("cache-control"), "no-store", "{at}");
        }
        app.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn nothing_personal_is_kept_by_a_cache() {
    let app = TestApp::start().await;
    let anna = app.sign_in("+79161234567").await;
    for path in [
        "/users/me",
        "/users/me/card",
        "/loyalty/balance",
        "/loyalty/history",
        "/loyalty/lots",
        "/loyalty/tier",
        "/transactions",
        "/auth/sessions",
    ] {
        let answer = app
            .get(&format!("/api/v1{path}"))
            .bearer(&anna.token)
            .send()
            .await;
        answer.expect(200);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

const JSON: &str = "application/json";

/// Method, path, media type, body, and the problem that it is; none where it is none.
const ERRORS: &[(&str, &str, &str, &str, u16, &str)] = &[
    ("GET", "/nowhere", "", "", 404, "not_found"),
    ("GET", "/api", "", "", 404, "not_found"),
    ("GET", "/api/v1", "", "", 404, "not_found"),
    ("GET", "/api/v1/", "", "", 404, "not_found"),
    ("GET", "/api/v1/users", "", "", 404, "not_found"),
    ("GET", "/api/v1/users/me/", "", "", 404, "not_found"),
    ("GET", "/api/v1/businesses/1", "", "", 404, "not_found"),
    ("GET", "/api/v1/businesses/%00", "", "", 404, "not_found"),
    (
        "GET",
        "/api/v1/businesses/..%2f..",
        "",
        "",
        404,
        "not_found",
    ),
    ("GET", "/api/v1/transactions/x", "", "", 404, "not_found"),
    ("GET", "/problems/none", "", "", 404, "not_found"),
    (
        "TRACE",
        "/api/v1/users/me",
        "",
        "",
        405,
        "method_not_allowed",
    ),
    (
        "BREW",
        "/api/v1/users/me",
        "",
        "",
        405,
        "method_not_allowed",
    ),
    (
        "POST",
        "/api/v1/users/me",
        "",
        "",
        405,
        "method_not_allowed",
    ),
    (
        "PUT",
        "/api/v1/transactions",
        "",
        "",
        405,
        "method_not_allowed",
    ),
    ("DELETE", "/health/ready", "", "", 405, "method_not_allowed"),
    ("POST", "/openapi.json", "", "", 405, "method_not_allowed"),
    ("GET", "/api/v1/users/me?x=%ff", "", "", 200, ""),
    (
        "GET",
        "/api/v1/loyalty/history?limit=0",
        "",
        "",
        422,
        "invalid_fields",
    ),
    (
        "GET",
        "/api/v1/loyalty/history?limit=1&limit=2",
        "",
        "",
        422,
        "invalid_fields",
    ),
    (
        "GET",
        "/api/v1/loyalty/history?nothing=1",
        "",
        "",
        422,
        "invalid_fields",
    ),
    (
        "GET",
        "/api/v1/loyalty/history?cursor=x",
        "",
        "",
        400,
        "invalid_cursor",
    ),
    (
        "PATCH",
        "/api/v1/users/me",
        "",
        "{}",
        415,
        "unsupported_media_type",
    ),
    (
        "PATCH",
        "/api/v1/users/me",
        "text/plain",
        "{}",
        415,
        "unsupported_media_type",
    ),
    ("PATCH", "/api/v1/users/me", JSON, "", 400, "invalid_json"),
    ("PATCH", "/api/v1/users/me", JSON, "{", 400, "invalid_json"),
    (
        "PATCH",
        "/api/v1/users/me",
        JSON,
        "{\"name\":\"\\ud800\"}",
        400,
        "invalid_json",
    ),
    (
        "PATCH",
        "/api/v1/users/me",
        JSON,
        "[]",
        422,
        "invalid_fields",
    ),
    (
        "PATCH",
        "/api/v1/users/me",
        JSON,
        "null",
        422,
        "invalid_fields",
    ),
    (
        "PATCH",
        "/api/v1/users/me",
        JSON,
        "{\"role\":\"admin\"}",
        422,
        "invalid_fields",
    ),
    (
        "PATCH",
        "/api/v1/users/me",
        JSON,
        "{\"name\":1}",
        422,
        "invalid_fields",
    ),
    ("GET", "/api/v1/admin/settings", "", "", 403, "forbidden"),
    ("POST", "/api/v1/transactions", JSON, "{}", 403, "forbidden"),
];

#[tokio::test]
async fn every_error_is_a_problem() {
    let app = TestApp::start().await;
    let member = app.sign_in("+79161234567").await.token;
    let mut paths = 0;
    for (method, path, media, body, status, code) in ERRORS.iter().copied() {
        paths += 1;
        let mut request = app.request(method, path).bearer(&member);
        if !media.is_empty() {
            request = request.header("content-type", media);
        }
        let answer = request.body(body.to_owned()).send().await;
        if code.is_empty() {
            answer.expect(status);
        } else {
            assert_eq!(
                answer.status,
                status,
                "{method} {path} {body}: {}",
                answer.text()
            );
            answer.expect_problem(status, code);
        }
    }
    assert!(paths >= 30);
}

#[tokio::test]
async fn what_cannot_be_accepted_is_said() {
    let app = TestApp::start().await;
    let ask = |accept: &str| {
        app.get("/api/v1/loyalty/tiers")
            .header("accept", accept)
            .send()
    };
    for accept in [
        "application/json",
        "*/*",
        "application/*;q=0.5",
        "text/html, application/json",
    ] {
        ask(accept).await.expect(200);
    }
    ask("text/html").await.expect_problem(406, "not_acceptable");
    ask("application/json;q=0")
        .await
        .expect_problem(406, "not_acceptable");
}

/// What a first read of each versioned thing says, and what a second with its tag says.
#[tokio::test]
async fn every_versioned_thing_is_read_once() {
    let app = TestApp::start().await;
    let business = app.business("luna").await;
    let admin = app.operator("+79160000001", OperatorRole::Admin).await;
    let document = document();
    let versioned = operations(&document)
        .into_iter()
        .filter(|(_, _, operation)| operation["responses"].get("304").is_some());
    let mut seen = 0;
    for (method, path, _) in versioned {
        let at = format!("{method} {path}");
        let path = path.replace("{id}", &business.to_string());
        let read = |tag: &str| {
            let request = app.get(&path).bearer(&admin.token);
            let tag = if tag.is_empty() { "\"v0\"" } else { tag };
            request.header("if-none-match", tag).send()
        };
        let whole = read("").await;
        if whole.status == 404 {
            // Of another kind than a business.
            continue;
        }
        whole.expect(200);
        let tag = whole.header("etag").to_owned();
        assert!(tag.starts_with("\"v"), "{at}: {tag}");
        let same = read(&tag).await;
        assert_eq!((same.status.as_u16(), same.body.len()), (304, 0), "{at}");
        assert_eq!(same.header("etag"), tag, "{at}");
        seen += 1;
    }
    assert!(seen >= 4, "{seen}");
}

#[tokio::test]
async fn what_was_made_is_found_where_location_says() {
    let app = TestApp::start().await;
    let admin = app.operator("+79160000001", OperatorRole::Admin).await;
    let business = app.business("luna").await;
    let owner = app.staff(business, "+79160000002", StaffRole::Owner).await;
    let till = app.key(business, Scope::ALL).await;
    let at = |rest: &str| format!("/api/v1/businesses/{business}/{rest}");
    let new_business =
        json!({ "slug": "sol", "name": "Sol", "category": "cafe", "base_rate": 100 });
    let purchase =
        json!({ "receipt_number": "R-1", "member": { "phone": "+79161234567" }, "total": 10_000 });
    for (path, token, body) in [
        ("/api/v1/businesses".to_owned(), &admin.token, new_business),
        (at("locations"), &owner.token, json!({ "name": "First" })),
        (
            at("keys"),
            &owner.token,
            json!({ "name": "Till", "scopes": ["transactions:read"] }),
        ),
        (
            at("staff"),
            &owner.token,
            json!({ "phone": "+79160000005", "role": "cashier" }),
        ),
        ("/api/v1/transactions".to_owned(), &till, purchase),
    ] {
        let made = app
            .post(&path)
            .bearer(token)
            .idempotency_key("made")
            .json(&body);
        let made = made.send().await;
        made.expect(201);
        let place = made.header("location").to_owned();
        let found = app.get(&place).bearer(token).send().await;
        assert_eq!(found.status, 200, "{path} → {place}: {}", found.text());
    }
}

fn counted(answers: &[Answer], status: u16) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

#[tokio::test]
async fn under_eight_times_the_load_there_are_only_answers_and_refusals() {
    const ROOM: u32 = 8;
    let app = TestApp::with_http(HttpConfig {
        in_flight: NonZeroU32::new(ROOM).expect("not zero"),
        ..HttpConfig::default()
    })
    .await;
    let business = app.business("luna").await;
    let till = app.till(business).await;
    let purchases: Vec<Value> = (0..8 * ROOM)
        .map(|n| json!({ "receipt_number": format!("R-{n}"), "member": { "phone": "+79161234567" }, "total": 10_000 }))
        .collect();
    let post = |body: &Value| {
        let key = body["receipt_number"].as_str().expect("a text");
        let request = app.post("/api/v1/transactions").bearer(&till);
        request.idempotency_key(key).json(body).send()
    };
    let answers = join_all(purchases.iter().map(post)).await;
    let (posted, refused) = (counted(&answers, 201), counted(&answers, 503));
    assert_eq!(posted + refused, purchases.len());
    assert!(
        posted >= 1 && refused >= 1,
        "{posted} posted, {refused} refused"
    );
    for answer in answers.iter().filter(|answer| answer.status == 503) {
        answer.expect_problem(503, "overloaded");
        assert_eq!(answer.header("retry-after"), "1");
    }
    // Whoever comes again is served, and what was refused was not half done.
    for (body, answer) in purchases.iter().zip(&answers) {
        let again = post(body).await;
        again.expect(201);
        let replayed = again.header("idempotency-replayed") == "true";
        assert_eq!(replayed, answer.status == 201, "{body}");
    }
}
