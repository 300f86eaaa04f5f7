//! Files of purchases over HTTP: received, posted by the job, shown with their verdicts.

use axum::body::{Body, Bytes};
use domain::ids::BusinessId;
use domain::rights::{Scope, StaffRole};
use http_kit::HttpConfig;
use serde_json::Value;
use test_kit::{Answer, TestApp};

const IMPORTS: &str = "/api/v1/transactions/imports";
const HEADER: &str = "receipt_number,occurred_at,customer_id,total\n";

async fn send(
    app: &TestApp,
    bearer: &str,
    key: &str,
    query: &str,
    file: impl Into<Body>,
) -> Answer {
    app.post(&format!("{IMPORTS}{query}"))
        .bearer(bearer)
        .idempotency_key(key)
        .header("content-type", "text/csv")
        .body(file)
        .send()
        .await
}

async fn show(app: &TestApp, bearer: &str, location: &str) -> Answer {
    app.get(location).bearer(bearer).send().await
}

async fn shop() -> (TestApp, BusinessId, String) {
    let app = TestApp::start().await;
    let business = app.business("luna").await;
    let till = app.till(business).await;
    (app, business, till)
}

#[tokio::test]
async fn a_file_is_received_posted_and_shown() {
    let (app, business, till) = shop().await;
    let file =
        format!("{HEADER}r1,2026-02-01,c1,10.50\nr2,2026-02-02,c2,five\nr1,2026-02-01,c1,10.5\n");
    let sent = send(&app, &till, "k", "?file_name=january.csv", file.clone()).await;
    let import = sent.expect(202);
    let location = sent.header("location").to_owned();
    assert_eq!(
        location,
        format!("{IMPORTS}/{}", import["id"].as_str().unwrap())
    );
    assert_eq!(import["state"], "queued");
    assert_eq!(import["business_id"], business.as_uuid().to_string());
    assert_eq!(import["file_name"], "january.csv");
    assert_eq!(import["sha256"].as_str().unwrap().len(), 64);

    let again = send(&app, &till, "k", "?file_name=january.csv", file.clone()).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.body, sent.body);
    let running = send(&app, &till, "other", "", file.clone()).await;
    let problem = running.expect_problem(409, "import_running");
    assert_eq!(problem["import_id"], import["id"]);
    send(&app, &till, "k", "?dry_run=true", file)
        .await
        .expect_problem(422, "idempotency_key_reused");

    app.run_imports().await;
    let report = show(&app, &till, &location).await.expect(200);
    let import = &report["import"];
    assert_eq!(import["state"], "done");
    let count = |name: &str| import[name].as_i64().unwrap();
    assert_eq!(
        (
            count("rows"),
            count("posted"),
            count("duplicates"),
            count("refused")
        ),
        (3, 1, 1, 1)
    );
    assert_eq!((count("total"), count("points_earned")), (1050, 52));
    let rows = report["verdicts"]["items"].as_array().unwrap();
    assert_eq!((&rows[0]["row"], &rows[0]["line"]), (&2.into(), &3.into()));
    assert_eq!(rows[0]["code"], "bad_format");
    assert_eq!(
        (&rows[0]["place"], &rows[0]["receipt_number"]),
        (&"total".into(), &"r2".into())
    );
    assert_eq!(
        (&rows[1]["verdict"], &rows[1]["code"]),
        (&"duplicate".into(), &"duplicate".into())
    );
    let transaction = rows[1]["transaction_id"].as_str().unwrap();
    let posted = app
        .get(&format!("/api/v1/transactions/{transaction}"))
        .bearer(&till)
        .send()
        .await;
    assert_eq!(posted.expect(200)["receipt_number"], "r1");
}

