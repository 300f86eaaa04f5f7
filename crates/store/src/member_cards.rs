//! Table `member_cards`: which device shows which card. Only the locator is kept; the secret is derived from it.

use chrono::{DateTime, Utc};
use domain::ids::{MemberId, SessionId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// Whose card it is.
#[derive(Debug)]
pub struct CardRow {
    /// The locator.
    pub locator: String,
    /// The member.
    pub member_id: Uuid,
    /// `domain::people::MemberStatus` of the member.
    pub status: String,
}

/// The card of a sign-in; a new one under `locator` if there is none. `None`: the locator is another's.
///
/// # Errors
/// If the database fails.
pub async fn get_or_insert(
    conn: &mut PgConnection,
    member: MemberId,
    session: SessionId,
    locator: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    sqlx::query!(
        "insert into member_cards (locator, member_id, session_id, created_at) values ($1, $2, $3, $4)
         on conflict do nothing",
        locator,
        member.as_uuid(),
        session.as_uuid(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    Ok(sqlx::query_scalar!(
        "select locator from member_cards where session_id = $1 and member_id = $2",
        session.as_uuid(),
        member.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// The cards with these locators whose sign-in was not ended.
///
/// # Errors
/// If the database fails.
pub async fn find(
    conn: &mut PgConnection,
    locators: &[String],
) -> Result<Vec<CardRow>, StoreError> {
    Ok(sqlx::query_as!(
        CardRow,
        "select c.locator, c.member_id, m.status
         from member_cards c
         join sessions s on s.id = c.session_id
         join members m on m.id = c.member_id
         where c.locator = any($1) and s.ended_at is null",
        locators,
    )
    .fetch_all(conn)
    .await?)
}
