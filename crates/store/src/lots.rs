//! Table `lots`: points earned together.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use domain::loyalty::lot::{Funder, Lot, LotOrigin};
use domain::money::Points;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

struct Row {
    id: Uuid,
    member_id: Uuid,
    origin: String,
    origin_id: Option<Uuid>,
    funder_id: Option<Uuid>,
    earned_at: DateTime<Utc>,
    activates_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    amount: i64,
    remaining: i64,
    expired: i64,
    pending: bool,
}

impl From<Row> for Lot {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            member: row.member_id.into(),
            origin: LotOrigin::parse(&row.origin).unwrap_or(LotOrigin::Adjustment),
            origin_id: row.origin_id,
            funder: Funder::from_business(row.funder_id.map(Into::into)),
            earned_at: row.earned_at,
            activates_at: row.activates_at,
            expires_at: row.expires_at,
            amount: Points::from_hundredths(row.amount),
            remaining: Points::from_hundredths(row.remaining),
            expired: Points::from_hundredths(row.expired),
            pending: row.pending,
        }
    }
}

/// A lot as a group reads it: what and whose, when, how much.
pub(crate) type Record = (
    (Uuid, Uuid, String, Option<Uuid>, Option<Uuid>),
    (DateTime<Utc>, DateTime<Utc>, Option<DateTime<Utc>>),
    (i64, i64, i64, bool),
);

pub(crate) fn from_record(record: Record) -> Lot {
    let ((id, member_id, origin, origin_id, funder_id), times, amounts) = record;
    let (earned_at, activates_at, expires_at) = times;
    let (amount, remaining, expired, pending) = amounts;
    Lot::from(Row {
        id,
        member_id,
        origin,
        origin_id,
        funder_id,
        earned_at,
        activates_at,
        expires_at,
        amount,
        remaining,
        expired,
        pending,
    })
}

/// The open lots of these members, and whichever are named by `also` (closed ones to which points go back).
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn open_of_members(
    conn: &mut PgConnection,
    members: &[Uuid],
    also: &[Uuid],
) -> Result<Vec<Lot>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id!", member_id as "member_id!", origin as "origin!", origin_id, funder_id,
                  earned_at as "earned_at!", activates_at as "activates_at!", expires_at,
                  amount as "amount!", remaining as "remaining!", expired as "expired!", pending as "pending!"
           from lots where member_id = any($1) and open
           union
           select id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at,
                  amount, remaining, expired, pending
           from lots where id = any($2)"#,
        members,
        also
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Lot::from).collect())
}

/// A page of a member's open lots in the order of spending, after the one named.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn page_of_member(
    conn: &mut PgConnection,
    member: MemberId,
    after: Option<(Option<DateTime<Utc>>, Uuid)>,
    limit: i64,
) -> Result<Vec<Lot>, StoreError> {
    let (after_expiry, after_id) = after.map_or((None, None), |(at, id)| (at, Some(id)));
    let rows = sqlx::query_as!(
        Row,
        r#"select id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at,
                  amount, remaining, expired, pending
           from lots
           where member_id = $1 and open
             and ($3::uuid is null
                  or (coalesce(expires_at, 'infinity'), id) > (coalesce($2::timestamptz, 'infinity'), $3))
           order by expires_at nulls last, id limit $4"#,
        member.as_uuid(),
        after_expiry,
        after_id,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Lot::from).collect())
}

/// Lots to be inserted, a column each.
#[derive(Debug, Default)]
pub(crate) struct NewColumns {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) members: Vec<Uuid>,
    pub(crate) origins: Vec<&'static str>,
    pub(crate) origin_ids: Vec<Option<Uuid>>,
    pub(crate) funders: Vec<Option<Uuid>>,
    pub(crate) earned_at: Vec<DateTime<Utc>>,
    pub(crate) activates_at: Vec<DateTime<Utc>>,
    pub(crate) expires_at: Vec<Option<DateTime<Utc>>>,
    pub(crate) amounts: Vec<i64>,
    pub(crate) remaining: Vec<i64>,
    pub(crate) expired: Vec<i64>,
    pub(crate) pending: Vec<bool>,
}

/// What is written of new lots and of changed ones.
pub(crate) fn columns(new: &[&Lot], changed: &[&Lot]) -> (NewColumns, ChangedColumns) {
    (NewColumns::of(new), ChangedColumns::of(changed))
}

impl NewColumns {
    fn of(lots: &[&Lot]) -> Self {
        let mut columns = Self::default();
        for lot in lots {
            columns.ids.push(lot.id.as_uuid());
            columns.members.push(lot.member.as_uuid());
            columns.origins.push(lot.origin.as_str());
            columns.origin_ids.push(lot.origin_id);
            columns.funders.push(lot.funder.business().map(Into::into));
            columns.earned_at.push(lot.earned_at);
            columns.activates_at.push(lot.activates_at);
            columns.expires_at.push(lot.expires_at);
            columns.amounts.push(lot.amount.hundredths());
            columns.remaining.push(lot.remaining.hundredths());
            columns.expired.push(lot.expired.hundredths());
            columns.pending.push(lot.pending);
        }
        columns
    }
}

/// What is left of lots, a column each.
#[derive(Debug, Default)]
pub(crate) struct ChangedColumns {
    pub(crate) ids: Vec<Uuid>,
    pub(crate) expires_at: Vec<Option<DateTime<Utc>>>,
    pub(crate) remaining: Vec<i64>,
    pub(crate) expired: Vec<i64>,
    pub(crate) pending: Vec<bool>,
}

impl ChangedColumns {
    fn of(lots: &[&Lot]) -> Self {
        let mut columns = Self::default();
        for lot in lots {
            columns.ids.push(lot.id.as_uuid());
            columns.expires_at.push(lot.expires_at);
            columns.remaining.push(lot.remaining.hundredths());
            columns.expired.push(lot.expired.hundredths());
            columns.pending.push(lot.pending);
        }
        columns
    }
}

/// The next moment at which points of a member expire, and how many.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn next_expiry(
    conn: &mut PgConnection,
    member: MemberId,
    now: DateTime<Utc>,
) -> Result<Option<(DateTime<Utc>, i64)>, StoreError> {
    let row = sqlx::query!(
        r#"select expires_at as "expires_at!", sum(remaining)::bigint as "points!"
           from lots where member_id = $1 and open and expires_at > $2
           group by expires_at order by expires_at limit 1"#,
        member.as_uuid(),
        now
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.expires_at, row.points)))
}
