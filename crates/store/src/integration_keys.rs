//! Table `integration_keys`: the keys of tills and CRMs, by the hash of their secret.

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, KeyId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A key as it is stored, without its hash.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// Identifier.
    pub id: Uuid,
    /// The business that it belongs to.
    pub business_id: Uuid,
    /// Only for this location, if given.
    pub location_id: Option<Uuid>,
    /// What people call it.
    pub name: String,
    /// The beginning of the secret, which may be shown.
    pub prefix: String,
    /// `domain::rights::Scope`s.
    pub scopes: Vec<String>,
    /// Who made it.
    pub created_by: Option<Uuid>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is worth nothing.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Adds a key.
///
/// # Errors
/// If the database fails.
pub async fn insert(conn: &mut PgConnection, row: &KeyRow, hash: &[u8]) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into integration_keys
             (id, business_id, location_id, name, prefix, hash, scopes, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        row.id,
        row.business_id,
        row.location_id,
        row.name,
        row.prefix,
        hash,
        &row.scopes,
        row.created_by,
        row.created_at,
        row.expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The key whose secret has this hash, revoked or not, whosever it is.
///
/// # Errors
/// If the database fails.
pub async fn find_by_hash_across_businesses(
    conn: &mut PgConnection,
    hash: &[u8],
) -> Result<Option<KeyRow>, StoreError> {
    Ok(sqlx::query_as!(
        KeyRow,
        "select id, business_id, location_id, name, prefix, scopes, created_by, created_at, expires_at,
             last_used_at, revoked_at
         from integration_keys where hash = $1",
        hash,
    )
    .fetch_optional(conn)
    .await?)
}

/// The keys of `business` that are not revoked, oldest first.
///
/// # Errors
/// If the database fails.
pub async fn list(
    conn: &mut PgConnection,
    business: BusinessId,
) -> Result<Vec<KeyRow>, StoreError> {
    Ok(sqlx::query_as!(
        KeyRow,
        "select id, business_id, location_id, name, prefix, scopes, created_by, created_at, expires_at,
             last_used_at, revoked_at
         from integration_keys where business_id = $1 and revoked_at is null order by id",
        business.as_uuid(),
    )
    .fetch_all(conn)
    .await?)
}

/// Revokes a key of `business`; `false` if there is none that is not revoked.
///
/// # Errors
/// If the database fails.
pub async fn revoke(
    conn: &mut PgConnection,
    business: BusinessId,
    key: KeyId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update integration_keys set revoked_at = $3 where business_id = $1 and id = $2 and revoked_at is null",
        business.as_uuid(),
        key.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that a key was used, at most once a minute.
///
/// # Errors
/// If the database fails.
pub async fn touch(
    conn: &mut PgConnection,
    key: KeyId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update integration_keys set last_used_at = $2
         where id = $1 and (last_used_at is null or last_used_at <= $2::timestamptz - interval '1 minute')",
        key.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
