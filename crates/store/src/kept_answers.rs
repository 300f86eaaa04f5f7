//! Table `kept_answers`: the answers to requests that moved points, kept to be given again.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// The constraint that refuses a second effect under one key.
pub const USED_BEFORE: &str = "kept_answers_pkey";

/// A kept answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// SHA-256 of the request's body.
    pub body_hash: Vec<u8>,
    /// HTTP status.
    pub status: i16,
    /// What the answer was.
    pub content: KeptContent,
}

/// What an answer was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptContent {
    /// This purchase, from whose row the same answer is made again.
    Purchase(Uuid),
    /// Anything else, byte for byte.
    Bytes {
        /// Where the new object is.
        location: Option<String>,
        /// The body.
        body: Vec<u8>,
    },
}

/// A row as a group reads it: digest, body hash, status, purchase, location, body.
pub(crate) type Record = (
    Uuid,
    Vec<u8>,
    i16,
    Option<Uuid>,
    Option<String>,
    Option<Vec<u8>>,
);

pub(crate) fn from_record(record: Record) -> (Uuid, KeptAnswer) {
    let (digest, body_hash, status, purchase, location, body) = record;
    let content = match purchase {
        Some(purchase) => KeptContent::Purchase(purchase),
        None => KeptContent::Bytes {
            location,
            body: body.unwrap_or_default(),
        },
    };
    let kept = KeptAnswer {
        body_hash,
        status,
        content,
    };
    (digest, kept)
}

/// The rows to be inserted, a column each.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) digests: Vec<Uuid>,
    pub(crate) body_hashes: Vec<Vec<u8>>,
    pub(crate) statuses: Vec<i16>,
    pub(crate) purchases: Vec<Option<Uuid>>,
    pub(crate) locations: Vec<Option<String>>,
    pub(crate) bodies: Vec<Option<Vec<u8>>>,
}

impl Columns {
    pub(crate) fn of(answers: &[(Uuid, KeptAnswer)]) -> Self {
        let mut columns = Self::default();
        // In order of key, so that groups of two nodes that share keys don't wait for each other in a circle.
        let mut sorted: Vec<&(Uuid, KeptAnswer)> = answers.iter().collect();
        sorted.sort_by_key(|(digest, _)| *digest);
        for (digest, kept) in sorted {
            let (purchase, location, body) = match &kept.content {
                KeptContent::Purchase(purchase) => (Some(*purchase), None, None),
                KeptContent::Bytes { location, body } => {
                    (None, location.clone(), Some(body.clone()))
                }
            };
            columns.digests.push(*digest);
            columns.body_hashes.push(kept.body_hash.clone());
            columns.statuses.push(kept.status);
            columns.purchases.push(purchase);
            columns.locations.push(location);
            columns.bodies.push(body);
        }
        columns
    }
}

/// The two halves of a key's lock. The one-integer form of advisory locks belongs to the job queue.
pub(crate) fn lock_of(digest: Uuid) -> (i32, i32) {
    let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
    (
        i32::from_be_bytes([a, b, c, d]),
        i32::from_be_bytes([e, f, g, h]),
    )
}

/// Tries to take a key for this transaction; false: another request holds it at this moment.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn try_lock(conn: &mut PgConnection, digest: Uuid) -> Result<bool, StoreError> {
    let (first, second) = lock_of(digest);
    Ok(sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock($1::int, $2::int) as "taken!""#,
        first,
        second
    )
    .fetch_one(conn)
    .await?)
}

/// The kept answers of these keys.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn find(
    conn: &mut PgConnection,
    digests: &[Uuid],
) -> Result<BTreeMap<Uuid, KeptAnswer>, StoreError> {
    let rows = sqlx::query!(
        "select digest, body_hash, status, purchase_id, location, response from kept_answers where digest = any($1)",
        digests
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            from_record((
                row.digest,
                row.body_hash,
                row.status,
                row.purchase_id,
                row.location,
                row.response,
            ))
        })
        .collect())
}

/// Keeps answers. Constraint [`USED_BEFORE`]: a key has had an effect already.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    answers: &[(Uuid, KeptAnswer)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let columns = Columns::of(answers);
    sqlx::query!(
        r#"insert into kept_answers (digest, body_hash, status, purchase_id, location, response, created_at)
           select digest, body_hash, status, purchase_id, location, response, $7
           from unnest($1::uuid[], $2::bytea[], $3::smallint[], $4::uuid[], $5::text[], $6::bytea[])
                as u (digest, body_hash, status, purchase_id, location, response)"#,
        &columns.digests,
        &columns.body_hashes,
        &columns.statuses,
        &columns.purchases as &[Option<Uuid>],
        &columns.locations as &[Option<String>],
        &columns.bodies as &[Option<Vec<u8>>],
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
        r#"delete from kept_answers where digest = any (array(
               select digest from kept_answers where created_at < $1 limit $2))"#,
        before,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
