//! POST /users/me/devices: a device wants push messages.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::people::{Locale, PushProvider};
use http::{StatusCode, header};
use http_kit::{ApiJson, By};
use serde::{Deserialize, Serialize};
use services::caller::MemberCaller;
use services::context::Context;
use services::members::{PushAddress, RegisterDevice, register_device};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::ApiResult;
use crate::wire::{self, field};

/// The keys of a browser's subscription (RFC 8291).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PushKeys {
    /// The browser's public key, base64url.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "^[A-Za-z0-9_-]+=*$",
        example = "BNcRd"
    )]
    p256dh: String,
    /// The shared secret, base64url.
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = "^[A-Za-z0-9_-]+=*$",
        example = "tBHIt"
    )]
    auth: String,
}

/// A device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "provider": "fcm", "token": "fcm-token-of-the-device", "locale": "ru" }))]
pub struct NewDevice {
    /// Who delivers.
    #[schema(value_type = wire::PushProvider)]
    provider: PushProvider,
    /// The token of FCM or APNs; for a browser the endpoint of its subscription.
    #[schema(
        min_length = 8,
        max_length = 4096,
        pattern = "^[!-~]+$",
        example = "fcm-token-of-the-device"
    )]
    token: String,
    /// The keys of a browser; for a browser only.
    keys: Option<PushKeys>,
    /// The language of the messages; Russian when left out.
    #[schema(value_type = Option<wire::Locale>)]
    locale: Option<Locale>,
}

/// A registered device.
#[derive(Serialize, ToSchema)]
pub struct Device {
    /// Identifier.
    pub id: Uuid,
    /// Who delivers.
    #[schema(value_type = wire::PushProvider)]
    pub provider: PushProvider,
}

/// Register a device for push messages
///
/// The device belongs to this sign-in and goes with it. The token is kept sealed; registering it again replaces what was there, also
/// another member's on the same device.
#[utoipa::path(
    post, path = "/users/me/devices", operation_id = "users_register_device", tag = "users",
    request_body = NewDevice,
    responses((status = 201, description = "Registered", body = Device)),
    extensions(("x-problems" = json!(["consent_required"]))),
)]
pub async fn register(
    State(ctx): State<Context>,
    By(member): By<MemberCaller>,
    ApiJson(request): ApiJson<NewDevice>,
) -> ApiResult<Response> {
    let provider = request.provider;
    let browser = provider == PushProvider::WebPush;
    if browser != request.keys.is_some() {
        let allowed = "must be given for a browser, and for nothing else".to_owned();
        return Err(field("/keys", "invalid_value", allowed).into());
    }
    if browser && !request.token.starts_with("https://") {
        let allowed = "must be the endpoint of the subscription".to_owned();
        return Err(field("/token", "bad_format", allowed).into());
    }
    let input = RegisterDevice {
        provider,
        address: PushAddress {
            token: request.token,
            keys: request.keys.map(|keys| (keys.p256dh, keys.auth)),
        },
        locale: request.locale.unwrap_or(Locale::Ru),
    };
    let id = register_device(&ctx, &member, input).await?;
    let place = wire::header_value(&format!("/api/v1/users/me/devices/{id}"));
    let body = Json(Device { id, provider });
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], body).into_response())
}
