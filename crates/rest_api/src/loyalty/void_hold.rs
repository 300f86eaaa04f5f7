//! POST /loyalty/holds/{id}/void: gives the points of a hold back.

use axum::extract::State;
use axum::response::Response;
use domain::ids::HoldId;
use http_kit::idempotency::{IdempotencyKeyHeader, replayable};
use http_kit::{ApiPath, By, IdempotentJson};
use serde::Deserialize;
use services::caller::TillCaller;
use services::context::Context;
use services::loyalty::holds::void_hold;
use utoipa::ToSchema;

use super::hold_model::{Hold, ended};
use crate::problem::ApiResult;

/// Nothing needs to be said.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidHoldIn {}

/// Void a hold
///
/// The points go back to their lots.
#[utoipa::path(
    post, path = "/loyalty/holds/{id}/void", operation_id = "loyalty_void_hold", tag = "loyalty",
    params(("id" = Uuid, Path, description = "The hold"), IdempotencyKeyHeader),
    request_body = VoidHoldIn,
    responses((status = 200, description = "Given back", body = Hold)),
    extensions(("x-problems" = json!(["idempotency_key_required", "invalid_idempotency_key", "idempotency_key_reused", "idempotency_in_flight", "own_account", "hold_not_open"]))),
)]
pub async fn void(
    State(ctx): State<Context>,
    By(till): By<TillCaller>,
    ApiPath(id): ApiPath<HoldId>,
    body: IdempotentJson<VoidHoldIn>,
) -> ApiResult<Response> {
    let (VoidHoldIn {}, key) = body.named(till.principal_id(), "holds.void");
    Ok(replayable(
        void_hold(&ctx, &till, id, key.within(id.as_uuid()), ended).await?,
    ))
}
