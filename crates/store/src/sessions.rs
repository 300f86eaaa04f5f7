//! Tables `sessions` and `refresh_tokens`: sign-ins, and the tokens that keep them alive, by their hashes.

use chrono::{DateTime, Utc};
use domain::ids::{MemberId, SessionId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A sign-in as it is stored, with what its member may do.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// Identifier.
    pub id: Uuid,
    /// Who signed in.
    pub member_id: Uuid,
    /// `domain::people::MemberStatus` of the member.
    pub member_status: String,
    /// What the person called the device.
    pub device: String,
    /// A coarse place: the network, cut short.
    pub place: String,
    /// The program and its system.
    pub client: String,
    /// How the person proved who it is (RFC 8176).
    pub amr: Vec<String>,
    /// When the person last did.
    pub auth_time: DateTime<Utc>,
    /// When the sign-in was.
    pub created_at: DateTime<Utc>,
    /// When its tokens were last renewed.
    pub last_seen_at: DateTime<Utc>,
    /// When it was ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A sign-in to be kept.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// Identifier.
    pub id: SessionId,
    /// Who signs in.
    pub member: MemberId,
    /// What the person calls the device.
    pub device: &'a str,
    /// A coarse place: the network, cut short.
    pub place: &'a str,
    /// The program and its system.
    pub client: &'a str,
    /// How the person proved who it is.
    pub amr: &'a [String],
}

/// A refresh token as it is stored.
#[derive(Debug)]
pub struct RefreshTokenRow {
    /// The sign-in that it belongs to.
    pub session_id: Uuid,
    /// When it was exchanged for its child.
    pub used_at: Option<DateTime<Utc>>,
}

