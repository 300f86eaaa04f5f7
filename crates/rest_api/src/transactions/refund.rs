//! POST /transactions/{id}/refunds: gives a purchase back, in whole or in part.

use axum::extract::State;
use axum::response::Response;
use domain::ids::PurchaseId;
use domain::loyalty::refund::RefundRequest;
use domain::money::Money;
use domain::text::Text;
use http_kit::idempotency::{IdempotencyKeyHeader, replayable};
use http_kit::problem::FieldError;
use http_kit::{ApiPath, By, IdempotentJson, Problem};
use serde::Deserialize;
use services::caller::TillCaller;
use services::context::Context;
use services::idempotency::Answer;
use services::loyalty::refund_purchase::{RefundOrder, Refunded, refund_purchase};
use utoipa::ToSchema;

use super::model::Refund;
use crate::problem::ApiResult;

/// What is to be given back: `lines`, or an `amount` spread over all lines, or all that is left when neither is named.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "receipt_number": "R-000017", "amount": 15_000, "reason": "Wrong size" }))]
pub struct RefundIn {
    /// The refund's own receipt, if the till prints one; unique for ever among the refunds of the business.
    #[schema(min_length = 1, max_length = 100, example = "R-000017")]
    receipt_number: Option<String>,
    /// These lines.
    #[schema(min_items = 1, max_items = 500)]
    lines: Option<Vec<RefundLineIn>>,
    /// So much of the bill, in hundredths of the currency.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, example = 15_000)]
    amount: Option<i64>,
    /// Why. People's names don't belong here: it stays in the books.
    #[serde(default)]
    #[schema(max_length = 500, example = "Wrong size")]
    reason: String,
}

/// A line that is given back.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundLineIn {
    /// Its number on the receipt, from 1.
    #[schema(minimum = 1, maximum = 500, example = 1)]
    line: i16,
    /// So much of it; all that is left when left out.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, example = 15_000)]
    amount: Option<i64>,
}

/// Refund a purchase
///
/// Takes back what the refunded part earned and gives the points that paid it back to their lots. Any number of partial refunds ends exactly where one full refund does.
#[utoipa::path(
    post, path = "/transactions/{id}/refunds", operation_id = "transactions_refund", tag = "transactions",
    params(("id" = Uuid, Path, description = "The purchase"), IdempotencyKeyHeader),
    request_body = RefundIn,
    responses((status = 201, description = "Refunded", body = Refund)),
    extensions(("x-problems" = json!(["idempotency_key_required", "invalid_idempotency_key", "idempotency_key_reused", "idempotency_in_flight", "own_account", "receipt_already_posted", "refund_exceeds_sale", "unknown_line", "already_refunded", "overflow"]))),
)]
pub async fn refund(
    State(ctx): State<Context>,
    By(till): By<TillCaller>,
    ApiPath(id): ApiPath<PurchaseId>,
    body: IdempotentJson<RefundIn>,
) -> ApiResult<Response> {
    let (refund, key) = body.named(till.principal_id(), "transactions.refund");
    // The purchase stands in the address and not in the body: it belongs to what the key names.
    let key = key.within(id.as_uuid());
    let order = order(id, refund).map_err(Problem::invalid_fields)?;
    let answered = refund_purchase(&ctx, &till, order, key, render).await?;
    Ok(replayable(answered))
}

fn order(id: PurchaseId, refund: RefundIn) -> Result<RefundOrder, Vec<FieldError>> {
    let wrong = |pointer: &str, code: &'static str, detail: String| {
        vec![FieldError {
            pointer: pointer.to_owned(),
            code: code.into(),
            detail,
        }]
    };
    let request = match (refund.lines, refund.amount) {
        (Some(_), Some(_)) => {
            let detail = "either lines or an amount".to_owned();
            return Err(wrong("/amount", "not_allowed", detail));
        }
        (Some(lines), None) => RefundRequest::Lines(
            lines
                .into_iter()
                .map(|line| (line.line, line.amount.map(Money::from_hundredths)))
                .collect(),
        ),
        (None, Some(amount)) => RefundRequest::Amount(Money::from_hundredths(amount)),
        (None, None) => RefundRequest::Everything,
    };
    let receipt_number = refund
        .receipt_number
        .map(|number| Text::<100>::new(&number).map(Text::into_string))
        .transpose()
        .map_err(|error| wrong("/receipt_number", "bad_format", error.to_string()))?;
    Ok(RefundOrder {
        purchase: id,
        receipt_number,
        request,
        is_void: false,
        reason: refund.reason,
    })
}

pub(super) fn render(refunded: &Refunded) -> Answer {
    let refund = Refund::from(refunded.refund.clone());
    Answer {
        status: 201,
        location: Some(format!("/api/v1/transactions/{}", refund.transaction_id)),
        body: serde_json::to_vec(&refund).expect("a refund is plain JSON"),
    }
}
