//! GET /businesses/{id}/keys: the integration keys of a business.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, KeyId, LocationId, MemberId};
use domain::rights::Scope;
use http_kit::{ApiPath, By};
use serde::Serialize;
use services::auth::integration_keys::{IntegrationKey, list};
use services::caller::StaffCaller;
use services::context::Context;
use utoipa::ToSchema;

use crate::problem::ApiResult;
use crate::wire;

/// An integration key, without its secret.
#[derive(Serialize, ToSchema)]
pub struct Key {
    /// Identifier.
    #[schema(value_type = Uuid)]
    pub id: KeyId,
    /// What people call it.
    #[schema(max_length = 100, example = "Till 1")]
    pub name: String,
    /// The beginning of the secret, to recognise it by.
    #[schema(
        max_length = 20,
        pattern = "^ock_[A-Za-z0-9_-]*$",
        example = "ock_aB3dE6gH"
    )]
    pub prefix: String,
    /// What it may do.
    #[schema(value_type = Vec<wire::Scope>, max_items = 20)]
    pub scopes: Vec<Scope>,
    /// Only for this location, if given.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub location_id: Option<LocationId>,
    /// Who made it, if a person did.
    #[schema(value_type = Option<Uuid>, required = true)]
    pub created_by: Option<MemberId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it is worth nothing.
    #[schema(required = true)]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    #[schema(required = true)]
    pub last_used_at: Option<DateTime<Utc>>,
}

/// The integration keys of a business.
#[derive(Serialize, ToSchema)]
pub struct Keys {
    /// The keys that were not revoked.
    #[schema(max_items = 1000)]
    pub items: Vec<Key>,
}

impl From<IntegrationKey> for Key {
    fn from(key: IntegrationKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes,
            location_id: key.location,
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// The integration keys of a business
///
/// For its owner. The secrets are not kept and cannot be shown.
#[utoipa::path(
    get, path = "/businesses/{id}/keys", operation_id = "businesses_list_keys", tag = "businesses",
    params(("id" = Uuid, Path, description = "The business")),
    responses((status = 200, description = "The keys", body = Keys)),
)]
pub async fn keys(
    State(ctx): State<Context>,
    By(staff): By<StaffCaller>,
    ApiPath(business): ApiPath<BusinessId>,
) -> ApiResult<Json<Keys>> {
    let keys = list(&ctx, &staff, business).await?;
    Ok(Json(Keys {
        items: keys.into_iter().map(Into::into).collect(),
    }))
}
