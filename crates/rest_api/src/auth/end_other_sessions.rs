//! DELETE /auth/sessions: ends all of the caller's sign-ins but the one that asks.

use axum::extract::State;
use http::StatusCode;
use http_kit::By;
use services::auth::sessions::end_others;
use services::caller::MemberCaller;
use services::context::Context;

use crate::problem::ApiResult;

/// End all my other sign-ins
///
/// Their tokens are worth nothing from now on; this sign-in stays.
#[utoipa::path(
    delete, path = "/auth/sessions", operation_id = "auth_end_other_sessions", tag = "auth",
    responses((status = 204, description = "Ended")),
)]
pub async fn end_all_others(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
) -> ApiResult<StatusCode> {
    end_others(&ctx, &member).await?;
    Ok(StatusCode::NO_CONTENT)
}
