//! The partners: the catalogue, their outlets, who works there. Integration keys are `auth::integration_keys`.

mod catalogue;
mod change;
mod create;
mod locations;
mod staff;

pub use catalogue::{CatalogueFilter, get, list};
pub use change::{ChangeBusiness, ChangeBusinessError, change};
pub use create::{CreateBusiness, CreateBusinessError, create, create_as_system};
pub use locations::{CreateLocation, Location, LocationError, add_location, list_locations};
pub use staff::{
    GiveRole, StaffError, StaffMember, give_role, give_role_as_system, list_staff, take_role,
};

use chrono::{DateTime, Utc};
use domain::ids::BusinessId;
use domain::money::{BasisPoints, Money};
use domain::people::BusinessStatus;
use serde_json::{Value, json};
use store::businesses::BusinessRow;
use store::error::StoreError;

use crate::auth::session_state::known;

/// A business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Business {
    /// Identifier.
    pub id: BusinessId,
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
    /// How it stands to the programme.
    pub status: BusinessStatus,
    /// What a purchase earns of its money part.
    pub base_rate: BasisPoints,
    /// The share of a bill that points may pay; none: as the programme says.
    pub share_cap: Option<BasisPoints>,
    /// Points worth up to this much may be spent without the member's code.
    pub spend_without_code_up_to: Money,
    /// Grows by one with each change.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

impl TryFrom<BusinessRow> for Business {
    type Error = StoreError;

    fn try_from(row: BusinessRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.into(),
            slug: row.slug,
            name: row.name,
            category: row.category,
            description_ru: row.description_ru,
            description_en: row.description_en,
            status: known(&row.status)?,
            base_rate: basis_points(row.base_rate_bp)?,
            share_cap: row.share_cap_bp.map(basis_points).transpose()?,
            spend_without_code_up_to: Money::from_hundredths(row.spend_without_code_up_to),
            version: row.version,
            created_at: row.created_at,
        })
    }
}

fn basis_points(value: i32) -> Result<BasisPoints, StoreError> {
    u32::try_from(value)
        .map(BasisPoints::new)
        .map_err(|error| StoreError(sqlx::Error::Decode(Box::new(error))))
}

/// A business as the audit log shows it.
fn logged(row: &BusinessRow) -> Value {
    json!({
        "slug": row.slug,
        "name": row.name,
        "category": row.category,
        "description_ru": row.description_ru,
        "description_en": row.description_en,
        "status": row.status,
        "base_rate_bp": row.base_rate_bp,
        "share_cap_bp": row.share_cap_bp,
        "spend_without_code_up_to": row.spend_without_code_up_to,
    })
}

/// Basis points as they are stored; whoever asks has checked the range.
fn stored(value: BasisPoints) -> i32 {
    i32::try_from(value.get()).unwrap_or(i32::MAX)
}

/// What is wrong with the terms of a business, as (JSON pointer, what is allowed).
fn term_faults(
    base_rate: Option<BasisPoints>,
    share_cap: Option<BasisPoints>,
    spend_without_code_up_to: Option<Money>,
) -> Vec<(&'static str, &'static str)> {
    let mut faults = Vec::new();
    if base_rate.is_some_and(|rate| rate > BasisPoints::WHOLE) {
        faults.push(("/base_rate", "0 to 10000"));
    }
    if share_cap.is_some_and(|cap| cap > BasisPoints::WHOLE) {
        faults.push(("/share_cap", "0 to 10000, or null"));
    }
    if spend_without_code_up_to.is_some_and(Money::is_negative) {
        faults.push(("/spend_without_code_up_to", "0 or more"));
    }
    faults
}
