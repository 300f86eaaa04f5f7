//! GET /loyalty/tier: where the member stands on the ladder.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use http_kit::By;
use serde::Serialize;
use services::caller::MemberCaller;
use services::context::Context;
use services::loyalty::tier_progress::{self, tier_progress};
use utoipa::ToSchema;

use super::tier_model::{Tier, TierMeasure};
use crate::problem::ApiResult;

/// Where I stand on the ladder.
#[derive(Serialize, ToSchema)]
pub struct TierProgress {
    /// My tier.
    pub tier: Tier,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What counts toward a tier.
    pub measure: TierMeasure,
    /// How much of it I have, in hundredths; refunds can bring it below zero.
    #[schema(example = 1_250_000)]
    pub value: i64,
    /// The first day that counts, in the programme's time zone.
    pub window_start: NaiveDate,
    /// The tier above; null at the top.
    #[schema(required = true)]
    pub next: Option<Tier>,
    /// What is missing for the tier above; null at the top.
    #[schema(required = true, minimum = 0, example = 1_750_000)]
    pub missing_for_next: Option<i64>,
    /// What is missing to reach my present tier anew, so as to keep it.
    #[schema(minimum = 0, example = 0)]
    pub missing_to_keep: i64,
}

impl From<tier_progress::TierProgress> for TierProgress {
    fn from(progress: tier_progress::TierProgress) -> Self {
        Self {
            tier: Tier::from(&progress.tier),
            since: progress.since,
            measure: progress.measure.into(),
            value: progress.value,
            window_start: progress.window_start,
            next: progress.next.as_ref().map(Tier::from),
            missing_for_next: progress.missing_for_next,
            missing_to_keep: progress.missing_to_keep,
        }
    }
}

/// My tier
///
/// What I have reached, and what is missing for the next tier and to keep this one.
#[utoipa::path(
    get, path = "/loyalty/tier", operation_id = "loyalty_get_tier", tag = "loyalty",
    responses((status = 200, description = "The tier and the way up", body = TierProgress)),
)]
pub async fn my_tier(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
) -> ApiResult<Json<TierProgress>> {
    Ok(Json(tier_progress(&ctx, &member).await?.into()))
}
