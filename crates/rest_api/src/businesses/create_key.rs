//! POST /businesses/{id}/keys: makes an integration key.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::ids::{BusinessId, LocationId};
use domain::rights::Scope;
use domain::text::Text;
use http::{StatusCode, header};
use http_kit::{ApiJson, ApiPath, Fresh};
use serde::{Deserialize, Serialize};
use services::auth::integration_keys::{CreateIntegrationKey, create};
use services::caller::StaffCaller;
use services::context::Context;
use utoipa::ToSchema;

use super::list_keys::Key;
use crate::problem::ApiResult;
use crate::wire;

/// The key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What people call it.
    #[schema(value_type = String, min_length = 1, max_length = 100, example = "Till 1")]
    name: Text<100>,
    /// What it may do.
    #[schema(value_type = Vec<wire::Scope>, min_items = 1, max_items = 20)]
    scopes: Vec<Scope>,
    /// Only for this location of the business, if given.
    #[schema(value_type = Option<Uuid>)]
    location_id: Option<LocationId>,
    /// From when on it is worth nothing; never when left out.
    expires_at: Option<DateTime<Utc>>,
}

/// A new key with its secret.
#[derive(Serialize, ToSchema)]
pub struct CreatedKey {
    /// The key.
    pub key: Key,
    /// The secret. It is shown now and never again.
    #[schema(
        max_length = 60,
        pattern = "^ock_[A-Za-z0-9_-]+$",
        example = "ock_d3Jvbmc"
    )]
    pub secret: String,
}

/// Make an integration key
///
/// For its owner, who signed in at most five minutes ago. Two keys may live side by side, so that one can be replaced without a
/// pause.
#[utoipa::path(
    post, path = "/businesses/{id}/keys", operation_id = "businesses_create_key", tag = "businesses",
    params(("id" = Uuid, Path, description = "The business")),
    request_body = NewKey,
    responses((status = 201, description = "Made", body = CreatedKey)),
    extensions(("x-problems" = json!(["unknown_location", "step_up_required"]))),
)]
pub async fn make_key(
    State(ctx): State<Context>,
    Fresh(staff): Fresh<StaffCaller>,
    ApiPath(business): ApiPath<BusinessId>,
    ApiJson(request): ApiJson<NewKey>,
) -> ApiResult<Response> {
    let input = CreateIntegrationKey {
        name: request.name,
        scopes: request.scopes,
        location: request.location_id,
        expires_at: request.expires_at,
    };
    let made = create(&ctx, &staff, business, input).await?;
    let location = [(
        header::LOCATION,
        wire::header_value(&format!("/api/v1/businesses/{business}/keys")),
    )];
    let answer = CreatedKey {
        key: made.key.into(),
        secret: made.secret,
    };
    Ok((StatusCode::CREATED, location, Json(answer)).into_response())
}
