//! Tables `passwords` and `authenticators`: the second way of signing in with two factors. What arrives here is sealed.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use sqlx::PgConnection;

use crate::error::StoreError;

/// A password as it is stored.
#[derive(Debug)]
pub struct PasswordRow {
    /// The hash, sealed.
    pub hash_sealed: Vec<u8>,
    /// When it was set.
    pub changed_at: DateTime<Utc>,
}

/// An authenticator as it is stored.
#[derive(Debug)]
pub struct AuthenticatorRow {
    /// The secret, sealed; none before the first code came.
    pub secret_sealed: Option<Vec<u8>>,
    /// When the first code came.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// The secret that is being enrolled, sealed.
    pub pending_sealed: Option<Vec<u8>>,
    /// Until when its first code may come.
    pub pending_until: Option<DateTime<Utc>>,
}

/// The password of a member.
///
/// # Errors
/// If the database fails.
pub async fn get(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<Option<PasswordRow>, StoreError> {
    Ok(sqlx::query_as!(
        PasswordRow,
        "select hash_sealed, changed_at from passwords where member_id = $1",
        member.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// Sets the password of a member.
///
/// # Errors
/// If the database fails.
pub async fn put(
    conn: &mut PgConnection,
    member: MemberId,
    hash_sealed: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into passwords (member_id, hash_sealed, changed_at) values ($1, $2, $3)
         on conflict (member_id) do update set hash_sealed = excluded.hash_sealed, changed_at = excluded.changed_at",
        member.as_uuid(),
        hash_sealed,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The authenticator of a member.
///
/// # Errors
/// If the database fails.
pub async fn authenticator(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<Option<AuthenticatorRow>, StoreError> {
    Ok(sqlx::query_as!(
        AuthenticatorRow,
        "select secret_sealed, confirmed_at, pending_sealed, pending_until from authenticators where member_id = $1",
        member.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// Begins to enrol an authenticator; one that is enrolled stays until the new one has proved itself.
///
/// # Errors
/// If the database fails.
pub async fn put_pending_authenticator(
    conn: &mut PgConnection,
    member: MemberId,
    sealed: &[u8],
    until: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into authenticators (member_id, pending_sealed, pending_until) values ($1, $2, $3)
         on conflict (member_id) do update
             set pending_sealed = excluded.pending_sealed, pending_until = excluded.pending_until",
        member.as_uuid(),
        sealed,
        until,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes the authenticator that is being enrolled the member's; its code of `step` is used up. `sealed` is the secret that
/// was compared: `false` if another one is being enrolled by now.
///
/// # Errors
/// If the database fails.
pub async fn confirm_authenticator(
    conn: &mut PgConnection,
    member: MemberId,
    sealed: &[u8],
    step: i64,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update authenticators set secret_sealed = pending_sealed, confirmed_at = $4, last_step = $3,
             pending_sealed = null, pending_until = null
         where member_id = $1 and pending_sealed = $2",
        member.as_uuid(),
        sealed,
        step,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Uses up the code of a step; `false` if it, or a later one, was used before, or the secret is another by now.
///
/// # Errors
/// If the database fails.
pub async fn use_step(
    conn: &mut PgConnection,
    member: MemberId,
    sealed: &[u8],
    step: i64,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update authenticators set last_step = $3 where member_id = $1 and secret_sealed = $2 and last_step < $3",
        member.as_uuid(),
        sealed,
        step,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes the authenticator of a member, also one that is being enrolled; `false` if there is none.
///
/// # Errors
/// If the database fails.
pub async fn delete_authenticator(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "delete from authenticators where member_id = $1",
        member.as_uuid()
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
