//! GET /admin/members: the members, page by page.

use axum::Json;
use axum::extract::State;
use domain::ids::MemberId;
use http_kit::{ApiQuery, By, HttpKit, Page, PageLimit};
use serde::Deserialize;
use services::caller::OperatorCaller;
use services::members::office::page;
use utoipa::IntoParams;

use super::model::MemberInList;
use crate::problem::ApiResult;

/// Which members to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MembersQuery {
    /// Only those who are blocked.
    blocked: Option<bool>,
    /// Where the page begins: `next_cursor` of the page before.
    #[param(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(inline)]
    limit: Option<PageLimit>,
}

/// Members
///
/// For support and admins, newest first; phones are masked. By phone, card number or identifier a member is found with
/// `POST /admin/members/search`: a phone does not belong in an address.
#[utoipa::path(
    get, path = "/admin/members", operation_id = "admin_list_members", tag = "admin",
    params(MembersQuery),
    responses((status = 200, description = "A page of members", body = Page<MemberInList>)),
    extensions(("x-problems" = json!(["invalid_cursor"]))),
)]
pub async fn members(
    State(kit): State<HttpKit>,
    By(operator): By<OperatorCaller>,
    ApiQuery(query): ApiQuery<MembersQuery>,
) -> ApiResult<Json<Page<MemberInList>>> {
    const LIST: &str = "members";
    let blocked = query.blocked.unwrap_or(false);
    let before: Option<MemberId> = match &query.cursor {
        Some(cursor) => Some(kit.cursors().open(LIST, &blocked, cursor)?),
        None => None,
    };
    let limit = u16::try_from(query.limit.unwrap_or_default().get()).unwrap_or(1);
    // One more than asked for tells whether there is a next page.
    let mut found = page(kit.services(), &operator, blocked, before, limit + 1).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let last = found.last().map(|found| found.member).filter(|_| more);
    Ok(Json(Page {
        next_cursor: last.map(|last| kit.cursors().seal(LIST, &blocked, &last)),
        items: found.into_iter().map(Into::into).collect(),
    }))
}
