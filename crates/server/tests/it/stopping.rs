//! A stop while purchases are on their way: what was taken in is carried out, also for a till that has hung up.

use std::io::Write as _;
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use test_kit::TestApp;

use crate::process::{Workshop, free_port};

const PATH: &str = "/api/v1/transactions";

fn purchase(receipt: &str) -> Value {
    json!({ "receipt_number": receipt, "member": { "phone": "+79161234567" }, "total": 10_000 })
}

async fn number(conn: &mut PgConnection, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(conn).await.unwrap()
}

/// Waits until the log holds this.
async fn logged(log: &std::path::Path, part: &str) {
    while !std::fs::read_to_string(log)
        .unwrap_or_default()
        .contains(part)
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purchase_whose_till_hung_up_is_carried_out_before_the_end() {
    let app = TestApp::start().await;
    let till = app.till(app.business("luna").await).await;
    let known = app.post(PATH).bearer(&till).idempotency_key("A");
    known.json(&purchase("A")).send().await.expect(201);

    let (workshop, port) = (Workshop::new(), free_port());
    let mut command = workshop.owncircle(&["serve", "--role", "api"]);
    command
        .env("OWNCIRCLE_DATABASE_URL", app.database_url())
        .env("OWNCIRCLE_MASTER_KEY", "07".repeat(32))
        .env("OWNCIRCLE_LISTEN", format!("127.0.0.1:{port}"))
        .env("OWNCIRCLE_METRICS_LISTEN", "127.0.0.1:0");
    let running = workshop.start(&mut command);
    let log = running.log.clone();
    logged(&log, "the API listens").await;

    let url = app.database_url();
    let mut rival = PgConnection::connect(&url).await.unwrap();
    let mut looking = PgConnection::connect(&url).await.unwrap();
    let mut holding = rival.begin_with("begin").await.unwrap();
    let locked = sqlx::query("select from wallets for update");
    locked.execute(&mut *holding).await.unwrap();

    let body = purchase("B").to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {till}\r\nIdempotency-Key: B\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let waiting = "select count(*) from pg_stat_activity
                   where datname = current_database() and wait_event_type = 'Lock'";
    while number(&mut looking, waiting).await == 0 {
        tokio::task::yield_now().await;
    }
    drop(stream);
    let ending = tokio::task::spawn_blocking(move || running.end(Signal::TERM));
    logged(&log, "purchases that are queued").await;
    holding.rollback().await.unwrap();
    let text = || std::fs::read_to_string(&log).unwrap_or_default();
    assert_eq!(ending.await.unwrap(), Some(0), "{}", text());
    let posted = number(&mut looking, "select count(*) from purchases").await;
    assert_eq!(posted, 2, "{}", text());
}
