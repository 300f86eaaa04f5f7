//! GET /users/me/referrals: the caller's invitation code and whom it brought.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use http_kit::By;
use serde::Serialize;
use services::caller::MemberCaller;
use services::context::Context;
use services::members::referrals;
use utoipa::ToSchema;

use crate::problem::ApiResult;

/// Somebody whom my code brought.
#[derive(Serialize, ToSchema)]
pub struct BroughtMember {
    /// The phone, its middle hidden; null when the person has left.
    #[schema(required = true, max_length = 40, example = "+7916•••4567")]
    pub phone_masked: Option<String>,
    /// When the person joined.
    pub joined_at: DateTime<Utc>,
}

/// My invitations.
#[derive(Serialize, ToSchema)]
pub struct Referrals {
    /// The code to pass on; it counts at the first sign-in of whoever has it.
    #[schema(
        max_length = 11,
        pattern = "^[0-9A-Z]{3}-[0-9A-Z]{3}-[0-9A-Z]{3}$",
        example = "7KQ-2MX-9RT"
    )]
    pub code: String,
    /// How many it brought.
    #[schema(minimum = 0, example = 1)]
    pub count: i64,
    /// The newest of them, at most a hundred.
    #[schema(max_items = 100)]
    pub brought: Vec<BroughtMember>,
    /// Whether I was brought by somebody.
    pub was_brought: bool,
}

/// My invitations
///
/// My code, made when it is asked for first, and whom it brought. Others' phones are masked.
#[utoipa::path(
    get, path = "/users/me/referrals", operation_id = "users_get_my_referrals", tag = "users",
    responses((status = 200, description = "The code and whom it brought", body = Referrals)),
    extensions(("x-problems" = json!(["consent_required"]))),
)]
pub async fn mine(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
) -> ApiResult<Json<Referrals>> {
    let found = referrals(&ctx, &member).await?;
    let brought = found.brought.into_iter().map(|one| BroughtMember {
        phone_masked: one.phone_masked,
        joined_at: one.joined_at,
    });
    Ok(Json(Referrals {
        code: found.code.to_string(),
        count: found.count,
        brought: brought.collect(),
        was_brought: found.was_brought,
    }))
}
