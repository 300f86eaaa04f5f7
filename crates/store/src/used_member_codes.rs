//! Table `used_member_codes`: a rotating code pays once.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// The constraint that refuses a code used before.
pub const USED_BEFORE: &str = "used_member_codes_pkey";

/// Which of these codes were used.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn find(
    conn: &mut PgConnection,
    members: &[Uuid],
    steps: &[i64],
) -> Result<BTreeSet<(Uuid, i64)>, StoreError> {
    if members.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = sqlx::query!(
        r#"select c.member_id, c.step from unnest($1::uuid[], $2::bigint[]) as u (member_id, step)
           join used_member_codes c using (member_id, step)"#,
        members,
        steps
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.member_id, row.step))
        .collect())
}

/// Forgets up to `limit` uses older than `before`; says how many.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn forget(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"delete from used_member_codes where (member_id, step) in (
               select member_id, step from used_member_codes where used_at < $1 order by used_at limit $2)"#,
        before,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
