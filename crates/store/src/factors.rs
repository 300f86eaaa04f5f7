//! What a member has of everything that signs in: over the tables of passkeys, passwords, authenticators and codes.

use domain::ids::MemberId;
use sqlx::PgConnection;

use crate::error::StoreError;

/// What counts when somebody wants to change factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandingRow {
    /// Passkeys.
    pub passkeys: i64,
    /// Whether there are a password and an authenticator that has proved itself.
    pub password_and_totp: bool,
    /// Whether the member works at a business.
    pub is_staff: bool,
    /// Whether the member runs the programme.
    pub is_operator: bool,
    /// Recovery codes that are left.
    pub recovery_codes: i64,
    /// Whether a code for enrolling was handed out and not used, be its time over or not.
    pub enrolment_code: bool,
}

/// How a member stands. Locks the member's row until the transaction ends: changes of one person's factors take turns.
///
/// # Errors
/// If the database fails; or if there is no such member.
pub async fn lock_standing(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<StandingRow, StoreError> {
    sqlx::query!(
        "select id from members where id = $1 for no key update",
        member.as_uuid()
    )
    .fetch_one(&mut *conn)
    .await?;
    standing(conn, member).await
}

/// How a member stands.
///
/// # Errors
/// If the database fails.
pub async fn standing(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<StandingRow, StoreError> {
    Ok(sqlx::query_as!(
        StandingRow,
        r#"select (select count(*) from passkeys where member_id = $1) as "passkeys!",
             exists (select from passwords where member_id = $1)
                 and exists (select from authenticators where member_id = $1 and secret_sealed is not null)
                 as "password_and_totp!",
             exists (select from staff where member_id = $1) as "is_staff!",
             exists (select from operators where member_id = $1) as "is_operator!",
             (select count(*) from recovery_codes where member_id = $1 and kind = 'recovery') as "recovery_codes!",
             exists (select from recovery_codes where member_id = $1 and kind = 'enrolment') as "enrolment_code!""#,
        member.as_uuid(),
    )
    .fetch_one(conn)
    .await?)
}

/// Removes everything that a member signs in with beside a code by text message.
///
/// # Errors
/// If the database fails.
pub async fn remove_all(conn: &mut PgConnection, member: MemberId) -> Result<(), StoreError> {
    sqlx::query!(
        "with keys as (delete from passkeys where member_id = $1),
              words as (delete from passwords where member_id = $1),
              makers as (delete from authenticators where member_id = $1)
         delete from recovery_codes where member_id = $1",
        member.as_uuid(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
