//! A business as the catalogue shows it.

use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, LocationId};
use domain::money::{BasisPoints, Money};
use domain::people::BusinessStatus;
use serde::Serialize;
use services::businesses;
use utoipa::ToSchema;

use crate::wire;

/// A partner of the programme.
#[derive(Serialize, ToSchema)]
pub struct Business {
    /// Identifier.
    #[schema(value_type = Uuid)]
    pub id: BusinessId,
    /// Short name for addresses.
    #[schema(
        max_length = 63,
        pattern = "^[a-z0-9][a-z0-9-]*$",
        example = "cafe-luna"
    )]
    pub slug: String,
    /// Name.
    #[schema(max_length = 200, example = "Кафе «Луна»")]
    pub name: String,
    /// Category of the catalogue.
    #[schema(max_length = 32, pattern = "^[a-z][a-z0-9_]*$", example = "cafe")]
    pub category: String,
    /// Russian description; may be empty.
    #[schema(max_length = 2000, example = "Завтраки весь день")]
    pub description_ru: String,
    /// English description; may be empty.
    #[schema(max_length = 2000, example = "Breakfast all day")]
    pub description_en: String,
    /// How it stands to the programme.
    #[schema(value_type = wire::BusinessStatus)]
    pub status: BusinessStatus,
    /// What a purchase earns of its money part, in basis points.
    #[schema(value_type = i32, minimum = 0, maximum = 10_000, example = 500)]
    pub base_rate: BasisPoints,
    /// The share of a bill that points may pay, in basis points; null: as the programme says.
    #[schema(value_type = Option<i32>, required = true, minimum = 0, maximum = 10_000, example = 5000)]
    pub share_cap: Option<BasisPoints>,
    /// Points, in hundredths, that may be spent without the member's code.
    #[schema(value_type = i64, minimum = 0, example = 0)]
    pub spend_without_code_up_to: Money,
    /// The version, as it stands in the `ETag`.
    #[schema(minimum = 1)]
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

impl From<businesses::Business> for Business {
    fn from(business: businesses::Business) -> Self {
        Self {
            id: business.id,
            slug: business.slug,
            name: business.name,
            category: business.category,
            description_ru: business.description_ru,
            description_en: business.description_en,
            status: business.status,
            base_rate: business.base_rate,
            share_cap: business.share_cap,
            spend_without_code_up_to: business.spend_without_code_up_to,
            version: business.version,
            created_at: business.created_at,
        }
    }
}

/// An outlet.
#[derive(Serialize, ToSchema)]
pub struct Location {
    /// Identifier.
    #[schema(value_type = Uuid)]
    pub id: LocationId,
    /// Name.
    #[schema(max_length = 200, example = "Луна на Мясницкой")]
    pub name: String,
    /// Address as people read it; may be empty.
    #[schema(max_length = 500, example = "Мясницкая, 1")]
    pub address: String,
    /// Where it is, if known.
    #[schema(required = true)]
    pub point: Option<Point>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// A place on Earth.
#[derive(Clone, Copy, Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Latitude in millionths of a degree.
    #[schema(minimum = -90_000_000, maximum = 90_000_000, example = 55_760_000)]
    pub latitude_e6: i32,
    /// Longitude in millionths of a degree.
    #[schema(minimum = -180_000_000, maximum = 180_000_000, example = 37_630_000)]
    pub longitude_e6: i32,
}

impl From<businesses::Location> for Location {
    fn from(location: businesses::Location) -> Self {
        Self {
            id: location.id,
            name: location.name,
            address: location.address,
            point: location.point_e6.map(|(latitude_e6, longitude_e6)| Point {
                latitude_e6,
                longitude_e6,
            }),
            created_at: location.created_at,
        }
    }
}
