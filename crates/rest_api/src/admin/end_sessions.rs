//! DELETE /admin/members/{id}/sessions: ends all sign-ins of a member.

use axum::extract::State;
use domain::ids::MemberId;
use http::StatusCode;
use http_kit::{ApiPath, By};
use services::auth::sessions::end_all_of;
use services::caller::OperatorCaller;
use services::context::Context;

use crate::problem::ApiResult;

/// End all sign-ins of a member
///
/// For support: a lost phone, a stolen one. All tokens of the member are worth nothing from now on; the member may sign in again.
#[utoipa::path(
    delete, path = "/admin/members/{id}/sessions", operation_id = "admin_end_sessions", tag = "admin",
    params(("id" = Uuid, Path, description = "The member")),
    responses((status = 204, description = "Ended")),
)]
pub async fn end_sessions(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiPath(member): ApiPath<MemberId>,
) -> ApiResult<StatusCode> {
    end_all_of(&ctx, &operator, member).await?;
    Ok(StatusCode::NO_CONTENT)
}
