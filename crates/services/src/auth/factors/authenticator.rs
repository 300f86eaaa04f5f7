//! An authenticator that makes codes by time (TOTP, RFC 6238): six digits, 30 seconds, one step of tolerance. It counts
//! after its first code came, and each step's code is good once.

use chrono::TimeDelta;
use domain::ids::MemberId;
use sqlx::PgConnection;
use store::error::StoreError;
use totp_rs::{Builder, Totp};

use super::standing::{expect_change, refuse_last, require_change};
use super::{Change, FactorError, tell};
use crate::auth::tries::{TOTP, Try};
use crate::caller::Person;
use crate::context::Context;
use crate::ids::random_bytes;
use crate::members::open_phone;
use crate::programme;
use crate::transaction;
use crate::vault::{SealBroken, SealedField};

/// How long the first code may take.
const PENDING_LIFE: TimeDelta = TimeDelta::minutes(15);

/// An authenticator that is being enrolled. It is shown once.
#[derive(Clone)]
pub struct NewAuthenticator {
    /// The secret, in base 32, for typing in.
    pub secret: String,
    /// The same for a QR code.
    pub otpauth_uri: String,
}

impl std::fmt::Debug for NewAuthenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewAuthenticator")
    }
}

/// Begins to enrol an authenticator; one that is enrolled stays until the new one has proved itself.
///
/// # Errors
/// See [`FactorError`].
pub async fn begin_authenticator(
    ctx: &Context,
    person: &Person,
) -> Result<NewAuthenticator, FactorError> {
    let issuer = programme::current(ctx).await?.settings.name.clone();
    let input = (ctx.clone(), person.clone(), issuer);
    transaction::run(ctx, input, |conn, (ctx, person, issuer)| {
        Box::pin(begin(conn, ctx, person, issuer))
    })
    .await
}

async fn begin(
    conn: &mut PgConnection,
    ctx: &Context,
    person: &Person,
    issuer: &str,
) -> Result<NewAuthenticator, FactorError> {
    expect_change(conn, ctx, person).await?;
    let member = person.member;
    let row = store::members::get(conn, member)
        .await?
        .ok_or(StoreError(sqlx::Error::RowNotFound))?;
    let phone = open_phone(ctx, member, row.phone_sealed.as_deref())?;
    let account = phone.map_or(row.number, |phone| phone.masked());
    let secret = random_bytes::<20>();
    // A colon would end the issuer in the address.
    let totp = Builder::new()
        .with_secret(secret.to_vec())
        .with_account_name(account)
        .with_issuer(Some(issuer.replace(':', " ")))
        .build()
        .map_err(broken)?;
    let sealed = ctx.vault().seal(
        SealedField::AuthenticatorSecret,
        member.as_uuid().as_bytes(),
        &secret,
    );
    let until = ctx.clock().now() + PENDING_LIFE;
    store::passwords::put_pending_authenticator(conn, member, &sealed, until).await?;
    Ok(NewAuthenticator {
        secret: totp.secret().to_base32(),
        otpauth_uri: totp.to_url().map_err(broken)?,
    })
}

fn broken(error: impl std::fmt::Debug) -> FactorError {
    StoreError(sqlx::Error::Decode(format!("{error:?}").into())).into()
}

/// Enrols the authenticator whose first code this is.
///
/// # Errors
/// See [`FactorError`].
pub async fn confirm_authenticator(
    ctx: &Context,
    person: &Person,
    code: String,
) -> Result<(), FactorError> {
    let input = (ctx.clone(), person.clone(), code);
    // What is refused is refused after the commit: tries are counted.
    transaction::run(ctx, input, |conn, (ctx, person, code)| {
        Box::pin(async move {
            match confirm(conn, ctx, person, code).await {
                Err(FactorError::Store(error)) => Err(error),
                outcome => Ok::<_, StoreError>(outcome),
            }
        })
    })
    .await?
}

