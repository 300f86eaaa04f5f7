//! GET /transactions/imports/{id}: how far a file is, and what was not posted of it.

use axum::Json;
use axum::extract::State;
use http_kit::{ApiPath, ApiQuery, By, HttpKit, Page, PageLimit};
use serde::{Deserialize, Serialize};
use services::caller::TillCaller;
use services::imports::show::{VerdictFilter, show};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::model::{Import, RowVerdict};
use crate::problem::ApiResult;

/// Which rows to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VerdictQuery {
    /// Only rows that were refused, without duplicates.
    only_refused: Option<bool>,
    /// Where the page begins: `next_cursor` of the page before.
    #[param(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many rows at most.
    #[param(inline)]
    limit: Option<PageLimit>,
}

/// An import with a page of the rows that were not posted.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportReport {
    /// The import.
    pub import: Import,
    /// The rows that were not posted, in the order of the file.
    pub verdicts: Page<RowVerdict>,
}

/// The progress of an import
///
/// With the rows that were not posted so far, in the order of the file. For a manager, or a key with the scope `imports:write`.
#[utoipa::path(
    get, path = "/transactions/imports/{id}", operation_id = "transactions_get_import", tag = "transactions",
    params(("id" = Uuid, Path, description = "The import"), VerdictQuery),
    responses((status = 200, description = "The import", body = ImportReport)),
    extensions(("x-problems" = json!(["invalid_cursor"]))),
)]
pub async fn report(
    State(kit): State<HttpKit>,
    By(till): By<TillCaller>,
    ApiPath(id): ApiPath<Uuid>,
    ApiQuery(query): ApiQuery<VerdictQuery>,
) -> ApiResult<Json<ImportReport>> {
    let list = format!("verdicts of {id}");
    let only_refused = query.only_refused.unwrap_or(false);
    let after: i64 = match &query.cursor {
        Some(cursor) => kit.cursors().open(&list, &only_refused, cursor)?,
        None => 0,
    };
    let limit = query.limit.unwrap_or_default().get();
    let filter = VerdictFilter {
        only_refused,
        after,
        // One more than asked for tells whether there is a next page.
        limit: i64::from(limit) + 1,
    };
    let (import, mut rows) = show(kit.services(), &till, id, filter).await?;
    let limit = usize::try_from(limit).unwrap_or(1);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().map(|row| row.row_number).filter(|_| more);
    Ok(Json(ImportReport {
        import: import.into(),
        verdicts: Page {
            next_cursor: last.map(|last| kit.cursors().seal(&list, &only_refused, &last)),
            items: rows.into_iter().map(Into::into).collect(),
        },
    }))
}
