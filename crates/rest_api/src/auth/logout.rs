//! POST /auth/logout: ends the sign-in that asks.

use axum::extract::State;
use http::StatusCode;
use http_kit::By;
use services::auth::sessions::logout;
use services::caller::MemberCaller;
use services::context::Context;

use crate::problem::ApiResult;

/// Sign out
///
/// Ends this sign-in with its access and refresh tokens.
#[utoipa::path(
    post, path = "/auth/logout", operation_id = "auth_logout", tag = "auth",
    responses((status = 204, description = "Signed out")),
)]
pub async fn leave(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
) -> ApiResult<StatusCode> {
    logout(&ctx, &member).await?;
    Ok(StatusCode::NO_CONTENT)
}
