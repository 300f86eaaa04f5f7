//! The database itself refuses to change what is written once: by rights to the program, by triggers to the owner.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::workload::Scene;

const APPEND_ONLY: [&str; 7] = [
    "journals",
    "ledger_entries",
    "receipts",
    "purchases",
    "refunds",
    "refund_lines",
    "audit_runs",
];

/// The column that a harmless change names.
fn some_column(table: &str) -> &'static str {
    match table {
        "ledger_entries" => "amount",
        "receipts" => "kind",
        "refund_lines" => "line",
        _ => "id",
    }
}

async fn refusal(conn: &mut PgConnection, statement: String) -> String {
    let done = sqlx::query(AssertSqlSafe(statement.clone()))
        .execute(conn)
        .await;
    let error = done.err().unwrap_or_else(|| panic!("{statement} was done"));
    let error = error
        .into_database_error()
        .expect("a refusal of the database");
    error.code().expect("a code").into_owned()
}

#[tokio::test]
async fn nobody_rewrites_the_ledger() {
    let mut scene = Scene::begin().await;
    scene.first_days().await;
    services::audit::audit_and_keep(&scene.app.context)
        .await
        .unwrap();
    let mut program = scene.app.context.connection().await.unwrap();
    let mut owner = PgConnection::connect(&scene.app.database_url())
        .await
        .unwrap();
    for table in APPEND_ONLY {
        let column = some_column(table);
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&mut owner)
            .await
            .unwrap();
        assert!(rows > 0, "{table} is empty: its triggers would not run");
        for statement in [
            format!("update {table} set {column} = {column}"),
            format!("delete from {table}"),
        ] {
            let by_rights = refusal(&mut program, statement.clone()).await;
            assert_eq!(by_rights, "42501", "{statement} by the program");
            let by_trigger = refusal(&mut owner, statement.clone()).await;
            assert_eq!(by_trigger, "23001", "{statement} by the owner");
        }
    }
    for table in ["journals", "ledger_entries"] {
        let statement = format!("truncate {table} cascade");
        assert_eq!(refusal(&mut program, statement.clone()).await, "42501");
        assert_eq!(refusal(&mut owner, statement).await, "23001");
    }
    for table in ["wallets", "lots", "holds"] {
        let statement = format!("delete from {table}");
        assert_eq!(refusal(&mut program, statement).await, "42501");
    }
}