async fn confirm(
    conn: &mut PgConnection,
    ctx: &Context,
    person: &Person,
    code: &str,
) -> Result<(), FactorError> {
    let (member, now) = (person.member, ctx.clock().now());
    let lock = match TOTP.take(conn, member.as_uuid().as_bytes(), now).await? {
        Try::Waits(until) => return Err(FactorError::waits(until, now)),
        Try::Counted(lock) => lock,
    };
    let outcome = compare(conn, ctx, person, code).await;
    if let (Err(FactorError::DoesNotFit), Some(lock)) = (&outcome, lock) {
        lock.note(conn, ctx, Some(member)).await?;
    }
    outcome
}

async fn compare(
    conn: &mut PgConnection,
    ctx: &Context,
    person: &Person,
    code: &str,
) -> Result<(), FactorError> {
    let (member, now) = (person.member, ctx.clock().now());
    require_change(conn, ctx, person).await?;
    let row = store::passwords::authenticator(conn, member).await?;
    let pending = row
        .filter(|row| row.pending_until.is_some_and(|until| until > now))
        .and_then(|row| row.pending_sealed)
        .ok_or(FactorError::DoesNotFit)?;
    let totp = totp_of(ctx, member, &pending)?;
    let step = step_of(&totp, code, now.timestamp()).ok_or(FactorError::DoesNotFit)?;
    if !store::passwords::confirm_authenticator(conn, member, &pending, step, now).await? {
        return Err(FactorError::DoesNotFit);
    }
    TOTP.forgive(conn, member.as_uuid().as_bytes()).await?;
    tell(conn, ctx, member, Change::AuthenticatorAdded).await?;
    Ok(())
}

/// The authenticator whose secret was sealed.
pub(in crate::auth) fn totp_of(
    ctx: &Context,
    member: MemberId,
    sealed: &[u8],
) -> Result<Totp, StoreError> {
    let row = member.as_uuid();
    let secret = ctx
        .vault()
        .open(SealedField::AuthenticatorSecret, row.as_bytes(), sealed)
        .map_err(|error: SealBroken| StoreError(sqlx::Error::Decode(Box::new(error))))?;
    Builder::new()
        .with_secret(secret)
        .with_account_name("member")
        .build()
        .map_err(|error| StoreError(sqlx::Error::Decode(format!("{error:?}").into())))
}

/// The step whose code this is, of the three that are good now.
pub(in crate::auth) fn step_of(totp: &Totp, code: &str, now: i64) -> Option<i64> {
    let step = totp.check(code, u64::try_from(now).ok()?)?;
    i64::try_from(step).ok()
}

/// Removes the caller's authenticator, and ends the person's other sign-ins.
///
/// # Errors
/// See [`FactorError`].
pub async fn remove_authenticator(ctx: &Context, person: &Person) -> Result<(), FactorError> {
    // Somebody who works anywhere keeps a strong factor.
    let ctx = &ctx.across();
    let input = (ctx.clone(), person.clone());
    transaction::run(ctx, input, |conn, (ctx, person)| {
        Box::pin(async move {
            let (member, now) = (person.member, ctx.clock().now());
            let before = require_change(conn, ctx, person).await?;
            if !store::passwords::delete_authenticator(conn, member).await? {
                return Err(FactorError::Unknown);
            }
            refuse_last(conn, &before, person).await?;
            let but = Some(person.session);
            store::sessions::end_all(conn, member, but, "ended", now).await?;
            tell(conn, ctx, member, Change::AuthenticatorRemoved).await?;
            Ok(())
        })
    })
    .await?;
    ctx.caches().forget_member(person.member);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_steps_are_good() {
        let totp = Builder::new()
            .with_secret(b"12345678901234567890".to_vec())
            .with_account_name("member")
            .build()
            .unwrap();
        // RFC 6238, appendix B: at 59 seconds the code ends in 287082.
        assert_eq!(step_of(&totp, "287082", 59), Some(1));
        assert_eq!(step_of(&totp, "287082", 89), Some(1));
        assert_eq!(step_of(&totp, "287082", 0), Some(1));
        assert_eq!(step_of(&totp, "287082", 90), None);
        assert_eq!(step_of(&totp, "287083", 59), None);
    }
}
