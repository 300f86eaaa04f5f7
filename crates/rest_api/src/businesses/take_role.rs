//! DELETE /businesses/{id}/staff/{user_id}: takes a person's role.

use axum::extract::State;
use domain::ids::{BusinessId, MemberId};
use http::StatusCode;
use http_kit::{ApiPath, By};
use services::businesses::take_role;
use services::caller::StaffCaller;
use services::context::Context;

use crate::problem::ApiResult;

/// Take a role
///
/// For the owner of the business and for an admin of the programme. The last owner stays.
#[utoipa::path(
    delete, path = "/businesses/{id}/staff/{user_id}", operation_id = "businesses_take_role", tag = "businesses",
    params(
        ("id" = Uuid, Path, description = "The business"),
        ("user_id" = Uuid, Path, description = "The person"),
    ),
    responses((status = 204, description = "Taken")),
    extensions(("x-problems" = json!(["last_owner"]))),
)]
pub async fn take(
    State(ctx): State<Context>,
    By(staff): By<StaffCaller>,
    ApiPath((business, person)): ApiPath<(BusinessId, MemberId)>,
) -> ApiResult<StatusCode> {
    take_role(&ctx, &staff, business, person).await?;
    Ok(StatusCode::NO_CONTENT)
}
