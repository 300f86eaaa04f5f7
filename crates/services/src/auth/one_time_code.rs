//! One-time codes, whatever they are for: how one is made and sent, and what one is worth when it comes back. A code is
//! bound to its challenge, its phone and its purpose; tries are counted before it is compared, and wrong codes against the
//! phone, which a new code does not forgive.

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ObjectKind};
use domain::ids::ChallengeId;
use domain::people::{CodePurpose, Locale};
use domain::phone::Phone;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;
use store::one_time_codes::{NewCode, PhoneRow};

use super::code_brake::{self, Scopes};
use super::code_text::{code_text, host_of};
use super::origin::Origin;
use crate::audit_log::{self, Entry};
use crate::context::Context;
use crate::ids::random_bytes;
use crate::limits::{Limit, LimitError, Take, UsedUp};
use crate::notifications::send_text::send_text;

/// How long a code lives.
pub const LIFE: TimeDelta = TimeDelta::minutes(5);

/// How soon another may be asked for.
pub const RESEND_AFTER: TimeDelta = TimeDelta::seconds(60);

/// How many codes one phone gets: (in this time, so many).
const CAPS: [(TimeDelta, usize); 3] = [
    (TimeDelta::minutes(10), 3),
    (TimeDelta::hours(1), 5),
    (TimeDelta::hours(24), 10),
];

/// Wrong codes in a row after which a phone waits.
const FREE_FAILURES: i32 = 10;

/// Wrong codes in a row after which nothing but an operator helps the phone.
const MOST_FAILURES: i32 = 100;

/// What the names of the budgets begin with.
const BUDGET: &str = "budget";

/// A code is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Names the code when it comes back.
    pub id: ChallengeId,
    /// Seconds for which the code is valid.
    pub expires_in: u32,
    /// Seconds after which another may be asked for.
    pub resend_after: u32,
}

/// Whom a code is sent, and what for.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) phone: &'a Phone,
    pub(super) locale: Locale,
    pub(super) purpose: CodePurpose,
    pub(super) origin: &'a Origin,
}

/// Why no code is sent. The transaction commits all the same: stops are written down.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refused {
    /// The phone had enough codes, or too many wrong ones.
    Phone(DateTime<Utc>),
    /// Too many for where the request comes from, or for where the code would go.
    Limit(UsedUp),
    /// The budget of the whole programme.
    Budget(UsedUp),
    /// The prefix or the country was stopped.
    Stopped(DateTime<Utc>),
}

/// Whether codes are sent to this phone at all: told by the number itself, before anything is counted.
pub(crate) fn is_served(ctx: &Context, phone: &Phone) -> bool {
    let region = phone.region();
    phone.is_mobile() && region.is_some_and(|region| ctx.config().sms_regions.contains(&region))
}

/// Sends a code, if nothing speaks against it. Nothing here depends on whether the phone is a member's.
pub(super) async fn issue(
    conn: &mut PgConnection,
    ctx: &Context,
    ask: Ask<'_>,
) -> Result<Result<Challenge, Refused>, LimitError> {
    let now = ctx.clock().now();
    let phone_hash = ctx.vault().phone_hash(ask.phone);
    let phone = store::one_time_codes::lock_or_insert_phone(conn, &phone_hash, now).await?;
    let sent = store::one_time_codes::sent_after(conn, &phone_hash, now - CAPS[2].0, 10).await?;
    let waits = [phone.waits_until, wait_of(&sent)].into_iter().flatten();
    if let Some(until) = waits.max().filter(|until| *until > now) {
        return Ok(Err(Refused::Phone(until)));
    }
    let scopes = Scopes::of(ctx, ask.phone);
    if let Some(until) = code_brake::stopped(conn, ctx, &scopes, now).await? {
        return Ok(Err(Refused::Stopped(until)));
    }
    let takes = takes(ctx, ask.origin, &scopes);
    if let Some(used_up) = ctx.counters().take(conn, &takes, now).await? {
        let name = used_up.limit.name;
        metrics::counter!("one_time_codes_limited_total", "limit" => name).increment(1);
        if name.starts_with(BUDGET) {
            tracing::error!(limit = name, "the budget of text messages is used up");
            return Ok(Err(Refused::Budget(used_up)));
        }
        code_brake::note_cap(conn, ctx, &scopes, used_up, now).await?;
        return Ok(Err(Refused::Limit(used_up)));
    }
    Ok(Ok(send(conn, ctx, ask, &phone_hash, &scopes, now).await?))
}

