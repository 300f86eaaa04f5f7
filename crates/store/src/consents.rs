//! Tables `consent_texts` and `consents`: what people agree to word for word, and who did, when and where from.

use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A wording.
#[derive(Clone, Debug)]
pub struct TextRow {
    /// `domain::consents::ConsentKind`.
    pub kind: String,
    /// From 1 on, for each kind.
    pub version: i32,
    /// Russian title.
    pub title_ru: String,
    /// English title.
    pub title_en: String,
    /// Russian text.
    pub body_ru: String,
    /// English text.
    pub body_en: String,
    /// SHA-256 of both texts with a line feed between them.
    pub sha256: Vec<u8>,
}

/// What somebody agreed to or withdrew.
#[derive(Clone, Debug)]
pub struct ConsentRow {
    /// Identifier.
    pub id: Uuid,
    /// `domain::consents::ConsentKind`.
    pub kind: String,
    /// The wording.
    pub version: i32,
    /// SHA-256 of the wording.
    pub text_sha256: Vec<u8>,
    /// Agreed (true) or withdrawn.
    pub given: bool,
    /// `domain::consents::ConsentChannel`.
    pub channel: String,
    /// The keyed hash of the network address that it came from.
    pub address_hash: Option<Vec<u8>>,
    /// When.
    pub recorded_at: DateTime<Utc>,
}

/// The wordings in force at `now`, one a kind. The first wording of a kind has no beginning: at no moment is there none.
///
/// # Errors
/// If the database fails.
pub async fn texts_in_force(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<Vec<TextRow>, StoreError> {
    Ok(sqlx::query_as!(
        TextRow,
        "select distinct on (kind) kind, version, title_ru, title_en, body_ru, body_en, sha256
         from consent_texts where effective_from <= $1 or version = 1 order by kind, version desc",
        now,
    )
    .fetch_all(conn)
    .await?)
}

/// Adds what a member says.
///
/// # Errors
/// If the database fails.
pub async fn insert(
    conn: &mut PgConnection,
    member: MemberId,
    rows: &[ConsentRow],
) -> Result<(), StoreError> {
    for row in rows {
        sqlx::query!(
            "insert into consents (id, member_id, kind, version, text_sha256, given, channel, address_hash, recorded_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            row.id,
            member.as_uuid(),
            row.kind,
            row.version,
            row.text_sha256,
            row.given,
            row.channel,
            row.address_hash.as_deref(),
            row.recorded_at,
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// What holds for a member: the newest of each kind.
///
/// # Errors
/// If the database fails.
pub async fn of_member(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<Vec<ConsentRow>, StoreError> {
    Ok(sqlx::query_as!(
        ConsentRow,
        "select distinct on (kind) id, kind, version, text_sha256, given, channel, address_hash, recorded_at
         from consents where member_id = $1 order by kind, id desc",
        member.as_uuid(),
    )
    .fetch_all(conn)
    .await?)
}

/// The kinds among `required` that a member has not agreed to in the wording that is in force at `now`; see
/// [`texts_in_force`].
///
/// # Errors
/// If the database fails.
pub async fn missing(
    conn: &mut PgConnection,
    member: MemberId,
    required: &[String],
    now: DateTime<Utc>,
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select k.kind as "kind!"
           from unnest($2::text[]) with ordinality as k (kind, n)
           cross join lateral (
               select version from consent_texts t
               where t.kind = k.kind and (t.effective_from <= $3 or t.version = 1)
               order by version desc limit 1
           ) t
           left join lateral (
               select given, version from consents c where c.member_id = $1 and c.kind = k.kind order by id desc limit 1
           ) c on true
           where not coalesce(c.given and c.version >= t.version, false)
           order by k.n"#,
        member.as_uuid(),
        required,
        now,
    )
    .fetch_all(conn)
    .await?)
}
