//! POST /loyalty/holds: sets points aside for a checkout.

use axum::extract::State;
use axum::response::Response;
use domain::ids::BusinessId;
use domain::money::Points;
use domain::text::Text;
use http_kit::idempotency::{IdempotencyKeyHeader, replayable};
use http_kit::problem::FieldError;
use http_kit::{By, IdempotentJson, Problem};
use serde::Deserialize;
use services::caller::TillCaller;
use services::context::Context;
use services::loyalty::holds::{HoldOrder, make_hold};
use utoipa::ToSchema;
use uuid::Uuid;

use super::hold_model::{Hold, made};
use crate::problem::ApiResult;
use crate::transactions::request::MemberIn;

/// Points to be set aside.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldIn {
    /// The business; needed only by a person who works at several.
    business_id: Option<Uuid>,
    /// Your name for the hold, unique within the business.
    #[schema(min_length = 1, max_length = 100, example = "order-4711")]
    reference: String,
    /// Whose points. Spending needs the rotating code, unless the business lifts this for small amounts.
    member: MemberIn,
    /// How many, in hundredths of a point.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, example = 5_000)]
    points: i64,
    /// How many minutes it lasts; as the programme has it when left out.
    #[schema(minimum = 1, maximum = 1440, example = 15)]
    minutes: Option<u32>,
}

/// Hold points
///
/// The points are out of reach for others until they are captured, voided, or their time is over; then they go back by themselves.
#[utoipa::path(
    post, path = "/loyalty/holds", operation_id = "loyalty_make_hold", tag = "loyalty",
    params(IdempotencyKeyHeader),
    request_body = HoldIn,
    responses((status = 201, description = "Set aside", body = Hold)),
    extensions(("x-problems" = json!(["idempotency_key_required", "invalid_idempotency_key", "idempotency_key_reused", "idempotency_in_flight", "own_account", "business_suspended", "unknown_member", "invalid_member_code", "member_blocked", "member_not_joined", "proof_required", "not_enough_points", "hold_reference_used", "overflow"]))),
)]
pub async fn make(
    State(ctx): State<Context>,
    By(till): By<TillCaller>,
    body: IdempotentJson<HoldIn>,
) -> ApiResult<Response> {
    let (hold, key) = body.named(till.principal_id(), "holds.make");
    let reference = Text::<100>::new(&hold.reference)
        .map(Text::into_string)
        .map_err(|error| {
            Problem::invalid_fields(vec![FieldError {
                pointer: "/reference".to_owned(),
                code: "bad_format".into(),
                detail: error.to_string(),
            }])
        })?;
    let order = HoldOrder {
        business: hold.business_id.map(BusinessId::from),
        reference,
        member: hold
            .member
            .reference(&ctx, "/member")
            .map_err(Problem::invalid_fields)?,
        points: Points::from_hundredths(hold.points),
        minutes: hold.minutes,
    };
    Ok(replayable(make_hold(&ctx, &till, order, key, made).await?))
}
