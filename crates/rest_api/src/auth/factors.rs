//! GET /auth/factors: what the caller has to sign in with.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use http_kit::By;
use serde::Serialize;
use services::auth::factors::overview;
use services::caller::MemberCaller;
use services::context::Context;
use utoipa::ToSchema;

use super::passkey_model::Passkey;
use crate::problem::ApiResult;

/// What a person has beside codes by text message.
#[derive(Serialize, ToSchema)]
pub struct Factors {
    /// The passkeys, oldest first.
    #[schema(max_items = 100)]
    pub passkeys: Vec<Passkey>,
    /// When the password was set; absent without one.
    pub password_changed_at: Option<DateTime<Utc>>,
    /// Since when the authenticator counts; absent without one.
    pub totp_since: Option<DateTime<Utc>>,
    /// How many recovery codes are left.
    #[schema(minimum = 0, maximum = 100)]
    pub recovery_codes: i64,
}

/// My factors
///
/// What there is to sign in with, and nothing of it that opens anything.
#[utoipa::path(
    get, path = "/auth/factors", operation_id = "auth_factors", tag = "auth",
    security(("member" = [])),
    responses((status = 200, description = "The factors", body = Factors)),
)]
pub async fn factors(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
) -> ApiResult<Json<Factors>> {
    let view = overview(&ctx, &member).await?;
    Ok(Json(Factors {
        passkeys: view.passkeys.into_iter().map(Into::into).collect(),
        password_changed_at: view.password_changed_at,
        totp_since: view.authenticator_since,
        recovery_codes: view.recovery_codes,
    }))
}
