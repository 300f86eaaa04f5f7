//! PUT /admin/settings: changes the programme's settings.

use axum::extract::State;
use http_kit::etag::{IfMatch, IfMatchRequiredHeader};
use http_kit::{ApiJson, By, Problem, ProblemCode};
use services::caller::OperatorCaller;
use services::context::Context;
use services::programme::{ChangeProgramme, change};

use super::settings_model::{Settings, VersionedSettings};
use crate::problem::ApiResult;

/// Change the settings of the programme
///
/// For an admin: all settings at once, as they are to be from now on. `If-Match` names the version that was read. Other nodes of the
/// service follow within five seconds.
#[utoipa::path(
    put, path = "/admin/settings", operation_id = "admin_set_settings", tag = "admin",
    params(IfMatchRequiredHeader),
    request_body = Settings,
    responses((status = 200, description = "The settings as they are now", body = VersionedSettings)),
    extensions(("x-problems" = json!(["precondition_failed", "precondition_required", "setting_locked"]))),
)]
pub async fn set_settings(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    seen: IfMatch,
    ApiJson(settings): ApiJson<Settings>,
) -> ApiResult<VersionedSettings> {
    let input = ChangeProgramme {
        // Settings are not changed without having read them, so `*` does not do.
        version: seen.expected()?.ok_or(ProblemCode::PreconditionFailed)?,
        settings: settings.read().map_err(Problem::invalid_fields)?,
    };
    let programme = change(&ctx, &operator, input).await?;
    Ok(VersionedSettings::from(programme.as_ref()))
}
