//! GET /loyalty/adjustments/{id}: one adjustment.

use axum::Json;
use axum::extract::State;
use domain::ids::AdjustmentId;
use http_kit::{ApiPath, By};
use services::caller::OperatorCaller;
use services::context::Context;
use services::loyalty::adjustments::get;

use super::model::Adjustment;
use crate::problem::ApiResult;

/// One adjustment
///
/// For support and admins: what was asked for, by whom and why, and what has become of it.
#[utoipa::path(
    get, path = "/loyalty/adjustments/{id}", operation_id = "loyalty_get_adjustment", tag = "loyalty",
    params(("id" = Uuid, Path, description = "The adjustment")),
    responses((status = 200, description = "The adjustment", body = Adjustment)),
)]
pub async fn one(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiPath(id): ApiPath<AdjustmentId>,
) -> ApiResult<Json<Adjustment>> {
    let row = get(&ctx, &operator, id).await?;
    Ok(Json(Adjustment::from(&row)))
}
