//! GET /users/me: the caller's profile.

use axum::extract::State;
use http_kit::By;
use services::caller::MemberCaller;
use services::context::Context;
use services::members::profile;

use super::model::Profile;
use crate::problem::ApiResult;

/// My profile
///
/// All that the programme knows of me as a person.
#[utoipa::path(
    get, path = "/users/me", operation_id = "users_get_me", tag = "users",
    responses((status = 200, description = "The profile", body = Profile)),
    extensions(("x-versioned" = json!(true))),
)]
pub async fn me(State(ctx): State<Context>, By(member): By<MemberCaller>) -> ApiResult<Profile> {
    Ok(profile(&ctx, &member).await?.into())
}
