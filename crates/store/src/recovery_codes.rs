//! Table `recovery_codes`: one-time codes for coming back, by their keyed hashes.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use domain::people::RecoveryCodeKind;
use sqlx::PgConnection;

use crate::error::StoreError;

/// Keeps codes in place of those of the same kind that the member has.
///
/// # Errors
/// If the database fails.
pub async fn replace(
    conn: &mut PgConnection,
    member: MemberId,
    kind: RecoveryCodeKind,
    hashes: &[Vec<u8>],
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from recovery_codes where member_id = $1 and kind = $2",
        member.as_uuid(),
        kind.as_str(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into recovery_codes (hash, member_id, kind, created_at, expires_at)
         select hash, $2, $3, $4, $5 from unnest($1::bytea[]) as hash",
        hashes,
        member.as_uuid(),
        kind.as_str(),
        now,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a code up; its kind, if the member had it and it had not expired.
///
/// # Errors
/// If the database fails.
pub async fn spend(
    conn: &mut PgConnection,
    member: MemberId,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "delete from recovery_codes
         where hash = $2 and member_id = $1 and (expires_at is null or expires_at > $3) returning kind",
        member.as_uuid(),
        hash,
        now,
    )
    .fetch_optional(conn)
    .await?)
}
