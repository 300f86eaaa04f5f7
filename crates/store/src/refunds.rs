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

/// Refunds to be inserted, a column each.
#[derive(Debug, Default)]
pub(crate) struct Columns<'a> {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) purchases: Vec<Uuid>,
    pub(crate) businesses: Vec<Uuid>,
    pub(crate) receipt_numbers: Vec<Option<&'a str>>,
    pub(crate) voids: Vec<bool>,
    pub(crate) amounts: Vec<i64>,
    pub(crate) money_returned: Vec<i64>,
    pub(crate) points_returned: Vec<i64>,
    pub(crate) points_taken_back: Vec<i64>,
    pub(crate) debt_added: Vec<i64>,
    pub(crate) available_after: Vec<i64>,
    pub(crate) debt_after: Vec<i64>,
    pub(crate) reasons: Vec<&'a str>,
    pub(crate) explanations: Vec<Json<&'a RefundExplanation>>,
    pub(crate) occurred_at: Vec<DateTime<Utc>>,
    pub(crate) recorded_at: Vec<DateTime<Utc>>,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(rows: &'a [RefundRow]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.ids.push(row.id);
            columns.purchases.push(row.purchase_id);
            columns.businesses.push(row.business_id);
            columns.receipt_numbers.push(row.receipt_number.as_deref());
            columns.voids.push(row.is_void);
            columns.amounts.push(row.amount);
            columns.money_returned.push(row.money_returned);
            columns.points_returned.push(row.points_returned);
            columns.points_taken_back.push(row.points_taken_back);
            columns.debt_added.push(row.debt_added);
            columns.available_after.push(row.available_after);
            columns.debt_after.push(row.debt_after);
            columns.reasons.push(&row.reason);
            columns.explanations.push(Json(&row.explanation.0));
            columns.occurred_at.push(row.occurred_at);
            columns.recorded_at.push(row.recorded_at);
        }
        columns
    }
}

/// Lines of refunds to be inserted, a column each.
#[derive(Debug, Default)]
pub(crate) struct LineColumns {
    pub(crate) refunds: Vec<Uuid>,
    pub(crate) numbers: Vec<i16>,
    pub(crate) amounts: Vec<i64>,
    pub(crate) paid_by_points: Vec<i64>,
    pub(crate) points_returned: Vec<i64>,
    pub(crate) points_taken_back: Vec<i64>,
}

impl LineColumns {
    pub(crate) fn of(rows: &[RefundRow]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            for line in &row.explanation.lines {
                columns.refunds.push(row.id);
                columns.numbers.push(line.line);
                columns.amounts.push(line.amount.hundredths());
                columns
                    .paid_by_points
                    .push(line.paid_by_points.hundredths());
                columns
                    .points_returned
                    .push(line.points_returned.hundredths());
                columns
                    .points_taken_back
                    .push(line.points_taken_back.hundredths());
            }
        }
        columns
    }
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
