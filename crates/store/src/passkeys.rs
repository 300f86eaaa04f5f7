//! Tables `passkeys` and `passkey_challenges`: public keys of people's authenticators, and what they were asked to sign.

use chrono::{DateTime, Utc};
use domain::ids::{MemberId, PasskeyChallengeId, PasskeyId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A passkey as it is stored.
#[derive(Debug, Clone)]
pub struct PasskeyRow {
    /// Identifier.
    pub id: Uuid,
    /// Whose it is.
    pub member_id: Uuid,
    /// What the authenticator calls it.
    pub credential_id: Vec<u8>,
    /// COSE_Key.
    pub public_key: Vec<u8>,
    /// How often the authenticator has signed, if it counts.
    pub sign_count: i64,
    /// Whether it may be kept in several devices.
    pub backup_eligible: bool,
    /// Whether it is.
    pub backed_up: bool,
    /// What the person calls it.
    pub name: String,
    /// When it was enrolled.
    pub created_at: DateTime<Utc>,
    /// When somebody last signed in with it.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A passkey to be kept.
#[derive(Debug)]
pub struct NewPasskey<'a> {
    /// Identifier.
    pub id: PasskeyId,
    /// Whose it is.
    pub member: MemberId,
    /// What the authenticator calls it.
    pub credential_id: &'a [u8],
    /// COSE_Key.
    pub public_key: &'a [u8],
    /// How often the authenticator has signed, if it counts.
    pub sign_count: u32,
    /// Whether it may be kept in several devices.
    pub backup_eligible: bool,
    /// Whether it is.
    pub backed_up: bool,
    /// What the person calls it.
    pub name: &'a str,
}

/// A challenge as it is stored.
#[derive(Debug)]
pub struct ChallengeRow {
    /// Who enrols; nobody in particular when somebody signs in.
    pub member_id: Option<Uuid>,
    /// 32 random bytes.
    pub challenge: Vec<u8>,
    /// From when on it is worth nothing.
    pub expires_at: DateTime<Utc>,
}

/// Adds a passkey; `false` if the credential is somebody's already.
///
/// # Errors
/// If the database fails.
pub async fn insert(
    conn: &mut PgConnection,
    new: &NewPasskey<'_>,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "insert into passkeys (id, member_id, credential_id, public_key, sign_count, backup_eligible, backed_up, name,
             created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (credential_id) do nothing",
        new.id.as_uuid(),
        new.member.as_uuid(),
        new.credential_id,
        new.public_key,
        i64::from(new.sign_count),
        new.backup_eligible,
        new.backed_up,
        new.name,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The passkeys of a member, oldest first.
///
/// # Errors
/// If the database fails.
pub async fn list(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<Vec<PasskeyRow>, StoreError> {
    Ok(sqlx::query_as!(
        PasskeyRow,
        "select id, member_id, credential_id, public_key, sign_count, backup_eligible, backed_up, name, created_at,
             last_used_at
         from passkeys where member_id = $1 order by id limit 100",
        member.as_uuid(),
    )
    .fetch_all(conn)
    .await?)
}

/// The passkey with this credential identifier, whoever's it is, kept from change until the transaction ends.
///
/// # Errors
/// If the database fails.
pub async fn lock_by_credential(
    conn: &mut PgConnection,
    credential_id: &[u8],
) -> Result<Option<PasskeyRow>, StoreError> {
    Ok(sqlx::query_as!(
        PasskeyRow,
        "select id, member_id, credential_id, public_key, sign_count, backup_eligible, backed_up, name, created_at,
             last_used_at
         from passkeys where credential_id = $1 for update",
        credential_id,
    )
    .fetch_optional(conn)
    .await?)
}

/// Notes that somebody signed in with a passkey.
///
/// # Errors
/// If the database fails.
pub async fn mark_used(
    conn: &mut PgConnection,
    passkey: PasskeyId,
    sign_count: u32,
    backed_up: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update passkeys set sign_count = $2, backed_up = $3, last_used_at = $4 where id = $1",
        passkey.as_uuid(),
        i64::from(sign_count),
        backed_up,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a passkey of a member; `false` if there is none.
///
/// # Errors
/// If the database fails.
pub async fn delete(
    conn: &mut PgConnection,
    member: MemberId,
    passkey: PasskeyId,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "delete from passkeys where id = $2 and member_id = $1",
        member.as_uuid(),
        passkey.as_uuid(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Keeps a challenge: for the enrolment of `member`, or for whoever signs in.
///
/// # Errors
/// If the database fails.
pub async fn insert_challenge(
    conn: &mut PgConnection,
    id: PasskeyChallengeId,
    member: Option<MemberId>,
    challenge: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into passkey_challenges (id, purpose, member_id, challenge, expires_at)
         values ($1, case when $2::uuid is null then 'assert' else 'enrol' end, $2, $3, $4)",
        id.as_uuid(),
        member.map(MemberId::as_uuid),
        challenge,
        expires_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a challenge away, so that it is answered once, whatever the answer is worth.
///
/// # Errors
/// If the database fails.
pub async fn take_challenge(
    conn: &mut PgConnection,
    id: PasskeyChallengeId,
    purpose: &str,
) -> Result<Option<ChallengeRow>, StoreError> {
    Ok(sqlx::query_as!(
        ChallengeRow,
        "delete from passkey_challenges where id = $1 and purpose = $2 returning member_id, challenge, expires_at",
        id.as_uuid(),
        purpose,
    )
    .fetch_optional(conn)
    .await?)
}

/// Deletes up to `limit` challenges that expired before `before`; says how many.
///
/// # Errors
/// If the database fails.
pub async fn forget_challenges(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "delete from passkey_challenges where id in
             (select id from passkey_challenges where expires_at < $1 order by expires_at limit $2 for update skip locked)",
        before,
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
