//! GET /users/me/consents: how the caller stands to each text.

use axum::Json;
use axum::extract::State;
use http_kit::By;
use services::caller::MemberCaller;
use services::context::Context;
use services::members::my_consents;

use super::set_consents::ConsentsNow;
use crate::problem::ApiResult;

/// My consents
///
/// How I stand to each text that is in force.
#[utoipa::path(
    get, path = "/users/me/consents", operation_id = "users_get_my_consents", tag = "users",
    responses((status = 200, description = "How I stand to each text", body = ConsentsNow)),
)]
pub async fn consents(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
) -> ApiResult<Json<ConsentsNow>> {
    Ok(Json(my_consents(&ctx, &member).await?.into()))
}
