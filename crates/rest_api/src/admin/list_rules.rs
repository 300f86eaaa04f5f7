//! GET /admin/rules: the earning rules.

use axum::Json;
use axum::extract::State;
use domain::ids::RuleId;
use http_kit::{ApiQuery, By, HttpKit, Page, PageLimit};
use serde::Deserialize;
use services::caller::OperatorCaller;
use services::loyalty::earning_rules::list;
use utoipa::IntoParams;

use super::rule_model::Rule;
use crate::problem::ApiResult;

/// Which rules to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RuleQuery {
    /// Where the page begins: `next_cursor` of the page before.
    #[param(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(inline)]
    limit: Option<PageLimit>,
}

/// The earning rules
///
/// For an admin: every rule in its latest version, oldest rule first, those that ended or are switched off too.
#[utoipa::path(
    get, path = "/admin/rules", operation_id = "admin_list_rules", tag = "admin",
    params(RuleQuery),
    responses((status = 200, description = "A page of rules", body = Page<Rule>)),
    extensions(("x-problems" = json!(["invalid_cursor"]))),
)]
pub async fn rules(
    State(kit): State<HttpKit>,
    By(operator): By<OperatorCaller>,
    ApiQuery(query): ApiQuery<RuleQuery>,
) -> ApiResult<Json<Page<Rule>>> {
    const LIST: &str = "rules";
    let after: Option<RuleId> = match &query.cursor {
        Some(cursor) => Some(kit.cursors().open(LIST, &(), cursor)?),
        None => None,
    };
    let limit = u16::try_from(query.limit.unwrap_or_default().get()).unwrap_or(1);
    // One more than asked for tells whether there is a next page.
    let after = after.map(RuleId::as_uuid);
    let mut found = list(kit.services(), &operator, after, limit + 1).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let last = found.last().map(|rule| rule.id).filter(|_| more);
    Ok(Json(Page {
        next_cursor: last.map(|last| kit.cursors().seal(LIST, &(), &last)),
        items: found.into_iter().map(Into::into).collect(),
    }))
}
