//! POST /users/me/phone/otp: asks for a code that shows that a new phone is the caller's.

use axum::Json;
use axum::extract::State;
use domain::people::Locale;
use http::StatusCode;
use http_kit::{ApiJson, Fresh};
use serde::Deserialize;
use services::auth::change_phone::request_phone_code;
use services::auth::request_code::RequestCode;
use services::caller::MemberCaller;
use services::context::Context;
use utoipa::ToSchema;

use crate::auth::asker::Asker;
use crate::auth::request_code::CodeChallenge;
use crate::problem::ApiResult;
use crate::wire;

/// The new phone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhoneCodeRequest {
    /// The mobile phone, with its calling code or as it is dialled in the programme's country.
    #[schema(
        max_length = 40,
        pattern = r"^\+?[0-9][0-9 ().-]{4,38}$",
        example = "+79161234568"
    )]
    phone: String,
    /// The language of the message; Russian when left out.
    #[schema(value_type = Option<wire::Locale>)]
    locale: Option<Locale>,
}

/// Ask for a code for my new phone
///
/// For whoever signed in at most five minutes ago. Sends a code to the new number; the answer does not tell whether that belongs
/// to a member.
#[utoipa::path(
    post, path = "/users/me/phone/otp", operation_id = "users_request_phone_code", tag = "users",
    request_body = PhoneCodeRequest,
    responses((status = 202, description = "The code is on its way", body = CodeChallenge)),
    extensions(("x-problems" = json!(["step_up_required", "mfa_required", "phone_not_accepted", "code_already_sent", "unavailable"]))),
)]
pub async fn ask(
    State(ctx): State<Context>,
    Fresh(_member): Fresh<MemberCaller>,
    Asker(origin): Asker,
    ApiJson(request): ApiJson<PhoneCodeRequest>,
) -> ApiResult<(StatusCode, Json<CodeChallenge>)> {
    let input = RequestCode {
        phone: wire::phone(&ctx, &request.phone, "/phone")?,
        locale: request.locale.unwrap_or(Locale::Ru),
        origin,
    };
    let challenge = request_phone_code(&ctx, input).await?;
    Ok((StatusCode::ACCEPTED, Json(challenge.into())))
}
