//! POST /businesses/{id}/locations: adds an outlet.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::ids::BusinessId;
use domain::text::Text;
use http::{StatusCode, header};
use http_kit::{ApiJson, ApiPath, By};
use serde::Deserialize;
use services::businesses::{CreateLocation, add_location};
use services::caller::StaffCaller;
use services::context::Context;
use utoipa::ToSchema;

use super::model::{Location, Point};
use crate::problem::ApiResult;
use crate::wire;

/// The outlet to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLocation {
    /// Name.
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Луна на Мясницкой")]
    name: Text<200>,
    /// Address as people read it.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500, example = "Мясницкая, 1")]
    address: Option<Text<500>>,
    /// Where it is.
    point: Option<Point>,
}

/// Add an outlet
///
/// For the owner of the business and for an admin of the programme.
#[utoipa::path(
    post, path = "/businesses/{id}/locations", operation_id = "businesses_add_location", tag = "businesses",
    params(("id" = Uuid, Path, description = "The business")),
    request_body = NewLocation,
    responses((status = 201, description = "Added", body = Location)),
    extensions(("x-problems" = json!(["too_many_locations"]))),
)]
pub async fn add(
    State(ctx): State<Context>,
    By(staff): By<StaffCaller>,
    ApiPath(business): ApiPath<BusinessId>,
    ApiJson(request): ApiJson<NewLocation>,
) -> ApiResult<Response> {
    let input = CreateLocation {
        name: request.name,
        address: request.address,
        point_e6: request
            .point
            .map(|point| (point.latitude_e6, point.longitude_e6)),
    };
    let location: Location = add_location(&ctx, &staff, business, input).await?.into();
    let place = [(
        header::LOCATION,
        wire::header_value(&format!("/api/v1/businesses/{business}")),
    )];
    Ok((StatusCode::CREATED, place, Json(location)).into_response())
}
