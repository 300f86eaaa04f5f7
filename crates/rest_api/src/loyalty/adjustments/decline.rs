//! POST /loyalty/adjustments/{id}/decline: the second person's no.

use axum::extract::State;
use axum::response::Response;
use domain::ids::AdjustmentId;
use http_kit::idempotency::{IdempotencyKeyHeader, replayable};
use http_kit::{ApiPath, By, IdempotentJson};
use services::caller::OperatorCaller;
use services::context::Context;
use services::loyalty::adjustments::{Decision, decline};

use super::model::{Adjustment, DecisionIn, decided};
use crate::problem::ApiResult;

/// Decline an adjustment
///
/// For an admin, and for the author, who takes it back. Nothing is given or taken.
#[utoipa::path(
    post, path = "/loyalty/adjustments/{id}/decline", operation_id = "loyalty_decline_adjustment", tag = "loyalty",
    params(("id" = Uuid, Path, description = "The adjustment"), IdempotencyKeyHeader),
    request_body = DecisionIn,
    responses((status = 200, description = "Declined", body = Adjustment)),
    extensions(("x-problems" = json!(["idempotency_key_required", "invalid_idempotency_key", "idempotency_key_reused", "idempotency_in_flight", "second_person_required", "already_decided"]))),
)]
pub async fn no(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiPath(adjustment): ApiPath<AdjustmentId>,
    body: IdempotentJson<DecisionIn>,
) -> ApiResult<Response> {
    let (said, key) = body.named(operator.member.as_uuid(), "adjustments.decline");
    let key = key.within(adjustment.as_uuid());
    let decision = Decision {
        adjustment,
        note: said.read()?,
    };
    let answered = decline(&ctx, &operator, decision, key, decided).await?;
    Ok(replayable(answered))
}
