//! PUT /users/me/phone: gives the caller's account another phone.

use axum::extract::State;
use domain::ids::ChallengeId;
use http_kit::{ApiJson, Fresh};
use serde::Deserialize;
use services::auth::change_phone::{ChangePhone, change_phone};
use services::caller::MemberCaller;
use services::context::Context;
use services::members::profile;
use utoipa::ToSchema;

use super::model::Profile;
use crate::problem::ApiResult;
use crate::wire;

/// The code of the new phone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhoneChange {
    /// The new phone, to which the code was sent.
    #[schema(
        max_length = 40,
        pattern = r"^\+?[0-9][0-9 ().-]{4,38}$",
        example = "+79161234568"
    )]
    phone: String,
    /// The `challenge_id` of the answer that announced the code.
    #[schema(value_type = Uuid)]
    challenge_id: ChallengeId,
    /// The code.
    #[schema(
        min_length = 6,
        max_length = 6,
        pattern = "^[0-9]{6}$",
        example = "012345"
    )]
    code: String,
}

/// Change my phone
///
/// For whoever signed in at most five minutes ago. From now on the new number signs in. The old one is told, all other sign-ins
/// end, and for 24 hours points are earned and not spent.
#[utoipa::path(
    put, path = "/users/me/phone", operation_id = "users_change_phone", tag = "users",
    request_body = PhoneChange,
    responses((status = 200, description = "The profile as it is now", body = Profile)),
    extensions(("x-problems" = json!(["step_up_required", "mfa_required", "sign_in_failed", "account_locked", "same_phone", "phone_taken"]))),
)]
pub async fn change(
    State(ctx): State<Context>,
    Fresh(member): Fresh<MemberCaller>,
    ApiJson(request): ApiJson<PhoneChange>,
) -> ApiResult<Profile> {
    let input = ChangePhone {
        phone: wire::phone(&ctx, &request.phone, "/phone")?,
        challenge: request.challenge_id,
        code: request.code,
    };
    change_phone(&ctx, &member, input).await?;
    Ok(profile(&ctx, &member).await?.into())
}
