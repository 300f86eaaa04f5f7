//! Table `devices`: where push messages go. Tokens arrive and leave sealed.

use chrono::{DateTime, Utc};
use domain::ids::{MemberId, SessionId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A device as it is stored.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    /// Identifier.
    pub id: Uuid,
    /// `domain::people::PushProvider`.
    pub provider: String,
    /// The token, sealed.
    pub token_sealed: Vec<u8>,
    /// `domain::people::Locale`.
    pub locale: String,
    /// When it was named first.
    pub created_at: DateTime<Utc>,
    /// When it was named last.
    pub updated_at: DateTime<Utc>,
}

/// A device to be kept.
#[derive(Debug)]
pub struct NewDevice<'a> {
    /// Identifier.
    pub id: Uuid,
    /// Whose it is.
    pub member: MemberId,
    /// The sign-in that names it.
    pub session: SessionId,
    /// `domain::people::PushProvider`.
    pub provider: &'a str,
    /// The keyed hashes of the token, the one to be kept first.
    pub token_hashes: &'a [Vec<u8>],
    /// The token, sealed.
    pub token_sealed: &'a [u8],
    /// `domain::people::Locale`.
    pub locale: &'a str,
}

/// Keeps a device. A token is that of one device: whoever had it before has it no more. Says which devices gave way.
///
/// # Errors
/// If the database fails.
pub async fn put(
    conn: &mut PgConnection,
    device: &NewDevice<'_>,
    now: DateTime<Utc>,
) -> Result<Vec<Uuid>, StoreError> {
    let replaced = sqlx::query_scalar!(
        "delete from devices where token_hash = any($1) returning id",
        device.token_hashes
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "insert into devices (id, member_id, session_id, provider, token_hash, token_sealed, locale, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        device.id,
        device.member.as_uuid(),
        device.session.as_uuid(),
        device.provider,
        device.token_hashes.first(),
        device.token_sealed,
        device.locale,
        now,
    )
    .execute(conn)
    .await?;
    Ok(replaced)
}

/// The devices of a member whose sign-ins live, oldest first.
///
/// # Errors
/// If the database fails.
pub async fn of_member(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<Vec<DeviceRow>, StoreError> {
    Ok(sqlx::query_as!(
        DeviceRow,
        "select d.id, d.provider, d.token_sealed, d.locale, d.created_at, d.updated_at
         from devices d join sessions s on s.id = d.session_id
         where d.member_id = $1 and s.ended_at is null order by d.id",
        member.as_uuid(),
    )
    .fetch_all(conn)
    .await?)
}

/// Forgets the oldest devices of a member beyond `most`; says which.
///
/// # Errors
/// If the database fails.
pub async fn keep_newest(
    conn: &mut PgConnection,
    member: MemberId,
    most: i64,
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "delete from devices where id in (
             select id from devices where member_id = $1 order by id desc offset $2)
         returning id",
        member.as_uuid(),
        most,
    )
    .fetch_all(conn)
    .await?)
}

/// Forgets one device of a member; `false` if the member has no such device.
///
/// # Errors
/// If the database fails.
pub async fn delete(
    conn: &mut PgConnection,
    member: MemberId,
    device: Uuid,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "delete from devices where member_id = $1 and id = $2",
        member.as_uuid(),
        device,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
