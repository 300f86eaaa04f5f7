//! POST /loyalty/adjustments: gives or takes points by hand.

use axum::extract::State;
use axum::response::Response;
use domain::ids::{BusinessId, MemberId};
use domain::loyalty::lot::Funder;
use domain::money::Points;
use domain::text::Text;
use http_kit::idempotency::{IdempotencyKeyHeader, replayable};
use http_kit::{Fresh, IdempotentJson};
use serde::Deserialize;
use services::caller::OperatorCaller;
use services::context::Context;
use services::loyalty::adjustments::{AdjustmentOrder, request};
use utoipa::ToSchema;
use uuid::Uuid;

use super::model::{Adjustment, requested};
use crate::problem::ApiResult;
use crate::wire::field;

/// Points to be given or taken.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentIn {
    /// Whose points.
    member_id: Uuid,
    /// How many, in hundredths of a point; below zero they are taken. Not zero.
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64, example = 50_000)]
    points: i64,
    /// The business at whose expense they are given; the programme when left out. Of points that are taken, what the member
    /// has goes back to whoever gave it, and what he owes afterwards is this one's.
    funder_business_id: Option<Uuid>,
    /// Only for points that are taken: whether a member who has fewer owes the rest. Otherwise it is taken down to zero.
    #[serde(default)]
    into_debt: bool,
    /// Why. People's names don't belong here: it stays in the books.
    #[schema(
        min_length = 1,
        max_length = 500,
        example = "The till was down on Saturday"
    )]
    reason: String,
}

/// Give or take points by hand
///
/// For support and admins who signed in at most five minutes ago. Up to the programme's limit it is done at once; above it the
/// answer says `waiting`, and another admin has to approve. Points given are active at once, live as the programme's points do
/// and pay debt first.
#[utoipa::path(
    post, path = "/loyalty/adjustments", operation_id = "loyalty_request_adjustment", tag = "loyalty",
    params(IdempotencyKeyHeader),
    request_body = AdjustmentIn,
    responses((status = 201, description = "Done, or waiting for a second person", body = Adjustment)),
    extensions(("x-problems" = json!(["idempotency_key_required", "invalid_idempotency_key", "idempotency_key_reused", "idempotency_in_flight", "step_up_required", "unknown_member", "unknown_business", "own_account", "amount_out_of_range", "not_enough_points", "overflow"]))),
)]
pub async fn ask(
    State(ctx): State<Context>,
    Fresh(operator): Fresh<OperatorCaller>,
    body: IdempotentJson<AdjustmentIn>,
) -> ApiResult<Response> {
    let (asked, key) = body.named(operator.member.as_uuid(), "adjustments.request");
    let reason = Text::new(&asked.reason)
        .map_err(|error| field("/reason", "bad_format", error.to_string()))?;
    let order = AdjustmentOrder {
        member: MemberId::from(asked.member_id),
        points: Points::from_hundredths(asked.points),
        funder: Funder::from_business(asked.funder_business_id.map(BusinessId::from)),
        into_debt: asked.into_debt,
        reason,
    };
    let answered = request(&ctx, &operator, order, key, requested).await?;
    Ok(replayable(answered))
}
