//! GET /businesses/{id}/staff: who works at a business.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, LocationId, MemberId};
use domain::rights::StaffRole;
use http_kit::{ApiPath, By};
use serde::Serialize;
use services::businesses::{StaffMember, list_staff};
use services::caller::StaffCaller;
use services::context::Context;
use utoipa::ToSchema;

use crate::problem::ApiResult;
use crate::wire;

/// A person who works at a business.
#[derive(Serialize, ToSchema)]
pub struct Worker {
    /// The person.
    #[schema(value_type = Uuid)]
    pub user_id: MemberId,
    /// As what.
    #[schema(value_type = wire::StaffRole)]
    pub role: StaffRole,
    /// Only at this location, if given.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub location_id: Option<LocationId>,
    /// The name, if the person gave one.
    #[schema(required = true, max_length = 100, example = "Анна")]
    pub name: Option<String>,
    /// The phone, its middle hidden.
    #[schema(required = true, max_length = 40, example = "+7916•••4567")]
    pub phone_masked: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Who works at a business.
#[derive(Serialize, ToSchema)]
pub struct Workers {
    /// The people.
    #[schema(max_items = 1000)]
    pub items: Vec<Worker>,
}

impl From<StaffMember> for Worker {
    fn from(worker: StaffMember) -> Self {
        Self {
            user_id: worker.member,
            role: worker.role,
            location_id: worker.location,
            name: worker.name,
            phone_masked: worker.phone_masked,
            since: worker.since,
        }
    }
}

/// Who works here
///
/// For the managers and owners of the business and for an admin of the programme.
#[utoipa::path(
    get, path = "/businesses/{id}/staff", operation_id = "businesses_list_staff", tag = "businesses",
    params(("id" = Uuid, Path, description = "The business")),
    responses((status = 200, description = "The people", body = Workers)),
)]
pub async fn staff(
    State(ctx): State<Context>,
    By(staff): By<StaffCaller>,
    ApiPath(business): ApiPath<BusinessId>,
) -> ApiResult<Json<Workers>> {
    let workers = list_staff(&ctx, &staff, business).await?;
    Ok(Json(Workers {
        items: workers.into_iter().map(Into::into).collect(),
    }))
}
