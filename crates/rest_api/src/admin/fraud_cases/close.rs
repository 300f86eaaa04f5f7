//! POST /admin/fraud-cases/{id}/close: an operator has looked at a case.

use axum::Json;
use axum::extract::State;
use domain::ids::FraudCaseId;
use domain::text::Text;
use http_kit::{ApiJson, ApiPath, By};
use serde::Deserialize;
use services::caller::OperatorCaller;
use services::context::Context;
use services::fraud::close;
use utoipa::ToSchema;

use super::model::FraudCase;
use crate::problem::ApiResult;
use crate::wire::field;

/// What was found.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingIn {
    /// What was found.
    #[schema(
        min_length = 1,
        max_length = 500,
        example = "A busy day, all receipts are there"
    )]
    note: String,
}

/// Close a case
///
/// For support and admins. What happens again afterwards opens a new one.
#[utoipa::path(
    post, path = "/admin/fraud-cases/{id}/close", operation_id = "admin_close_fraud_case", tag = "admin",
    params(("id" = Uuid, Path, description = "The case")),
    request_body = FindingIn,
    responses((status = 200, description = "Closed", body = FraudCase)),
    extensions(("x-problems" = json!(["already_decided"]))),
)]
pub async fn close_one(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiPath(case): ApiPath<FraudCaseId>,
    ApiJson(found): ApiJson<FindingIn>,
) -> ApiResult<Json<FraudCase>> {
    let note = Text::new(&found.note);
    let note = note.map_err(|error| field("/note", "bad_format", error.to_string()))?;
    Ok(Json(close(&ctx, &operator, case, note).await?.into()))
}
