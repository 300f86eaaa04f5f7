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

/// Adds to days; negative amounts take back. The wallets must be locked.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn add_days(
    conn: &mut PgConnection,
    days: &BTreeMap<(MemberId, NaiveDate), (i64, i64)>,
) -> Result<(), StoreError> {
    if days.is_empty() {
        return Ok(());
    }
    let members: Vec<Uuid> = days.keys().map(|(member, _)| member.as_uuid()).collect();
    let dates: Vec<NaiveDate> = days.keys().map(|(_, day)| *day).collect();
    let spends: Vec<i64> = days.values().map(|(spend, _)| *spend).collect();
    let points: Vec<i64> = days.values().map(|(_, points)| *points).collect();
    sqlx::query!(
        r#"insert into member_days as d (member_id, day, net_spend, points_earned)
           select * from unnest($1::uuid[], $2::date[], $3::bigint[], $4::bigint[])
           on conflict (member_id, day) do update
           set net_spend = d.net_spend + excluded.net_spend, points_earned = d.points_earned + excluded.points_earned"#,
        &members,
        &dates,
        &spends,
        &points
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Visits of members to businesses.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn visits(
    conn: &mut PgConnection,
    members: &[Uuid],
    businesses: &[Uuid],
) -> Result<BTreeMap<(MemberId, BusinessId), u32>, StoreError> {
    let rows = sqlx::query!(
        r#"select member_id, business_id, visits from member_businesses
           where member_id = any($1) and business_id = any($2)"#,
        members,
        businesses
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let visits = u32::try_from(row.visits).unwrap_or(0);
            ((row.member_id.into(), row.business_id.into()), visits)
        })
        .collect())
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
}

/// Adds visits. The wallets must be locked.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn add_visits(
    conn: &mut PgConnection,
    changes: &BTreeMap<(MemberId, BusinessId), VisitChange>,
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let members: Vec<Uuid> = changes.keys().map(|(member, _)| member.as_uuid()).collect();
    let businesses: Vec<Uuid> = changes
        .keys()
        .map(|(_, business)| business.as_uuid())
        .collect();
    let visits: Vec<i32> = changes.values().map(|change| change.visits).collect();
    let firsts: Vec<DateTime<Utc>> = changes.values().map(|change| change.first_at).collect();
    let lasts: Vec<DateTime<Utc>> = changes.values().map(|change| change.last_at).collect();
    sqlx::query!(
        r#"insert into member_businesses as m (member_id, business_id, visits, first_visit_at, last_visit_at)
           select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[], $5::timestamptz[])
           on conflict (member_id, business_id) do update
           set visits = greatest(0, m.visits + excluded.visits),
               first_visit_at = least(m.first_visit_at, excluded.first_visit_at),
               last_visit_at = greatest(m.last_visit_at, excluded.last_visit_at)"#,
        &members,
        &businesses,
        &visits,
        &firsts,
        &lasts
    )
    .execute(conn)
    .await?;
    Ok(())
}
