//! DELETE /users/me/devices/{id}: a device wants no push messages any more.

use axum::extract::State;
use http::StatusCode;
use http_kit::{ApiPath, By};
use services::caller::MemberCaller;
use services::context::Context;
use services::members::forget_device;
use uuid::Uuid;

use crate::problem::ApiResult;

/// Forget a device
///
/// No push message goes there any more.
#[utoipa::path(
    delete, path = "/users/me/devices/{id}", operation_id = "users_forget_device", tag = "users",
    params(("id" = Uuid, Path, description = "The device")),
    responses((status = 204, description = "Forgotten")),
)]
pub async fn forget(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
    ApiPath(device): ApiPath<Uuid>,
) -> ApiResult<StatusCode> {
    forget_device(&ctx, &member, device).await?;
    Ok(StatusCode::NO_CONTENT)
}
