//! Table `notification_preferences`: what a member wants to hear of, and how.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::StoreError;

/// Choices as they are stored.
#[derive(Debug)]
pub struct PreferencesRow {
    /// Grows by one with each change.
    pub version: i64,
    /// `domain::preferences::Preferences`.
    pub choices: Value,
}

/// The choices of a member who made some.
///
/// # Errors
/// If the database fails.
pub async fn get(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<Option<PreferencesRow>, StoreError> {
    Ok(sqlx::query_as!(
        PreferencesRow,
        "select version, choices from notification_preferences where member_id = $1",
        member.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// Sets the choices of a member; version 0 is that of somebody who made none yet. `None`: they do not stand at
/// `version`.
///
/// # Errors
/// If the database fails.
pub async fn set(
    conn: &mut PgConnection,
    member: MemberId,
    version: Option<i64>,
    choices: &Value,
    now: DateTime<Utc>,
) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        "insert into notification_preferences as p (member_id, choices, updated_at)
         select $1, $3, $4 where coalesce($2::bigint, 0) = 0
            or exists (select from notification_preferences where member_id = $1)
         on conflict (member_id) do update
         set choices = excluded.choices, updated_at = excluded.updated_at, version = p.version + 1
         where $2::bigint is null or p.version = $2
         returning version",
        member.as_uuid(),
        version,
        choices,
        now,
    )
    .fetch_optional(conn)
    .await?)
}
