//! What the posting path says to the database: [`resolve`] and [`read`] before it decides, [`write`] afterwards, one
//! statement each for a whole group. Beside them a few look-ups for those who move points otherwise.

pub mod read;
pub mod resolve;
pub mod write;

use std::collections::{BTreeMap, BTreeSet};

use domain::ids::{BusinessId, LocationId, MemberId};
use domain::loyalty::purchase::Terms;
use domain::money::{BasisPoints, Money};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::error::StoreError;

/// What a business has agreed to, and whether it takes part.
#[derive(Clone, Debug)]
pub struct BusinessTerms {
    /// The terms.
    pub terms: Terms,
    /// Whether the business is let in and not suspended.
    pub active: bool,
}

/// What is known of a member beside the wallet.
#[derive(Clone, Debug)]
pub struct MemberFacts {
    /// `waiting`, `active`, `blocked` or `erased`.
    pub status: String,
    /// The birthday, sealed.
    pub birthday_sealed: Option<Vec<u8>>,
}

/// The terms of these businesses.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn terms(
    conn: &mut PgConnection,
    businesses: &[Uuid],
) -> Result<BTreeMap<BusinessId, BusinessTerms>, StoreError> {
    let rows = sqlx::query!(
        r#"select id, status, base_rate_bp, share_cap_bp, spend_without_code_up_to
           from businesses where id = any($1)"#,
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
            (
                business,
                BusinessTerms {
                    terms,
                    active: row.status == "active",
                },
            )
        })
        .collect())
}

/// Which of these outlets exist, with the business that each belongs to.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn locations_across_businesses(
    conn: &mut PgConnection,
    locations: &[Uuid],
) -> Result<BTreeSet<(BusinessId, LocationId)>, StoreError> {
    if locations.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = sqlx::query!(
        "select id, business_id from locations where id = any($1)",
        locations
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.business_id.into(), row.id.into()))
        .collect())
}

/// What is known of these members.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn facts(
    conn: &mut PgConnection,
    members: &[Uuid],
) -> Result<BTreeMap<MemberId, MemberFacts>, StoreError> {
    let rows = sqlx::query!(
        "select id, status, birthday_sealed from members where id = any($1)",
        members
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let facts = MemberFacts {
                status: row.status,
                birthday_sealed: row.birthday_sealed,
            };
            (row.id.into(), facts)
        })
        .collect())
}
