//! Table `import_dry_receipts`: the receipts that a dry run would have posted so far.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// The receipts among `numbers` that a dry run would have posted before, with their fingerprints.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn find(
    conn: &mut PgConnection,
    import: Uuid,
    numbers: &[String],
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let rows = sqlx::query!(
        "select receipt_number, fingerprint from import_dry_receipts where import_id = $1 and receipt_number = any($2)",
        import,
        numbers,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.receipt_number, row.fingerprint))
        .collect())
}

/// Remembers receipts that a dry run would have posted.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    import: Uuid,
    receipts: &[(String, Vec<u8>)],
) -> Result<(), StoreError> {
    let (numbers, fingerprints): (Vec<String>, Vec<Vec<u8>>) = receipts.iter().cloned().unzip();
    sqlx::query!(
        "insert into import_dry_receipts (import_id, receipt_number, fingerprint)
         select $1, u.* from unnest($2::text[], $3::bytea[]) as u on conflict do nothing",
        import,
        &numbers,
        &fingerprints,
    )
    .execute(conn)
    .await?;
    Ok(())
}
