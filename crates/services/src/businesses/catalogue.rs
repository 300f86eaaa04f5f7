//! The catalogue: who takes part, for anyone to read.

use domain::ids::BusinessId;
use domain::people::BusinessStatus;
use store::error::StoreError;

use super::Business;
use crate::context::Context;

/// Which businesses are asked for.
#[derive(Clone, Debug, Default)]
pub struct CatalogueFilter {
    /// A part of the name.
    pub search: Option<String>,
    /// The category.
    pub category: Option<String>,
    /// The last business of the page before.
    pub after: Option<BusinessId>,
    /// How many; at most a hundred.
    pub limit: u8,
}

/// The active businesses in order of identifier. Ask for one more than is shown to know whether there are more:
/// the limit is `limit + 1`.
///
/// # Errors
/// If the database fails.
pub async fn list(ctx: &Context, filter: CatalogueFilter) -> Result<Vec<Business>, StoreError> {
    let rows = store::businesses::list_active_across_businesses(
        &mut *ctx.connection().await?,
        filter
            .search
            .as_deref()
            .map(str::trim)
            .filter(|search| !search.is_empty()),
        filter.category.as_deref(),
        filter.after.map(BusinessId::as_uuid),
        i64::from(filter.limit.min(100)) + 1,
    )
    .await?;
    rows.into_iter().map(Business::try_from).collect()
}

/// One business of the catalogue; one that is not active is not shown.
///
/// # Errors
/// If the database fails.
pub async fn get(ctx: &Context, business: BusinessId) -> Result<Option<Business>, StoreError> {
    let row = store::businesses::get(&mut *ctx.connection().await?, business).await?;
    let business = row.map(Business::try_from).transpose()?;
    Ok(business.filter(|business| business.status == BusinessStatus::Active))
}
