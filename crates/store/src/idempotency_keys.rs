//! Table `idempotency_keys`: the answers to requests that moved points, kept to be given again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// The constraint that refuses a second effect under one key.
pub const USED_BEFORE: &str = "idempotency_keys_pkey";

/// A kept answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// SHA-256 of the request's body.
    pub body_hash: Vec<u8>,
    /// HTTP status.
    pub status: i16,
    /// Where the new object is.
    pub location: Option<String>,
    /// The body, byte for byte.
    pub response: Vec<u8>,
}

/// A key with its scope: principal, operation, key.
pub type ScopedKey = (Uuid, String, String);

/// Tries to take keys for this transaction; false stands where another request holds one at this moment.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn try_lock(
    conn: &mut PgConnection,
    keys: &[ScopedKey],
) -> Result<Vec<bool>, StoreError> {
    let principals: Vec<Uuid> = keys.iter().map(|(principal, ..)| *principal).collect();
    let scoped: Vec<String> = keys
        .iter()
        .map(|(_, op, key)| format!("{op}:{key}"))
        .collect();
    // The two-integer form: the one-integer form belongs to the job queue.
    Ok(sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtext(principal::text), hashtext(scoped)) as "taken!"
           from unnest($1::uuid[], $2::text[]) with ordinality as u (principal, scoped, n) order by n"#,
        &principals,
        &scoped
    )
    .fetch_all(conn)
    .await?)
}

/// The kept answers of these keys.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn find(
    conn: &mut PgConnection,
    keys: &[ScopedKey],
) -> Result<BTreeMap<ScopedKey, KeptAnswer>, StoreError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let principals: Vec<Uuid> = keys.iter().map(|(principal, ..)| *principal).collect();
    let operations: Vec<String> = keys
        .iter()
        .map(|(_, operation, _)| operation.clone())
        .collect();
    let names: Vec<String> = keys.iter().map(|(.., key)| key.clone()).collect();
    let rows = sqlx::query!(
        r#"select i.principal_id, i.operation, i.key, i.body_hash, i.status, i.location, i.response
           from unnest($1::uuid[], $2::text[], $3::text[]) as u (principal_id, operation, key)
           join idempotency_keys i using (principal_id, operation, key)"#,
        &principals,
        &operations,
        &names
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let answer = KeptAnswer {
                body_hash: row.body_hash,
                status: row.status,
                location: row.location,
                response: row.response,
            };
            ((row.principal_id, row.operation, row.key), answer)
        })
        .collect())
}

/// Keeps answers. Constraint [`USED_BEFORE`]: a key has had an effect already.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    answers: &[(ScopedKey, KeptAnswer)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if answers.is_empty() {
        return Ok(());
    }
    let principals: Vec<Uuid> = answers
        .iter()
        .map(|((principal, ..), _)| *principal)
        .collect();
    let operations: Vec<String> = answers.iter().map(|((_, op, _), _)| op.clone()).collect();
    let keys: Vec<String> = answers.iter().map(|((.., key), _)| key.clone()).collect();
    let hashes: Vec<Vec<u8>> = answers
        .iter()
        .map(|(_, kept)| kept.body_hash.clone())
        .collect();
    let statuses: Vec<i16> = answers.iter().map(|(_, kept)| kept.status).collect();
    let locations: Vec<Option<String>> = answers
        .iter()
        .map(|(_, kept)| kept.location.clone())
        .collect();
    let bodies: Vec<Vec<u8>> = answers
        .iter()
        .map(|(_, kept)| kept.response.clone())
        .collect();
    sqlx::query!(
        r#"insert into idempotency_keys (principal_id, operation, key, body_hash, status, location, response,
                                         created_at)
           select principal_id, operation, key, body_hash, status, location, response, $8
           from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::smallint[], $6::text[], $7::bytea[])
                as u (principal_id, operation, key, body_hash, status, location, response)"#,
        &principals,
        &operations,
        &keys,
        &hashes,
        &statuses,
        &locations as &[Option<String>],
        &bodies,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets up to `limit` answers older than `before`; says how many.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn forget(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"delete from idempotency_keys where (principal_id, operation, key) in (
               select principal_id, operation, key from idempotency_keys
               where created_at < $1 order by created_at limit $2)"#,
        before,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
