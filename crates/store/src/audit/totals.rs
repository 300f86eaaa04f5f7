//! What there is in all.

use sqlx::PgConnection;

use crate::error::StoreError;

/// Counts of rows, and sums of money in hundredths of the currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TotalsRow {
    /// Members, those who wait among them.
    pub members: i64,
    /// Businesses.
    pub businesses: i64,
    /// Purchases.
    pub purchases: i64,
    /// What they cost.
    pub purchase_total: i64,
    /// What money paid of it.
    pub paid_by_money: i64,
    /// What points paid of it.
    pub paid_by_points: i64,
    /// Refunds and voids.
    pub refunds: i64,
    /// What they refunded.
    pub refund_amount: i64,
    /// The money given back.
    pub money_returned: i64,
    /// Lots.
    pub lots: i64,
    /// Holds.
    pub holds: i64,
    /// Journals.
    pub journals: i64,
    /// Entries.
    pub entries: i64,
}

/// The sum of an account over all its owners, in hundredths of a point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountTotal {
    /// The account's word.
    pub account: String,
    /// Its sum.
    pub amount: i64,
    /// Its entries.
    pub entries: i64,
}

/// Counts and sums.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn totals(conn: &mut PgConnection) -> Result<TotalsRow, StoreError> {
    Ok(sqlx::query_as!(
        TotalsRow,
        r#"select (select count(*) from members) as "members!", (select count(*) from businesses) as "businesses!",
                  p.purchases as "purchases!", p.total as "purchase_total!", p.by_money as "paid_by_money!",
                  p.by_points as "paid_by_points!",
                  r.refunds as "refunds!", r.amount as "refund_amount!", r.money as "money_returned!",
                  (select count(*) from lots) as "lots!", (select count(*) from holds) as "holds!",
                  (select count(*) from journals) as "journals!",
                  (select count(*) from ledger_entries) as "entries!"
           from (select count(*) as purchases, coalesce(sum(total), 0)::bigint as total,
                        coalesce(sum(paid_by_money), 0)::bigint as by_money,
                        coalesce(sum(paid_by_points), 0)::bigint as by_points from purchases) p,
                (select count(*) as refunds, coalesce(sum(amount), 0)::bigint as amount,
                        coalesce(sum(money_returned), 0)::bigint as money from refunds) r"#
    )
    .fetch_one(conn)
    .await?)
}

/// The sum of each account that was ever moved, in the order of their words.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn account_totals(conn: &mut PgConnection) -> Result<Vec<AccountTotal>, StoreError> {
    Ok(sqlx::query_as!(
        AccountTotal,
        r#"select account, sum(amount)::bigint as "amount!", count(*) as "entries!"
           from ledger_entries group by account order by account"#
    )
    .fetch_all(conn)
    .await?)
}
