//! POST /admin/members/{id}/unblock: lets a blocked member in again.

use axum::extract::State;
use domain::ids::MemberId;
use http::StatusCode;
use http_kit::{ApiJson, ApiPath, By};
use services::caller::OperatorCaller;
use services::context::Context;
use services::members::office::unblock;

use super::model::ReasonIn;
use crate::problem::ApiResult;

/// Let a member in again
///
/// For support and admins. The member signs in anew.
#[utoipa::path(
    post, path = "/admin/members/{id}/unblock", operation_id = "admin_unblock_member", tag = "admin",
    params(("id" = Uuid, Path, description = "The member")),
    request_body = ReasonIn,
    responses((status = 204, description = "Let in")),
    extensions(("x-problems" = json!(["own_account", "conflict"]))),
)]
pub async fn let_in(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiPath(member): ApiPath<MemberId>,
    ApiJson(why): ApiJson<ReasonIn>,
) -> ApiResult<StatusCode> {
    unblock(&ctx, &operator, member, why.read()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
