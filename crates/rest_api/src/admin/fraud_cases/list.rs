//! GET /admin/fraud-cases: what an operator should look at.

use axum::Json;
use axum::extract::State;
use domain::ids::FraudCaseId;
use http_kit::{ApiQuery, By, HttpKit, Page, PageLimit};
use serde::Deserialize;
use services::caller::OperatorCaller;
use services::fraud::list;
use utoipa::IntoParams;

use super::model::FraudCase;
use crate::problem::ApiResult;

/// Which cases to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CasesQuery {
    /// Those that were closed, instead of the open ones.
    closed: Option<bool>,
    /// Where the page begins: `next_cursor` of the page before.
    #[param(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(inline)]
    limit: Option<PageLimit>,
}

/// Cases of suspected fraud
///
/// For support and admins, newest first: limits at tills that were reached, and people at tills who credit one member again and
/// again. What happens again while a case is open counts in it.
#[utoipa::path(
    get, path = "/admin/fraud-cases", operation_id = "admin_list_fraud_cases", tag = "admin",
    params(CasesQuery),
    responses((status = 200, description = "A page of cases", body = Page<FraudCase>)),
    extensions(("x-problems" = json!(["invalid_cursor"]))),
)]
pub async fn cases(
    State(kit): State<HttpKit>,
    By(operator): By<OperatorCaller>,
    ApiQuery(query): ApiQuery<CasesQuery>,
) -> ApiResult<Json<Page<FraudCase>>> {
    const LIST: &str = "fraud cases";
    let open = !query.closed.unwrap_or(false);
    let before: Option<FraudCaseId> = match &query.cursor {
        Some(cursor) => Some(kit.cursors().open(LIST, &open, cursor)?),
        None => None,
    };
    let limit = u16::try_from(query.limit.unwrap_or_default().get()).unwrap_or(1);
    // One more than asked for tells whether there is a next page.
    let mut found = list(kit.services(), &operator, open, before, limit + 1).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let last = found.last().map(|row| row.id).filter(|_| more);
    Ok(Json(Page {
        next_cursor: last.map(|last| kit.cursors().seal(LIST, &open, &last)),
        items: found.into_iter().map(Into::into).collect(),
    }))
}
