//! Members as operators look through them: table `members` by page, and who is blocked now.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A member in a list. Personal data is sealed.
#[derive(Debug)]
pub struct ListedMember {
    /// Identifier.
    pub id: Uuid,
    /// Twelve digits.
    pub number: String,
    /// `domain::people::MemberStatus`.
    pub status: String,
    /// The phone, sealed.
    pub phone_sealed: Option<Vec<u8>>,
    /// The name, sealed.
    pub name_sealed: Option<Vec<u8>>,
    /// When the person joined.
    pub joined_at: Option<DateTime<Utc>>,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
}

/// A page of all members, newest first, before the one named.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn page(
    conn: &mut PgConnection,
    before: Option<MemberId>,
    limit: i64,
) -> Result<Vec<ListedMember>, StoreError> {
    Ok(sqlx::query_as!(
        ListedMember,
        "select id, number, status, phone_sealed, name_sealed, joined_at, created_at
         from members where id < $1 order by id desc limit $2",
        before.map_or(Uuid::max(), MemberId::as_uuid),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// A page of those who are blocked, newest member first, before the one named.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn page_of_blocked(
    conn: &mut PgConnection,
    before: Option<MemberId>,
    limit: i64,
) -> Result<Vec<ListedMember>, StoreError> {
    Ok(sqlx::query_as!(
        ListedMember,
        "select m.id, m.number, m.status, m.phone_sealed, m.name_sealed, m.joined_at, m.created_at
         from member_blocks b join members m on m.id = b.member_id
         where b.lifted_at is null and b.member_id < $1 order by b.member_id desc limit $2",
        before.map_or(Uuid::max(), MemberId::as_uuid),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// These members, newest first.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn of_ids(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<ListedMember>, StoreError> {
    Ok(sqlx::query_as!(
        ListedMember,
        "select id, number, status, phone_sealed, name_sealed, joined_at, created_at
         from members where id = any($1) order by id desc",
        ids,
    )
    .fetch_all(conn)
    .await?)
}
