//! PUT /users/me/preferences: sets what the caller wants to hear of.

use axum::extract::State;
use axum::response::Response;
use http_kit::etag::{IfMatch, IfMatchHeader};
use http_kit::{ApiJson, By};
use services::caller::MemberCaller;
use services::context::Context;
use services::members::set_preferences;

use super::preferences_model::{NotificationPreferences, answer};
use crate::problem::ApiResult;

/// Set my notification preferences
///
/// Replaces them whole. With `If-Match` the change is refused when they were changed since they were read. Offers come through a
/// channel only with the consent to advertising for it.
#[utoipa::path(
    put, path = "/users/me/preferences", operation_id = "users_set_my_preferences", tag = "users",
    params(IfMatchHeader),
    request_body = NotificationPreferences,
    responses((status = 200, description = "The preferences as they are now", body = NotificationPreferences)),
    extensions(("x-problems" = json!(["precondition_failed", "consent_required"]))),
)]
pub async fn set(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
    if_match: Option<IfMatch>,
    ApiJson(request): ApiJson<NotificationPreferences>,
) -> ApiResult<Response> {
    let seen = if_match.map_or(Ok(None), |seen| seen.expected())?;
    let choices = request.into_choices()?;
    Ok(answer(set_preferences(&ctx, &member, seen, choices).await?))
}
