//! Tables `refunds` and `refund_lines`: what was given back of purchases, append-only.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::loyalty::refund::RefundExplanation;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::error::StoreError;

/// A row of `refunds`. Money and points in hundredths.
#[derive(Clone, Debug)]
pub struct RefundRow {
    /// Its identifier.
    pub id: Uuid,
    /// The purchase.
    pub purchase_id: Uuid,
    /// Where.
    pub business_id: Uuid,
    /// The receipt of the refund, if the till prints one.
    pub receipt_number: Option<String>,
    /// Whether the purchase was undone on its day.
    pub is_void: bool,
    /// What is refunded.
    pub amount: i64,
    /// The money given back.
    pub money_returned: i64,
    /// The points given back.
    pub points_returned: i64,
    /// The points taken back.
    pub points_taken_back: i64,
    /// The debt it made.
    pub debt_added: i64,
    /// Points available after it.
    pub available_after: i64,
    /// Debt after it.
    pub debt_after: i64,
    /// Why, in the cashier's words.
    pub reason: String,
    /// Why, in figures.
    pub explanation: Json<RefundExplanation>,
    /// When it was made.
    pub occurred_at: DateTime<Utc>,
    /// When it was posted.
    pub recorded_at: DateTime<Utc>,
}

/// Adds a refund with its lines.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(conn: &mut PgConnection, row: &RefundRow) -> Result<(), StoreError> {
    sqlx::query!(
        r#"insert into refunds (id, purchase_id, business_id, receipt_number, is_void, amount, money_returned,
                                points_returned, points_taken_back, debt_added, available_after, debt_after, reason,
                                explanation, occurred_at, recorded_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"#,
        row.id,
        row.purchase_id,
        row.business_id,
        row.receipt_number,
        row.is_void,
        row.amount,
        row.money_returned,
        row.points_returned,
        row.points_taken_back,
        row.debt_added,
        row.available_after,
        row.debt_after,
        row.reason,
        &row.explanation as &Json<RefundExplanation>,
        row.occurred_at,
        row.recorded_at,
    )
    .execute(&mut *conn)
    .await?;
    let lines = &row.explanation.lines;
    let numbers: Vec<i16> = lines.iter().map(|line| line.line).collect();
    let amounts: Vec<i64> = lines.iter().map(|line| line.amount.hundredths()).collect();
    let paid: Vec<i64> = lines
        .iter()
        .map(|line| line.paid_by_points.hundredths())
        .collect();
    let returned: Vec<i64> = lines
        .iter()
        .map(|line| line.points_returned.hundredths())
        .collect();
    let taken: Vec<i64> = lines
        .iter()
        .map(|line| line.points_taken_back.hundredths())
        .collect();
    sqlx::query!(
        r#"insert into refund_lines (refund_id, line, amount, paid_by_points, points_returned, points_taken_back)
           select $1, * from unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])"#,
        row.id,
        &numbers,
        &amounts,
        &paid,
        &returned,
        &taken,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The refunds of a purchase in order.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn of_purchase(
    conn: &mut PgConnection,
    purchase: Uuid,
) -> Result<Vec<RefundRow>, StoreError> {
    Ok(sqlx::query_as!(
        RefundRow,
        r#"select id, purchase_id, business_id, receipt_number, is_void, amount, money_returned, points_returned,
                  points_taken_back, debt_added, available_after, debt_after, reason,
                  explanation as "explanation: Json<RefundExplanation>", occurred_at, recorded_at
           from refunds where purchase_id = $1 order by id"#,
        purchase
    )
    .fetch_all(conn)
    .await?)
}

/// How many refunds these purchases had and what was refunded in all, by purchase.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn sums(
    conn: &mut PgConnection,
    purchases: &[Uuid],
) -> Result<BTreeMap<Uuid, (i64, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"select purchase_id, count(*) as "refunds!", sum(amount)::bigint as "amount!"
           from refunds where purchase_id = any($1) group by purchase_id"#,
        purchases
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.purchase_id, (row.refunds, row.amount)))
        .collect())
}
