//! Table `businesses`: the partners.

use chrono::{DateTime, Utc};
use domain::ids::BusinessId;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A business as it is stored.
#[derive(Debug, Clone)]
pub struct BusinessRow {
    /// Identifier.
    pub id: Uuid,
    /// Short name for addresses.
    pub slug: String,
    /// Name.
    pub name: String,
    /// Category of the catalogue.
    pub category: String,
    /// Russian description.
    pub description_ru: String,
    /// English description.
    pub description_en: String,
    /// `domain::people::BusinessStatus`.
    pub status: String,
    /// What a purchase earns, basis points of the money part.
    pub base_rate_bp: i32,
    /// The share of a bill that points may pay, basis points; none: as the programme says.
    pub share_cap_bp: Option<i32>,
    /// Points that may be spent without the member's code, hundredths.
    pub spend_without_code_up_to: i64,
    /// Grows by one with each change.
    pub version: i64,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
}

/// Adds a business.
///
/// # Errors
/// If the database fails; constraint `businesses_slug_unique` if the slug is taken.
pub async fn insert(conn: &mut PgConnection, row: &BusinessRow) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into businesses (id, slug, name, category, description_ru, description_en, status, base_rate_bp,
             share_cap_bp, spend_without_code_up_to, version, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        row.id,
        row.slug,
        row.name,
        row.category,
        row.description_ru,
        row.description_en,
        row.status,
        row.base_rate_bp,
        row.share_cap_bp,
        row.spend_without_code_up_to,
        row.version,
        row.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// One business.
///
/// # Errors
/// If the database fails.
pub async fn get(
    conn: &mut PgConnection,
    business: BusinessId,
) -> Result<Option<BusinessRow>, StoreError> {
    Ok(sqlx::query_as!(
        BusinessRow,
        "select id, slug, name, category, description_ru, description_en, status, base_rate_bp, share_cap_bp,
             spend_without_code_up_to, version, created_at
         from businesses where id = $1",
        business.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// One business, by its short name.
///
/// # Errors
/// If the database fails.
pub async fn get_by_slug(
    conn: &mut PgConnection,
    slug: &str,
) -> Result<Option<BusinessRow>, StoreError> {
    Ok(sqlx::query_as!(
        BusinessRow,
        "select id, slug, name, category, description_ru, description_en, status, base_rate_bp, share_cap_bp,
             spend_without_code_up_to, version, created_at
         from businesses where slug = $1",
        slug,
    )
    .fetch_optional(conn)
    .await?)
}

/// One business, kept from change until the transaction ends.
///
/// # Errors
/// If the database fails.
pub async fn lock(
    conn: &mut PgConnection,
    business: BusinessId,
) -> Result<Option<BusinessRow>, StoreError> {
    Ok(sqlx::query_as!(
        BusinessRow,
        "select id, slug, name, category, description_ru, description_en, status, base_rate_bp, share_cap_bp,
             spend_without_code_up_to, version, created_at
         from businesses where id = $1 for no key update",
        business.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// The active businesses after `after` in order of identifier, at most `limit`. `search` is a part of the name.
///
/// # Errors
/// If the database fails.
pub async fn list_active_across_businesses(
    conn: &mut PgConnection,
    search: Option<&str>,
    category: Option<&str>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<BusinessRow>, StoreError> {
    let pattern = search.map(|text| {
        let escaped = text
            .replace('\\', "\\\\")
            .replace('%', "\\%")
            .replace('_', "\\_");
        format!("%{escaped}%")
    });
    Ok(sqlx::query_as!(
        BusinessRow,
        "select id, slug, name, category, description_ru, description_en, status, base_rate_bp, share_cap_bp,
             spend_without_code_up_to, version, created_at
         from businesses
         where status = 'active'
             and ($1::text is null or name ilike $1)
             and ($2::text is null or category = $2)
             and ($3::uuid is null or id > $3)
         order by id limit $4",
        pattern,
        category,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?)
}

/// Writes the row back; its version must be the one that is stored, and grows. `None`: it is not.
///
/// # Errors
/// If the database fails; constraint `businesses_slug_unique` if the slug is taken.
pub async fn update(conn: &mut PgConnection, row: &BusinessRow) -> Result<Option<i64>, StoreError> {
    Ok(sqlx::query_scalar!(
        "update businesses
         set slug = $3, name = $4, category = $5, description_ru = $6, description_en = $7, status = $8,
             base_rate_bp = $9, share_cap_bp = $10, spend_without_code_up_to = $11, version = version + 1
         where id = $1 and version = $2
         returning version",
        row.id,
        row.version,
        row.slug,
        row.name,
        row.category,
        row.description_ru,
        row.description_en,
        row.status,
        row.base_rate_bp,
        row.share_cap_bp,
        row.spend_without_code_up_to,
    )
    .fetch_optional(conn)
    .await?)
}
