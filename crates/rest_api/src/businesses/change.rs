//! PATCH /businesses/{id}: the owner or an admin changes a partner.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::ids::BusinessId;
use domain::money::{BasisPoints, Money};
use domain::text::Text;
use http::header;
use http_kit::etag::{IfMatch, IfMatchRequiredHeader, etag};
use http_kit::{ApiJson, ApiPath, By, ProblemCode};
use serde::Deserialize;
use services::businesses::{ChangeBusiness, change};
use services::caller::StaffCaller;
use services::context::Context;
use utoipa::ToSchema;

use super::model::Business;
use crate::problem::ApiResult;
use crate::wire;

/// What is to be changed. A field left out stays as it is; null empties it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BusinessChange {
    /// Name.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, example = "Кафе «Луна»")]
    name: Option<Text<200>>,
    /// Category of the catalogue.
    #[schema(
        min_length = 1,
        max_length = 32,
        pattern = "^[a-z][a-z0-9_]*$",
        example = "cafe"
    )]
    category: Option<String>,
    /// Russian description.
    #[serde(default, deserialize_with = "wire::present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    description_ru: Option<Option<Text<2000>>>,
    /// English description.
    #[serde(default, deserialize_with = "wire::present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    description_en: Option<Option<Text<2000>>>,
    /// What a purchase earns of its money part, in basis points.
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 10_000, example = 500)]
    base_rate: Option<BasisPoints>,
    /// The share of a bill that points may pay, in basis points; null: as the programme says.
    #[serde(default, deserialize_with = "wire::present")]
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 10_000, example = 5000)]
    share_cap: Option<Option<BasisPoints>>,
    /// Points, in hundredths, that may be spent without the member's code.
    #[schema(value_type = Option<wire::Hundredths>)]
    spend_without_code_up_to: Option<Money>,
}

/// Change a partner
///
/// For its owner and for an admin of the programme. `If-Match` names the version that was read.
#[utoipa::path(
    patch, path = "/businesses/{id}", operation_id = "businesses_change", tag = "businesses",
    params(("id" = Uuid, Path, description = "The business"), IfMatchRequiredHeader),
    request_body = BusinessChange,
    responses((status = 200, description = "The partner as it is now", body = Business)),
    extensions(("x-problems" = json!(["precondition_failed", "precondition_required"]))),
)]
pub async fn change_one(
    State(ctx): State<Context>,
    By(staff): By<StaffCaller>,
    ApiPath(id): ApiPath<BusinessId>,
    seen: IfMatch,
    ApiJson(request): ApiJson<BusinessChange>,
) -> ApiResult<Response> {
    let input = ChangeBusiness {
        // Terms of money are not changed without having read them, so `*` does not do.
        version: seen.expected()?.ok_or(ProblemCode::PreconditionFailed)?,
        name: request.name,
        category: request.category,
        description_ru: request.description_ru,
        description_en: request.description_en,
        base_rate: request.base_rate,
        share_cap: request.share_cap,
        spend_without_code_up_to: request.spend_without_code_up_to,
    };
    let business: Business = change(&ctx, &staff, id, input).await?.into();
    Ok(([(header::ETAG, etag(business.version))], Json(business)).into_response())
}
