//! POST /admin/jobs/{id}/retry: a dead letter runs again.

use axum::extract::State;
use domain::rights::OperatorRole;
use http::StatusCode;
use http_kit::{ApiPath, By, HttpKit, Problem};
use services::caller::OperatorCaller;
use services::jobs::retry_job;

use super::list_jobs::job_of;
use crate::problem::ApiResult;

/// Run a dead letter again
///
/// For an admin: the job gets all its attempts again and is due at once.
#[utoipa::path(
    post, path = "/admin/jobs/{id}/retry", operation_id = "admin_retry_job", tag = "admin",
    params(("id" = String, Path, description = "The job", max_length = 100, pattern = "^[A-Za-z0-9_-]+$")),
    responses((status = 204, description = "It will run")),
    extensions(("x-problems" = json!(["conflict"]))),
)]
pub async fn retry(
    State(kit): State<HttpKit>,
    By(operator): By<OperatorCaller>,
    ApiPath(id): ApiPath<String>,
) -> ApiResult<StatusCode> {
    operator.require(OperatorRole::Admin)?;
    let job = job_of(&kit, &id).ok_or_else(Problem::not_found)?;
    retry_job(kit.services(), &operator, job).await?;
    Ok(StatusCode::NO_CONTENT)
}
