//! Table `members` and `member_aliases`: who takes part, found by phone, number or a business's own customer number.
//! Personal data arrives and leaves sealed; this module can't read it.

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, MemberId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A member as it is stored.
#[derive(Debug)]
pub struct MemberRow {
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
    /// The birthday (ISO 8601 date), sealed.
    pub birthday_sealed: Option<Vec<u8>>,
    /// `domain::people::Locale`.
    pub locale: String,
    /// Grows by one with each change.
    pub version: i64,
    /// When the person joined.
    pub joined_at: Option<DateTime<Utc>>,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
}

/// A member that was found by `key`.
#[derive(Debug)]
pub struct FoundMember<K> {
    /// What was asked for.
    pub key: K,
    /// Identifier.
    pub id: Uuid,
    /// `domain::people::MemberStatus`.
    pub status: String,
}

/// One member.
///
/// # Errors
/// If the database fails.
pub async fn get(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<Option<MemberRow>, StoreError> {
    Ok(sqlx::query_as!(
        MemberRow,
        "select id, number, status, phone_sealed, name_sealed, birthday_sealed, locale, version, joined_at, created_at
         from members where id = $1",
        member.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// The members among `ids`; their key is their identifier.
///
/// # Errors
/// If the database fails.
pub async fn find_by_ids(
    conn: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<FoundMember<Uuid>>, StoreError> {
    Ok(sqlx::query_as!(
        FoundMember::<Uuid>,
        "select id as key, id, status from members where id = any($1)",
        ids,
    )
    .fetch_all(conn)
    .await?)
}

/// The members with these phones, given by their keyed hashes.
///
/// # Errors
/// If the database fails.
pub async fn find_by_phones(
    conn: &mut PgConnection,
    hashes: &[Vec<u8>],
) -> Result<Vec<FoundMember<Vec<u8>>>, StoreError> {
    Ok(sqlx::query_as!(
        FoundMember::<Vec<u8>>,
        r#"select phone_hash as "key!", id, status from members where phone_hash = any($1)"#,
        hashes,
    )
    .fetch_all(conn)
    .await?)
}

/// The members with these numbers.
///
/// # Errors
/// If the database fails.
pub async fn find_by_numbers(
    conn: &mut PgConnection,
    numbers: &[String],
) -> Result<Vec<FoundMember<String>>, StoreError> {
    Ok(sqlx::query_as!(
        FoundMember::<String>,
        "select number as key, id, status from members where number = any($1)",
        numbers,
    )
    .fetch_all(conn)
    .await?)
}

/// The members whom `business` knows under these customer numbers.
///
/// # Errors
/// If the database fails.
pub async fn find_by_aliases(
    conn: &mut PgConnection,
    business: BusinessId,
    external_ids: &[String],
) -> Result<Vec<FoundMember<String>>, StoreError> {
    Ok(sqlx::query_as!(
        FoundMember::<String>,
        "select a.external_id as key, m.id, m.status
         from member_aliases a join members m on m.id = a.member_id
         where a.business_id = $1 and a.external_id = any($2)",
        business.as_uuid(),
        external_ids,
    )
    .fetch_all(conn)
    .await?)
}

/// Members to be made, each array of the same length.
#[derive(Debug, Default)]
pub struct NewMembers {
    /// Identifiers.
    pub ids: Vec<Uuid>,
    /// Numbers.
    pub numbers: Vec<String>,
}

/// Makes waiting members with their wallets, known by phone; says how many. Rows whose phone or number exists already
/// are left out: look again for what was made.
///
/// # Errors
/// If the database fails, or has no tier for the wallets.
pub async fn insert_waiting_by_phone(
    conn: &mut PgConnection,
    new: &NewMembers,
    phone_hashes: &[Vec<u8>],
    phones_sealed: &[Vec<u8>],
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "with fresh as (
             insert into members (id, number, status, phone_hash, phone_sealed, created_at)
             select t.id, t.number, 'waiting', t.hash, t.sealed, $5
             from unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[]) as t (id, number, hash, sealed)
             order by t.hash
             on conflict do nothing
             returning id
         )
         insert into wallets (member_id, tier, tier_since)
         select fresh.id, (select code from tiers order by level limit 1), $5 from fresh",
        &new.ids,
        &new.numbers,
        phone_hashes,
        phones_sealed,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Makes waiting members with their wallets, known to `business` by its customer numbers; says how many. Rows whose
/// customer number or number exists already are left out: look again for what was made.
///
/// # Errors
/// If the database fails, or has no tier for the wallets.
pub async fn insert_waiting_by_alias(
    conn: &mut PgConnection,
    business: BusinessId,
    new: &NewMembers,
    external_ids: &[String],
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    // The alias is taken first, so that the loser of a race makes no member; foreign keys are checked at the end of
    // the statement.
    let done = sqlx::query!(
        "with asked as (
             select t.id, t.number, t.external_id
             from unnest($2::uuid[], $3::text[], $4::text[]) as t (id, number, external_id)
             where (select true from members m where m.number = t.number limit 1) is null
         ),
         named as (
             insert into member_aliases (business_id, external_id, member_id, created_at)
             select $1, asked.external_id, asked.id, $5 from asked order by asked.external_id
             on conflict do nothing
             returning member_id
         ),
         fresh as (
             insert into members (id, number, status, created_at)
             select asked.id, asked.number, 'waiting', $5
             from asked join named on named.member_id = asked.id
             returning id
         )
         insert into wallets (member_id, tier, tier_since)
         select fresh.id, (select code from tiers order by level limit 1), $5 from fresh",
        business.as_uuid(),
        &new.ids,
        &new.numbers,
        external_ids,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Makes a waiting member active; one who has joined already is left as he is. Answers with the status now.
///
/// # Errors
/// If the database fails.
pub async fn join(
    conn: &mut PgConnection,
    member: MemberId,
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        "update members
         set status = case status when 'waiting' then 'active' else status end,
             joined_at = coalesce(joined_at, $2)
         where id = $1 returning status",
        member.as_uuid(),
        now,
    )
    .fetch_optional(conn)
    .await?)
}

/// What a member changes in his profile; `None` leaves a field, `Some(None)` empties it.
#[derive(Debug, Default)]
pub struct ProfileChange {
    /// The name, sealed.
    pub name_sealed: Option<Option<Vec<u8>>>,
    /// The birthday, sealed.
    pub birthday_sealed: Option<Option<Vec<u8>>>,
    /// The language.
    pub locale: Option<String>,
}

/// Changes a profile that stands at `version` (if given). `None`: no such member at this version.
///
/// # Errors
/// If the database fails.
pub async fn update_profile(
    conn: &mut PgConnection,
    member: MemberId,
    version: Option<i64>,
    change: &ProfileChange,
) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        "update members
         set name_sealed = case when $3 then $4 else name_sealed end,
             birthday_sealed = case when $5 then $6 else birthday_sealed end,
             locale = coalesce($7, locale),
             version = version + 1
         where id = $1 and ($2::bigint is null or version = $2)
         returning version",
        member.as_uuid(),
        version,
        change.name_sealed.is_some(),
        change.name_sealed.as_ref().and_then(Option::as_deref),
        change.birthday_sealed.is_some(),
        change.birthday_sealed.as_ref().and_then(Option::as_deref),
        change.locale.as_deref(),
    )
    .fetch_optional(conn)
    .await?)
}

/// The constraint that lets one member have a phone.
pub const PHONE_UNIQUE: &str = "members_phone_unique";

/// Gives a member another phone.
///
/// # Errors
/// If the database fails; constraint [`PHONE_UNIQUE`] if another member has it.
pub async fn set_phone(
    conn: &mut PgConnection,
    member: MemberId,
    hash: &[u8],
    sealed: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!(
        "update members set phone_hash = $2, phone_sealed = $3, version = version + 1 where id = $1",
        member.as_uuid(),
        hash,
        sealed,
    )
    .execute(conn)
    .await?;
    Ok(())
}
