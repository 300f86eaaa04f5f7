//! Signing in, or proving it once more, with a passkey: a challenge for whoever asks, and tokens for whoever answers it.
//! The passkey itself says whose it is, so that nothing tells whether a phone is a member's.

use domain::audit::{Action, ObjectKind};
use domain::ids::{MemberId, PasskeyChallengeId, SessionId};
use domain::text::Text;
use sqlx::PgConnection;
use store::error::StoreError;

use super::factors::{CHALLENGE_LIFE, timeout_millis};
use super::methods::PASSKEY;
use super::opening::{Opening, open};
use super::origin::Origin;
use super::sign_in::SignInError;
use super::signing_keys;
use super::tokens::{RefreshToken, Tokens, tokens};
use super::webauthn::{Assertion, CeremonyFault, KnownCredential, RelyingParty, check_assertion};
use crate::audit_log::{self, Entry};
use crate::caller::Person;
use crate::context::Context;
use crate::ids::random_bytes;
use crate::transaction;

/// What an authenticator is asked to sign.
#[derive(Clone, Debug)]
pub struct PasskeyChallenge {
    /// Names the challenge when its answer comes.
    pub id: PasskeyChallengeId,
    /// What is to be signed.
    pub challenge: Vec<u8>,
    /// Milliseconds for which it may be answered.
    pub timeout_millis: u32,
    /// The host whose passkeys are asked for.
    pub party_id: String,
}

/// The answer of an authenticator.
#[derive(Clone, Debug)]
pub struct PasskeySignIn {
    /// The challenge that was answered.
    pub challenge: PasskeyChallengeId,
    /// What the authenticator calls the passkey.
    pub credential_id: Vec<u8>,
    /// What the browser says.
    pub client_data: Vec<u8>,
    /// What the authenticator says.
    pub authenticator_data: Vec<u8>,
    /// The signature over both.
    pub signature: Vec<u8>,
    /// Whose the authenticator believes it to be.
    pub user_handle: Option<Vec<u8>>,
    /// What the person calls the device.
    pub device: Option<Text<100>>,
    /// Where the request comes from.
    pub origin: Origin,
}

/// Gives a challenge to whoever wants to sign in.
///
/// # Errors
/// If the database fails.
pub async fn begin_passkey_sign_in(ctx: &Context) -> Result<PasskeyChallenge, StoreError> {
    let (id, challenge) = (ctx.ids().next(), random_bytes::<32>());
    let until = ctx.clock().now() + CHALLENGE_LIFE;
    transaction::run(ctx, (), move |conn, ()| {
        Box::pin(async move {
            store::passkeys::insert_challenge(conn, id, None, &challenge, until).await
        })
    })
    .await?;
    Ok(PasskeyChallenge {
        id,
        challenge: challenge.to_vec(),
        timeout_millis: timeout_millis(),
        party_id: RelyingParty::of(&ctx.config().public_url).id,
    })
}

/// What is decided inside the transaction, which commits in each of these cases: the challenge is used up.
enum Outcome {
    SignedIn(Box<Person>),
    Invalid,
    Blocked,
}

/// Signs a person in whose passkey signed the challenge. `replaces` is the sign-in that asks, if one does: the new one takes
/// its place, when it is the same person's.
///
/// # Errors
/// See [`SignInError`].
pub async fn passkey_sign_in(
    ctx: &Context,
    input: PasskeySignIn,
    replaces: Option<SessionId>,
) -> Result<Tokens, SignInError> {
    let keyring = signing_keys::keyring(ctx).await?;
    let refresh = RefreshToken::new(random_bytes());
    // A person's roles are those at all businesses.
    let ctx = &ctx.across();
    let given = (ctx.clone(), input);
    let outcome = transaction::run(ctx, given, move |conn, (ctx, input)| {
        Box::pin(decide(conn, ctx, input, replaces, refresh))
    })
    .await?;
    match outcome {
        Outcome::SignedIn(person) => {
            if let Some(old) = replaces {
                ctx.caches().sessions.forget(&old);
            }
            Ok(tokens(ctx, &keyring, &person, ctx.clock().now(), refresh)?)
        }
        Outcome::Invalid => Err(SignInError::InvalidCode),
        Outcome::Blocked => Err(SignInError::Blocked),
    }
}

async fn decide(
    conn: &mut PgConnection,
    ctx: &Context,
    input: &PasskeySignIn,
    replaces: Option<SessionId>,
    refresh: RefreshToken,
) -> Result<Outcome, StoreError> {
    let Some(member) = check(conn, ctx, input).await? else {
        return Ok(Outcome::Invalid);
    };
    let opening = Opening {
        member,
        device: input.device.as_ref(),
        amr: &PASSKEY,
        origin: &input.origin,
        replaces,
        refresh,
    };
    Ok(match open(conn, ctx, opening).await? {
        Some(person) => Outcome::SignedIn(person),
        None => Outcome::Blocked,
    })
}

/// Whose passkey signed our challenge, if one did.
async fn check(
    conn: &mut PgConnection,
    ctx: &Context,
    input: &PasskeySignIn,
) -> Result<Option<MemberId>, StoreError> {
    let now = ctx.clock().now();
    let taken = store::passkeys::take_challenge(conn, input.challenge, "assert").await?;
    let Some(challenge) = taken.filter(|taken| taken.expires_at > now) else {
        return Ok(None);
    };
    let found = store::passkeys::lock_by_credential(conn, &input.credential_id).await?;
    let Some(passkey) = found else {
        return Ok(None);
    };
    let handle = input.user_handle.as_deref();
    if handle.is_some_and(|handle| handle != passkey.member_id.as_bytes()) {
        return Ok(None);
    }
    let known = KnownCredential {
        public_key: &passkey.public_key,
        sign_count: u32::try_from(passkey.sign_count).unwrap_or(u32::MAX),
        backup_eligible: passkey.backup_eligible,
    };
    let given = Assertion {
        client_data: &input.client_data,
        authenticator_data: &input.authenticator_data,
        signature: &input.signature,
    };
    let party = RelyingParty::of(&ctx.config().public_url);
    match check_assertion(&party, &challenge.challenge, &known, &given) {
        Ok(asserted) => {
            let (count, backed_up) = (asserted.sign_count, asserted.backed_up);
            store::passkeys::mark_used(conn, passkey.id.into(), count, backed_up, now).await?;
            Ok(Some(passkey.member_id.into()))
        }
        Err(fault) => {
            metrics::counter!("passkeys_refused_total").increment(1);
            tracing::warn!(member = %passkey.member_id, passkey = %passkey.id, %fault, "a passkey is refused");
            if fault == CeremonyFault::CounterWentBack {
                let entry = Entry::of(Action::PasskeyClone, ObjectKind::Factor).id(passkey.id);
                audit_log::record(conn, ctx, entry).await?;
            }
            Ok(None)
        }
    }
}
