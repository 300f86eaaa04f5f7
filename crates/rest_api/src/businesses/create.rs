//! POST /businesses: an admin adds a partner.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::money::{BasisPoints, Money};
use domain::text::{Slug, Text};
use http::{StatusCode, header};
use http_kit::etag::etag;
use http_kit::{ApiJson, By};
use serde::Deserialize;
use services::businesses::{CreateBusiness, create};
use services::caller::OperatorCaller;
use services::context::Context;
use utoipa::ToSchema;

use super::model::Business;
use crate::problem::ApiResult;
use crate::wire;

/// The partner to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBusiness {
    /// Short name for addresses, unique.
    #[schema(value_type = String, min_length = 1, max_length = 63, pattern = "^[a-z0-9][a-z0-9-]*$", example = "cafe-luna")]
    slug: Slug,
    /// Name.
    #[schema(value_type = String, min_length = 1, max_length = 200, example = "Кафе «Луна»")]
    name: Text<200>,
    /// Category of the catalogue.
    #[schema(
        min_length = 1,
        max_length = 32,
        pattern = "^[a-z][a-z0-9_]*$",
        example = "cafe"
    )]
    category: String,
    /// Russian description.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    description_ru: Option<Text<2000>>,
    /// English description.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000)]
    description_en: Option<Text<2000>>,
    /// What a purchase earns of its money part, in basis points.
    #[schema(value_type = i32, minimum = 0, maximum = 10_000, example = 500)]
    base_rate: BasisPoints,
    /// The share of a bill that points may pay, in basis points; as the programme says when left out.
    #[schema(value_type = Option<i32>, minimum = 0, maximum = 10_000, example = 5000)]
    share_cap: Option<BasisPoints>,
    /// Points, in hundredths, that may be spent without the member's code.
    #[serde(default)]
    #[schema(value_type = wire::Hundredths)]
    spend_without_code_up_to: Money,
    /// The phone of its owner, who finds the business after signing in.
    #[schema(
        max_length = 40,
        pattern = r"^\+?[0-9][0-9 ().-]{4,38}$",
        example = "+79161234567"
    )]
    owner_phone: Option<String>,
}

/// Add a partner
///
/// For an admin of the programme. The partner is active at once.
#[utoipa::path(
    post, path = "/businesses", operation_id = "businesses_create", tag = "businesses",
    request_body = NewBusiness,
    responses((status = 201, description = "Added", body = Business)),
    extensions(("x-problems" = json!(["name_taken"]))),
)]
pub async fn add(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiJson(new): ApiJson<NewBusiness>,
) -> ApiResult<Response> {
    let owner = new.owner_phone.as_deref();
    let input = CreateBusiness {
        owner: owner
            .map(|text| wire::phone(&ctx, text, "/owner_phone"))
            .transpose()?,
        slug: new.slug,
        name: new.name,
        category: new.category,
        description_ru: new.description_ru,
        description_en: new.description_en,
        base_rate: new.base_rate,
        share_cap: new.share_cap,
        spend_without_code_up_to: new.spend_without_code_up_to,
    };
    let business: Business = create(&ctx, &operator, input).await?.into();
    let headers = [
        (
            header::LOCATION,
            wire::header_value(&format!("/api/v1/businesses/{}", business.id)),
        ),
        (header::ETAG, etag(business.version)),
    ];
    Ok((StatusCode::CREATED, headers, Json(business)).into_response())
}
