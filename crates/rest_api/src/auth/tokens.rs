//! The tokens that signing in and renewing give.

use axum::Json;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::{HeaderValue, header};
use serde::Serialize;
use services::auth::Tokens;
use utoipa::ToSchema;
use uuid::Uuid;

/// Tokens of one sign-in.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    /// Bearer of the requests, a signed JWT.
    #[schema(
        max_length = 8192,
        pattern = r"^[A-Za-z0-9_.-]+$",
        example = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"
    )]
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(max_length = 10, pattern = "^Bearer$", example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds for which the access token is valid.
    #[schema(value_type = i32, minimum = 1, maximum = 86_400, example = 600)]
    pub expires_in: u32,
    /// Gives the next pair of tokens, once.
    #[schema(
        max_length = 100,
        pattern = r"^ocr_[A-Za-z0-9_-]+$",
        example = "ocr_d3Jvbmc"
    )]
    pub refresh_token: String,
    /// When the sign-in ends unless it is renewed before.
    pub refresh_expires_at: DateTime<Utc>,
    /// The sign-in.
    pub session_id: Uuid,
    /// The member.
    pub member_id: Uuid,
}

impl From<Tokens> for TokenAnswer {
    fn from(tokens: Tokens) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.expires_in,
            refresh_token: tokens.refresh_token,
            refresh_expires_at: tokens.refresh_expires_at,
            session_id: tokens.session.as_uuid(),
            member_id: tokens.member.as_uuid(),
        }
    }
}

impl IntoResponse for TokenAnswer {
    fn into_response(self) -> Response {
        let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        (no_store, Json(self)).into_response()
    }
}