/// Every limit beside the phone's own, each a bucket by itself: whoever changes one of them meets the others.
fn takes(ctx: &Context, origin: &Origin, scopes: &Scopes) -> Vec<Take> {
    let rules = &ctx.config().codes;
    let limit = |name, most, within| Limit { name, most, within };
    let hour = TimeDelta::hours(1);
    let bucket = |limit: Limit, what: &[u8]| Take {
        limit,
        bucket: ctx.vault().limit_bucket(limit.name, what),
    };
    let network = limit("network", rules.per_network, TimeDelta::minutes(5));
    let network = origin.network().map(|what| bucket(network, &what));
    let device = limit("device", rules.per_device, hour);
    let name = origin.device.as_ref();
    let device = name.map(|name| bucket(device, name.as_str().as_bytes()));
    let prefix = limit("prefix", rules.per_prefix, hour);
    let region = limit("region", rules.per_region, hour);
    let whole = [
        bucket(prefix, &scopes.prefix.bucket),
        bucket(region, &scopes.region.bucket),
        bucket(limit("budget_hour", rules.hourly_budget, hour), b""),
        bucket(limit("budget_day", rules.daily_budget, hour * 24), b""),
    ];
    network.into_iter().chain(device).chain(whole).collect()
}

async fn send(
    conn: &mut PgConnection,
    ctx: &Context,
    ask: Ask<'_>,
    phone_hash: &[u8],
    scopes: &Scopes,
    now: DateTime<Utc>,
) -> Result<Challenge, StoreError> {
    let rules = &ctx.config().codes;
    let test_code = rules.test_code(ask.phone, now).map(str::to_owned);
    let (id, code): (ChallengeId, _) =
        (ctx.ids().next(), test_code.clone().unwrap_or_else(new_code));
    let purpose = ask.purpose;
    let code_hash = ctx
        .vault()
        .code_hash(id.as_uuid(), ask.phone, purpose.as_str(), &code);
    let new = NewCode {
        id,
        phone_hash,
        prefix_hash: &scopes.prefix.bucket,
        region_hash: &scopes.region.bucket,
        purpose,
        code_hash: &code_hash,
        created_at: now,
        expires_at: now + LIFE,
    };
    store::one_time_codes::replace(conn, &new).await?;
    if test_code.is_none() {
        let host = host_of(&ctx.config().public_url);
        let text = code_text(ask.locale, purpose, &code, host, rules.app_hash.as_deref());
        send_text(conn, ctx, ask.phone, &text, LIFE).await?;
    }
    Ok(Challenge {
        id,
        expires_in: seconds_until(now + LIFE, now),
        resend_after: seconds_until(now + RESEND_AFTER, now),
    })
}

/// Until when this phone waits, told by the times of its codes, newest first.
fn wait_of(sent: &[DateTime<Utc>]) -> Option<DateTime<Utc>> {
    let resend = sent.first().map(|last| *last + RESEND_AFTER);
    let caps = CAPS
        .iter()
        .map(|(within, most)| sent.get(most - 1).map(|first| *first + *within));
    caps.chain([resend]).flatten().max()
}

/// Six digits; the bias of the remainder is below 10^-13.
fn new_code() -> String {
    format!("{:06}", u64::from_be_bytes(random_bytes()) % 1_000_000)
}

/// A code that came back.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) phone: &'a Phone,
    pub(super) challenge: ChallengeId,
    pub(super) code: &'a str,
}

/// What a code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeCheck {
    Right,
    Wrong,
    Waits(DateTime<Utc>),
}

