//! DELETE /businesses/{id}/keys/{key_id}: revokes an integration key.

use axum::extract::State;
use domain::ids::{BusinessId, KeyId};
use http::StatusCode;
use http_kit::{ApiPath, By};
use services::auth::integration_keys::revoke;
use services::caller::StaffCaller;
use services::context::Context;

use crate::problem::ApiResult;

/// Revoke an integration key
///
/// For its owner. The key is worth nothing at once, on other nodes of the service within five seconds.
#[utoipa::path(
    delete, path = "/businesses/{id}/keys/{key_id}", operation_id = "businesses_revoke_key", tag = "businesses",
    params(
        ("id" = Uuid, Path, description = "The business"),
        ("key_id" = Uuid, Path, description = "The key"),
    ),
    responses((status = 204, description = "Revoked")),
)]
pub async fn revoke_key(
    State(ctx): State<Context>,
    By(staff): By<StaffCaller>,
    ApiPath((business, key)): ApiPath<(BusinessId, KeyId)>,
) -> ApiResult<StatusCode> {
    revoke(&ctx, &staff, business, key).await?;
    Ok(StatusCode::NO_CONTENT)
}
