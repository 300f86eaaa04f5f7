//! Who is asking: integration keys, one-time codes, passkeys and passwords, access and refresh tokens, sign-ins.
//! Start at [`authenticate`]: every credential that arrives goes through it.

pub mod access_token;
pub mod change_phone;
mod code_brake;
pub mod code_rules;
pub mod code_stops;
mod code_text;
pub mod factors;
mod hashing;
pub mod integration_keys;
pub(crate) mod methods;
mod notices;
pub(crate) mod one_time_code;
mod opening;
pub mod origin;
pub mod passkey_sign_in;
pub mod password_sign_in;
pub mod refresh;
pub mod request_code;
pub mod rotate_keys;
pub(crate) mod session_state;
pub mod sessions;
pub mod sign_in;
pub mod signing_keys;
mod tokens;
mod tries;
mod webauthn;

use self::access_token::{AccessClaims, TokenError};
pub use access_token::verify_access_token;
pub(crate) use hashing::PasswordHashing;
pub use tokens::Tokens;

use store::error::StoreError;

use crate::caller::Caller;
use crate::context::Context;

/// Why a credential is not taken. To the outside all of them but a failure of ours are one answer.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The credential is none of ours, or worth nothing any more.
    #[error("the credential is not valid: {0}")]
    Invalid(&'static str),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who shows this bearer credential: an integration key (`ock_…`) or an access token.
///
/// # Errors
/// See [`AuthError`].
pub async fn authenticate(ctx: &Context, bearer: &str) -> Result<Caller, AuthError> {
    if bearer.starts_with(integration_keys::PREFIX) {
        return Ok(Caller::Key(integration_keys::verify(ctx, bearer).await?));
    }
    let claims = claims_of(ctx, bearer).await?;
    let state = session_state::load(ctx, claims.session).await?;
    match state {
        Some(state) if state.person.member == claims.member => {
            Ok(Caller::Person(state.person.clone()))
        }
        _ => Err(AuthError::Invalid("the sign-in was ended")),
    }
}

/// What a valid access token says. A key that nobody here knows may be a minute old: the keys are read anew then, once.
async fn claims_of(ctx: &Context, token: &str) -> Result<AccessClaims, AuthError> {
    let (url, now) = (&ctx.config().public_url, ctx.clock().now());
    let keyring = signing_keys::keyring(ctx).await?;
    let mut found = verify_access_token(token, &keyring, url, now);
    if found == Err(TokenError::UnknownKey)
        && let Some(keyring) = signing_keys::newer(ctx).await?
    {
        found = verify_access_token(token, &keyring, url, now);
    }
    found.map_err(|error| AuthError::Invalid(error.reason()))
}
