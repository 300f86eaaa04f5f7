//! GET /auth/sessions: the caller's sign-ins.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use http_kit::By;
use serde::Serialize;
use services::auth::sessions::{SessionView, list};
use services::caller::MemberCaller;
use services::context::Context;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::ApiResult;

/// One sign-in.
#[derive(Serialize, ToSchema)]
pub struct Session {
    /// Identifier.
    pub id: Uuid,
    /// What you called the device; empty when you named none.
    #[schema(max_length = 100, example = "My phone")]
    pub device: String,
    /// Roughly where it was last renewed: the network, cut short; empty when that is not known.
    #[schema(max_length = 50, example = "203.0.0.0/16")]
    pub place: String,
    /// The program and its system, as far as they are known.
    #[schema(max_length = 50, example = "Chrome, Android")]
    pub client: String,
    /// When the sign-in was.
    pub created_at: DateTime<Utc>,
    /// When its tokens were last renewed.
    pub last_seen_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// The caller's sign-ins.
#[derive(Serialize, ToSchema)]
pub struct Sessions {
    /// The sign-ins that live, newest first.
    #[schema(max_items = 1000)]
    pub items: Vec<Session>,
}

impl From<SessionView> for Session {
    fn from(view: SessionView) -> Self {
        Self {
            id: view.id.as_uuid(),
            device: view.device,
            place: view.place,
            client: view.client,
            created_at: view.created_at,
            last_seen_at: view.last_seen_at,
            current: view.current,
        }
    }
}

/// My sign-ins
///
/// All sign-ins that live, newest first, so that a strange one can be found and ended.
#[utoipa::path(
    get, path = "/auth/sessions", operation_id = "auth_list_sessions", tag = "auth",
    responses((status = 200, description = "The sign-ins", body = Sessions)),
)]
pub async fn sessions(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
) -> ApiResult<Json<Sessions>> {
    let views = list(&ctx, &member).await?;
    Ok(Json(Sessions {
        items: views.into_iter().map(Into::into).collect(),
    }))
}
