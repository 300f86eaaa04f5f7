//! POST /loyalty/adjustments/{id}/approve: the second person's yes.

use axum::extract::State;
use axum::response::Response;
use domain::ids::AdjustmentId;
use http_kit::idempotency::{IdempotencyKeyHeader, replayable};
use http_kit::{ApiPath, Fresh, IdempotentJson};
use services::caller::OperatorCaller;
use services::context::Context;
use services::loyalty::adjustments::{Decision, approve};

use super::model::{Adjustment, DecisionIn, decided};
use crate::problem::ApiResult;

/// Approve an adjustment
///
/// For an admin who signed in at most five minutes ago and is neither the author nor the member. The points are given or taken
/// now; what was asked for can't be changed.
#[utoipa::path(
    post, path = "/loyalty/adjustments/{id}/approve", operation_id = "loyalty_approve_adjustment", tag = "loyalty",
    params(("id" = Uuid, Path, description = "The adjustment"), IdempotencyKeyHeader),
    request_body = DecisionIn,
    responses((status = 200, description = "Done", body = Adjustment)),
    extensions(("x-problems" = json!(["idempotency_key_required", "invalid_idempotency_key", "idempotency_key_reused", "idempotency_in_flight", "step_up_required", "second_person_required", "already_decided", "own_account", "not_enough_points", "overflow"]))),
)]
pub async fn yes(
    State(ctx): State<Context>,
    Fresh(operator): Fresh<OperatorCaller>,
    ApiPath(adjustment): ApiPath<AdjustmentId>,
    body: IdempotentJson<DecisionIn>,
) -> ApiResult<Response> {
    let (said, key) = body.named(operator.member.as_uuid(), "adjustments.approve");
    let key = key.within(adjustment.as_uuid());
    let decision = Decision {
        adjustment,
        note: said.read()?,
    };
    let answered = approve(&ctx, &operator, decision, key, decided).await?;
    Ok(replayable(answered))
}
