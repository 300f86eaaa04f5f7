//! Table `programme`: its one row of settings.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::StoreError;

/// The settings as they are stored.
#[derive(Debug)]
pub struct ProgrammeRow {
    /// Grows by one with each change.
    pub version: i64,
    /// `domain::programme::ProgrammeSettings`.
    pub settings: Value,
    /// What the master key says of itself.
    pub master_key_check: Option<Vec<u8>>,
    /// When the settings last changed.
    pub updated_at: DateTime<Utc>,
}

/// The row, if the programme was started before.
///
/// # Errors
/// If the database fails.
pub async fn get(conn: &mut PgConnection) -> Result<Option<ProgrammeRow>, StoreError> {
    Ok(sqlx::query_as!(
        ProgrammeRow,
        "select version, settings, master_key_check, updated_at from programme",
    )
    .fetch_optional(conn)
    .await?)
}

/// Holds the row until the transaction ends, so that changes to what belongs to it come one after the other.
///
/// # Errors
/// If the database fails.
pub async fn lock(conn: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query_scalar!("select version from programme for update")
        .fetch_optional(conn)
        .await?;
    Ok(())
}

/// Makes the first row; one that exists is left as it is.
///
/// # Errors
/// If the database fails.
pub async fn insert_first(
    conn: &mut PgConnection,
    settings: &Value,
    master_key_check: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into programme (version, settings, master_key_check, updated_at) values (1, $1, $2, $3)
         on conflict do nothing",
        settings,
        master_key_check,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps the check of the master key where there is none yet.
///
/// # Errors
/// If the database fails.
pub async fn set_master_key_check(conn: &mut PgConnection, check: &[u8]) -> Result<(), StoreError> {
    sqlx::query!(
        "update programme set master_key_check = $1 where master_key_check is null",
        check
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Changes settings that stand at `version`; answers with the new version, `None` if they stand elsewhere.
///
/// # Errors
/// If the database fails.
pub async fn update(
    conn: &mut PgConnection,
    version: i64,
    settings: &Value,
    now: DateTime<Utc>,
) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        "update programme set settings = $2, updated_at = $3, version = version + 1
         where version = $1 returning version",
        version,
        settings,
        now,
    )
    .fetch_optional(conn)
    .await?)
}
