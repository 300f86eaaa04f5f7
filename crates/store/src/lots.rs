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

/// Adds lots.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn insert(conn: &mut PgConnection, lots: &[&Lot]) -> Result<(), StoreError> {
    if lots.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = lots.iter().map(|lot| lot.id.as_uuid()).collect();
    let members: Vec<Uuid> = lots.iter().map(|lot| lot.member.as_uuid()).collect();
    let origins: Vec<String> = lots
        .iter()
        .map(|lot| lot.origin.as_str().to_owned())
        .collect();
    let origin_ids: Vec<Option<Uuid>> = lots.iter().map(|lot| lot.origin_id).collect();
    let funders: Vec<Option<Uuid>> = lots
        .iter()
        .map(|lot| lot.funder.business().map(Into::into))
        .collect();
    let earned: Vec<DateTime<Utc>> = lots.iter().map(|lot| lot.earned_at).collect();
    let activates: Vec<DateTime<Utc>> = lots.iter().map(|lot| lot.activates_at).collect();
    let expires: Vec<Option<DateTime<Utc>>> = lots.iter().map(|lot| lot.expires_at).collect();
    let amounts: Vec<i64> = lots.iter().map(|lot| lot.amount.hundredths()).collect();
    let remaining: Vec<i64> = lots.iter().map(|lot| lot.remaining.hundredths()).collect();
    let expired: Vec<i64> = lots.iter().map(|lot| lot.expired.hundredths()).collect();
    let pending: Vec<bool> = lots.iter().map(|lot| lot.pending).collect();
    sqlx::query!(
        r#"insert into lots (id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at,
                             amount, remaining, expired, pending, open)
           select id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at,
                  amount, remaining, expired, pending, remaining > 0
           from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::timestamptz[],
                       $7::timestamptz[], $8::timestamptz[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bool[])
                as u (id, member_id, origin, origin_id, funder_id, earned_at, activates_at, expires_at,
                      amount, remaining, expired, pending)"#,
        &ids,
        &members,
        &origins,
        &origin_ids as &[Option<Uuid>],
        &funders as &[Option<Uuid>],
        &earned,
        &activates,
        &expires as &[Option<DateTime<Utc>>],
        &amounts,
        &remaining,
        &expired,
        &pending,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what is left of lots. Their members' wallets must be locked.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn update(conn: &mut PgConnection, lots: &[&Lot]) -> Result<(), StoreError> {
    if lots.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = lots.iter().map(|lot| lot.id.as_uuid()).collect();
    let expires: Vec<Option<DateTime<Utc>>> = lots.iter().map(|lot| lot.expires_at).collect();
    let remaining: Vec<i64> = lots.iter().map(|lot| lot.remaining.hundredths()).collect();
    let expired: Vec<i64> = lots.iter().map(|lot| lot.expired.hundredths()).collect();
    let pending: Vec<bool> = lots.iter().map(|lot| lot.pending).collect();
    sqlx::query!(
        r#"update lots l
           set expires_at = u.expires_at, remaining = u.remaining, expired = u.expired, pending = u.pending,
               open = u.remaining > 0
           from unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bool[])
                as u (id, expires_at, remaining, expired, pending)
           where l.id = u.id"#,
        &ids,
        &expires as &[Option<DateTime<Utc>>],
        &remaining,
        &expired,
        &pending,
    )
    .execute(conn)
    .await?;
    Ok(())
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