/// Compares a code and counts; the caller's transaction must commit whatever comes out. A code that there is not goes the
/// same way as a wrong one.
pub(super) async fn check(
    conn: &mut PgConnection,
    ctx: &Context,
    answer: Answer<'_>,
    purpose: CodePurpose,
) -> Result<CodeCheck, StoreError> {
    let now = ctx.clock().now();
    let phone_hash = ctx.vault().phone_hash(answer.phone);
    let given = ctx.vault().code_hash(
        answer.challenge.as_uuid(),
        answer.phone,
        purpose.as_str(),
        answer.code,
    );
    // Tries for one phone take turns from here on.
    let phone = store::one_time_codes::lock_phone(conn, &phone_hash).await?;
    let phone = phone.unwrap_or(PhoneRow::BLAMELESS);
    if let Some(until) = phone.waits_until.filter(|until| *until > now) {
        return Ok(CodeCheck::Waits(until));
    }
    let kept = store::one_time_codes::count_try(conn, answer.challenge, &phone_hash, purpose, now);
    let kept = kept.await?;
    let exists = kept.is_some();
    // No hash is all zeros: it begins with the name of its key.
    let kept = kept.unwrap_or_else(|| vec![0; given.len()]);
    let equal = aws_lc_rs::constant_time::verify_slices_are_equal(&kept, &given).is_ok();
    if equal && store::one_time_codes::mark_used(conn, answer.challenge, now).await? {
        let row = PhoneRow::BLAMELESS;
        store::one_time_codes::update_phone(conn, &phone_hash, row, now).await?;
        return Ok(CodeCheck::Right);
    }
    // A guess at no code blames nobody: else anybody could lock anybody's phone.
    let failures = phone.failures.saturating_add(i32::from(exists && !equal));
    let wait = wait_after(failures).filter(|_| failures > phone.failures);
    let row = PhoneRow {
        failures,
        waits_until: wait.map(|wait| now + wait).or(phone.waits_until),
    };
    store::one_time_codes::update_phone(conn, &phone_hash, row, now).await?;
    if let Some(wait) = wait {
        // The challenge stands for the phone, which no entry names.
        let entry = Entry::of(Action::SignInLock, ObjectKind::Challenge).id(answer.challenge);
        let entry = entry.after(json!({ "failures": failures, "locked_until": now + wait }));
        audit_log::record(conn, ctx, entry).await?;
    }
    Ok(CodeCheck::Wrong)
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

/// Whole seconds, rounded up, at least one.
pub(super) fn seconds_until(until: DateTime<Utc>, now: DateTime<Utc>) -> u32 {
    let millis = (until - now).num_milliseconds().max(1);
    u32::try_from((millis + 999) / 1000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn codes_are_six_digits_and_spread() {
        let mut counts = [[0_u32; 10]; 6];
        for _ in 0..10_000 {
            let code = new_code();
            assert!(
                code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()),
                "{code}"
            );
            for (place, digit) in counts.iter_mut().zip(code.bytes()) {
                place[usize::from(digit - b'0')] += 1;
            }
        }
        // Chi squared with 9 degrees of freedom is above 40 once in 130 000 times: the sum of squares over 1000, less 10 000.
        for place in counts {
            let squares: u32 = place.iter().map(|count| count.abs_diff(1000).pow(2)).sum();
            assert!(squares < 45_000, "{place:?}");
        }
    }

    #[test]
    fn a_phone_waits_a_minute_and_within_its_caps() {
        assert_eq!(wait_of(&[]), None);
        assert_eq!(wait_of(&[at(5)]), Some(at(6)));
        assert_eq!(wait_of(&[at(5), at(3), at(1)]), Some(at(11)));
        assert_eq!(
            wait_of(&[at(50), at(40), at(30), at(20), at(10)]),
            Some(at(70))
        );
        let day: Vec<_> = (0..10).rev().map(|i| at(i * 100)).collect();
        assert_eq!(wait_of(&day), Some(at(24 * 60)));
    }

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

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!(
            seconds_until(at(0) + TimeDelta::milliseconds(1001), at(0)),
            2
        );
        assert_eq!(seconds_until(at(0), at(1)), 1);
    }
}
