//! POST /admin/rules: adds an earning rule.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::ids::BusinessId;
use domain::loyalty::lot::Funder;
use http::{StatusCode, header};
use http_kit::{ApiJson, By};
use serde::Deserialize;
use services::caller::OperatorCaller;
use services::context::Context;
use services::loyalty::earning_rules::{self, add};
use utoipa::ToSchema;

use super::rule_model::{Definition, Rule};
use crate::problem::ApiResult;
use crate::wire;

/// The rule to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRule {
    /// Where it holds; everywhere when left out.
    #[schema(value_type = Option<Uuid>)]
    business_id: Option<BusinessId>,
    /// The business that pays for what it gives; the programme when left out.
    #[schema(value_type = Option<Uuid>)]
    funder_business_id: Option<BusinessId>,
    /// In force from this moment; from now on when left out.
    effective_from: Option<DateTime<Utc>>,
    /// Until this moment, exclusive; open when left out.
    effective_until: Option<DateTime<Utc>>,
    /// What it gives, when, and up to how much.
    definition: Definition,
}

impl From<NewRule> for earning_rules::NewRule {
    fn from(new: NewRule) -> Self {
        Self {
            business: new.business_id,
            funder: Funder::from_business(new.funder_business_id),
            effective_from: new.effective_from,
            effective_until: new.effective_until,
            definition: new.definition.into(),
        }
    }
}

/// Add an earning rule
///
/// For an admin. It adds to the base rate of the businesses; purchases made before it begins don't know it.
#[utoipa::path(
    post, path = "/admin/rules", operation_id = "admin_add_rule", tag = "admin",
    request_body = NewRule,
    responses((status = 201, description = "Added", body = Rule)),
    extensions(("x-problems" = json!(["unknown_business"]))),
)]
pub async fn add_one(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiJson(new): ApiJson<NewRule>,
) -> ApiResult<Response> {
    let rule: Rule = add(&ctx, &operator, new.into()).await?.into();
    let place = [(
        header::LOCATION,
        wire::header_value(&format!("/api/v1/admin/rules/{}", rule.id)),
    )];
    Ok((StatusCode::CREATED, place, rule).into_response())
}
