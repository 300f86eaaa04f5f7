//! POST /auth/otp: asks for a one-time code by text message.

use axum::Json;
use axum::extract::State;
use domain::people::Locale;
use domain::text::Text;
use http::StatusCode;
use http_kit::ApiJson;
use serde::{Deserialize, Serialize};
use services::auth::origin::Origin;
use services::auth::request_code::{Challenge, RequestCode, request_code};
use services::context::Context;
use utoipa::ToSchema;
use uuid::Uuid;

use super::asker::Asker;
use crate::problem::ApiResult;
use crate::wire;

/// Whom to send a code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    /// The mobile phone, with its calling code or as it is dialled in the programme's country.
    #[schema(
        max_length = 40,
        pattern = r"^\+?[0-9][0-9 ().-]{4,38}$",
        example = "+79161234567"
    )]
    phone: String,
    /// The language of the message; Russian when left out.
    #[schema(value_type = Option<wire::Locale>)]
    locale: Option<Locale>,
    /// A random name that the program keeps for its device.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "7f2d9c1e")]
    device_id: Option<Text<64>>,
}

/// A code is on its way.
#[derive(Serialize, ToSchema)]
pub struct CodeChallenge {
    /// Names the code when it comes back.
    pub challenge_id: Uuid,
    /// Seconds for which the code is valid.
    #[schema(value_type = i32, minimum = 1, maximum = 3600, example = 300)]
    pub expires_in: u32,
    /// Seconds after which another may be asked for.
    #[schema(value_type = i32, minimum = 1, maximum = 3600, example = 60)]
    pub resend_after: u32,
}

impl From<Challenge> for CodeChallenge {
    fn from(challenge: Challenge) -> Self {
        Self {
            challenge_id: challenge.id.as_uuid(),
            expires_in: challenge.expires_in,
            resend_after: challenge.resend_after,
        }
    }
}

/// Ask for a one-time code
///
/// Sends a code of six digits by text message. The answer does not tell whether the phone belongs to a member; whoever signs
/// in for the first time joins the programme and finds the points that waited for the phone.
#[utoipa::path(
    post, path = "/auth/otp", operation_id = "auth_request_code", tag = "auth",
    request_body = CodeRequest,
    responses((status = 202, description = "The code is on its way", body = CodeChallenge)),
    extensions(("x-problems" = json!(["phone_not_accepted", "code_already_sent", "unavailable"]))),
)]
pub async fn ask(
    State(ctx): State<Context>,
    Asker(origin): Asker,
    ApiJson(request): ApiJson<CodeRequest>,
) -> ApiResult<(StatusCode, Json<CodeChallenge>)> {
    let input = RequestCode {
        phone: wire::phone(&ctx, &request.phone, "/phone")?,
        locale: request.locale.unwrap_or(Locale::Ru),
        origin: Origin {
            device: request.device_id,
            ..origin
        },
    };
    let challenge = request_code(&ctx, input).await?;
    Ok((StatusCode::ACCEPTED, Json(challenge.into())))
}
