//! What a purchase needs to know of businesses beside the member: terms and outlets, of many businesses at once.
//! Their rules are in [`crate::earning_rules::since_across_businesses`].

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{BusinessId, LocationId};
use domain::loyalty::purchase::Terms;
use domain::money::{BasisPoints, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;
use crate::posting::BusinessTerms;

/// A business with its outlets.
#[derive(Clone, Debug)]
pub struct PlaceRow {
    /// What it has agreed to.
    pub terms: BusinessTerms,
    /// Its outlets.
    pub locations: BTreeSet<LocationId>,
}

/// Those of these businesses that exist, with their outlets.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn find(
    conn: &mut PgConnection,
    businesses: &[Uuid],
) -> Result<BTreeMap<BusinessId, PlaceRow>, StoreError> {
    let rows = sqlx::query!(
        r#"select b.id, b.status, b.base_rate_bp, b.share_cap_bp, b.spend_without_code_up_to,
                  array(select l.id from locations l where l.business_id = b.id) as "locations!"
           from businesses b where b.id = any($1)"#,
        businesses
    )
    .fetch_all(conn)
    .await?;
    let share = |bp: i32| BasisPoints::new(u32::try_from(bp).unwrap_or(0));
    Ok(rows
        .into_iter()
        .map(|row| {
            let business = BusinessId::from(row.id);
            let terms = Terms {
                business,
                base_rate: share(row.base_rate_bp),
                share_cap: row.share_cap_bp.map(share),
                spend_without_code_up_to: Money::from_hundredths(row.spend_without_code_up_to),
            };
            let place = PlaceRow {
                terms: BusinessTerms {
                    terms,
                    active: row.status == "active",
                },
                locations: row.locations.into_iter().map(LocationId::from).collect(),
            };
            (business, place)
        })
        .collect())
}
