//! Tables `one_time_codes` and `code_phones`: codes that were sent, and what their phones did with them.

use chrono::{DateTime, Utc};
use domain::ids::ChallengeId;
use domain::people::CodePurpose;
use sqlx::PgConnection;

use crate::error::StoreError;

/// What a phone did with its codes.
#[derive(Debug, Clone, Copy)]
pub struct PhoneRow {
    /// Wrong codes in a row.
    pub failures: i32,
    /// Until then no code is sent or looked at.
    pub waits_until: Option<DateTime<Utc>>,
}

impl PhoneRow {
    /// A phone that did nothing wrong.
    pub const BLAMELESS: Self = Self {
        failures: 0,
        waits_until: None,
    };
}

/// A code to be kept.
#[derive(Debug)]
pub struct NewCode<'a> {
    /// The challenge.
    pub id: ChallengeId,
    /// The keyed hash of the phone.
    pub phone_hash: &'a [u8],
    /// The keyed hash of the phone's prefix.
    pub prefix_hash: &'a [u8],
    /// The keyed hash of the phone's country.
    pub region_hash: &'a [u8],
    /// What it is for.
    pub purpose: CodePurpose,
    /// The keyed hash of the code.
    pub code_hash: &'a [u8],
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is worth nothing.
    pub expires_at: DateTime<Utc>,
}

/// The phone's row, made if there is none, locked until the transaction ends: requests for one phone take turns.
///
/// # Errors
/// If the database fails.
pub async fn lock_or_insert_phone(
    conn: &mut PgConnection,
    phone_hash: &[u8],
    now: DateTime<Utc>,
) -> Result<PhoneRow, StoreError> {
    Ok(sqlx::query_as!(
        PhoneRow,
        "insert into code_phones (phone_hash, failures, updated_at) values ($1, 0, $2)
         on conflict (phone_hash) do update set updated_at = excluded.updated_at
         returning failures, waits_until",
        phone_hash,
        now,
    )
    .fetch_one(conn)
    .await?)
}

/// The phone's row, locked until the transaction ends.
///
/// # Errors
/// If the database fails.
pub async fn lock_phone(
    conn: &mut PgConnection,
    phone_hash: &[u8],
) -> Result<Option<PhoneRow>, StoreError> {
    Ok(sqlx::query_as!(
        PhoneRow,
        "select failures, waits_until from code_phones where phone_hash = $1 for update",
        phone_hash,
    )
    .fetch_optional(conn)
    .await?)
}

/// Writes what a phone did.
///
/// # Errors
/// If the database fails.
pub async fn update_phone(
    conn: &mut PgConnection,
    phone_hash: &[u8],
    row: PhoneRow,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update code_phones set failures = $2, waits_until = $3, updated_at = $4 where phone_hash = $1",
        phone_hash,
        row.failures,
        row.waits_until,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// When codes were sent to this phone after `since`, newest first, at most `limit`.
///
/// # Errors
/// If the database fails.
pub async fn sent_after(
    conn: &mut PgConnection,
    phone_hash: &[u8],
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<DateTime<Utc>>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select created_at from one_time_codes
         where phone_hash = $1 and created_at > $2 order by created_at desc limit $3",
        phone_hash,
        since,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Keeps a code, and kills the one that lives for the same phone and purpose.
///
/// # Errors
/// If the database fails.
pub async fn replace(conn: &mut PgConnection, code: &NewCode<'_>) -> Result<(), StoreError> {
    sqlx::query!(
        "update one_time_codes set live = false where phone_hash = $1 and purpose = $2 and live",
        code.phone_hash,
        code.purpose.as_str(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into one_time_codes 
             (id, phone_hash, purpose, code_hash, live, created_at, expires_at, prefix_hash, region_hash)
         values ($1, $2, $3, $4, true, $5, $6, $7, $8)",
        code.id.as_uuid(),
        code.phone_hash,
        code.purpose.as_str(),
        code.code_hash,
        code.created_at,
        code.expires_at,
        code.prefix_hash,
        code.region_hash,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts a try against a live code and answers with its hash; `None` if there is no such code, or it has expired,
/// or its five tries are used up.
///
/// # Errors
/// If the database fails.
pub async fn count_try(
    conn: &mut PgConnection,
    challenge: ChallengeId,
    phone_hash: &[u8],
    purpose: CodePurpose,
    now: DateTime<Utc>,
) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(sqlx::query_scalar!(
        "update one_time_codes set attempts = attempts + 1
         where id = $1 and phone_hash = $2 and purpose = $3 and live and attempts < 5 and expires_at > $4
         returning code_hash",
        challenge.as_uuid(),
        phone_hash,
        purpose.as_str(),
        now,
    )
    .fetch_optional(conn)
    .await?)
}

/// Marks a code as used; `false` if it is not alive any more.
///
/// # Errors
/// If the database fails.
pub async fn mark_used(
    conn: &mut PgConnection,
    challenge: ChallengeId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update one_time_codes set live = false, used_at = $2 where id = $1 and live",
        challenge.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes codes and blameless phones from before `before`; answers with the number of codes.
///
/// # Errors
/// If the database fails.
pub async fn delete_before(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let codes = sqlx::query!("delete from one_time_codes where created_at < $1", before)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "delete from code_phones where failures = 0 and updated_at < $1",
        before
    )
    .execute(conn)
    .await?;
    Ok(codes.rows_affected())
}
