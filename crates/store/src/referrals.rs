//! Tables `invitation_codes` and `referrals`: by which code a member brings others, and who was brought by whom.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// Somebody who was brought.
#[derive(Debug)]
pub struct BroughtRow {
    /// The member who was brought.
    pub member_id: Uuid,
    /// `domain::people::MemberStatus`.
    pub status: String,
    /// The phone, sealed.
    pub phone_sealed: Option<Vec<u8>>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// The code of a member; `fresh` if there is none yet. `None`: `fresh` belongs to another already.
///
/// # Errors
/// If the database fails.
pub async fn get_or_insert_code(
    conn: &mut PgConnection,
    member: MemberId,
    fresh: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    sqlx::query!(
        "insert into invitation_codes (member_id, code, created_at) values ($1, $2, $3) on conflict do nothing",
        member.as_uuid(),
        fresh,
        now,
    )
    .execute(&mut *conn)
    .await?;
    Ok(sqlx::query_scalar!(
        "select code from invitation_codes where member_id = $1",
        member.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// The active member whose code this is.
///
/// # Errors
/// If the database fails.
pub async fn owner_of(conn: &mut PgConnection, code: &str) -> Result<Option<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select c.member_id from invitation_codes c join members m on m.id = c.member_id
         where c.code = $1 and m.status = 'active'",
        code,
    )
    .fetch_optional(conn)
    .await?)
}

/// Writes down who brought a member; the first word counts.
///
/// # Errors
/// If the database fails.
pub async fn insert(
    conn: &mut PgConnection,
    member: MemberId,
    referrer: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into referrals (member_id, referrer_id, created_at) values ($1, $2, $3) on conflict do nothing",
        member.as_uuid(),
        referrer,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whom a member brought, newest first.
///
/// # Errors
/// If the database fails.
pub async fn brought_by(
    conn: &mut PgConnection,
    referrer: MemberId,
    limit: i64,
) -> Result<Vec<BroughtRow>, StoreError> {
    Ok(sqlx::query_as!(
        BroughtRow,
        "select r.member_id, m.status, m.phone_sealed, r.created_at
         from referrals r join members m on m.id = r.member_id
         where r.referrer_id = $1 order by r.created_at desc, r.member_id limit $2",
        referrer.as_uuid(),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// How many a member brought, and whether somebody brought him.
///
/// # Errors
/// If the database fails.
pub async fn counts(conn: &mut PgConnection, member: MemberId) -> Result<(i64, bool), StoreError> {
    let row = sqlx::query!(
        r#"select (select count(*) from referrals where referrer_id = $1) as "brought!",
                  exists (select from referrals where member_id = $1) as "was_brought!""#,
        member.as_uuid(),
    )
    .fetch_one(conn)
    .await?;
    Ok((row.brought, row.was_brought))
}
