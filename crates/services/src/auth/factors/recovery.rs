//! One-time codes for coming back. A person makes ten for bad days; an enrolment code is made at the command line for
//! somebody whose first factor nobody else could vouch for. Either, together with a code by text message, opens a sign-in
//! that may enrol factors and nothing else. 80 random bits each; only a keyed hash is kept.

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::MemberId;
use domain::people::RecoveryCodeKind;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;

use super::standing::require_change;
use super::{Change, FactorError, tell};
use crate::audit_log::{self, Entry};
use crate::auth::tries::{RECOVERY, Try};
use crate::caller::Person;
use crate::context::Context;
use crate::ids::random_bytes;
use crate::transaction;

/// How many codes a person has at a time.
const COUNT: usize = 10;

/// How long an enrolment code lives.
pub const ENROLMENT_CODE_LIFE: TimeDelta = TimeDelta::hours(72);

/// Letters and digits that nobody mixes up (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many of them a code has.
const LENGTH: usize = 16;

/// A code. It prints nothing of itself but through [`RecoveryCode::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    pub(super) fn new() -> Self {
        let random: [u8; LENGTH] = random_bytes();
        let letter = |byte: &u8| char::from(ALPHABET[usize::from(byte % 32)]);
        Self(random.iter().map(letter).collect())
    }

    /// Reads a code as people copy it: small letters, dashes and spaces don't matter, O is 0, I and L are 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let letters = text.chars().filter(|c| !matches!(c, '-' | ' '));
        let code: String = letters
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .collect();
        let known = code.bytes().all(|byte| ALPHABET.contains(&byte));
        (known && code.len() == LENGTH).then_some(Self(code))
    }

    /// The code in groups of four, for the one time that it is shown.
    #[must_use]
    pub fn reveal(&self) -> String {
        let groups: Vec<&str> = (0..LENGTH)
            .step_by(4)
            .map(|at| &self.0[at..at + 4])
            .collect();
        groups.join("-")
    }

    fn hash(&self, ctx: &Context, member: MemberId) -> Vec<u8> {
        ctx.vault().recovery_code_hash(member.as_uuid(), &self.0)
    }
}

impl std::fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RecoveryCode")
    }
}

/// Makes ten codes in place of those that the caller has.
///
/// # Errors
/// See [`FactorError`].
pub async fn make_recovery_codes(
    ctx: &Context,
    person: &Person,
) -> Result<Vec<RecoveryCode>, FactorError> {
    let codes: Vec<RecoveryCode> = (0..COUNT).map(|_| RecoveryCode::new()).collect();
    let hashes: Vec<Vec<u8>> = codes
        .iter()
        .map(|code| code.hash(ctx, person.member))
        .collect();
    let input = (ctx.clone(), person.clone(), hashes);
    transaction::run(ctx, input, |conn, (ctx, person, hashes)| {
        Box::pin(async move {
            require_change(conn, ctx, person).await?;
            let (member, now) = (person.member, ctx.clock().now());
            let kind = RecoveryCodeKind::Recovery;
            store::recovery_codes::replace(conn, member, kind, hashes, None, now).await?;
            tell(conn, ctx, member, Change::RecoveryCodesMade).await?;
            Ok::<_, FactorError>(())
        })
    })
    .await?;
    Ok(codes)
}

/// Makes a code with which a person may enrol factors, in place of the one before; without a caller: for the command line.
///
/// # Errors
/// If the database fails.
pub async fn issue_enrolment_code_as_system(
    ctx: &Context,
    member: MemberId,
) -> Result<RecoveryCode, StoreError> {
    let code = RecoveryCode::new();
    let input = (ctx.clone(), code.clone());
    transaction::run(ctx, input, move |conn, (ctx, code)| {
        Box::pin(async move { hand_out(conn, ctx, member, code).await.map(|_| ()) })
    })
    .await?;
    Ok(code)
}

/// Keeps an enrolment code in place of the one before; until when it is good.
pub(super) async fn hand_out(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    code: &RecoveryCode,
) -> Result<DateTime<Utc>, StoreError> {
    let now = ctx.clock().now();
    let (until, kind) = (now + ENROLMENT_CODE_LIFE, RecoveryCodeKind::Enrolment);
    let hashes = [code.hash(ctx, member)];
    store::recovery_codes::replace(conn, member, kind, &hashes, Some(until), now).await?;
    let entry = Entry::of(Action::FactorReset, ObjectKind::Factor).id(member);
    let entry = entry.after(json!({ "enrolment_code_until": until }));
    audit_log::record(conn, ctx, entry).await?;
    // Whoever is let in again by hand need not wait for tries of the past.
    RECOVERY.forgive(conn, member.as_uuid().as_bytes()).await?;
    Ok(until)
}

/// What a code that somebody showed is worth.
pub(in crate::auth) enum Spent {
    /// It was the member's, and is used up.
    Right,
    /// It is not.
    Wrong,
    /// Too many tries before: nothing was looked at.
    Waits(DateTime<Utc>),
}

/// Uses a code up. The caller's transaction must commit whatever comes out: tries are counted.
pub(in crate::auth) async fn spend(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    text: &str,
) -> Result<Spent, StoreError> {
    let now = ctx.clock().now();
    let subject = member.as_uuid();
    let lock = match RECOVERY.take(conn, subject.as_bytes(), now).await? {
        Try::Waits(until) => return Ok(Spent::Waits(until)),
        Try::Counted(lock) => lock,
    };
    let spent = match RecoveryCode::parse(text) {
        Some(code) => {
            let hash = code.hash(ctx, member);
            store::recovery_codes::spend(conn, member, &hash, now).await?
        }
        None => None,
    };
    if spent.is_none() {
        if let Some(lock) = lock {
            lock.note(conn, ctx, Some(member)).await?;
        }
        return Ok(Spent::Wrong);
    }
    RECOVERY.forgive(conn, subject.as_bytes()).await?;
    tell(conn, ctx, member, Change::CameBack).await?;
    Ok(Spent::Right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_copy_it() {
        let code = RecoveryCode::new();
        let shown = code.reveal();
        assert_eq!(shown.len(), 19);
        assert_eq!(RecoveryCode::parse(&shown), Some(code.clone()));
        assert_eq!(RecoveryCode::parse(&shown.to_lowercase()), Some(code));
        assert_eq!(
            RecoveryCode::parse("oooo iiii-llll 0000"),
            RecoveryCode::parse("0000111111110000")
        );
        for bad in ["", "0000-1111-2222", "0000-1111-2222-333U", "ж"] {
            assert_eq!(RecoveryCode::parse(bad), None, "{bad}");
        }
        assert_ne!(RecoveryCode::new(), RecoveryCode::new());
    }
}
