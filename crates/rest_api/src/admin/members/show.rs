//! GET /admin/members/{id}: one member, whole.

use axum::Json;
use axum::extract::State;
use domain::ids::MemberId;
use http_kit::{ApiPath, By};
use services::caller::OperatorCaller;
use services::context::Context;
use services::members::office::show;

use super::model::MemberForOperator;
use crate::problem::ApiResult;

/// One member
///
/// For support and admins: profile, balance, tier, sign-ins, where the member works, and blocks with their reasons.
#[utoipa::path(
    get, path = "/admin/members/{id}", operation_id = "admin_show_member", tag = "admin",
    params(("id" = Uuid, Path, description = "The member")),
    responses((status = 200, description = "The member", body = MemberForOperator)),
)]
pub async fn one(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiPath(member): ApiPath<MemberId>,
) -> ApiResult<Json<MemberForOperator>> {
    let whole = show(&ctx, &operator, member).await??;
    Ok(Json(whole.into()))
}
