//! PUT /auth/password: sets or changes the caller's password.

use axum::extract::State;
use http::StatusCode;
use http_kit::{ApiJson, By};
use serde::Deserialize;
use services::auth::factors::set_password;
use services::caller::Person;
use services::context::Context;
use utoipa::ToSchema;

use crate::problem::ApiResult;

/// The password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// Any characters, spaces too; none that is guessed soon.
    #[schema(
        min_length = 8,
        max_length = 256,
        pattern = "^[^\\u0000]+$",
        example = "зелёный слон пьёт кефир"
    )]
    password: String,
}

/// Set my password
///
/// It signs in together with an authenticator's code, never alone. The other sign-ins of the person end. Who may set it: as for passkeys.
#[utoipa::path(
    put, path = "/auth/password", operation_id = "auth_set_password", tag = "auth",
    security(("member" = [])),
    request_body = NewPassword,
    responses((status = 204, description = "Set")),
    extensions(("x-problems" = json!(["step_up_required", "enrolment_code_required"]))),
)]
pub async fn set(
    State(ctx): State<Context>,
    By(person): By<Person>,
    ApiJson(request): ApiJson<NewPassword>,
) -> ApiResult<StatusCode> {
    set_password(&ctx, &person, request.password).await?;
    Ok(StatusCode::NO_CONTENT)
}
