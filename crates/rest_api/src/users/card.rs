//! GET /users/me/card: the card of the device that asks.

use axum::Json;
use axum::extract::State;
use http_kit::By;
use serde::Serialize;
use services::caller::MemberCaller;
use services::context::Context;
use services::members::card;
use utoipa::ToSchema;

use crate::problem::ApiResult;

/// A card with its rotating code.
#[derive(Serialize, ToSchema)]
pub struct Card {
    /// The member's number: enough to earn.
    #[schema(max_length = 12, pattern = "^[0-9]{12}$", example = "400000000017")]
    pub number: String,
    /// The number as a bar code (EAN-13).
    #[schema(max_length = 13, pattern = "^[0-9]*$", example = "4000000000173")]
    pub ean13: String,
    /// Names this device's card.
    #[schema(max_length = 12, pattern = "^[0-9]{12}$", example = "012345678901")]
    pub locator: String,
    /// The key of the rotating code (HMAC-SHA-256, base64url), so that the device makes codes without a connection.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "c2VjcmV0")]
    pub secret: String,
    /// Seconds for which one code is shown.
    #[schema(minimum = 1, maximum = 3600, example = 30)]
    pub step_seconds: i64,
    /// The code of now: enough to spend.
    #[schema(
        max_length = 64,
        pattern = r"^[A-Z0-9.]+$",
        example = "SK1.012345678901.12345678"
    )]
    pub code: String,
}

/// My card
///
/// The number is for earning, the code, new every 30 seconds, for spending. The device keeps the secret and goes on without a connection.
#[utoipa::path(
    get, path = "/users/me/card", operation_id = "users_get_my_card", tag = "users",
    responses((status = 200, description = "The card", body = Card)),
    extensions(("x-problems" = json!(["consent_required"]))),
)]
pub async fn my_card(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
) -> ApiResult<Json<Card>> {
    let card = card(&ctx, &member).await?;
    Ok(Json(Card {
        number: card.number,
        ean13: card.ean13,
        locator: card.locator,
        secret: card.secret,
        step_seconds: card.step_seconds,
        code: card.code,
    }))
}
