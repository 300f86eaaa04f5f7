//! PUT /admin/tiers: sets the ladder of tiers as a whole.

use axum::extract::State;
use axum::response::Response;
use domain::loyalty::tier::Tier;
use domain::money::BasisPoints;
use domain::text::Text;
use http_kit::etag::{IfMatch, IfMatchRequiredHeader};
use http_kit::{ApiJson, By};
use serde::Deserialize;
use services::caller::OperatorCaller;
use services::context::Context;
use services::loyalty::ladder::{frame, set};
use utoipa::ToSchema;

use crate::loyalty::ladder::{Ladder, shown};
use crate::loyalty::validity_model::Validity;
use crate::problem::ApiResult;

/// The ladder as it is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLadder {
    /// The tiers, lowest first.
    #[schema(min_items = 1, max_items = 20)]
    tiers: Vec<NewTier>,
}

/// One step of the ladder.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTier {
    /// Its code, by which members keep their tier when the rest of it changes.
    #[schema(
        min_length = 1,
        max_length = 32,
        pattern = "^[a-z][a-z0-9_]*$",
        example = "vip"
    )]
    code: String,
    /// Russian name.
    #[schema(value_type = String, min_length = 1, max_length = 60, example = "Ближний круг")]
    name_ru: Text<60>,
    /// English name.
    #[schema(value_type = String, min_length = 1, max_length = 60, example = "Inner Circle")]
    name_en: Text<60>,
    /// The measure from which a member is here, in hundredths; 0 for the lowest, and rising.
    #[schema(minimum = 0, maximum = 1_000_000_000_000_000_i64, example = 3_000_000)]
    threshold: i64,
    /// What base earning is multiplied by, in basis points: 10000 changes nothing.
    #[schema(value_type = i32, minimum = 0, maximum = 1_000_000, example = 12_000)]
    multiplier: BasisPoints,
    /// How long base points live here; as the programme says when left out.
    validity: Option<Validity>,
}

impl From<NewTier> for Tier {
    fn from(tier: NewTier) -> Self {
        Self {
            code: tier.code,
            // Levels are given by the order.
            level: 0,
            name_ru: tier.name_ru.into_string(),
            name_en: tier.name_en.into_string(),
            threshold: tier.threshold,
            multiplier: tier.multiplier,
            validity: tier.validity.map(Into::into),
        }
    }
}

/// Set the ladder of tiers
///
/// For an admin. Members keep their tiers; the next purchase lifts whoever has reached more. A tier in which members are can't be
/// left out. `If-Match` names the `ETag` of the ladder that was read.
#[utoipa::path(
    put, path = "/admin/tiers", operation_id = "admin_set_tiers", tag = "admin",
    params(IfMatchRequiredHeader),
    request_body = NewLadder,
    responses((status = 200, description = "The ladder as it is now", body = Ladder)),
    extensions(("x-problems" = json!(["precondition_failed", "precondition_required", "tier_in_use"]))),
)]
pub async fn set_tiers(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    seen: IfMatch,
    ApiJson(new): ApiJson<NewLadder>,
) -> ApiResult<Response> {
    let tiers = new.tiers.into_iter().map(Tier::from).collect();
    set(&ctx, &operator, seen.expected()?, tiers).await?;
    Ok(shown(&frame(&ctx).await?))
}
