//! The last digits of phones in `member_businesses`: keyed hashes, each bound to its business, by which a till finds
//! its own members. They are made behind the posting, which knows nothing of them.

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, MemberId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A member whose hash is to be made.
#[derive(Debug)]
pub struct UnhashedRow {
    /// The member.
    pub member_id: Uuid,
    /// The phone, sealed.
    pub phone_sealed: Option<Vec<u8>>,
}

/// A member of a business who was found.
#[derive(Debug)]
pub struct TailRow {
    /// The member.
    pub member_id: Uuid,
    /// `domain::people::MemberStatus`.
    pub status: String,
    /// The name, sealed.
    pub name_sealed: Option<Vec<u8>>,
    /// When he bought there last.
    pub last_visit_at: DateTime<Utc>,
}

/// The businesses where hashes are to be made.
///
/// # Errors
/// If the database fails.
pub async fn businesses_to_hash(conn: &mut PgConnection) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select b.id from businesses b
         where exists (select from member_businesses m where m.business_id = b.id and m.tail_hash is null)
         order by b.id",
    )
    .fetch_all(conn)
    .await?)
}

/// Members of a business whose hash is to be made. Nothing is locked: their next purchases must not wait while hashes
/// are made.
///
/// # Errors
/// If the database fails.
pub async fn unhashed(
    conn: &mut PgConnection,
    business: BusinessId,
    limit: i64,
) -> Result<Vec<UnhashedRow>, StoreError> {
    Ok(sqlx::query_as!(
        UnhashedRow,
        "select b.member_id, m.phone_sealed
         from member_businesses b join members m on m.id = b.member_id
         where b.business_id = $1 and b.tail_hash is null
         limit $2",
        business.as_uuid(),
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Keeps hashes, in the order of `of`, where the phone is still the one of which they were made; an empty one says that
/// there is no phone. Those whom others keep from change are passed by. Says how many were kept.
///
/// # Errors
/// If the database fails.
pub async fn set(
    conn: &mut PgConnection,
    business: BusinessId,
    of: &[UnhashedRow],
    hashes: &[Vec<u8>],
) -> Result<u64, StoreError> {
    let members: Vec<Uuid> = of.iter().map(|row| row.member_id).collect();
    let phones: Vec<Option<&[u8]>> = of.iter().map(|row| row.phone_sealed.as_deref()).collect();
    let done = sqlx::query!(
        "with free as (
             select b.member_id, t.hash
             from unnest($2::uuid[], $3::bytea[], $4::bytea[]) as t (member_id, phone, hash)
             join members m on m.id = t.member_id and m.phone_sealed is not distinct from t.phone
             join member_businesses b
               on b.business_id = $1 and b.member_id = t.member_id and b.tail_hash is null
             for no key update of b skip locked
         )
         update member_businesses b set tail_hash = f.hash
         from free f where b.business_id = $1 and b.member_id = f.member_id",
        business.as_uuid(),
        &members,
        &phones as &[Option<&[u8]>],
        hashes,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The hashes of a member are to be made again, because the phone is another.
///
/// # Errors
/// If the database fails.
pub async fn forget(conn: &mut PgConnection, member: MemberId) -> Result<(), StoreError> {
    sqlx::query!(
        "update member_businesses set tail_hash = null where member_id = $1",
        member.as_uuid(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The hashes that other keys than this one made are to be made again, up to `limit` of one business; says how many.
///
/// # Errors
/// If the database fails.
pub async fn forget_of_other_keys(
    conn: &mut PgConnection,
    key: u8,
    limit: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "with others as (
             select business_id, member_id from member_businesses
             where tail_hash <> ''::bytea and get_byte(tail_hash, 0) <> $1
             limit $2 for no key update skip locked
         )
         update member_businesses b set tail_hash = null
         from others o where b.business_id = o.business_id and b.member_id = o.member_id",
        i32::from(key),
        limit,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// The members of a business with one of these hashes, the last visitors first.
///
/// # Errors
/// If the database fails.
pub async fn find(
    conn: &mut PgConnection,
    business: BusinessId,
    hashes: &[Vec<u8>],
    limit: i64,
) -> Result<Vec<TailRow>, StoreError> {
    Ok(sqlx::query_as!(
        TailRow,
        "select b.member_id, m.status, m.name_sealed, b.last_visit_at
         from member_businesses b join members m on m.id = b.member_id
         where b.business_id = $1 and b.tail_hash = any($2) and m.status <> 'erased'
         order by b.last_visit_at desc, b.member_id limit $3",
        business.as_uuid(),
        hashes,
        limit,
    )
    .fetch_all(conn)
    .await?)
}
