//! The outlets of a business.

use chrono::{DateTime, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::{BusinessId, LocationId};
use domain::rights::StaffRole;
use domain::text::Text;
use serde_json::json;
use store::error::StoreError;
use store::locations::LocationRow;

use crate::audit_log::{self, Entry};
use crate::caller::{AccessError, StaffCaller};
use crate::context::Context;
use crate::transaction;

/// The most locations that one business may have.
const MOST: usize = 1000;

/// An outlet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Identifier.
    pub id: LocationId,
    /// Name.
    pub name: String,
    /// Address as people read it.
    pub address: String,
    /// Latitude and longitude in millionths of a degree.
    pub point_e6: Option<(i32, i32)>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// The outlet to be added.
#[derive(Clone, Debug)]
pub struct CreateLocation {
    /// Name.
    pub name: Text<200>,
    /// Address as people read it.
    pub address: Option<Text<500>>,
    /// Latitude and longitude in millionths of a degree.
    pub point_e6: Option<(i32, i32)>,
}

/// Why no outlet was added.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// The caller may not, or there is no such business for the caller.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Not a place on Earth.
    #[error("the latitude must lie within 90 degrees and the longitude within 180")]
    ImpossiblePoint,
    /// The business has as many as it may have.
    #[error("the business has as many locations as it may have")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds an outlet; the owner may.
///
/// # Errors
/// See [`LocationError`].
pub async fn add_location(
    ctx: &Context,
    caller: &StaffCaller,
    business: BusinessId,
    input: CreateLocation,
) -> Result<Location, LocationError> {
    caller.require_or_admin(business, StaffRole::Owner)?;
    if let Some((latitude, longitude)) = input.point_e6
        && (!(-90_000_000..=90_000_000).contains(&latitude)
            || !(-180_000_000..=180_000_000).contains(&longitude))
    {
        return Err(LocationError::ImpossiblePoint);
    }
    let ctx = &ctx.of(business);
    let row = LocationRow {
        id: ctx.ids().uuid(),
        name: input.name.into_string(),
        address: input.address.map_or_else(String::new, Text::into_string),
        latitude_e6: input.point_e6.map(|point| point.0),
        longitude_e6: input.point_e6.map(|point| point.1),
        created_at: ctx.clock().now(),
    };
    transaction::run(ctx, (ctx.clone(), row.clone()), move |conn, (ctx, row)| {
        Box::pin(async move {
            store::businesses::lock(conn, business)
                .await?
                .ok_or(AccessError::Unknown)?;
            if store::locations::list(conn, business).await?.len() >= MOST {
                return Err(LocationError::TooMany);
            }
            store::locations::insert(conn, business, row).await?;
            let entry = Entry::of(Action::LocationAdd, ObjectKind::Location).id(row.id);
            let entry = entry.business(business).after(json!({
                "name": row.name,
                "address": row.address,
                "latitude_e6": row.latitude_e6,
                "longitude_e6": row.longitude_e6,
            }));
            Ok(audit_log::record(conn, ctx, entry).await?)
        })
    })
    .await?;
    ctx.caches().places.forget(business);
    Ok(view(row))
}

/// The outlets of a business, oldest first, for anyone to read.
///
/// # Errors
/// If the database fails.
pub async fn list_locations(
    ctx: &Context,
    business: BusinessId,
) -> Result<Vec<Location>, StoreError> {
    let mut conn = ctx.of(business).connection().await?;
    let rows = store::locations::list(&mut conn, business).await?;
    Ok(rows.into_iter().map(view).collect())
}

fn view(row: LocationRow) -> Location {
    Location {
        id: row.id.into(),
        name: row.name,
        address: row.address,
        point_e6: row.latitude_e6.zip(row.longitude_e6),
        created_at: row.created_at,
    }
}
