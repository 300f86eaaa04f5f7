//! Table `member_emails`: the e-mail address of a member, sealed, with the hash under which it is found.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use sqlx::PgConnection;

use crate::error::StoreError;

/// An address as it is stored.
#[derive(Debug)]
pub struct EmailRow {
    /// The address, sealed.
    pub email_sealed: Vec<u8>,
    /// When a message to it was answered.
    pub verified_at: Option<DateTime<Utc>>,
}

/// The address of a member.
///
/// # Errors
/// If the database fails.
pub async fn get(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<Option<EmailRow>, StoreError> {
    Ok(sqlx::query_as!(
        EmailRow,
        "select email_sealed, verified_at from member_emails where member_id = $1",
        member.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// Sets the address of a member. The same address keeps its verification, another has none.
///
/// # Errors
/// If the database fails.
pub async fn set(
    conn: &mut PgConnection,
    member: MemberId,
    sealed: &[u8],
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into member_emails (member_id, email_sealed, email_hash, updated_at) values ($1, $2, $3, $4)
         on conflict (member_id) do update
         set email_sealed = excluded.email_sealed, email_hash = excluded.email_hash, updated_at = excluded.updated_at,
             verified_at = case when member_emails.email_hash = excluded.email_hash then member_emails.verified_at end",
        member.as_uuid(),
        sealed,
        hash,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Forgets the address of a member.
///
/// # Errors
/// If the database fails.
pub async fn delete(conn: &mut PgConnection, member: MemberId) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from member_emails where member_id = $1",
        member.as_uuid()
    )
    .execute(conn)
    .await?;
    Ok(())
}
