//! Table `staff`: who works where, as what.

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, LocationId, MemberId};
use domain::rights::StaffRole;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// A person who works at a business.
#[derive(Debug)]
pub struct StaffRow {
    /// The person.
    pub member_id: Uuid,
    /// `domain::rights::StaffRole`.
    pub role: String,
    /// Only at this location, if given.
    pub location_id: Option<Uuid>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// The person's phone, sealed.
    pub phone_sealed: Option<Vec<u8>>,
    /// The person's name, sealed.
    pub name_sealed: Option<Vec<u8>>,
}

/// A person's place at one business.
#[derive(Debug)]
pub struct PlaceRow {
    /// Where.
    pub business_id: Uuid,
    /// `domain::rights::StaffRole`.
    pub role: String,
    /// Only at this location, if given.
    pub location_id: Option<Uuid>,
}

/// Who works at `business`, at most a thousand.
///
/// # Errors
/// If the database fails.
pub async fn list(
    conn: &mut PgConnection,
    business: BusinessId,
) -> Result<Vec<StaffRow>, StoreError> {
    Ok(sqlx::query_as!(
        StaffRow,
        "select s.member_id, s.role, s.location_id, s.created_at, m.phone_sealed, m.name_sealed
         from staff s join members m on m.id = s.member_id
         where s.business_id = $1 order by s.member_id limit 1000",
        business.as_uuid(),
    )
    .fetch_all(conn)
    .await?)
}

/// Where a person works, across businesses.
///
/// # Errors
/// If the database fails.
pub async fn places_across_businesses(
    conn: &mut PgConnection,
    member: MemberId,
) -> Result<Vec<PlaceRow>, StoreError> {
    Ok(sqlx::query_as!(
        PlaceRow,
        "select business_id, role, location_id from staff where member_id = $1 order by business_id",
        member.as_uuid(),
    )
    .fetch_all(conn)
    .await?)
}

/// A person's place at `business`, if the person works there.
///
/// # Errors
/// If the database fails.
pub async fn role_of(
    conn: &mut PgConnection,
    business: BusinessId,
    member: MemberId,
) -> Result<Option<PlaceRow>, StoreError> {
    Ok(sqlx::query_as!(
        PlaceRow,
        "select business_id, role, location_id from staff where business_id = $1 and member_id = $2",
        business.as_uuid(),
        member.as_uuid(),
    )
    .fetch_optional(conn)
    .await?)
}

/// Gives a person a role at `business`, in place of the one that the person has.
///
/// # Errors
/// If the database fails.
pub async fn put(
    conn: &mut PgConnection,
    business: BusinessId,
    member: MemberId,
    role: StaffRole,
    location: Option<LocationId>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into staff (business_id, member_id, role, location_id, created_at) values ($1, $2, $3, $4, $5)
         on conflict (business_id, member_id) do update set role = excluded.role, location_id = excluded.location_id",
        business.as_uuid(),
        member.as_uuid(),
        role.as_str(),
        location.map(LocationId::as_uuid),
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a person's role at `business`; `false` if the person had none.
///
/// # Errors
/// If the database fails.
pub async fn delete(
    conn: &mut PgConnection,
    business: BusinessId,
    member: MemberId,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "delete from staff where business_id = $1 and member_id = $2",
        business.as_uuid(),
        member.as_uuid(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// The owners of `business`.
///
/// # Errors
/// If the database fails.
pub async fn owners(
    conn: &mut PgConnection,
    business: BusinessId,
) -> Result<Vec<Uuid>, StoreError> {
    Ok(sqlx::query_scalar!(
        "select member_id from staff where business_id = $1 and role = 'owner' order by member_id",
        business.as_uuid(),
    )
    .fetch_all(conn)
    .await?)
}
