//! DELETE /auth/passkeys/{id}: removes one of the caller's passkeys.

use axum::extract::State;
use domain::ids::PasskeyId;
use http::StatusCode;
use http_kit::{ApiPath, By};
use services::auth::factors::remove_passkey;
use services::caller::Person;
use services::context::Context;

use crate::problem::ApiResult;

/// Remove a passkey
///
/// Nobody signs in with it any more, and the other sign-ins of the person end. Somebody with a role keeps one second factor.
#[utoipa::path(
    delete, path = "/auth/passkeys/{id}", operation_id = "auth_remove_passkey", tag = "auth",
    security(("member" = [])),
    params(("id" = Uuid, Path, description = "The passkey")),
    responses((status = 204, description = "Removed")),
    extensions(("x-problems" = json!(["step_up_required", "last_factor"]))),
)]
pub async fn remove(
    State(ctx): State<Context>,
    By(person): By<Person>,
    ApiPath(passkey): ApiPath<PasskeyId>,
) -> ApiResult<StatusCode> {
    remove_passkey(&ctx, &person, passkey).await?;
    Ok(StatusCode::NO_CONTENT)
}
