//! GET /transactions: purchases, of a business or one's own.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::ids::BusinessId;
use http_kit::problem::FieldError;
use http_kit::{ApiQuery, By, HttpKit, Page, PageLimit, Problem};
use serde::Deserialize;
use services::caller::Caller;
use services::loyalty::transactions::{PurchaseFilter, list_of_business, list_of_member};
use utoipa::IntoParams;
use uuid::Uuid;

use super::model::Transaction;
use crate::problem::ApiResult;

/// Which purchases to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TransactionQuery {
    /// Those of this business, for who works there; without it a person sees the own purchases, and a key those of its business.
    business_id: Option<Uuid>,
    /// Only at this outlet.
    location_id: Option<Uuid>,
    /// Only of this member.
    member_id: Option<Uuid>,
    /// Only with this receipt number.
    #[param(max_length = 100)]
    receipt_number: Option<String>,
    /// Made at or after this moment.
    from: Option<DateTime<Utc>>,
    /// Made before this moment.
    until: Option<DateTime<Utc>>,
    /// Where the page begins: `next_cursor` of the page before.
    #[param(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(inline)]
    limit: Option<PageLimit>,
}

impl TransactionQuery {
    /// Of the own purchases only the time can be chosen; what else is asked for would be passed by in silence.
    fn only_times(&self) -> Result<(), Problem> {
        let asked = [
            (self.location_id.is_some(), "?location_id"),
            (self.member_id.is_some(), "?member_id"),
            (self.receipt_number.is_some(), "?receipt_number"),
        ];
        let errors: Vec<FieldError> = asked
            .into_iter()
            .filter(|(asked, _)| *asked)
            .map(|(_, name)| FieldError {
                pointer: name.to_owned(),
                code: "not_allowed".into(),
                detail: "only together with business_id".to_owned(),
            })
            .collect();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid_fields(errors))
        }
    }
}

/// Purchases
///
/// Newest first, in the order of posting.
#[utoipa::path(
    get, path = "/transactions", operation_id = "transactions_list", tag = "transactions",
    params(TransactionQuery),
    responses((status = 200, description = "A page of purchases", body = Page<Transaction>)),
    extensions(("x-problems" = json!(["invalid_cursor"]))),
)]
pub async fn list(
    State(kit): State<HttpKit>,
    By(caller): By<Caller>,
    ApiQuery(query): ApiQuery<TransactionQuery>,
) -> ApiResult<Json<Page<Transaction>>> {
    let list = format!("transactions of {}", caller.principal_id());
    let filters = (
        (query.business_id, query.location_id, query.member_id),
        (&query.receipt_number, query.from, query.until),
    );
    let before: Option<Uuid> = match &query.cursor {
        Some(cursor) => Some(kit.cursors().open(&list, &filters, cursor)?),
        None => None,
    };
    let filter = PurchaseFilter {
        member: query.member_id,
        location: query.location_id,
        receipt_number: query.receipt_number.clone(),
        from: query.from,
        until: query.until,
        before,
    };
    let limit = u16::try_from(query.limit.unwrap_or_default().get()).unwrap_or(1);
    let ctx = kit.services();
    let of_business = query.business_id.is_some() || matches!(caller, Caller::Key(_));
    // One more than asked for tells whether there is a next page.
    let mut found = if of_business {
        let business = query.business_id.map(BusinessId::from);
        list_of_business(ctx, &caller.into_till()?, business, filter, limit + 1).await?
    } else {
        query.only_times()?;
        list_of_member(ctx, &caller.into_member()?, filter, limit + 1).await?
    };
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let last = found.last().map(|last| last.purchase.id).filter(|_| more);
    Ok(Json(Page {
        next_cursor: last.map(|last| kit.cursors().seal(&list, &filters, &last)),
        items: found.into_iter().map(Into::into).collect(),
    }))
}
