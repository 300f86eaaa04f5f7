//! GET /loyalty/adjustments: points given and taken by hand.

use axum::Json;
use axum::extract::State;
use domain::ids::{AdjustmentId, MemberId};
use http_kit::{ApiQuery, By, HttpKit, Page, PageLimit};
use serde::Deserialize;
use services::caller::OperatorCaller;
use services::loyalty::adjustments::{AdjustmentFilter, list};
use utoipa::IntoParams;
use uuid::Uuid;

use super::model::Adjustment;
use crate::problem::ApiResult;
use crate::wire::field;

/// Which adjustments to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AdjustmentsQuery {
    /// Only those that wait for a second person.
    waiting: Option<bool>,
    /// Only those of this member; not together with `waiting`.
    member_id: Option<Uuid>,
    /// Where the page begins: `next_cursor` of the page before.
    #[param(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(inline)]
    limit: Option<PageLimit>,
}

/// Adjustments
///
/// For support and admins, newest first: all, those that wait for a second person, or those of one member.
#[utoipa::path(
    get, path = "/loyalty/adjustments", operation_id = "loyalty_list_adjustments", tag = "loyalty",
    params(AdjustmentsQuery),
    responses((status = 200, description = "A page of adjustments", body = Page<Adjustment>)),
    extensions(("x-problems" = json!(["invalid_cursor"]))),
)]
pub async fn all(
    State(kit): State<HttpKit>,
    By(operator): By<OperatorCaller>,
    ApiQuery(query): ApiQuery<AdjustmentsQuery>,
) -> ApiResult<Json<Page<Adjustment>>> {
    const LIST: &str = "adjustments";
    let filter = match (query.waiting.unwrap_or(false), query.member_id) {
        (true, Some(_)) => {
            let detail = "not together with waiting".to_owned();
            return Err(field("?member_id", "one_of", detail).into());
        }
        (true, None) => AdjustmentFilter::Waiting,
        (false, Some(member)) => AdjustmentFilter::Of(MemberId::from(member)),
        (false, None) => AdjustmentFilter::All,
    };
    let filters = (query.waiting.unwrap_or(false), query.member_id);
    let before: Option<AdjustmentId> = match &query.cursor {
        Some(cursor) => Some(kit.cursors().open(LIST, &filters, cursor)?),
        None => None,
    };
    let limit = u16::try_from(query.limit.unwrap_or_default().get()).unwrap_or(1);
    // One more than asked for tells whether there is a next page.
    let mut found = list(kit.services(), &operator, filter, before, limit + 1).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let last = found.last().map(|row| row.id).filter(|_| more);
    Ok(Json(Page {
        next_cursor: last.map(|last| kit.cursors().seal(LIST, &filters, &last)),
        items: found.iter().map(Adjustment::from).collect(),
    }))
}
