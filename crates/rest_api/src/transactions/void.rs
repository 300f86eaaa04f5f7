//! POST /transactions/{id}/void: undoes today's purchase.

use axum::extract::State;
use axum::response::Response;
use domain::ids::PurchaseId;
use domain::loyalty::refund::RefundRequest;
use http_kit::idempotency::{IdempotencyKeyHeader, replayable};
use http_kit::{ApiPath, By, IdempotentJson};
use serde::Deserialize;
use services::caller::TillCaller;
use services::context::Context;
use services::loyalty::refund_purchase::{RefundOrder, refund_purchase};
use utoipa::ToSchema;

use super::model::Refund;
use super::refund::render;
use crate::problem::ApiResult;

/// Why a purchase is undone.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidIn {
    /// Why. People's names don't belong here: it stays in the books.
    #[serde(default)]
    #[schema(max_length = 500, example = "Entered twice")]
    reason: String,
}

/// Void a purchase
///
/// A full refund on the day of the purchase, in the programme's time zone.
#[utoipa::path(
    post, path = "/transactions/{id}/void", operation_id = "transactions_void", tag = "transactions",
    params(("id" = Uuid, Path, description = "The purchase"), IdempotencyKeyHeader),
    request_body = VoidIn,
    responses((status = 201, description = "Undone", body = Refund)),
    extensions(("x-problems" = json!(["idempotency_key_required", "invalid_idempotency_key", "idempotency_key_reused", "idempotency_in_flight", "own_account", "void_too_late", "already_refunded", "overflow"]))),
)]
pub async fn void(
    State(ctx): State<Context>,
    By(till): By<TillCaller>,
    ApiPath(id): ApiPath<PurchaseId>,
    body: IdempotentJson<VoidIn>,
) -> ApiResult<Response> {
    let (void, key) = body.named(till.principal_id(), "transactions.void");
    let order = RefundOrder {
        purchase: id,
        receipt_number: None,
        request: RefundRequest::Everything,
        is_void: true,
        reason: void.reason,
    };
    let answered = refund_purchase(&ctx, &till, order, key.within(id.as_uuid()), render).await?;
    Ok(replayable(answered))
}
