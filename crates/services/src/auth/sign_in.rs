//! Signing in with a one-time code. Tries are counted before a code is compared; a wrong code counts against its
//! phone, also after a new code was sent; whoever signs in for the first time joins and keeps what waited for him.

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::{ChallengeId, MemberId, SessionId};
use domain::people::{CodePurpose, MemberStatus};
use domain::phone::Phone;
use domain::text::Text;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;
use store::one_time_codes::PhoneRow;
use store::sessions::NewSession;

use super::request_code::seconds_until;
use super::session_state::{known, person};
use super::signing_keys;
use super::tokens::{RefreshToken, Tokens, tokens};
use crate::audit_log::{self, Entry};
use crate::caller::Person;
use crate::context::Context;
use crate::ids::random_bytes;
use crate::members::{Joining, join_by_phone, welcome};
use crate::transaction;

/// Wrong codes in a row after which a phone waits.
const FREE_FAILURES: i32 = 10;

/// Wrong codes in a row after which nothing but an operator helps the phone.
const MOST_FAILURES: i32 = 100;

/// The code that came back.
#[derive(Clone)]
pub struct SignIn {
    /// The phone that the code was sent to.
    pub phone: Phone,
    /// The code's challenge.
    pub challenge: ChallengeId,
    /// The code.
    pub code: String,
    /// What the person calls the device.
    pub device: Option<Text<100>>,
    /// What the person brings along.
    pub joining: Joining,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn")
            .field("phone", &self.phone)
            .field("challenge", &self.challenge)
            .finish_non_exhaustive()
    }
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such code, or it is wrong, old, used, or tried too often.
    #[error("the code is not valid")]
    InvalidCode,
    /// Too many wrong codes for this phone.
    #[error("too many wrong codes for this phone")]
    TooMany {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// The member may not sign in.
    #[error("the member is blocked")]
    Blocked,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is decided inside the transaction, which commits in each of these cases: failures are counted.
enum Outcome {
    SignedIn(Box<Person>, DateTime<Utc>),
    Invalid,
    Waits(DateTime<Utc>),
    Blocked,
}

/// Signs a member in.
///
/// # Errors
/// See [`SignInError`].
pub async fn sign_in(ctx: &Context, input: SignIn) -> Result<Tokens, SignInError> {
    // Asked for first, so that nothing waits for a connection while the transaction holds one.
    let keyring = signing_keys::keyring(ctx).await?;
    let refresh = RefreshToken::new(random_bytes());
    let outcome = transaction::run(
        ctx,
        (ctx.clone(), input, refresh),
        |conn, (ctx, input, refresh)| Box::pin(decide(conn, ctx, input, *refresh)),
    )
    .await?;
    match outcome {
        Outcome::SignedIn(person, at) => Ok(tokens(ctx, &keyring, &person, at, refresh)?),
        Outcome::Invalid => Err(SignInError::InvalidCode),
        Outcome::Waits(until) => Err(SignInError::TooMany {
            retry_after: seconds_until(until, ctx.clock().now()),
        }),
        Outcome::Blocked => Err(SignInError::Blocked),
    }
}

async fn decide(
    conn: &mut PgConnection,
    ctx: &Context,
    input: &SignIn,
    refresh: RefreshToken,
) -> Result<Outcome, StoreError> {
    match check_code(conn, ctx, input, CodePurpose::SignIn).await? {
        CodeCheck::Right => {}
        CodeCheck::Wrong => return Ok(Outcome::Invalid),
        CodeCheck::Waits(until) => return Ok(Outcome::Waits(until)),
    }
    let now = ctx.clock().now();
    let (member, status, joins_now) = join_by_phone(conn, ctx, &input.phone).await?;
    if known::<MemberStatus>(&status)? != MemberStatus::Active {
        return Ok(Outcome::Blocked);
    }
    let session = start_session(conn, ctx, member, input.device.as_ref(), refresh).await?;
    welcome(conn, ctx, member, joins_now, &input.joining).await?;
    let row = store::sessions::get(conn, session)
        .await?
        .ok_or(StoreError(sqlx::Error::RowNotFound))?;
    let person = Box::new(person(conn, row).await?);
    let entry = Entry::of(Action::SessionStart, ObjectKind::Session).id(session);
    let entry = entry
        .by(person.as_ref())
        .after(json!({ "amr": person.amr }));
    audit_log::record(conn, ctx, entry).await?;
    Ok(Outcome::SignedIn(person, now))
}

async fn start_session(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    device: Option<&Text<100>>,
    refresh: RefreshToken,
) -> Result<SessionId, StoreError> {
    let now = ctx.clock().now();
    let new = NewSession {
        id: ctx.ids().next(),
        member,
        device: device.map_or("", Text::as_str),
        amr: &["sms".to_owned()],
    };
    store::sessions::insert(conn, &new, now).await?;
    store::sessions::insert_refresh_token(conn, new.id, &refresh.hash(), now).await?;
    Ok(new.id)
}

/// What a code is worth.
enum CodeCheck {
    Right,
    Wrong,
    Waits(DateTime<Utc>),
}

/// Compares a code and counts; the caller's transaction must commit whatever comes out.
async fn check_code(
    conn: &mut PgConnection,
    ctx: &Context,
    input: &SignIn,
    purpose: CodePurpose,
) -> Result<CodeCheck, StoreError> {
    let now = ctx.clock().now();
    let phone_hash = ctx.vault().phone_hash(&input.phone);
    let given = ctx.vault().code_hash(
        input.challenge.as_uuid(),
        &input.phone,
        purpose.as_str(),
        &input.code,
    );
    // Tries for one phone take turns from here on.
    let Some(phone) = store::one_time_codes::lock_phone(conn, &phone_hash).await? else {
        return Ok(CodeCheck::Wrong);
    };
    if let Some(until) = phone.waits_until.filter(|until| *until > now) {
        return Ok(CodeCheck::Waits(until));
    }
    let Some(kept) =
        store::one_time_codes::count_try(conn, input.challenge, &phone_hash, purpose, now).await?
    else {
        return Ok(CodeCheck::Wrong);
    };
    if aws_lc_rs::constant_time::verify_slices_are_equal(&kept, &given).is_err() {
        let failures = phone.failures.saturating_add(1);
        let row = PhoneRow {
            failures,
            waits_until: wait_after(failures).map(|wait| now + wait),
        };
        store::one_time_codes::update_phone(conn, &phone_hash, row, now).await?;
        if let Some(until) = row.waits_until {
            // The challenge stands for the phone, which no entry names.
            let entry = Entry::of(Action::SignInLock, ObjectKind::Challenge).id(input.challenge);
            let entry = entry.after(json!({ "failures": failures, "locked_until": until }));
            audit_log::record(conn, ctx, entry).await?;
        }
        return Ok(CodeCheck::Wrong);
    }
    if !store::one_time_codes::mark_used(conn, input.challenge, now).await? {
        return Ok(CodeCheck::Wrong);
    }
    let row = PhoneRow {
        failures: 0,
        waits_until: None,
    };
    store::one_time_codes::update_phone(conn, &phone_hash, row, now).await?;
    Ok(CodeCheck::Right)
}

/// How long a phone waits after so many wrong codes in a row: from 30 seconds, doubling, up to an hour; at last a
/// year, until an operator helps.
fn wait_after(failures: i32) -> Option<TimeDelta> {
    if failures >= MOST_FAILURES {
        return Some(TimeDelta::days(365));
    }
    let over = u32::try_from(failures - FREE_FAILURES).ok()?;
    let seconds = 30_i64.saturating_mul(1_i64 << over.min(7));
    Some(TimeDelta::seconds(seconds.min(3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_half_a_minute_to_an_hour() {
        assert_eq!(wait_after(9), None);
        let seconds: Vec<_> = (10..20)
            .map(|n| wait_after(n).unwrap().num_seconds())
            .collect();
        assert_eq!(
            seconds,
            [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
        );
        assert_eq!(wait_after(99), Some(TimeDelta::hours(1)));
        assert_eq!(wait_after(100), Some(TimeDelta::days(365)));
        assert_eq!(wait_after(i32::MAX), Some(TimeDelta::days(365)));
    }
}
