//! POST /auth/totp: enrols an authenticator that makes codes, in two calls.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_kit::{ApiJson, By};
use serde::{Deserialize, Serialize};
use services::auth::factors::{begin_authenticator, confirm_authenticator};
use services::caller::Person;
use services::context::Context;
use utoipa::ToSchema;

use crate::problem::ApiResult;

/// Nothing, to begin; the first code, to end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTotp {
    /// The code that the authenticator shows.
    #[schema(
        min_length = 6,
        max_length = 6,
        pattern = "^[0-9]{6}$",
        example = "012345"
    )]
    code: Option<String>,
}

/// What the authenticator has to know. It is shown once.
#[derive(Serialize, ToSchema)]
pub struct TotpSecret {
    /// The secret in base 32, for typing in.
    #[schema(max_length = 64, pattern = "^[A-Z2-7]+$", example = "JBSWY3DPEHPK3PXP")]
    pub secret: String,
    /// The same for a QR code.
    #[schema(
        max_length = 1000,
        pattern = "^otpauth://totp/",
        example = "otpauth://totp/Own%20Circle:me?secret=JBSWY3DPEHPK3PXP&issuer=Own%20Circle"
    )]
    pub otpauth_uri: String,
}

/// Enrol an authenticator
///
/// Two calls: `{}` answers the secret, once; it counts after its first code came with the second. Together with a password it is a second
/// factor; together with a code by text message it is none. Who may enrol: as for passkeys.
#[utoipa::path(
    post, path = "/auth/totp", operation_id = "auth_enrol_totp", tag = "auth",
    security(("member" = [])),
    request_body = NewTotp,
    responses(
        (status = 202, description = "What the authenticator has to know", body = TotpSecret),
        (status = 204, description = "Enrolled"),
    ),
    extensions(("x-problems" = json!(["step_up_required", "enrolment_code_required", "factor_does_not_fit", "account_locked"]))),
)]
pub async fn enrol(
    State(ctx): State<Context>,
    By(person): By<Person>,
    ApiJson(request): ApiJson<NewTotp>,
) -> ApiResult<Response> {
    if let Some(code) = request.code {
        confirm_authenticator(&ctx, &person, code).await?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let new = begin_authenticator(&ctx, &person).await?;
    let answer = TotpSecret {
        secret: new.secret,
        otpauth_uri: new.otpauth_uri,
    };
    Ok((StatusCode::ACCEPTED, Json(answer)).into_response())
}
