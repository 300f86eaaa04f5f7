//! POST /auth/token: a code for tokens.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::State;
use domain::consents::ConsentKind;
use domain::ids::ChallengeId;
use domain::invitation_code::InvitationCode;
use domain::text::Text;
use http_kit::{ApiJson, MaybeBy};
use serde::Deserialize;
use services::auth::password_sign_in::{PasswordSignIn, password_sign_in};
use services::auth::sign_in::{SignIn, sign_in};
use services::caller::Person;
use services::context::Context;
use services::members::Joining;
use utoipa::ToSchema;

use super::asker::Asker;
use super::tokens::TokenAnswer;
use crate::problem::ApiResult;
use crate::wire;

/// A code that came by text message, or password and authenticator code.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "phone": "+79161234567", "challenge_id": "019cadf4-6c80-7000-8000-000000000001", "code": "012345", "device": "My phone",
    "consents": [{ "kind": "terms", "version": 1 }, { "kind": "personal_data", "version": 1 }],
}))]
pub struct SignInRequest {
    /// The phone that the code was sent to.
    #[schema(
        max_length = 40,
        pattern = r"^\+?[0-9][0-9 ().-]{4,38}$",
        example = "+79161234567"
    )]
    phone: String,
    /// The `challenge_id` of the answer that announced the code; goes with `code`.
    #[schema(value_type = Option<Uuid>)]
    challenge_id: Option<ChallengeId>,
    /// The code that came by text message.
    #[schema(
        min_length = 6,
        max_length = 6,
        pattern = "^[0-9]{6}$",
        example = "012345"
    )]
    code: Option<String>,
    /// A recovery code, or an enrolment code that you were given; goes with `code`. The sign-in may enrol factors.
    #[schema(
        min_length = 16,
        max_length = 40,
        pattern = "^[0-9A-Za-z -]+$",
        example = "0000-1111-2222-3333"
    )]
    recovery_code: Option<String>,
    /// The password, in place of a code by text message; goes with `totp`.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = "^[^\\u0000]+$",
        example = "зелёный слон пьёт кефир"
    )]
    password: Option<String>,
    /// The authenticator's code; goes with `password`.
    #[schema(
        min_length = 6,
        max_length = 6,
        pattern = "^[0-9]{6}$",
        example = "012345"
    )]
    totp: Option<String>,
    /// What you call the device, for the list of sign-ins.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "My phone")]
    device: Option<Text<100>>,
    /// The texts that were shown and agreed to; see `GET /auth/consents`.
    #[serde(default)]
    #[schema(max_items = 20)]
    consents: Vec<AgreedText>,
    /// The code of the member who invited; counts at the first sign-in.
    #[schema(
        min_length = 9,
        max_length = 20,
        pattern = "^[0-9A-Za-z -]+$",
        example = "7KQ-2MX-9RT"
    )]
    invitation_code: Option<String>,
}

/// A text that was agreed to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgreedText {
    /// What it is about.
    #[schema(value_type = wire::ConsentKind)]
    kind: ConsentKind,
    /// The version that was shown.
    #[schema(minimum = 1, maximum = 1_000_000, example = 1)]
    version: i32,
}

impl SignInRequest {
    /// What the person brings along, checked before the code is looked at.
    async fn joining(&self, ctx: &Context, address: IpAddr) -> ApiResult<Joining> {
        let invitation = self.invitation_code.as_deref().map(InvitationCode::parse);
        let invitation = invitation
            .transpose()
            .map_err(|error| wire::field("/invitation_code", "bad_format", error.to_string()))?;
        let agreed: Vec<_> = self
            .consents
            .iter()
            .map(|one| (one.kind, one.version))
            .collect();
        Ok(Joining::new(ctx, &agreed, invitation, address).await?)
    }
}

/// Sign in with a code, or with password and authenticator
///
/// Whoever signs in for the first time joins; until the required texts are agreed to, here or later, there is no card.
/// Gives an access token for ten minutes and a refresh token. With `challenge_id` and `code`: as a member; roles want a second factor, which
/// is a passkey or `password` and `totp` together. With `recovery_code` besides: to enrol new factors. Something wrong counts against the
/// phone, also after a new code was sent; the answer does not tell what it was. Sent with an access token of the same person,
/// password and authenticator prove once more who that is: the new sign-in takes the place of the one that asks.
#[utoipa::path(
    post, path = "/auth/token", operation_id = "auth_sign_in", tag = "auth",
    request_body = SignInRequest,
    responses((status = 200, description = "Signed in", body = TokenAnswer)),
    extensions(("x-problems" = json!(["sign_in_failed", "account_locked", "member_blocked", "consent_text_changed", "overloaded"]))),
)]
pub async fn enter(
    State(ctx): State<Context>,
    MaybeBy(person): MaybeBy<Person>,
    Asker(origin): Asker,
    ApiJson(request): ApiJson<SignInRequest>,
) -> ApiResult<TokenAnswer> {
    let phone = wire::phone(&ctx, &request.phone, "/phone")?;
    if let Some(password) = request.password {
        for (given, pointer) in [
            (request.challenge_id.is_some(), "/challenge_id"),
            (request.code.is_some(), "/code"),
            (request.recovery_code.is_some(), "/recovery_code"),
        ] {
            if given {
                return Err(wire::superfluous(pointer).into());
            }
        }
        let input = PasswordSignIn {
            phone,
            password,
            totp: request.totp.ok_or_else(|| wire::missing("/totp"))?,
            device: request.device,
            origin,
        };
        let replaces = person.map(|person| person.session);
        return Ok(password_sign_in(&ctx, input, replaces).await?.into());
    }
    if request.totp.is_some() {
        return Err(wire::missing("/password").into());
    }
    let address = origin.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let joining = request.joining(&ctx, address).await?;
    let challenge = request.challenge_id;
    let input = SignIn {
        phone,
        challenge: challenge.ok_or_else(|| wire::missing("/challenge_id"))?,
        code: request.code.ok_or_else(|| wire::missing("/code"))?,
        device: request.device,
        recovery_code: request.recovery_code,
        origin,
        joining,
    };
    Ok(sign_in(&ctx, input).await?.into())
}
