//! GET /auth/passkeys: the caller's passkeys.

use axum::Json;
use axum::extract::State;
use http_kit::By;
use serde::Serialize;
use services::auth::factors::list_passkeys;
use services::caller::MemberCaller;
use services::context::Context;
use utoipa::ToSchema;

use super::passkey_model::Passkey;
use crate::problem::ApiResult;

/// The caller's passkeys.
#[derive(Serialize, ToSchema)]
pub struct Passkeys {
    /// The passkeys, oldest first.
    #[schema(max_items = 100)]
    pub items: Vec<Passkey>,
}

/// My passkeys
///
/// All of them, oldest first, so that one that was lost can be found and removed.
#[utoipa::path(
    get, path = "/auth/passkeys", operation_id = "auth_list_passkeys", tag = "auth",
    security(("member" = [])),
    responses((status = 200, description = "The passkeys", body = Passkeys)),
)]
pub async fn passkeys(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
) -> ApiResult<Json<Passkeys>> {
    let views = list_passkeys(&ctx, &member).await?;
    Ok(Json(Passkeys {
        items: views.into_iter().map(Into::into).collect(),
    }))
}
