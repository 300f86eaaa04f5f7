//! POST /admin/members/{id}/block: blocks a member.

use axum::extract::State;
use domain::ids::MemberId;
use http::StatusCode;
use http_kit::{ApiJson, ApiPath, By};
use services::caller::OperatorCaller;
use services::context::Context;
use services::members::office::block;

use super::model::ReasonIn;
use crate::problem::ApiResult;

/// Block a member
///
/// For support and admins; an operator is blocked by an admin alone. The member's sign-ins end, here at once and within five seconds
/// on other servers; nothing is earned and nothing spent until the block is lifted.
#[utoipa::path(
    post, path = "/admin/members/{id}/block", operation_id = "admin_block_member", tag = "admin",
    params(("id" = Uuid, Path, description = "The member")),
    request_body = ReasonIn,
    responses((status = 204, description = "Blocked")),
    extensions(("x-problems" = json!(["own_account", "conflict"]))),
)]
pub async fn stop(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiPath(member): ApiPath<MemberId>,
    ApiJson(why): ApiJson<ReasonIn>,
) -> ApiResult<StatusCode> {
    block(&ctx, &operator, member, why.read()?).await?;
    Ok(StatusCode::NO_CONTENT)
}
