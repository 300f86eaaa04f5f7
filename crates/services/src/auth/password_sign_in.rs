//! Signing in with phone, password and the code of an authenticator. Tries are counted before anything is compared, for the
//! phone and for the network; whether the phone, the password or the code was wrong, and whether the phone is a member's
//! at all, shows neither in the answer nor in how long it takes.

use std::net::{IpAddr, Ipv4Addr};

use chrono::{DateTime, Utc};
use domain::ids::{MemberId, SessionId};
use domain::phone::Phone;
use domain::text::Text;
use sqlx::PgConnection;
use store::error::StoreError;
use uuid::Uuid;

use super::factors::{step_of, totp_of};
use super::hashing::HashingError;
use super::methods::PASSWORD_AND_TOTP;
use super::one_time_code::seconds_until;
use super::opening::{Opening, open};
use super::origin::Origin;
use super::sign_in::SignInError;
use super::signing_keys;
use super::tokens::{RefreshToken, Tokens, tokens};
use super::tries::{Lock, NETWORK, PASSWORD, Try};
use crate::caller::Person;
use crate::context::Context;
use crate::ids::random_bytes;
use crate::transaction;
use crate::vault::{SealBroken, SealedField};

/// What a person shows.
#[derive(Clone)]
pub struct PasswordSignIn {
    /// Who the person says to be.
    pub phone: Phone,
    /// The password.
    pub password: String,
    /// The authenticator's code.
    pub totp: String,
    /// What the person calls the device.
    pub device: Option<Text<100>>,
    /// Where the request comes from.
    pub origin: Origin,
}

impl std::fmt::Debug for PasswordSignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordSignIn")
            .field("phone", &self.phone)
            .finish_non_exhaustive()
    }
}

/// Under which subjects the try is counted.
#[derive(Clone)]
struct Subjects {
    phone: Vec<u8>,
    network: Vec<u8>,
    /// Under what the member of the phone is found.
    member: Vec<u8>,
}

/// What a member has to compare with; nothing for a phone that is nobody's.
struct Kept {
    member: MemberId,
    hash_sealed: Vec<u8>,
    secret_sealed: Vec<u8>,
}

/// What a try is compared with, and what it brings about in vain.
struct ToCompare {
    kept: Option<Kept>,
    /// Whose phone it is, whether or not he has a password.
    member: Option<MemberId>,
    lock: Option<Lock>,
}

/// What is known before anything is compared.
enum Counted {
    Waits(DateTime<Utc>),
    Compare(Box<ToCompare>),
}

/// Signs a person in. `replaces`: see [`super::passkey_sign_in::passkey_sign_in`].
///
/// # Errors
/// See [`SignInError`].
pub async fn password_sign_in(
    ctx: &Context,
    input: PasswordSignIn,
    replaces: Option<SessionId>,
) -> Result<Tokens, SignInError> {
    let keyring = signing_keys::keyring(ctx).await?;
    let address = input.origin.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let subjects = Subjects {
        phone: ctx.vault().phone_hash(&input.phone),
        network: ctx.vault().address_hash(network_of(address)),
        member: ctx.vault().member_phone_hash(&input.phone),
    };
    let given = (ctx.clone(), subjects.clone());
    let counted = transaction::run(ctx, given, |conn, (ctx, subjects)| {
        Box::pin(count(conn, ctx, subjects))
    })
    .await?;
    let found = match counted {
        Counted::Waits(until) => {
            return Err(SignInError::TooMany {
                retry_after: seconds_until(until, ctx.clock().now()),
            });
        }
        Counted::Compare(found) => *found,
    };
    let ToCompare { kept, member, lock } = found;
    let Some((kept, step)) = compare(ctx, &input, kept).await? else {
        if let Some(lock) = lock {
            transaction::run(ctx, ctx.clone(), move |conn, ctx| {
                Box::pin(lock.note(conn, ctx, member))
            })
            .await?;
        }
        return Err(SignInError::InvalidCode);
    };
    let refresh = RefreshToken::new(random_bytes());
    // A person's roles are those at all businesses.
    let ctx = &ctx.across();
    let right = (ctx.clone(), subjects, kept, input);
    let person = transaction::run(ctx, right, move |conn, (ctx, subjects, kept, input)| {
        let opening = Opening {
            member: kept.member,
            device: input.device.as_ref(),
            amr: &PASSWORD_AND_TOTP,
            origin: &input.origin,
            replaces,
            refresh,
        };
        Box::pin(enter(conn, ctx, subjects, kept, step, opening))
    })
    .await?;
    if let Some(old) = replaces {
        ctx.caches().sessions.forget(&old);
    }
    Ok(tokens(ctx, &keyring, &person, ctx.clock().now(), refresh)?)
}

