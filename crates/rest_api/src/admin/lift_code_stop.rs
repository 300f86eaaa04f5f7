//! DELETE /admin/code-stops/{id}: lets codes go to a prefix or a country again.

use axum::extract::State;
use http::StatusCode;
use http_kit::{ApiPath, By};
use services::auth::code_stops::lift;
use services::caller::OperatorCaller;
use services::context::Context;
use uuid::Uuid;

use crate::problem::ApiResult;

/// Lift a stop of codes
///
/// For an admin. What was counted until now is forgotten: from now on it is counted anew.
#[utoipa::path(
    delete, path = "/admin/code-stops/{id}", operation_id = "admin_lift_code_stop", tag = "admin",
    params(("id" = Uuid, Path, description = "The stop")),
    responses((status = 204, description = "Lifted")),
)]
pub async fn lift_one(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiPath(id): ApiPath<Uuid>,
) -> ApiResult<StatusCode> {
    lift(&ctx, &operator, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
