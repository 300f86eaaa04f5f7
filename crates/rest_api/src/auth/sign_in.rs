//! POST /auth/token: a code for tokens.

use axum::extract::State;
use domain::ids::ChallengeId;
use domain::text::Text;
use http_kit::ApiJson;
use serde::Deserialize;
use services::auth::sign_in::{SignIn, sign_in};
use services::context::Context;
use utoipa::ToSchema;

use super::tokens::TokenAnswer;
use crate::problem::ApiResult;
use crate::wire;

/// The code that came.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// The phone that the code was sent to.
    #[schema(
        max_length = 40,
        pattern = r"^\+?[0-9][0-9 ().-]{4,38}$",
        example = "+79161234567"
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
    /// What you call the device, for the list of sign-ins.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "My phone")]
    device: Option<Text<100>>,
}

/// Sign in with a code
///
/// Gives an access token for ten minutes and a refresh token. A wrong code counts against the phone, also after a new one was sent.
#[utoipa::path(
    post, path = "/auth/token", operation_id = "auth_sign_in", tag = "auth",
    request_body = SignInRequest,
    responses((status = 200, description = "Signed in", body = TokenAnswer)),
    extensions(("x-problems" = json!(["sign_in_failed", "account_locked", "member_blocked"]))),
)]
pub async fn enter(
    State(ctx): State<Context>,
    ApiJson(request): ApiJson<SignInRequest>,
) -> ApiResult<TokenAnswer> {
    let input = SignIn {
        phone: wire::phone(&ctx, &request.phone, "/phone")?,
        challenge: request.challenge_id,
        code: request.code,
        device: request.device,
    };
    Ok(sign_in(&ctx, input).await?.into())
}
