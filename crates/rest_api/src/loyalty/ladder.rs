//! GET /loyalty/tiers: the ladder.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use http_kit::etag::etag;
use serde::Serialize;
use services::context::Context;
use services::loyalty::ladder::{Frame, frame};
use utoipa::ToSchema;

use super::tier_model::{Tier, TierMeasure};
use crate::problem::ApiResult;

/// The ladder of tiers.
#[derive(Serialize, ToSchema)]
pub struct Ladder {
    /// What counts toward a tier.
    pub measure: TierMeasure,
    /// The days over which it counts, today included.
    #[schema(value_type = i32, minimum = 1, maximum = 3_650, example = 365)]
    pub window_days: u32,
    /// The tiers, lowest first.
    #[schema(min_items = 1, max_items = 20)]
    pub tiers: Vec<Tier>,
}

impl From<&Frame> for Ladder {
    fn from(frame: &Frame) -> Self {
        let settings = &frame.programme.settings;
        Self {
            measure: settings.tier_measure.into(),
            window_days: settings.tier_window_days,
            tiers: frame.ladder.tiers().iter().map(Tier::from).collect(),
        }
    }
}

/// The ladder of tiers
///
/// What there is to reach and what it brings, for anybody to read. The `ETag` is what a change needs as `If-Match`.
#[utoipa::path(
    get, path = "/loyalty/tiers", operation_id = "loyalty_list_tiers", tag = "loyalty",
    responses((status = 200, description = "The ladder", body = Ladder)),
    extensions(("x-versioned" = json!(true))),
)]
pub async fn tiers(State(ctx): State<Context>) -> ApiResult<Response> {
    Ok(shown(&frame(&ctx).await?))
}

/// The ladder with its tag.
pub(crate) fn shown(frame: &Frame) -> Response {
    let tag = [(header::ETAG, etag(frame.version()))];
    (tag, Json(Ladder::from(frame))).into_response()
}