/// The address, or the first half of one of version 6: whoever has one of those has them all.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
    }
}

async fn count(
    conn: &mut PgConnection,
    ctx: &Context,
    subjects: &Subjects,
) -> Result<Counted, StoreError> {
    let now = ctx.clock().now();
    if let Try::Waits(until) = NETWORK.take(conn, &subjects.network, now).await? {
        return Ok(Counted::Waits(until));
    }
    let lock = match PASSWORD.take(conn, &subjects.phone, now).await? {
        Try::Waits(until) => return Ok(Counted::Waits(until)),
        Try::Counted(lock) => lock,
    };
    let phones = std::slice::from_ref(&subjects.member);
    let found = store::members::find_by_phones(conn, phones).await?;
    let member = found.first().map(|found| MemberId::from(found.id));
    // Nobody's phone is asked the same questions: else the time that they take would tell whose it is.
    let subject = member.unwrap_or_else(|| Uuid::nil().into());
    let password = store::passwords::get(conn, subject).await?;
    let authenticator = store::passwords::authenticator(conn, subject).await?;
    let kept = password
        .zip(authenticator.and_then(|one| one.secret_sealed))
        .map(|(password, secret_sealed)| Kept {
            member: subject,
            hash_sealed: password.hash_sealed,
            secret_sealed,
        });
    Ok(Counted::Compare(Box::new(ToCompare { kept, member, lock })))
}

/// What was kept, and the code's step, if password and code are right.
async fn compare(
    ctx: &Context,
    input: &PasswordSignIn,
    kept: Option<Kept>,
) -> Result<Option<(Kept, i64)>, SignInError> {
    let hash = match &kept {
        Some(kept) => Some(open_hash(ctx, kept)?),
        None => None,
    };
    let password = input.password.clone();
    let right = ctx.password_hashing().verify(password, hash).await;
    let right = right.map_err(|error| match error {
        HashingError::Busy => SignInError::Busy,
        error => StoreError(sqlx::Error::Decode(Box::new(error))).into(),
    })?;
    let Some(kept) = kept.filter(|_| right) else {
        return Ok(None);
    };
    let totp = totp_of(ctx, kept.member, &kept.secret_sealed)?;
    let step = step_of(&totp, &input.totp, ctx.clock().now().timestamp());
    Ok(step.map(|step| (kept, step)))
}

fn open_hash(ctx: &Context, kept: &Kept) -> Result<String, StoreError> {
    let row = kept.member.as_uuid();
    ctx.vault()
        .open_text(SealedField::PasswordHash, row.as_bytes(), &kept.hash_sealed)
        .map_err(|error: SealBroken| StoreError(sqlx::Error::Decode(Box::new(error))))
}

/// Uses the code up and opens the sign-in, unless the password or the authenticator was changed meanwhile.
async fn enter(
    conn: &mut PgConnection,
    ctx: &Context,
    subjects: &Subjects,
    kept: &Kept,
    step: i64,
    opening: Opening<'_>,
) -> Result<Box<Person>, SignInError> {
    let fresh = store::passwords::use_step(conn, kept.member, &kept.secret_sealed, step).await?;
    let password = store::passwords::get(conn, kept.member).await?;
    let same = password.is_some_and(|one| one.hash_sealed == kept.hash_sealed);
    if !fresh || !same {
        return Err(SignInError::InvalidCode);
    }
    PASSWORD.forgive(conn, &subjects.phone).await?;
    NETWORK.forgive_one(conn, &subjects.network).await?;
    open(conn, ctx, opening).await?.ok_or(SignInError::Blocked)
}
