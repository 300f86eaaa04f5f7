//! GET /businesses/{id}: one partner with its places.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::ids::BusinessId;
use http::header;
use http_kit::etag::etag;
use http_kit::{ApiPath, Problem};
use serde::Serialize;
use services::businesses::{get, list_locations};
use services::context::Context;
use utoipa::ToSchema;

use super::model::{Business, Location};
use crate::problem::ApiResult;

/// A partner with its places.
#[derive(Serialize, ToSchema)]
pub struct BusinessWithPlaces {
    /// The partner.
    pub business: Business,
    /// Its places, oldest first.
    #[schema(max_items = 1000)]
    pub locations: Vec<Location>,
}

/// One partner
///
/// A partner that takes part, and its places. The `ETag` is that of the partner.
#[utoipa::path(
    get, path = "/businesses/{id}", operation_id = "businesses_get", tag = "businesses",
    params(("id" = Uuid, Path, description = "The business")),
    responses(
        (status = 200, description = "The partner", body = BusinessWithPlaces),
    ),
    extensions(("x-versioned" = json!(true))),
)]
pub async fn business(
    State(ctx): State<Context>,
    ApiPath(id): ApiPath<BusinessId>,
) -> ApiResult<Response> {
    let business = get(&ctx, id).await?.ok_or_else(Problem::not_found)?;
    let tag = [(header::ETAG, etag(business.version))];
    let answer = BusinessWithPlaces {
        business: business.into(),
        locations: list_locations(&ctx, id)
            .await?
            .into_iter()
            .map(Into::into)
            .collect(),
    };
    Ok((tag, Json(answer)).into_response())
}
