//! Table `audit_runs`: what each stored audit found, append-only.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// Identifier; later runs have greater ones.
    pub id: Uuid,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// How many differences it found in all.
    pub differences: i64,
    /// What there was in all, in the service's form.
    pub totals: Value,
    /// The first differences, in the service's form.
    pub named: Value,
    /// What the audit log's check found, in the service's form.
    pub log: Option<Value>,
}

/// Adds a run.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert_run(conn: &mut PgConnection, run: &RunRow) -> Result<(), StoreError> {
    sqlx::query!(
        r#"insert into audit_runs (id, started_at, finished_at, differences, totals, named, log)
           values ($1, $2, $3, $4, $5, $6, $7)"#,
        run.id,
        run.started_at,
        run.finished_at,
        run.differences,
        run.totals,
        run.named,
        run.log,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The last run, if there was one.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn last_run(conn: &mut PgConnection) -> Result<Option<RunRow>, StoreError> {
    Ok(sqlx::query_as!(
        RunRow,
        r#"select id, started_at, finished_at, differences, totals, named, log
           from audit_runs order by id desc limit 1"#
    )
    .fetch_optional(conn)
    .await?)
}