/// Adds a sign-in that happens at `now`.
///
/// # Errors
/// If the database fails.
pub async fn insert(
    conn: &mut PgConnection,
    new: &NewSession<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into sessions (id, member_id, device, amr, auth_time, created_at, last_seen_at, place, client)
         values ($1, $2, $3, $4, $5, $5, $5, $6, $7)",
        new.id.as_uuid(),
        new.member.as_uuid(),
        new.device,
        new.amr,
        now,
        new.place,
        new.client,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One sign-in, ended or not.
///
/// # Errors
/// If the database fails.
pub async fn get(
    conn: &mut PgConnection,
    session: SessionId,
) -> Result<Option<SessionRow>, StoreError> {
    Ok(sqlx::query_as!(
        SessionRow,
        "select s.id, s.member_id, m.status as member_status, s.device, s.place, s.client, s.amr, s.auth_time,
             s.created_at, s.last_seen_at, s.ended_at
         from sessions s join members m on m.id = s.member_id where s.id = $1",
        session.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// A sign-in with all that its member may do.
#[derive(Debug)]
pub struct SessionWithRoles {
    /// Who signed in.
    pub member_id: Uuid,
    /// `domain::people::MemberStatus` of the member.
    pub member_status: String,
    /// How the person proved who it is (RFC 8176).
    pub amr: Vec<String>,
    /// When the person last did.
    pub auth_time: DateTime<Utc>,
    /// When the sign-in was.
    pub created_at: DateTime<Utc>,
    /// When its tokens were last renewed.
    pub last_seen_at: DateTime<Utc>,
    /// When the sign-in was ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The places of `staff`, in order of business: where.
    pub businesses: Vec<Uuid>,
    /// As what.
    pub staff_roles: Vec<String>,
    /// Only at this location, if given.
    pub locations: Vec<Option<Uuid>>,
    /// The roles of `operators`.
    pub operator_roles: Vec<String>,
}

/// One sign-in, ended or not, with all that its member may do.
///
/// # Errors
/// If the database fails.
pub async fn get_with_roles(
    conn: &mut PgConnection,
    session: SessionId,
) -> Result<Option<SessionWithRoles>, StoreError> {
    Ok(sqlx::query_as!(
        SessionWithRoles,
        r#"select s.member_id, m.status as member_status, s.amr, s.auth_time, s.created_at, s.last_seen_at,
             s.ended_at,
             array(select f.business_id from staff f where f.member_id = s.member_id order by f.business_id) as "businesses!",
             array(select f.role from staff f where f.member_id = s.member_id order by f.business_id) as "staff_roles!",
             array(select f.location_id from staff f where f.member_id = s.member_id order by f.business_id)
                 as "locations!: Vec<Option<Uuid>>",
             array(select o.role from operators o where o.member_id = s.member_id order by o.role) as "operator_roles!"
           from sessions s join members m on m.id = s.member_id where s.id = $1"#,
        session.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// One sign-in, ended or not, kept from change until the transaction ends.
///
/// # Errors
/// If the database fails.
pub async fn lock(
    conn: &mut PgConnection,
    session: SessionId,
) -> Result<Option<SessionRow>, StoreError> {
    Ok(sqlx::query_as!(
        SessionRow,
        "select s.id, s.member_id, m.status as member_status, s.device, s.place, s.client, s.amr, s.auth_time,
             s.created_at, s.last_seen_at, s.ended_at
         from sessions s join members m on m.id = s.member_id where s.id = $1 for update of s",
        session.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// The sign-ins of a member that were not ended and were seen after `seen_after`, newest first, at most a hundred.
///
/// # Errors
/// If the database fails.
pub async fn list(
    conn: &mut PgConnection,
    member: MemberId,
    seen_after: DateTime<Utc>,
) -> Result<Vec<SessionRow>, StoreError> {
    Ok(sqlx::query_as!(
        SessionRow,
        "select s.id, s.member_id, m.status as member_status, s.device, s.place, s.client, s.amr, s.auth_time,
             s.created_at, s.last_seen_at, s.ended_at
         from sessions s join members m on m.id = s.member_id
         where s.member_id = $1 and s.ended_at is null and s.last_seen_at > $2
         order by s.id desc limit 100",
        member.as_uuid(),
        seen_after,
    )
    .fetch_all(conn)
    .await?)
}

/// Ends a sign-in of a member; `false` if there is none that was not ended.
///
/// # Errors
/// If the database fails.
pub async fn end(
    conn: &mut PgConnection,
    member: MemberId,
    session: SessionId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update sessions set ended_at = $4, end_reason = $3 where id = $2 and member_id = $1 and ended_at is null",
        member.as_uuid(),
        session.as_uuid(),
        reason,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Notes that the person of a sign-in proved who it is, and how; `false` if there is no such sign-in.
///
/// # Errors
/// If the database fails.
pub async fn prove(
    conn: &mut PgConnection,
    session: SessionId,
    amr: &[String],
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "update sessions set amr = $2, auth_time = $3 where id = $1",
        session.as_uuid(),
        amr,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends all sign-ins of a member but one, if one is to stay; answers with those that were ended.
///
/// # Errors
/// If the database fails.
pub async fn end_all(
    conn: &mut PgConnection,
    member: MemberId,
    but: Option<SessionId>,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Vec<SessionId>, StoreError> {
    let ended = sqlx::query_scalar!(
        "update sessions set ended_at = $4, end_reason = $3
         where member_id = $1 and ended_at is null and ($2::uuid is null or id <> $2) returning id",
        member.as_uuid(),
        but.map(SessionId::as_uuid),
        reason,
        now,
    )
    .fetch_all(conn)
    .await?;
    Ok(ended.into_iter().map(Into::into).collect())
}

/// Notes that the sign-in's tokens were renewed, and from where.
///
/// # Errors
/// If the database fails.
pub async fn touch(
    conn: &mut PgConnection,
    session: SessionId,
    (place, client): (&str, &str),
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update sessions set last_seen_at = $2, place = $3, client = $4 where id = $1",
        session.as_uuid(),
        now,
        place,
        client,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a refresh token, by its hash.
///
/// # Errors
/// If the database fails; constraint `refresh_tokens_one_live` if the family has one that was not used.
pub async fn insert_refresh_token(
    conn: &mut PgConnection,
    session: SessionId,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into refresh_tokens (hash, session_id, issued_at) values ($1, $2, $3)",
        hash,
        session.as_uuid(),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The refresh token with this hash.
///
/// # Errors
/// If the database fails.
pub async fn find_refresh_token(
    conn: &mut PgConnection,
    hash: &[u8],
) -> Result<Option<RefreshTokenRow>, StoreError> {
    Ok(sqlx::query_as!(
        RefreshTokenRow,
        "select session_id, used_at from refresh_tokens where hash = $1",
        hash,
    )
    .fetch_optional(conn)
    .await?)
}

/// Marks a refresh token as exchanged.
///
/// # Errors
/// If the database fails.
pub async fn mark_refresh_token_used(
    conn: &mut PgConnection,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update refresh_tokens set used_at = $2 where hash = $1",
        hash,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes up to `limit` sign-ins that were made before `before`, with their cards and tokens; says how many.
///
/// # Errors
/// If the database fails.
pub async fn forget(
    conn: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    let ids = sqlx::query_scalar!(
        "select id from sessions where created_at < $1 order by created_at limit $2 for update skip locked",
        before,
        limit
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!("delete from member_cards where session_id = any($1)", &ids)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "delete from refresh_tokens where session_id = any($1)",
        &ids
    )
    .execute(&mut *conn)
    .await?;
    let done = sqlx::query!("delete from sessions where id = any($1)", &ids)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}
