//! Table `import_chunks`: a file that is being imported, in sealed pieces.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// Adds a piece of the file that begins at `position`.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    import: Uuid,
    position: i64,
    sealed: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "with touched as (update imports set updated_at = $4 where id = $1)
         insert into import_chunks (import_id, position, sealed) values ($1, $2, $3)",
        import,
        position,
        sealed,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The piece in which the byte at `position` is, or the one before where the file has ended.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn at(
    conn: &mut PgConnection,
    import: Uuid,
    position: i64,
) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    let row = sqlx::query!(
        "select position, sealed from import_chunks where import_id = $1 and position <= $2
         order by position desc limit 1",
        import,
        position,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.position, row.sealed)))
}
