//! Table `erasures`: that a person was erased. And the removal of what names or reaches a person; the ledger, purchases
//! and progress stay, under an identifier that is nobody's any more.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;
use crate::wallets;

/// An erasure as it is stored.
#[derive(Debug)]
pub struct ErasureRow {
    /// Identifier.
    pub id: Uuid,
    /// Who was erased.
    pub member_id: Uuid,
    /// `requested` or `done`.
    pub state: String,
    /// Finds what is kept by phone; emptied when it is removed.
    pub phone_hash: Option<Vec<u8>>,
}

/// Keeps a member's wallet from change, also by what was decided upon before, and says whether points are set aside at `now`.
///
/// # Errors
/// If the database fails.
pub async fn lock_wallet_with_holds(
    conn: &mut PgConnection,
    member: MemberId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    wallets::renew(conn, member).await?;
    Ok(sqlx::query_scalar!(
        r#"select exists (select from holds where member_id = $1 and status = 'active' and expires_at > $2) as "open!""#,
        member.as_uuid(),
        now,
    )
    .fetch_one(conn)
    .await?)
}

/// Makes a member nobody: phone, name, birthday and number go, the phone is free for somebody new, all sign-ins end.
///
/// # Errors
/// If the database fails.
pub async fn make_nobody(
    conn: &mut PgConnection,
    member: MemberId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update members set status = 'erased', number = 'erased-' || id, phone_hash = null, phone_hash_2 = null,
             phone_sealed = null, name_sealed = null, birthday_sealed = null, version = version + 1
         where id = $1",
        member.as_uuid(),
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update sessions set ended_at = $2, end_reason = 'erased' where member_id = $1 and ended_at is null",
        member.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down that the removal is to come.
///
/// # Errors
/// If the database fails.
pub async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    member: MemberId,
    phone_hash: Option<&[u8]>,
    points_lost: i64,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into erasures (id, member_id, state, phone_hash, points_lost, requested_at)
         values ($1, $2, 'requested', $3, $4, $5)",
        id,
        member.as_uuid(),
        phone_hash,
        points_lost,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One erasure, kept from change until the transaction ends.
///
/// # Errors
/// If the database fails.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> Result<Option<ErasureRow>, StoreError> {
    Ok(sqlx::query_as!(
        ErasureRow,
        "select id, member_id, state, phone_hash from erasures where id = $1 for update",
        id,
    )
    .fetch_optional(conn)
    .await?)
}

/// Writes down that everything is removed, and how many rows of each kind were.
///
/// # Errors
/// If the database fails.
pub async fn finish(
    conn: &mut PgConnection,
    id: Uuid,
    removed: &Value,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update erasures set state = 'done', phone_hash = null, removed = $2, finished_at = $3 where id = $1",
        id,
        removed,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes what is kept by a member's identifier: how many rows, by what they were.
///
/// # Errors
/// If the database fails.
pub async fn remove_of_member(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<Vec<(&'static str, u64)>, StoreError> {
    let id = member.as_uuid();
    let mut removed = Vec::new();
    macro_rules! gone {
        ($what:literal, $sql:literal) => {
            let done = sqlx::query!($sql, id).execute(&mut *conn).await?;
            removed.push(($what, done.rows_affected()));
        };
    }
    gone!("emails", "delete from member_emails where member_id = $1");
    gone!(
        "preferences",
        "delete from notification_preferences where member_id = $1"
    );
    gone!("devices", "delete from devices where member_id = $1");
    gone!(
        "invitation_codes",
        "delete from invitation_codes where member_id = $1"
    );
    gone!(
        "referrals",
        "delete from referrals where member_id = $1 or referrer_id = $1"
    );
    gone!(
        "customer_numbers",
        "delete from member_aliases where member_id = $1"
    );
    gone!("cards", "delete from member_cards where member_id = $1");
    gone!(
        "used_codes",
        "delete from used_member_codes where member_id = $1"
    );
    gone!("exports", "delete from exports where member_id = $1");
    gone!("passkeys", "delete from passkeys where member_id = $1");
    gone!(
        "passkey_challenges",
        "delete from passkey_challenges where member_id = $1"
    );
    gone!("passwords", "delete from passwords where member_id = $1");
    gone!(
        "authenticators",
        "delete from authenticators where member_id = $1"
    );
    gone!(
        "recovery_codes",
        "delete from recovery_codes where member_id = $1"
    );
    gone!(
        "refresh_tokens",
        "delete from refresh_tokens where session_id in (select id from sessions where member_id = $1)"
    );
    gone!(
        "device_names",
        "update sessions set device = '', place = '', client = '' where member_id = $1"
    );
    gone!(
        "addresses",
        "update consents set address_hash = null where member_id = $1 and address_hash is not null"
    );
    gone!(
        "phone_tails",
        "update member_businesses set tail_hash = ''::bytea where member_id = $1 and tail_hash is distinct from ''::bytea"
    );
    Ok(removed)
}

/// Takes away what operators wrote of a member in their own words: how many rows, by what they were. The rows stay: they
/// say who decided what, and when.
///
/// # Errors
/// If the database fails.
pub async fn remove_words_of_member(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<Vec<(&'static str, u64)>, StoreError> {
    let id = member.as_uuid();
    let blocks = sqlx::query!(
        "update member_blocks set reason = '-', lift_reason = case when lift_reason is not null then '-' end where member_id = $1",
        id
    );
    let blocks = blocks.execute(&mut *conn).await?.rows_affected();
    let cases = sqlx::query!(
        "update fraud_cases set note = '-' where member_id = $1 and note is not null",
        id
    );
    let cases = cases.execute(conn).await?.rows_affected();
    Ok(vec![("words_of_blocks", blocks), ("words_of_cases", cases)])
}

/// Removes what is kept by the hash of a phone: how many rows, by what they were.
///
/// # Errors
/// If the database fails.
pub async fn remove_of_phone(
    conn: &mut PgConnection,
    phone_hash: &[u8],
) -> Result<Vec<(&'static str, u64)>, StoreError> {
    let mut removed = Vec::new();
    macro_rules! gone {
        ($what:literal, $sql:literal) => {
            let done = sqlx::query!($sql, phone_hash).execute(&mut *conn).await?;
            removed.push(($what, done.rows_affected()));
        };
    }
    gone!("codes", "delete from one_time_codes where phone_hash = $1");
    gone!(
        "code_phones",
        "delete from code_phones where phone_hash = $1"
    );
    gone!(
        "messages",
        "delete from development_outbox where recipient_hash = $1"
    );
    Ok(removed)
}
