//! GET /users/me/export: all that is stored on the caller.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::{StatusCode, header};
use http_kit::By;
use serde::Serialize;
use serde_json::Value;
use services::caller::MemberCaller;
use services::context::Context;
use services::personal_data::export::export;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::ApiResult;

/// An export, or that it is being made.
#[derive(Serialize, ToSchema)]
pub struct Export {
    /// Identifier.
    pub id: Uuid,
    /// Whether the document is there.
    pub ready: bool,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
    /// When it is thrown away; then another may be asked for.
    pub expires_at: DateTime<Utc>,
    /// Everything: profile, consents, preferences, devices, sign-ins, cards, invitations, roles, customer numbers, visits, wallet, lots,
    /// holds, purchases, refunds, movements, events, and what the audit log says of me.
    #[schema(value_type = Option<Object>, required = true, example = json!({"profile": {"number": "400000000017"}}))]
    pub document: Option<Value>,
}

/// All that is stored on me
///
/// Made by a job: 202 until it is ready, then the whole document, for a day. Wants a sign-in of the last five minutes.
#[utoipa::path(
    get, path = "/users/me/export", operation_id = "users_export_me", tag = "users",
    security(("member" = [])),
    responses(
        (status = 200, description = "The document", body = Export),
        (status = 202, description = "It is being made", body = Export),
    ),
    extensions(("x-problems" = json!(["step_up_required"]))),
)]
pub async fn export_me(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
) -> ApiResult<Response> {
    let found = export(&ctx, &member).await?;
    let body = Export {
        id: found.id,
        ready: found.document.is_some(),
        requested_at: found.requested_at,
        expires_at: found.expires_at,
        document: found.document,
    };
    Ok(if body.ready {
        Json(body).into_response()
    } else {
        (
            StatusCode::ACCEPTED,
            [(header::RETRY_AFTER, "5")],
            Json(body),
        )
            .into_response()
    })
}
