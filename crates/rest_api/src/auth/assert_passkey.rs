//! POST /auth/passkeys/assert: signs in, or proves it once more, with a passkey, in two calls.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::ids::PasskeyChallengeId;
use domain::text::Text;
use http::StatusCode;
use http_kit::{ApiJson, MaybeBy};
use serde::{Deserialize, Serialize};
use services::auth::passkey_sign_in::{PasskeySignIn, begin_passkey_sign_in, passkey_sign_in};
use services::caller::Person;
use services::context::Context;
use utoipa::ToSchema;
use uuid::Uuid;

use super::asker::Asker;
use super::passkey_model::{RequestOptions, SignedCredential};
use super::tokens::TokenAnswer;
use crate::problem::ApiResult;
use crate::wire;

/// Nothing, to begin; challenge and credential, to end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct PasskeyAssertion {
    /// The `challenge_id` of the answer that began it.
    #[schema(value_type = Option<Uuid>)]
    challenge_id: Option<PasskeyChallengeId>,
    /// What the browser's `navigator.credentials.get` gave.
    credential: Option<SignedCredential>,
    /// What you call the device, for the list of sign-ins.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "My phone")]
    device: Option<Text<100>>,
}

/// What the browser is to be asked.
#[derive(Serialize, ToSchema)]
pub struct PasskeyRequest {
    /// Names the challenge when its answer comes.
    pub challenge_id: Uuid,
    /// For `navigator.credentials.get`.
    pub public_key: RequestOptions,
}

/// Sign in with a passkey
///
/// Two calls: `{}` answers what the browser is to be asked, and the browser's answer comes with the second. Sent with an access token of
/// the same person, it proves once more who that is: the new sign-in takes the place of the one that asks.
#[utoipa::path(
    post, path = "/auth/passkeys/assert", operation_id = "auth_assert_passkey", tag = "auth",
    request_body = PasskeyAssertion,
    responses(
        (status = 202, description = "What the browser is to be asked", body = PasskeyRequest),
        (status = 200, description = "Signed in", body = TokenAnswer),
    ),
    extensions(("x-problems" = json!(["sign_in_failed", "member_blocked"]))),
)]
pub async fn assert(
    State(ctx): State<Context>,
    MaybeBy(person): MaybeBy<Person>,
    Asker(origin): Asker,
    ApiJson(request): ApiJson<PasskeyAssertion>,
) -> ApiResult<Response> {
    let (challenge, credential) = match (request.challenge_id, request.credential) {
        (None, None) => {
            let begun = begin_passkey_sign_in(&ctx).await?;
            let answer = PasskeyRequest {
                challenge_id: begun.id.as_uuid(),
                public_key: begun.into(),
            };
            return Ok((StatusCode::ACCEPTED, Json(answer)).into_response());
        }
        (Some(challenge), Some(credential)) => (challenge, credential),
        (None, Some(_)) => return Err(wire::missing("/challenge_id").into()),
        (Some(_), None) => return Err(wire::missing("/credential").into()),
    };
    let given = credential.response;
    let input = PasskeySignIn {
        challenge,
        credential_id: credential.id.0,
        client_data: given.client_data_json.0,
        authenticator_data: given.authenticator_data.0,
        signature: given.signature.0,
        user_handle: given.user_handle.map(|handle| handle.0),
        device: request.device,
        origin,
    };
    let replaces = person.map(|person| person.session);
    let tokens = passkey_sign_in(&ctx, input, replaces).await?;
    Ok(TokenAnswer::from(tokens).into_response())
}
