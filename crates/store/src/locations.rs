//! Table `locations`: the outlets of a business.

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, LocationId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A location as it is stored.
#[derive(Debug, Clone)]
pub struct LocationRow {
    /// Identifier.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Address as people read it.
    pub address: String,
    /// Latitude in millionths of a degree.
    pub latitude_e6: Option<i32>,
    /// Longitude in millionths of a degree.
    pub longitude_e6: Option<i32>,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
}

/// Adds a location to `business`.
///
/// # Errors
/// If the database fails.
pub async fn insert(
    conn: &mut PgConnection,
    business: BusinessId,
    row: &LocationRow,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into locations (id, business_id, name, address, latitude_e6, longitude_e6, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        row.id,
        business.as_uuid(),
        row.name,
        row.address,
        row.latitude_e6,
        row.longitude_e6,
        row.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The locations of `business`, oldest first, at most a thousand.
///
/// # Errors
/// If the database fails.
pub async fn list(
    conn: &mut PgConnection,
    business: BusinessId,
) -> Result<Vec<LocationRow>, StoreError> {
    Ok(sqlx::query_as!(
        LocationRow,
        "select id, name, address, latitude_e6, longitude_e6, created_at
         from locations where business_id = $1 order by id limit 1000",
        business.as_uuid(),
    )
    .fetch_all(conn)
    .await?)
}

/// Whether `business` has this location.
///
/// # Errors
/// If the database fails.
pub async fn exists(
    conn: &mut PgConnection,
    business: BusinessId,
    location: LocationId,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"select exists (select from locations where business_id = $1 and id = $2) as "exists!""#,
        business.as_uuid(),
        location.as_uuid(),
    )
    .fetch_one(conn)
    .await?)
}
