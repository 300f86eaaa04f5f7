//! GET /admin/settings: the programme's settings.

use axum::extract::State;
use domain::rights::OperatorRole;
use http_kit::By;
use services::caller::OperatorCaller;
use services::context::Context;
use services::programme::current;

use super::settings_model::VersionedSettings;
use crate::problem::ApiResult;

/// The settings of the programme
///
/// For an admin. The `ETag` is what a change needs as `If-Match`.
#[utoipa::path(
    get, path = "/admin/settings", operation_id = "admin_get_settings", tag = "admin",
    responses((status = 200, description = "The settings", body = VersionedSettings)),
    extensions(("x-versioned" = json!(true))),
)]
pub async fn settings(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
) -> ApiResult<VersionedSettings> {
    operator.require(OperatorRole::Admin)?;
    Ok(VersionedSettings::from(current(&ctx).await?.as_ref()))
}
