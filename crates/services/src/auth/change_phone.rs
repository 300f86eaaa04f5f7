//! A member changes the phone: whoever has the phone has the account, so it wants a recent sign-in and a code of the new
//! number. The old number is told, every other sign-in ends, and for a day no points are spent.

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::{ChallengeId, MemberId};
use domain::people::{CodePurpose, Locale};
use domain::phone::Phone;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;

use super::notices::{self, Notice};
use super::one_time_code::{self, Answer, Challenge, CodeCheck, seconds_until};
use super::request_code::{RequestCode, RequestCodeError, send_code};
use super::session_state::known;
use crate::audit_log::{self, Entry};
use crate::caller::MemberCaller;
use crate::context::Context;
use crate::members::open_phone;
use crate::transaction;
use crate::vault::SealedField;

/// For how long no points are spent after a change.
pub const SPENDING_WAITS: TimeDelta = TimeDelta::hours(24);

/// The code of the new number.
#[derive(Clone)]
pub struct ChangePhone {
    /// The new number.
    pub phone: Phone,
    /// The code's challenge.
    pub challenge: ChallengeId,
    /// The code.
    pub code: String,
}

impl std::fmt::Debug for ChangePhone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangePhone")
            .field("phone", &self.phone)
            .field("challenge", &self.challenge)
            .finish_non_exhaustive()
    }
}

/// Why the phone stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum ChangePhoneError {
    /// No such code, or it is wrong, old, used, tried too often, or for something else.
    #[error("the code is not valid")]
    InvalidCode,
    /// Too many wrong codes for the new phone.
    #[error("too many wrong codes for this phone")]
    TooMany {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// It is the phone that the member has.
    #[error("the member has this phone already")]
    Same,
    /// Somebody else has it. Only who has shown its code hears that.
    #[error("another member has this phone")]
    Taken,
    /// There is no such member any more.
    #[error("there is no such member")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends a code to the new number. Whether it belongs to a member, the answer does not tell.
///
/// # Errors
/// See [`RequestCodeError`].
pub async fn request_phone_code(
    ctx: &Context,
    input: RequestCode,
) -> Result<Challenge, RequestCodeError> {
    send_code(ctx, input, CodePurpose::ChangePhone).await
}

/// Whether the phone was changed; each case commits, so that failures are counted.
enum Outcome {
    Changed(Vec<domain::ids::SessionId>),
    Refused(ChangePhoneError),
}

/// Gives the caller's account the new number.
///
/// # Errors
/// See [`ChangePhoneError`].
pub async fn change_phone(
    ctx: &Context,
    caller: &MemberCaller,
    input: ChangePhone,
) -> Result<(), ChangePhoneError> {
    // The end of the number is kept beside the visits to each business.
    let ctx = &ctx.across();
    let done = transaction::run(
        ctx,
        (ctx.clone(), *caller, input),
        |conn, (ctx, caller, input)| Box::pin(decide(conn, ctx, *caller, input)),
    );
    match done.await.map_err(taken)? {
        Outcome::Changed(ended) => {
            for session in &ended {
                ctx.caches().sessions.forget(session);
            }
            Ok(())
        }
        Outcome::Refused(error) => Err(error),
    }
}

/// A phone that somebody got in the same moment.
fn taken(error: ChangePhoneError) -> ChangePhoneError {
    match error {
        ChangePhoneError::Store(error)
            if error
                .constraint()
                .is_some_and(|name| store::members::PHONE_UNIQUE.contains(&name)) =>
        {
            ChangePhoneError::Taken
        }
        error => error,
    }
}

async fn decide(
    conn: &mut PgConnection,
    ctx: &Context,
    caller: MemberCaller,
    input: &ChangePhone,
) -> Result<Outcome, ChangePhoneError> {
    let now = ctx.clock().now();
    let answer = Answer {
        phone: &input.phone,
        challenge: input.challenge,
        code: &input.code,
    };
    match one_time_code::check(conn, ctx, answer, CodePurpose::ChangePhone).await? {
        CodeCheck::Right => {}
        CodeCheck::Wrong => return Ok(Outcome::Refused(ChangePhoneError::InvalidCode)),
        CodeCheck::Waits(until) => {
            return Ok(Outcome::Refused(ChangePhoneError::TooMany {
                retry_after: seconds_until(until, now),
            }));
        }
    }
    let hash = ctx.vault().member_phone_hash(&input.phone);
    let holder = store::members::find_by_phones(conn, std::slice::from_ref(&hash)).await?;
    if let Some(holder) = holder.first() {
        let own = MemberId::from(holder.id) == caller.member;
        return Ok(Outcome::Refused(if own {
            ChangePhoneError::Same
        } else {
            ChangePhoneError::Taken
        }));
    }
    move_phone(conn, ctx, caller, &input.phone, now).await
}

async fn move_phone(
    conn: &mut PgConnection,
    ctx: &Context,
    caller: MemberCaller,
    phone: &Phone,
    now: DateTime<Utc>,
) -> Result<Outcome, ChangePhoneError> {
    let member = caller.member;
    let row = store::members::get(conn, member)
        .await?
        .ok_or(ChangePhoneError::Unknown)?;
    let sealed = ctx.vault().seal(
        SealedField::MemberPhone,
        member.as_uuid().as_bytes(),
        phone.e164().as_bytes(),
    );
    let hashes = ctx.vault().member_phone_hashes(phone);
    let kept = (hashes.odd.as_deref(), hashes.even.as_deref());
    store::members::set_phone(conn, member, kept, &sealed).await?;
    store::member_tails::forget(conn, member).await?;
    store::wallets::spend_not_before(conn, member, now + SPENDING_WAITS).await?;
    let ended = store::sessions::end_all(conn, member, Some(caller.session), "ended", now).await?;
    if let Some(old) = open_phone(ctx, member, row.phone_sealed.as_deref())? {
        let locale = known::<Locale>(&row.locale)?;
        notices::tell_phone(conn, ctx, &old, locale, Notice::PhoneChanged).await?;
    }
    let entry = Entry::of(Action::PhoneChange, ObjectKind::Member).id(member);
    let entry = entry.after(json!({ "spending_from": now + SPENDING_WAITS }));
    audit_log::record(conn, ctx, entry).await?;
    Ok(Outcome::Changed(ended))
}
