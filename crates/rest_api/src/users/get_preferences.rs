//! GET /users/me/preferences: what the caller wants to hear of.

use axum::extract::State;
use axum::response::Response;
use http_kit::By;
use services::caller::MemberCaller;
use services::context::Context;
use services::members::preferences;

use super::preferences_model::{NotificationPreferences, answer};
use crate::problem::ApiResult;

/// My notification preferences
///
/// What I want to hear of, through which channels, and when not to be disturbed.
#[utoipa::path(
    get, path = "/users/me/preferences", operation_id = "users_get_my_preferences", tag = "users",
    responses((status = 200, description = "The preferences", body = NotificationPreferences)),
)]
pub async fn mine(State(ctx): State<Context>, By(member): By<MemberCaller>) -> ApiResult<Response> {
    Ok(answer(preferences(&ctx, &member).await?))
}
