//! GET /.well-known/jwks.json: the public keys that verify our access tokens.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use serde::Serialize;
use services::auth::signing_keys::jwks;
use services::context::Context;
use utoipa::ToSchema;

use crate::problem::ApiResult;

/// A set of public keys (RFC 7517). Only its document; the answer is made by the keyring.
#[derive(Serialize, ToSchema)]
pub struct JsonWebKeySet {
    /// The keys: the one that signs, the next, and those whose tokens still live.
    #[schema(max_items = 20)]
    pub keys: Vec<JsonWebKey>,
}

/// A public key.
#[derive(Serialize, ToSchema)]
pub struct JsonWebKey {
    /// The kind of key.
    #[schema(max_length = 10, pattern = "^RSA$", example = "RSA")]
    pub kty: String,
    /// What it is for.
    #[serde(rename = "use")]
    #[schema(max_length = 10, pattern = "^sig$", example = "sig")]
    pub usage: String,
    /// The one algorithm that it is for.
    #[schema(max_length = 10, pattern = "^[A-Z0-9]+$", example = "RS256")]
    pub alg: String,
    /// Its name: the RFC 7638 thumbprint.
    #[schema(
        max_length = 60,
        pattern = "^[A-Za-z0-9_-]+$",
        example = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    )]
    pub kid: String,
    /// The modulus, base64url.
    #[schema(max_length = 2000, pattern = "^[A-Za-z0-9_-]+$", example = "sXch6g")]
    pub n: String,
    /// The exponent, base64url.
    #[schema(max_length = 20, pattern = "^[A-Za-z0-9_-]+$", example = "AQAB")]
    pub e: String,
}

/// The keys that verify access tokens
///
/// May be kept for five minutes: a new key is published long before it signs.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", operation_id = "well_known_jwks", tag = "well-known",
    responses((status = 200, description = "The public keys", body = JsonWebKeySet)),
)]
pub async fn keys(State(ctx): State<Context>) -> ApiResult<Response> {
    let cacheable = [(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    )];
    Ok((cacheable, Json(jwks(&ctx).await?)).into_response())
}
