//! DELETE /auth/totp: removes the caller's authenticator.

use axum::extract::State;
use http::StatusCode;
use http_kit::By;
use services::auth::factors::remove_authenticator;
use services::caller::Person;
use services::context::Context;

use crate::problem::ApiResult;

/// Remove the authenticator
///
/// Its codes are worth nothing from now on, and the other sign-ins of the person end. Somebody with a role keeps one second factor.
#[utoipa::path(
    delete, path = "/auth/totp", operation_id = "auth_remove_totp", tag = "auth",
    security(("member" = [])),
    responses((status = 204, description = "Removed")),
    extensions(("x-problems" = json!(["step_up_required", "last_factor", "not_found"]))),
)]
pub async fn remove(State(ctx): State<Context>, By(person): By<Person>) -> ApiResult<StatusCode> {
    remove_authenticator(&ctx, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}
