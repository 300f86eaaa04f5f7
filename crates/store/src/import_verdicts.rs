//! Table `import_verdicts`: the rows of a file that were not posted, each with the reason.

use domain::ids::BusinessId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A row of `import_verdicts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictRow {
    /// The row's number, from 1.
    pub row_number: i64,
    /// The line of the file on which it begins, from 1.
    pub line: i64,
    /// `duplicate` or `refused`.
    pub verdict: String,
    /// Why, for programs.
    pub code: String,
    /// The column or the pointer at which the fault is.
    pub place: Option<String>,
    /// Why, in a sentence.
    pub detail: String,
    /// The receipt's number, if it could be read.
    pub receipt_number: Option<String>,
    /// The purchase that has the receipt.
    pub transaction_id: Option<Uuid>,
}

/// What a purchase is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostedRow {
    /// Its identifier.
    pub id: Uuid,
    /// Who bought.
    pub member_id: Uuid,
    /// The bill.
    pub total: i64,
    /// The points that it earned.
    pub points_earned: i64,
    /// The import that brought it.
    pub import_id: Option<Uuid>,
    /// Its row there.
    pub import_row: Option<i64>,
}

impl PostedRow {
    /// Whether this row of this import brought it.
    #[must_use]
    pub fn is_of(&self, import: Uuid, row: i64) -> bool {
        self.import_id == Some(import) && self.import_row == Some(row)
    }
}

/// Keeps verdicts.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    import: Uuid,
    rows: &[VerdictRow],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let numbers = |of: fn(&VerdictRow) -> i64| -> Vec<i64> { rows.iter().map(of).collect() };
    let texts = |of: fn(&VerdictRow) -> &str| -> Vec<String> {
        rows.iter().map(|row| of(row).to_owned()).collect()
    };
    let places: Vec<Option<String>> = rows.iter().map(|row| row.place.clone()).collect();
    let receipts: Vec<Option<String>> = rows.iter().map(|row| row.receipt_number.clone()).collect();
    let transactions: Vec<Option<Uuid>> = rows.iter().map(|row| row.transaction_id).collect();
    sqlx::query!(
        "insert into import_verdicts (import_id, row_number, line, verdict, code, place, detail, receipt_number,
             transaction_id)
         select $1, u.* from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
             $8::text[], $9::uuid[]) as u",
        import,
        &numbers(|row| row.row_number),
        &numbers(|row| row.line),
        &texts(|row| &row.verdict),
        &texts(|row| &row.code),
        &places as &[Option<String>],
        &texts(|row| &row.detail),
        &receipts as &[Option<String>],
        &transactions as &[Option<Uuid>],
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A page of an import's verdicts in the order of the file, after row `after`; only refusals if asked.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn page(
    conn: &mut PgConnection,
    import: Uuid,
    verdict: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<VerdictRow>, StoreError> {
    Ok(sqlx::query_as!(
        VerdictRow,
        "select row_number, line, verdict, code, place, detail, receipt_number, transaction_id
         from import_verdicts
         where import_id = $1 and row_number > $2 and ($3::text is null or verdict = $3)
         order by row_number limit $4",
        import,
        after,
        verdict,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// What posted purchases of a business are compared by.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn posted(
    conn: &mut PgConnection,
    business: BusinessId,
    purchases: &[Uuid],
) -> Result<Vec<PostedRow>, StoreError> {
    if purchases.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_as!(
        PostedRow,
        "select id, member_id, total, points_earned, import_id, import_row
         from purchases where id = any($2) and business_id = $1",
        business.as_uuid(),
        purchases,
    )
    .fetch_all(conn)
    .await?)
}
