//! GET /businesses: the catalogue.

use axum::Json;
use axum::extract::State;
use domain::ids::BusinessId;
use http_kit::{ApiQuery, HttpKit, Page, PageLimit};
use serde::Deserialize;
use services::businesses::{CatalogueFilter, list};
use utoipa::IntoParams;

use super::model::Business;
use crate::problem::ApiResult;

/// Which partners to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CatalogueQuery {
    /// A part of the name.
    #[param(max_length = 100, example = "луна")]
    search: Option<String>,
    /// The category.
    #[param(max_length = 32, pattern = "^[a-z][a-z0-9_]*$", example = "cafe")]
    category: Option<String>,
    /// Where the page begins: `next_cursor` of the page before.
    #[param(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(inline)]
    limit: Option<PageLimit>,
}

/// The catalogue of partners
///
/// The active partners of the programme, in a stable order.
#[utoipa::path(
    get, path = "/businesses", operation_id = "businesses_list", tag = "businesses",
    params(CatalogueQuery),
    responses((status = 200, description = "A page of partners", body = Page<Business>)),
    extensions(("x-problems" = json!(["invalid_cursor"]))),
)]
pub async fn catalogue(
    State(kit): State<HttpKit>,
    ApiQuery(query): ApiQuery<CatalogueQuery>,
) -> ApiResult<Json<Page<Business>>> {
    const LIST: &str = "businesses";
    let filters = (&query.search, &query.category);
    let after: Option<BusinessId> = match &query.cursor {
        Some(cursor) => Some(kit.cursors().open(LIST, &filters, cursor)?),
        None => None,
    };
    let limit = usize::try_from(query.limit.unwrap_or_default().get()).unwrap_or(1);
    let filter = CatalogueFilter {
        search: query.search.clone(),
        category: query.category.clone(),
        after,
        limit: u8::try_from(limit).unwrap_or(u8::MAX),
    };
    // One more than asked for tells whether there is a next page.
    let mut found = list(kit.services(), filter).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|business| business.id).filter(|_| more);
    Ok(Json(Page {
        next_cursor: last.map(|last| kit.cursors().seal(LIST, &filters, &last)),
        items: found.into_iter().map(Into::into).collect(),
    }))
}
