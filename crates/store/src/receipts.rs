//! Table `receipts`: a receipt number belongs to one transaction of a business for ever.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// The constraint that refuses a receipt number seen before.
pub const SEEN_BEFORE: &str = "receipts_pkey";

/// What kind of transaction a receipt is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptKind {
    /// A purchase.
    Purchase,
    /// A refund or void.
    Refund,
}

impl ReceiptKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Refund => "refund",
        }
    }
}

/// The transactions that have these receipts, by business and number.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn find(
    conn: &mut PgConnection,
    kind: ReceiptKind,
    businesses: &[Uuid],
    numbers: &[String],
) -> Result<BTreeMap<(Uuid, String), Uuid>, StoreError> {
    let rows = sqlx::query!(
        r#"select r.business_id, r.receipt_number, r.transaction_id
           from unnest($1::uuid[], $2::text[]) as u (business_id, receipt_number)
           join receipts r on r.business_id = u.business_id and r.kind = $3 and r.receipt_number = u.receipt_number"#,
        businesses,
        numbers,
        kind.as_str()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ((row.business_id, row.receipt_number), row.transaction_id))
        .collect())
}

/// Takes receipts for their transactions. Constraint [`SEEN_BEFORE`]: another transaction has one of them.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(
    conn: &mut PgConnection,
    kind: ReceiptKind,
    receipts: &[(Uuid, String, Uuid)],
) -> Result<(), StoreError> {
    let businesses: Vec<Uuid> = receipts.iter().map(|(business, ..)| *business).collect();
    let numbers: Vec<String> = receipts
        .iter()
        .map(|(_, number, _)| number.clone())
        .collect();
    let transactions: Vec<Uuid> = receipts
        .iter()
        .map(|(.., transaction)| *transaction)
        .collect();
    sqlx::query!(
        r#"insert into receipts (business_id, kind, receipt_number, transaction_id)
           select business_id, $2, receipt_number, transaction_id
           from unnest($1::uuid[], $3::text[], $4::uuid[]) as u (business_id, receipt_number, transaction_id)
           order by business_id, receipt_number"#,
        &businesses,
        kind.as_str(),
        &numbers,
        &transactions,
    )
    .execute(conn)
    .await?;
    Ok(())
}
