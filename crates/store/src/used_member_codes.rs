//! Table `used_member_codes`: a rotating code pays once.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::error::StoreError;

/// The constraint that refuses a code used before.
pub const USED_BEFORE: &str = "used_member_codes_pkey";

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
