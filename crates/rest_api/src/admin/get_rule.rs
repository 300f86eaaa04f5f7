//! GET /admin/rules/{id}: one earning rule with the tag that a change of it needs.

use axum::extract::State;
use domain::ids::RuleId;
use http_kit::{ApiPath, By};
use services::caller::OperatorCaller;
use services::context::Context;
use services::loyalty::earning_rules::get;

use super::rule_model::Rule;
use crate::problem::ApiResult;

/// One earning rule
///
/// For an admin: the latest version, which may hold only from a later date on.
#[utoipa::path(
    get, path = "/admin/rules/{id}", operation_id = "admin_get_rule", tag = "admin",
    params(("id" = Uuid, Path, description = "The rule")),
    responses((status = 200, description = "The rule", body = Rule)),
    extensions(("x-versioned" = json!(true))),
)]
pub async fn rule(
    State(ctx): State<Context>,
    By(operator): By<OperatorCaller>,
    ApiPath(id): ApiPath<RuleId>,
) -> ApiResult<Rule> {
    Ok(get(&ctx, &operator, id).await?.into())
}
