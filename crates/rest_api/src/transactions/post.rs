//! POST /transactions: posts a purchase.

use axum::extract::State;
use axum::response::Response;
use http_kit::idempotency::{IdempotencyKeyHeader, replayable};
use http_kit::{By, IdempotentJson, Problem};
use services::caller::TillCaller;
use services::context::Context;
use services::idempotency::Answer;
use services::loyalty::post_purchase::post_purchase;
use services::loyalty::posting::PurchaseRow;

use super::model::Transaction;
use super::request::PurchaseIn;
use crate::problem::ApiResult;

/// Post a purchase
///
/// Takes the points that pay, gives the points that are earned, lifts the tier: all of it or nothing. The answer explains itself.
/// The same request under the same key has its effect once; a receipt number belongs to one purchase for ever.
#[utoipa::path(
    post, path = "/transactions", operation_id = "transactions_post", tag = "transactions",
    params(IdempotencyKeyHeader),
    request_body = PurchaseIn,
    responses((status = 201, description = "Posted", body = Transaction)),
    extensions(("x-problems" = json!(super::problems()))),
)]
pub async fn post(
    State(ctx): State<Context>,
    By(till): By<TillCaller>,
    body: IdempotentJson<PurchaseIn>,
) -> ApiResult<Response> {
    let (purchase, key) = body.named(till.principal_id(), "transactions.post");
    let request = purchase
        .into_request(&ctx)
        .map_err(Problem::invalid_fields)?;
    let answered = post_purchase(&ctx, &till, request, key, render).await?;
    Ok(replayable(answered))
}

/// The answer for a posted purchase, also where it is one of a batch.
pub(super) fn render(purchase: &PurchaseRow) -> Answer {
    let transaction = Transaction::new(purchase.clone(), Vec::new());
    Answer {
        status: 201,
        location: Some(format!("/api/v1/transactions/{}", transaction.id)),
        body: serde_json::to_vec(&transaction).expect("a transaction is plain JSON"),
    }
}
