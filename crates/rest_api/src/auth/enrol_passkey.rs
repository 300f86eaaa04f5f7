//! POST /auth/passkeys: enrols a passkey, in two calls.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::ids::PasskeyChallengeId;
use domain::text::Text;
use http::{StatusCode, header};
use http_kit::{ApiJson, By};
use serde::{Deserialize, Serialize};
use services::auth::factors::{EnrolPasskey, begin_passkey, enrol_passkey};
use services::caller::Person;
use services::context::Context;
use utoipa::ToSchema;
use uuid::Uuid;

use super::passkey_model::{CreatedCredential, CreationOptions, Passkey};
use crate::problem::ApiResult;
use crate::wire;

/// Nothing, to begin; challenge and credential, to end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct NewPasskey {
    /// The `challenge_id` of the answer that began it.
    #[schema(value_type = Option<Uuid>)]
    challenge_id: Option<PasskeyChallengeId>,
    /// What the browser's `navigator.credentials.create` gave.
    credential: Option<CreatedCredential>,
    /// What you call the passkey.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "My phone")]
    name: Option<Text<100>>,
}

/// What the browser is to be asked.
#[derive(Serialize, ToSchema)]
pub struct PasskeyCreation {
    /// Names the challenge when its answer comes.
    pub challenge_id: Uuid,
    /// For `navigator.credentials.create`.
    pub public_key: CreationOptions,
}

/// Enrol a passkey
///
/// Two calls: `{}` answers what the browser is to be asked, and the browser's answer comes with the second. A person without a
/// second factor enrols the first within five minutes after signing in; later that wants the factor itself, at most five minutes
/// ago. An operator enrols the first with a code from the command line. The person is told by a text message.
#[utoipa::path(
    post, path = "/auth/passkeys", operation_id = "auth_enrol_passkey", tag = "auth",
    security(("member" = [])),
    request_body = NewPasskey,
    responses(
        (status = 202, description = "What the browser is to be asked", body = PasskeyCreation),
        (status = 201, description = "Enrolled", body = Passkey),
    ),
    extensions(("x-problems" = json!(["step_up_required", "enrolment_code_required", "factor_does_not_fit",
        "factor_already_enrolled", "too_many_passkeys"]))),
)]
pub async fn enrol(
    State(ctx): State<Context>,
    By(person): By<Person>,
    ApiJson(request): ApiJson<NewPasskey>,
) -> ApiResult<Response> {
    let (challenge, credential) = match (request.challenge_id, request.credential) {
        (None, None) => {
            let offer = begin_passkey(&ctx, &person).await?;
            let answer = PasskeyCreation {
                challenge_id: offer.id.as_uuid(),
                public_key: offer.into(),
            };
            return Ok((StatusCode::ACCEPTED, Json(answer)).into_response());
        }
        (Some(challenge), Some(credential)) => (challenge, credential),
        (None, Some(_)) => return Err(wire::missing("/challenge_id").into()),
        (Some(_), None) => return Err(wire::missing("/credential").into()),
    };
    let input = EnrolPasskey {
        challenge,
        client_data: credential.response.client_data_json.0,
        attestation: credential.response.attestation_object.0,
        name: request.name,
    };
    let made = enrol_passkey(&ctx, &person, input).await?;
    let location = wire::header_value("/api/v1/auth/passkeys");
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, headers, Json(Passkey::from(made))).into_response())
}
