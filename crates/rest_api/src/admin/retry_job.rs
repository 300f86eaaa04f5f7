//! POST /admin/jobs/{id}/retry: a dead letter runs again.

use axum::extract::State;
use http::StatusCode;
use http_kit::{ApiPath, By};
use services::caller::OperatorCaller;
use services::context::Context;
use services::jobs::retry_job;

use crate::problem::ApiResult;

/// Run a dead letter again
///
/// For an admin: the job gets all its attempts again and is due at once.
#[utoipa::path(
    post, path = "/admin/jobs/{id}/retry", operation_id = "admin_retry_job", tag = "admin",
    params(("id" = i64, Path, description = "The job", minimum = 1)),
    responses((status = 204, description = "It will run")),
    extensions(("x-problems" = json!(["conflict"]))),
)]
pub async fn retry(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiPath(id): ApiPath<i64>,
) -> ApiResult<StatusCode> {
    retry_job(&ctx, &operator, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
