//! Signing in with a one-time code. Whoever signs in for the first time joins and keeps what waited for him.

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::{ChallengeId, MemberId, SessionId};
use domain::people::{CodePurpose, MemberStatus};
use domain::phone::Phone;
use domain::text::Text;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;
use store::sessions::NewSession;

use super::factors::{self, Spent};
use super::methods::RECOVERY;
use super::one_time_code::{self, Answer, CodeCheck, seconds_until};
use super::opening::{Opening, open};
use super::origin::Origin;
use super::session_state::{known, person};
use super::signing_keys;
use super::tokens::{RefreshToken, Tokens, tokens};
use crate::audit_log::{self, Entry};
use crate::caller::Person;
use crate::context::Context;
use crate::ids::random_bytes;
use crate::members::{Joining, join_by_phone, welcome};
use crate::transaction;

/// How long the points of a number for tests are not spent: longer than anybody waits.
const TEST_POINTS_WAIT: TimeDelta = TimeDelta::days(365 * 1000);

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
    /// Where the request comes from.
    pub origin: Origin,
    /// What the person brings along.
    pub joining: Joining,
    /// A code for coming back: the sign-in may then enrol factors, and do nothing else that the person's roles allow.
    pub recovery_code: Option<String>,
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
    /// Too many passwords are being hashed.
    #[error("too many passwords are being hashed")]
    Busy,
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
    // A person's roles are those at all businesses.
    let ctx = &ctx.across();
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
    let answer = Answer {
        phone: &input.phone,
        challenge: input.challenge,
        code: &input.code,
    };
    match one_time_code::check(conn, ctx, answer, CodePurpose::SignIn).await? {
        CodeCheck::Right => {}
        CodeCheck::Wrong => return Ok(Outcome::Invalid),
        CodeCheck::Waits(until) => return Ok(Outcome::Waits(until)),
    }
    let now = ctx.clock().now();
    let (member, status, joins_now) = join_by_phone(conn, ctx, &input.phone).await?;
    if known::<MemberStatus>(&status)? != MemberStatus::Active {
        return Ok(Outcome::Blocked);
    }
    welcome(conn, ctx, member, joins_now, &input.joining).await?;
    if let Some(code) = &input.recovery_code {
        return come_back(conn, ctx, member, input, code, refresh).await;
    }
    let is_test = ctx.config().codes.test_code(&input.phone, now).is_some();
    let session = start_session(conn, ctx, member, input, is_test, refresh).await?;
    if is_test {
        store::wallets::spend_not_before(conn, member, now + TEST_POINTS_WAIT).await?;
        let entry = Entry::of(Action::TestNumberUse, ObjectKind::Session).id(session);
        let entry = entry.after(json!({ "member_id": member }));
        audit_log::record(conn, ctx, entry).await?;
    }
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

/// The sign-in of somebody who lost every factor, if the code is one of the person's.
async fn come_back(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    input: &SignIn,
    code: &str,
    refresh: RefreshToken,
) -> Result<Outcome, StoreError> {
    match factors::spend(conn, ctx, member, code).await? {
        Spent::Right => {}
        Spent::Wrong => return Ok(Outcome::Invalid),
        Spent::Waits(until) => return Ok(Outcome::Waits(until)),
    }
    let opening = Opening {
        member,
        device: input.device.as_ref(),
        amr: &RECOVERY,
        origin: &input.origin,
        replaces: None,
        refresh,
    };
    Ok(match open(conn, ctx, opening).await? {
        Some(person) => Outcome::SignedIn(person, ctx.clock().now()),
        None => Outcome::Blocked,
    })
}

async fn start_session(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    input: &SignIn,
    is_test: bool,
    refresh: RefreshToken,
) -> Result<SessionId, StoreError> {
    let now = ctx.clock().now();
    let amr: &[String] = if is_test {
        // Nothing was sent: whoever reads the token sees what it is worth.
        &["test".to_owned()]
    } else {
        &["sms".to_owned()]
    };
    let new = NewSession {
        id: ctx.ids().next(),
        member,
        device: input.device.as_ref().map_or("", Text::as_str),
        place: &input.origin.place(),
        client: &input.origin.client(),
        amr,
    };
    store::sessions::insert(conn, &new, now).await?;
    store::sessions::insert_refresh_token(conn, new.id, &refresh.hash(), now).await?;
    Ok(new.id)
}
