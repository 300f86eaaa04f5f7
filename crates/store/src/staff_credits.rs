//! Table `staff_credits`: what people at tills credited, an hour a row. Rows are written with the group that credits
//! ([`crate::posting`]); here is what is asked beside it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, MemberId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// What is added: by member, cashier and business, how often and how many points (hundredths), all in one hour.
pub type CreditChanges = BTreeMap<(MemberId, MemberId, BusinessId), (i32, i64)>;

/// Credits to be added, a column each.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    pub(crate) members: Vec<Uuid>,
    pub(crate) cashiers: Vec<Uuid>,
    pub(crate) businesses: Vec<Uuid>,
    pub(crate) credits: Vec<i32>,
    pub(crate) points: Vec<i64>,
}

impl Columns {
    pub(crate) fn of(changes: Option<&CreditChanges>) -> Self {
        let mut columns = Self::default();
        for ((member, cashier, business), (credits, points)) in changes.into_iter().flatten() {
            columns.members.push(member.as_uuid());
            columns.cashiers.push(cashier.as_uuid());
            columns.businesses.push(business.as_uuid());
            columns.credits.push(*credits);
            columns.points.push(*points);
        }
        columns
    }
}

/// The points (hundredths) that a person credited in an hour, at all businesses.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn points_of_hour_across_businesses(
    conn: &mut PgConnection,
    cashier: MemberId,
    hour: DateTime<Utc>,
) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select coalesce(sum(points), 0)::bigint as "points!" from staff_credits
           where cashier_id = $1 and hour = $2"#,
        cashier.as_uuid(),
        hour
    )
    .fetch_one(conn)
    .await?)
}

/// Forgets up to `limit` rows of hours before `before`, at all businesses; says how many.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn forget_across_businesses(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    // A row of an hour that is over is never written again, so its place holds.
    let done = sqlx::query!(
        "delete from staff_credits where ctid = any(array(
             select ctid from staff_credits where hour < $1 order by hour limit $2))",
        before,
        limit
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
