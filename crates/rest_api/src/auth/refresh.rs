//! POST /auth/refresh: the next pair of tokens.

use axum::extract::State;
use http_kit::ApiJson;
use serde::Deserialize;
use services::auth::refresh::refresh;
use services::context::Context;
use utoipa::ToSchema;

use super::asker::Asker;
use super::tokens::TokenAnswer;
use crate::problem::ApiResult;

/// The refresh token that was given last.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The refresh token.
    #[schema(
        max_length = 100,
        pattern = r"^[A-Za-z0-9_-]+$",
        example = "ocr_d3Jvbmc"
    )]
    refresh_token: String,
}

/// Renew the tokens
///
/// Each refresh token gives its successor once; showing a used one again ends the sign-in. An answer that was lost on the way can
/// be asked for again for ten seconds and is the same.
#[utoipa::path(
    post, path = "/auth/refresh", operation_id = "auth_refresh", tag = "auth",
    request_body = RefreshRequest,
    responses((status = 200, description = "Renewed", body = TokenAnswer)),
    extensions(("x-problems" = json!(["sign_in_failed"]))),
)]
pub async fn renew(
    State(ctx): State<Context>,
    Asker(origin): Asker,
    ApiJson(request): ApiJson<RefreshRequest>,
) -> ApiResult<TokenAnswer> {
    Ok(refresh(&ctx, &request.refresh_token, &origin).await?.into())
}
