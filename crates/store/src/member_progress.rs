//! Tables `member_days` (progress toward tiers, a row a day) and `member_businesses` (visits).

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{BusinessId, MemberId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// Net spend (hundredths of the currency) and points earned (hundredths) of members from a day on, until another, inclusive.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn sums(
    conn: &mut PgConnection,
    members: &[Uuid],
    from: NaiveDate,
    until: NaiveDate,
) -> Result<BTreeMap<MemberId, (i64, i64)>, StoreError> {
    let rows = sqlx::query!(
        r#"select member_id, sum(net_spend)::bigint as "net_spend!", sum(points_earned)::bigint as "points_earned!"
           from member_days where member_id = any($1) and day between $2 and $3 group by member_id"#,
        members,
        from,
        until
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.member_id.into(), (row.net_spend, row.points_earned)))
        .collect())
}

/// What is added to days of members: net spend and points earned, in hundredths; negative amounts take back.
pub type DayChanges = BTreeMap<(MemberId, NaiveDate), (i64, i64)>;

/// Visits to be added, by member and business.
pub type VisitChanges = BTreeMap<(MemberId, BusinessId), VisitChange>;

/// What is written of days and of visits.
pub(crate) fn columns(
    days: Option<&DayChanges>,
    visits: Option<&VisitChanges>,
) -> (DayColumns, VisitColumns) {
    (DayColumns::of(days), VisitColumns::of(visits))
}

/// What is added to days, a column each.
#[derive(Debug, Default)]
pub(crate) struct DayColumns {
    pub(crate) members: Vec<Uuid>,
    pub(crate) days: Vec<NaiveDate>,
    pub(crate) spends: Vec<i64>,
    pub(crate) points: Vec<i64>,
}

impl DayColumns {
    fn of(days: Option<&DayChanges>) -> Self {
        let mut columns = Self::default();
        for ((member, day), (spend, points)) in days.into_iter().flatten() {
            columns.members.push(member.as_uuid());
            columns.days.push(*day);
            columns.spends.push(*spend);
            columns.points.push(*points);
        }
        columns
    }
}

/// Visits to be added.
#[derive(Clone, Copy, Debug)]
pub struct VisitChange {
    /// How many; -1 when a purchase was returned whole.
    pub visits: i32,
    /// The first of them.
    pub first_at: DateTime<Utc>,
    /// The last of them.
    pub last_at: DateTime<Utc>,
    /// How many of them earned points, on the day on which they are written.
    pub accruals: i32,
}

/// Visits to be added, a column each.
#[derive(Debug, Default)]
pub(crate) struct VisitColumns {
    pub(crate) members: Vec<Uuid>,
    pub(crate) businesses: Vec<Uuid>,
    pub(crate) visits: Vec<i32>,
    pub(crate) firsts: Vec<DateTime<Utc>>,
    pub(crate) lasts: Vec<DateTime<Utc>>,
    pub(crate) accruals: Vec<i32>,
}

impl VisitColumns {
    fn of(visits: Option<&VisitChanges>) -> Self {
        let mut columns = Self::default();
        for ((member, business), change) in visits.into_iter().flatten() {
            columns.members.push(member.as_uuid());
            columns.businesses.push(business.as_uuid());
            columns.visits.push(change.visits);
            columns.firsts.push(change.first_at);
            columns.lasts.push(change.last_at);
            columns.accruals.push(change.accruals);
        }
        columns
    }
}
