//! `owncircle audit` as a process: what it prints and how it ends.

use std::path::Path;
use std::process::Output;

use services::audit_log::seal::Sealer;
use sqlx::Connection as _;
use tempfile::TempDir;
use test_kit::{TestApp, TestDatabase};

use crate::program::{folder, program, text};

fn audit(folder: &Path, url: &str, arguments: &[&str]) -> Output {
    program(folder)
        .arg("audit")
        .args(arguments)
        .env("DATABASE_URL", url)
        .env("OWNCIRCLE_DATA_DIR", folder.join("data"))
        .env("OWNCIRCLE_MASTER_KEY", "07".repeat(32))
        .output()
        .unwrap()
}

async fn change(app: &TestApp, statement: &'static str) {
    let changed = sqlx::query(statement).execute(app.context.pool()).await;
    assert!(changed.unwrap().rows_affected() > 0, "{statement}");
}

#[tokio::test]
async fn the_exit_code_tells_whether_something_differs() {
    let (app, dir): (TestApp, TempDir) = (TestApp::start().await, folder());
    app.sign_in("+79161234567").await;
    let clean = audit(dir.path(), &app.database_url(), &[]);
    let shown = text(&clean);
    assert_eq!(clean.status.code(), Some(0), "{shown}");
    assert!(
        shown.contains("1 members") && shown.contains("nothing differs"),
        "{shown}"
    );

    change(&app, "update wallets set available = 125, debt = 5").await;
    let broken = audit(dir.path(), &app.database_url(), &["--limit", "1"]);
    let shown = text(&broken);
    assert_eq!(broken.status.code(), Some(1), "{shown}");
    assert!(shown.contains("available must be 0 and is 125"), "{shown}");
    assert!(shown.contains("… and 1 more"), "{shown}");

    let json = audit(dir.path(), &app.database_url(), &["--json"]);
    assert_eq!(json.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(report["differences"], 2);
    assert_eq!(report["by_check"][0]["check"], "wallet_balance");
    assert_eq!(report["named"][1]["found"], "5");
    assert_eq!(report["totals"]["members"], 1);
}

#[tokio::test]
async fn a_run_that_comes_to_no_end_has_a_code_of_its_own() {
    let dir = folder();
    let nowhere = audit(dir.path(), "postgres://nobody@127.0.0.1:1/nothing", &[]);
    assert_eq!(nowhere.status.code(), Some(2), "{}", text(&nowhere));
    let nonsense = program(dir.path())
        .arg("audit")
        .env("OWNCIRCLE_NONSENSE", "1")
        .output()
        .unwrap();
    assert_eq!(nonsense.status.code(), Some(2), "{}", text(&nonsense));

    let empty = TestDatabase::create().await;
    let owner = store::pool::connect_as_owner(&empty.url()).await.unwrap();
    store::migrate::to(&owner, 1).await.unwrap();
    owner.close().await;
    let old = audit(dir.path(), &empty.url(), &[]);
    let shown = text(&old);
    assert_eq!(old.status.code(), Some(2), "{shown}");
    assert!(
        shown.contains("version 1") && shown.contains("owncircle migrate"),
        "{shown}"
    );
}

#[tokio::test]
async fn the_log_is_checked_against_its_anchor() {
    let (app, dir): (TestApp, TempDir) = (TestApp::start().await, folder());
    app.sign_in("+79161234567").await;
    let url = app.database_url();
    let anchors = dir.path().join("data/audit");
    Sealer::new(&app.context, Some(anchors.clone()))
        .turn()
        .await
        .unwrap();
    let clean = audit(dir.path(), &url, &["--log"]);
    let shown = text(&clean);
    assert_eq!(clean.status.code(), Some(0), "{shown}");
    assert!(
        shown.contains("anchored up to") && shown.contains("nothing differs"),
        "{shown}"
    );

    let mut superuser = sqlx::PgConnection::connect(&url).await.unwrap();
    for statement in [
        "set session_replication_role = replica",
        "with gone as (delete from audit_chain where sequence > 1 returning entry_id)
         delete from audit_log using gone where id = entry_id",
    ] {
        sqlx::query(statement)
            .execute(&mut superuser)
            .await
            .unwrap();
    }
    let cut = audit(dir.path(), &url, &["--log"]);
    let shown = text(&cut);
    assert_eq!(cut.status.code(), Some(1), "{shown}");
    assert!(
        shown.contains("tail_missing at 2") && shown.contains("the log ends at 1"),
        "{shown}"
    );

    let copy = dir.path().join("copy.txt");
    std::fs::copy(anchors.join("audit-anchor-2026-03.txt"), &copy).unwrap();
    std::fs::remove_dir_all(&anchors).unwrap();
    let copy = copy.to_str().unwrap();
    let elsewhere = audit(dir.path(), &url, &["--log", "--json", "--anchor", copy]);
    assert_eq!(elsewhere.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&elsewhere.stdout).unwrap();
    assert_eq!(report["named"][0]["check"], "tail_missing");
    let nowhere = audit(dir.path(), &url, &["--log", "--anchor", "/nowhere"]);
    assert_eq!(nowhere.status.code(), Some(2), "{}", text(&nowhere));
}
