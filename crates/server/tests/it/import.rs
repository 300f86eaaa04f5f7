//! `owncircle import` as a process: what it posts, prints and how it ends, also when it is killed half-way.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;
use test_kit::TestApp;

use crate::program::{folder, program, text};

fn sample() -> PathBuf {
    let usual = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../target/test-data/CDNOW_sample.txt"
    );
    let path = std::env::var_os("OWNCIRCLE_CDNOW").map_or_else(|| usual.into(), PathBuf::from);
    assert!(
        path.exists(),
        "{} is missing; `make test` puts it there, or OWNCIRCLE_CDNOW names it",
        path.display()
    );
    path
}

/// The outcome of an import with its own PostgreSQL in `folder`.
fn import_sample(folder: &Path) -> Value {
    let output = program(folder)
        .args(["import", "--json"])
        .arg(sample())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn counts(outcome: &Value) -> [i64; 4] {
    ["rows", "posted", "duplicates", "refused"].map(|name| outcome[name].as_i64().unwrap())
}

#[test]
fn killed_half_way_it_ends_at_the_same_state_and_posts_nothing_twice() {
    let dir = folder();
    let mut killed = program(dir.path())
        .arg("import")
        .arg(sample())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let progress = BufReader::new(killed.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find(|line| line.contains(" rows, "));
    killed.kill().unwrap();
    assert!(!killed.wait().unwrap().success(), "{progress:?}");
    assert!(progress.is_some());

    let sample = std::fs::read_to_string(sample()).unwrap();
    let cents: i64 = sample
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .map(|dollars| dollars.replace('.', "").parse::<i64>().unwrap())
        .sum();
    let resumed = import_sample(dir.path());
    assert_eq!(counts(&resumed), [6_919, 6_919, 0, 0]);
    assert_eq!(resumed["total"], cents);
    assert_eq!(resumed["state"], "done");
    let again = import_sample(dir.path());
    assert_eq!(counts(&again), [6_919, 0, 6_919, 0]);

    let audit = program(dir.path())
        .args(["audit", "--json"])
        .output()
        .unwrap();
    assert_eq!(audit.status.code(), Some(0), "{}", text(&audit));
    let report: Value = serde_json::from_slice(&audit.stdout).unwrap();
    assert_eq!(report["totals"]["purchases"], 6_919);
    assert_eq!(report["totals"]["purchase_total"], cents);
    assert_eq!(report["totals"]["members"], 2_357);
}

fn import(app: &TestApp, folder: &Path, arguments: &[&str]) -> Output {
    program(folder)
        .arg("import")
        .args(arguments)
        .env("DATABASE_URL", app.database_url())
        .env("OWNCIRCLE_DATA_DIR", folder.join("data"))
        .env("OWNCIRCLE_MASTER_KEY", "07".repeat(32))
        .output()
        .unwrap()
}

#[tokio::test]
async fn the_exit_code_tells_whether_all_was_posted() {
    let (app, dir) = (TestApp::start().await, folder());
    app.business("luna").await;
    let file = dir.path().join("purchases.csv");
    let rows = "receipt_number,occurred_at,phone,total\n1,2026-02-01,+79161234567,10.50\n2,2026-02-01,12,5\n";
    std::fs::write(&file, rows).unwrap();
    let file = file.to_str().unwrap();

    let dry = import(&app, dir.path(), &["--business", "luna", "--dry-run", file]);
    assert_eq!(dry.status.code(), Some(2), "{}", text(&dry));
    assert!(text(&dry).contains("2 rows: 1 would be posted (dry run), 0 posted before, 1 refused"));
    let some = import(&app, dir.path(), &["--business", "luna", file]);
    let shown = text(&some);
    assert_eq!(some.status.code(), Some(2), "{shown}");
    assert!(
        shown.contains("2 rows: 1 posted, 0 posted before, 1 refused")
            && shown.contains("money 10.50, points earned 0.52")
            && shown.contains("row 2 (line 3): bad_format at phone: not a valid phone number"),
        "{shown}"
    );
    assert!(!shown.contains("79161234567"));

    std::fs::write(file, &rows[..rows.len() - "2,2026-02-01,12,5\n".len()]).unwrap();
    let all = import(&app, dir.path(), &["--business", "luna", "--json", file]);
    assert_eq!(all.status.code(), Some(0), "{}", text(&all));
    let outcome: Value = serde_json::from_slice(&all.stdout).unwrap();
    assert_eq!(counts(&outcome), [1, 0, 1, 0]);

    for (arguments, says) in [
        (vec![file], "--business NAME"),
        (vec!["--business", "sol", file], "there is no business sol"),
        (
            vec!["--business", "luna", "nothing.csv"],
            "cannot read nothing.csv",
        ),
        (
            vec!["--business", "luna", "--format", "ndjson", file],
            "2 rows: 0 posted",
        ),
    ] {
        let output = import(&app, dir.path(), &arguments);
        assert!(
            text(&output).contains(says),
            "{arguments:?}: {}",
            text(&output)
        );
        assert_ne!(output.status.code(), Some(0));
    }
    std::fs::write(file, "receipt,sum\n").unwrap();
    let output = import(&app, dir.path(), &["--business", "luna", file]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("unknown columns: receipt, sum"),
        "{}",
        text(&output)
    );
}
