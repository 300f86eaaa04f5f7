//! Table `signing_keys`: the key pairs that sign access tokens; the private half is sealed.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::StoreError;

/// A key pair as it is stored.
#[derive(Debug)]
pub struct SigningKeyRow {
    /// RFC 7638 thumbprint of the public key.
    pub kid: String,
    /// The one algorithm that it is for.
    pub alg: String,
    /// `next`, `current`, `retired` or `revoked`.
    pub state: String,
    /// The public key as it is published (RFC 7517).
    pub public_jwk: Value,
    /// The private key (PKCS #8), sealed.
    pub private_sealed: Vec<u8>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its state last changed.
    pub changed_at: DateTime<Utc>,
}

/// All keys, oldest first.
///
/// # Errors
/// If the database fails.
pub async fn list(conn: &mut PgConnection) -> Result<Vec<SigningKeyRow>, StoreError> {
    Ok(sqlx::query_as!(
        SigningKeyRow,
        "select kid, alg, state, public_jwk, private_sealed, created_at, changed_at
         from signing_keys order by created_at, kid",
    )
    .fetch_all(conn)
    .await?)
}

/// Adds a key; `false` if there is one in this state already that may be only once.
///
/// # Errors
/// If the database fails.
pub async fn insert(conn: &mut PgConnection, row: &SigningKeyRow) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert into signing_keys (kid, alg, state, public_jwk, private_sealed, created_at, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        row.kid,
        row.alg,
        row.state,
        row.public_jwk,
        row.private_sealed,
        row.created_at,
        row.changed_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Moves every key of one state to another.
///
/// # Errors
/// If the database fails.
pub async fn change_state(
    conn: &mut PgConnection,
    from: &str,
    to: &str,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "update signing_keys set state = $2, changed_at = $3 where state = $1",
        from,
        to,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Lets changes of keys take turns until the transaction ends.
///
/// # Errors
/// If the database fails.
pub async fn lock(conn: &mut PgConnection) -> Result<(), StoreError> {
    // The number is a name for this lock, nothing more.
    sqlx::query!("select pg_advisory_xact_lock(5021974001)")
        .execute(conn)
        .await?;
    Ok(())
}

/// Revokes a key; answers with the state that it was in, `None` if there is none that was not revoked.
///
/// # Errors
/// If the database fails.
pub async fn revoke(
    conn: &mut PgConnection,
    kid: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "with was as (select kid, state from signing_keys where kid = $1 and state <> 'revoked' for update)
         update signing_keys k set state = 'revoked', changed_at = $2 from was where k.kid = was.kid
         returning was.state",
        kid,
        now,
    )
    .fetch_optional(conn)
    .await?)
}

/// Deletes keys that were retired or revoked before `before`; answers with their number.
///
/// # Errors
/// If the database fails.
pub async fn delete_over(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from signing_keys where state in ('retired', 'revoked') and changed_at < $1",
        before,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
