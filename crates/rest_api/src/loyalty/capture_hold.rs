//! POST /loyalty/holds/{id}/capture: takes the points of a hold, or less.

use axum::extract::State;
use axum::response::Response;
use domain::ids::HoldId;
use domain::money::Points;
use http_kit::idempotency::{IdempotencyKeyHeader, replayable};
use http_kit::{ApiPath, By, IdempotentJson};
use serde::Deserialize;
use services::caller::TillCaller;
use services::context::Context;
use services::loyalty::holds::capture_hold;
use utoipa::ToSchema;

use super::hold_model::{Hold, ended};
use crate::problem::ApiResult;

/// How much of a hold is taken.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureIn {
    /// So many points, in hundredths; all of the hold when left out. The rest goes back.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, example = 5_000)]
    points: Option<i64>,
}

/// Capture a hold
///
/// For a checkout that posts its purchase later, naming the hold. A purchase can also capture it in the same step.
#[utoipa::path(
    post, path = "/loyalty/holds/{id}/capture", operation_id = "loyalty_capture_hold", tag = "loyalty",
    params(("id" = Uuid, Path, description = "The hold"), IdempotencyKeyHeader),
    request_body = CaptureIn,
    responses((status = 200, description = "Taken", body = Hold)),
    extensions(("x-problems" = json!(["idempotency_key_required", "invalid_idempotency_key", "idempotency_key_reused", "idempotency_in_flight", "own_account", "hold_not_open", "capture_exceeds_hold"]))),
)]
pub async fn capture(
    State(ctx): State<Context>,
    By(till): By<TillCaller>,
    ApiPath(id): ApiPath<HoldId>,
    body: IdempotentJson<CaptureIn>,
) -> ApiResult<Response> {
    let (capture, key) = body.named(till.principal_id(), "holds.capture");
    let points = capture.points.map(Points::from_hundredths);
    let key = key.within(id.as_uuid());
    Ok(replayable(
        capture_hold(&ctx, &till, id, points, key, ended).await?,
    ))
}
