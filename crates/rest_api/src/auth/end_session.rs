//! DELETE /auth/sessions/{id}: ends one of the caller's sign-ins.

use axum::extract::State;
use domain::ids::SessionId;
use http::StatusCode;
use http_kit::{ApiPath, By};
use services::auth::sessions::end;
use services::caller::MemberCaller;
use services::context::Context;

use crate::problem::ApiResult;

/// End one of my sign-ins
///
/// Its tokens are worth nothing from now on.
#[utoipa::path(
    delete, path = "/auth/sessions/{id}", operation_id = "auth_end_session", tag = "auth",
    params(("id" = Uuid, Path, description = "The sign-in")),
    responses((status = 204, description = "Ended")),
)]
pub async fn end_one(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
    ApiPath(session): ApiPath<SessionId>,
) -> ApiResult<StatusCode> {
    end(&ctx, &member, session).await?;
    Ok(StatusCode::NO_CONTENT)
}
