//! GET /transactions/{id}: one purchase, explained.

use axum::Json;
use axum::extract::State;
use domain::ids::PurchaseId;
use http_kit::{ApiPath, By};
use services::caller::Caller;
use services::context::Context;
use services::loyalty::transactions::{ReadPurchaseError, get_of_business, get_of_member};

use super::model::Transaction;
use crate::problem::ApiResult;

/// One purchase
///
/// With its explanation and its refunds. A member sees the own ones, staff and tills those of their business.
#[utoipa::path(
    get, path = "/transactions/{id}", operation_id = "transactions_get", tag = "transactions",
    params(("id" = Uuid, Path, description = "The purchase")),
    responses((status = 200, description = "The purchase", body = Transaction)),
)]
pub async fn get(
    State(ctx): State<Context>,
    By(caller): By<Caller>,
    ApiPath(id): ApiPath<PurchaseId>,
) -> ApiResult<Json<Transaction>> {
    if let Ok(member) = caller.clone().into_member() {
        match get_of_member(&ctx, &member, id).await {
            Ok(found) => return Ok(Json(found.into())),
            Err(ReadPurchaseError::UnknownPurchase) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match caller.into_till() {
        Ok(till) => Ok(Json(get_of_business(&ctx, &till, id).await?.into())),
        Err(_) => Err(ReadPurchaseError::UnknownPurchase.into()),
    }
}
