//! POST /admin/members/{id}/factors/reset: lets somebody in again who lost every second factor.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::ids::MemberId;
use http_kit::{ApiPath, By};
use serde::Serialize;
use services::auth::factors::reset_factors;
use services::caller::OperatorCaller;
use services::context::Context;
use utoipa::ToSchema;

use crate::problem::ApiResult;

/// A code for enrolling a second factor. It is shown once.
#[derive(Serialize, ToSchema)]
pub struct EnrolmentCode {
    /// Good once, together with a code by text message.
    #[schema(
        max_length = 19,
        pattern = "^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$",
        example = "0000-1111-2222-3333"
    )]
    pub code: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
}

/// Reset the second factors of a member
///
/// For admins, and never for oneself. Passkeys, password, authenticator and recovery codes are removed, every sign-in of the person ends,
/// and wrong codes of the past are forgiven. Hand the code over on another way than by phone: with it and a code by text message the
/// person signs in and enrols anew, and without it nobody does.
#[utoipa::path(
    post, path = "/admin/members/{id}/factors/reset", operation_id = "admin_reset_factors", tag = "admin",
    params(("id" = Uuid, Path, description = "The member")),
    responses((status = 200, description = "Reset", body = EnrolmentCode)),
    extensions(("x-problems" = json!(["step_up_required", "own_account"]))),
)]
pub async fn reset(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiPath(member): ApiPath<MemberId>,
) -> ApiResult<Json<EnrolmentCode>> {
    let handed_out = reset_factors(&ctx, &operator, member).await?;
    Ok(Json(EnrolmentCode {
        code: handed_out.code.reveal(),
        expires_at: handed_out.until,
    }))
}