#[tokio::test]
async fn verdicts_come_in_pages() {
    let (app, _, till) = shop().await;
    let rows: String = (1..=7).map(|n| format!("r{n},2026-02-01,c1,x\n")).collect();
    let sent = send(
        &app,
        &till,
        "k",
        "",
        format!("{HEADER}{rows}r0,2026-02-01,c1,1\nr0,2026-02-01,c1,1\n"),
    )
    .await;
    app.run_imports().await;
    let location = sent.header("location").to_owned();
    let mut seen = Vec::new();
    let mut address = format!("{location}?limit=3");
    loop {
        let page = show(&app, &till, &address).await.expect(200);
        let items = page["verdicts"]["items"].as_array().unwrap().clone();
        assert!(items.len() <= 3);
        seen.extend(items.iter().map(|row| row["row"].as_i64().unwrap()));
        let Some(cursor) = page["verdicts"]["next_cursor"].as_str() else {
            break;
        };
        address = format!("{location}?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6, 7, 9]);
    let refused = show(&app, &till, &format!("{location}?only_refused=true"))
        .await
        .expect(200);
    assert_eq!(refused["verdicts"]["items"].as_array().unwrap().len(), 7);
    show(&app, &till, &format!("{location}?cursor=forged"))
        .await
        .expect_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn only_managers_and_keys_with_the_scope_may() {
    let (app, luna, till) = shop().await;
    let sol = app.business("sol").await;
    let file = format!("{HEADER}r1,2026-02-01,c1,1\n");
    let sent = send(&app, &till, "k", "", file.clone()).await;
    sent.expect(202);
    let location = sent.header("location").to_owned();

    let other = app.till(sol).await;
    show(&app, &other, &location)
        .await
        .expect_problem(404, "not_found");
    send(
        &app,
        &other,
        "k",
        &format!("?business_id={}", luna.as_uuid()),
        file.clone(),
    )
    .await
    .expect_problem(404, "not_found");
    let narrow = app
        .key(luna, &[Scope::TransactionsWrite, Scope::TransactionsRead])
        .await;
    send(&app, &narrow, "k", "", file.clone())
        .await
        .expect_problem(403, "forbidden");
    show(&app, &narrow, &location)
        .await
        .expect_problem(403, "forbidden");
    let cashier = app.staff(luna, "+79160000003", StaffRole::Cashier).await;
    send(&app, &cashier.token, "k", "", file.clone())
        .await
        .expect_problem(403, "forbidden");
    let manager = app.staff(luna, "+79160000004", StaffRole::Manager).await;
    show(&app, &manager.token, &location).await.expect(200);
    send(
        &app,
        &manager.token,
        "k",
        "",
        format!("{file}r2,2026-02-01,c1,1\n"),
    )
    .await
    .expect(202);
    let member = app.sign_in("+79160000005").await;
    send(&app, &member.token, "k", "", file.clone())
        .await
        .expect_problem(403, "forbidden");
    app.post(IMPORTS)
        .idempotency_key("k")
        .header("content-type", "text/csv")
        .body(file)
        .send()
        .await
        .expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn what_is_no_file_of_purchases_is_refused() {
    let (app, _, till) = shop().await;
    for (file, fault) in [
        (Bytes::new(), "empty_file"),
        (Bytes::from_static(b"PK\x03\x04\0\0"), "binary_file"),
        (Bytes::from_static(b"\xff\xfer\0e\0"), "not_utf8"),
        (
            Bytes::from_static(b"receipt_number,sum\n"),
            "unknown_columns",
        ),
        (
            Bytes::from_static(b"receipt_number,total\n"),
            "missing_columns",
        ),
    ] {
        let problem = send(&app, &till, "k", "", file)
            .await
            .expect_problem(409, "unreadable_file");
        assert_eq!(problem["fault"], fault);
    }
    let file = format!("{HEADER}r1,2026-02-01,c1,1\n");
    for media_type in [
        "application/json",
        "text/csv; charset=windows-1251",
        "text/plain",
    ] {
        app.post(IMPORTS)
            .bearer(&till)
            .idempotency_key("k")
            .header("content-type", media_type)
            .body(file.clone())
            .send()
            .await
            .expect_problem(415, "unsupported_media_type");
    }
    app.post(IMPORTS)
        .bearer(&till)
        .header("content-type", "text/csv")
        .body(file.clone())
        .send()
        .await
        .expect_problem(400, "idempotency_key_required");
    let problem = send(
        &app,
        &till,
        "k",
        "?dry_run=perhaps&colour=red",
        file.clone(),
    )
    .await;
    let problem = problem.expect_problem(422, "invalid_fields");
    let pointers: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|error| error["pointer"].as_str())
        .collect();
    assert!(
        pointers.contains(&"?dry_run") && pointers.contains(&"?colour"),
        "{pointers:?}"
    );
    // The key has had no effect yet.
    send(&app, &till, "k", "", file).await.expect(202);
}

#[tokio::test]
async fn a_file_over_the_limit_leaves_nothing() {
    let app = TestApp::with_http(HttpConfig {
        import_bytes: 3 * 1024 * 1024,
        ..HttpConfig::default()
    })
    .await;
    let business = app.business("luna").await;
    let till = app.till(business).await;
    let row = "r1,2026-02-01,c1,1\n";
    let file = HEADER.to_owned() + &row.repeat(4 * 1024 * 1024 / row.len());
    // One that says how long it is, and one that does not.
    let announced = app
        .post(IMPORTS)
        .bearer(&till)
        .idempotency_key("k")
        .header("content-type", "text/csv")
        .header("content-length", &file.len().to_string())
        .body(file.clone())
        .send()
        .await;
    announced.expect_problem(413, "body_too_large");
    let pieces: Vec<Result<Bytes, std::io::Error>> = file
        .as_bytes()
        .chunks(64 * 1024)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    let streamed = Body::from_stream(futures_util::stream::iter(pieces));
    send(&app, &till, "k", "", streamed)
        .await
        .expect_problem(413, "body_too_large");
    let broken: Vec<Result<Bytes, std::io::Error>> = file.as_bytes()[..2 * 1024 * 1024]
        .chunks(64 * 1024)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .chain([Err(std::io::Error::other("gone"))])
        .collect();
    let broken = Body::from_stream(futures_util::stream::iter(broken));
    send(&app, &till, "k", "", broken)
        .await
        .expect_problem(400, "bad_request");
    let left: i64 = sqlx::query_scalar("select count(*) from imports")
        .fetch_one(
            &mut *app
                .context
                .across()
                .connection()
                .await
                .expect("a connection"),
        )
        .await
        .expect("a count");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn objects_come_as_ndjson() {
    let (app, _, till) = shop().await;
    let row = |receipt: &str, total: Value| {
        let member = serde_json::json!({ "phone": "+79161234567" });
        let row = serde_json::json!({
            "receipt_number": receipt, "occurred_at": "2026-02-01T10:00:00Z", "member": member, "total": total,
        });
        format!("{row}\n")
    };
    let file = row("r1", 1050.into()) + &row("r2", "much".into());
    let sent = app
        .post(IMPORTS)
        .bearer(&till)
        .idempotency_key("k")
        .header("content-type", "application/x-ndjson; charset=utf-8")
        .body(file)
        .send()
        .await;
    assert_eq!(sent.expect(202)["format"], "ndjson");
    app.run_imports().await;
    let report = show(&app, &till, sent.header("location")).await.expect(200);
    assert_eq!(report["import"]["posted"], 1);
    assert_eq!(report["verdicts"]["items"][0]["code"], "wrong_type");
    assert!(!report.to_string().contains("79161234567"));
}
