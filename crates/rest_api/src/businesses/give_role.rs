//! POST /businesses/{id}/staff: gives a role.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::ids::{BusinessId, LocationId, MemberId};
use domain::rights::StaffRole;
use http::{StatusCode, header};
use http_kit::{ApiJson, ApiPath, By};
use serde::{Deserialize, Serialize};
use services::businesses::{GiveRole, give_role};
use services::caller::StaffCaller;
use services::context::Context;
use utoipa::ToSchema;

use crate::problem::ApiResult;
use crate::wire;

/// The role to be given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// The person's phone; somebody who is not a member yet finds the role after the first sign-in.
    #[schema(
        max_length = 40,
        pattern = r"^\+?[0-9][0-9 ().-]{4,38}$",
        example = "+79161234567"
    )]
    phone: String,
    /// As what. A person has one role here; a new one takes the place of the old.
    #[schema(value_type = wire::StaffRole)]
    role: StaffRole,
    /// Only at this location, if given.
    #[schema(value_type = Option<Uuid>)]
    location_id: Option<LocationId>,
}

/// The role that was given.
#[derive(Serialize, ToSchema)]
pub struct GivenRole {
    /// The person.
    #[schema(value_type = Uuid)]
    pub user_id: MemberId,
    /// As what.
    #[schema(value_type = wire::StaffRole)]
    pub role: StaffRole,
    /// Only at this location, if given.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub location_id: Option<LocationId>,
}

/// Give a role
///
/// For the owner of the business and for an admin of the programme.
#[utoipa::path(
    post, path = "/businesses/{id}/staff", operation_id = "businesses_give_role", tag = "businesses",
    params(("id" = Uuid, Path, description = "The business")),
    request_body = NewRole,
    responses((status = 201, description = "Given", body = GivenRole)),
    extensions(("x-problems" = json!(["unknown_location", "last_owner"]))),
)]
pub async fn give(
    State(ctx): State<Context>,
    By(staff): By<StaffCaller>,
    ApiPath(business): ApiPath<BusinessId>,
    ApiJson(request): ApiJson<NewRole>,
) -> ApiResult<Response> {
    let input = GiveRole {
        phone: wire::phone(&ctx, &request.phone, "/phone")?,
        role: request.role,
        location: request.location_id,
    };
    let answer = GivenRole {
        user_id: give_role(&ctx, &staff, business, input).await?,
        role: request.role,
        location_id: request.location_id,
    };
    let place = [(
        header::LOCATION,
        wire::header_value(&format!("/api/v1/businesses/{business}/staff")),
    )];
    Ok((StatusCode::CREATED, place, Json(answer)).into_response())
}
