//! Asking for a one-time code by text message. The answer is the same whether or not the phone is a member's.
//! What the whole programme may spend and how often one phone is written to are counted before anything is sent.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use domain::ids::ChallengeId;
use domain::people::{CodePurpose, Locale};
use domain::phone::Phone;
use shared_state::Health;
use sqlx::PgConnection;
use store::error::StoreError;
use store::one_time_codes::NewCode;

use crate::context::Context;
use crate::ids::random_bytes;
use crate::notifications::send_text::send_text;
use crate::transaction;

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

/// What is asked for.
#[derive(Clone, Debug)]
pub struct RequestCode {
    /// Where the code goes.
    pub phone: Phone,
    /// The language of the message.
    pub locale: Locale,
}

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

/// Why no code was sent.
#[derive(Debug, thiserror::Error)]
pub enum RequestCodeError {
    /// The number is not a mobile one of a country that is served.
    #[error("codes are sent only to mobile numbers of the countries that are served")]
    PhoneNotServed,
    /// Too often for this phone.
    #[error("too many codes for this phone")]
    TooMany {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// The programme's hourly budget of messages is used up.
    #[error("no more messages are sent this hour")]
    BudgetUsedUp {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// What all processes count together can't be counted just now, and nothing is sent uncounted.
    #[error("codes can't be counted just now")]
    Uncounted {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// Nobody delivers messages here.
    #[error("no provider of text messages is configured")]
    NoProvider,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Sends a code for signing in.
///
/// # Errors
/// See [`RequestCodeError`].
pub async fn request_code(
    ctx: &Context,
    input: RequestCode,
) -> Result<Challenge, RequestCodeError> {
    let served = input.phone.is_mobile()
        && input
            .phone
            .region()
            .is_some_and(|region| ctx.config().sms_regions.contains(&region));
    if !served {
        return Err(RequestCodeError::PhoneNotServed);
    }
    if !ctx.config().development && !ctx.sms().delivers() {
        tracing::error!("a code was asked for, and no provider of text messages is configured");
        return Err(RequestCodeError::NoProvider);
    }
    if ctx.shared().health() == Health::Degraded {
        metrics::counter!("codes_refused_uncounted_total").increment(1);
        return Err(RequestCodeError::Uncounted { retry_after: 5 });
    }
    transaction::run(ctx, (ctx.clone(), input), |conn, (ctx, input)| {
        Box::pin(issue(conn, ctx, input, CodePurpose::SignIn))
    })
    .await
}

async fn issue(
    conn: &mut PgConnection,
    ctx: &Context,
    input: &RequestCode,
    purpose: CodePurpose,
) -> Result<Challenge, RequestCodeError> {
    let now = ctx.clock().now();
    let phone_hash = ctx.vault().phone_hash(&input.phone);
    let phone = store::one_time_codes::lock_or_insert_phone(conn, &phone_hash, now).await?;
    let sent = store::one_time_codes::sent_after(conn, &phone_hash, now - CAPS[2].0, 10).await?;
    let waits = [phone.waits_until, wait_of(&sent)];
    if let Some(until) = waits
        .into_iter()
        .flatten()
        .max()
        .filter(|until| *until > now)
    {
        return Err(RequestCodeError::TooMany {
            retry_after: seconds_until(until, now),
        });
    }
    let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    let budget = i32::try_from(ctx.config().sms_hourly_budget).unwrap_or(i32::MAX);
    if !store::one_time_codes::take_from_budget(conn, hour, budget).await? {
        tracing::error!(budget, "the hourly budget of text messages is used up");
        return Err(RequestCodeError::BudgetUsedUp {
            retry_after: seconds_until(hour + TimeDelta::hours(1), now),
        });
    }
    let (id, code): (ChallengeId, _) = (ctx.ids().next(), new_code());
    let new = NewCode {
        id,
        phone_hash: &phone_hash,
        purpose,
        code_hash: &ctx
            .vault()
            .code_hash(id.as_uuid(), &input.phone, purpose.as_str(), &code),
        created_at: now,
        expires_at: now + LIFE,
    };
    store::one_time_codes::replace(conn, &new).await?;
    let text = message(input.locale, &code, &ctx.config().public_url);
    send_text(conn, ctx, &input.phone, &text, LIFE).await?;
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

/// The text, whose last line lets the phone fill the code in, on our own site only (WICG sms-one-time-codes).
fn message(locale: Locale, code: &str, public_url: &str) -> String {
    let text = match locale {
        Locale::Ru => format!("Код для входа: {code}. Никому его не говорите."),
        Locale::En => format!("Your sign-in code: {code}. Tell it to nobody."),
    };
    format!("{text}\n\n@{} #{code}", host_of(public_url))
}

/// The host of an address, without port.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
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
        let mut first = [0_u32; 10];
        for _ in 0..10_000 {
            let code = new_code();
            assert!(
                code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()),
                "{code}"
            );
            first[usize::from(code.as_bytes()[0] - b'0')] += 1;
        }
        // 1000 each, and the standard deviation is 30.
        assert!(
            first.iter().all(|count| (800..1200).contains(count)),
            "{first:?}"
        );
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
    fn the_last_line_names_host_and_code() {
        for locale in Locale::ALL {
            let text = message(*locale, "012345", "https://circle.example:8443/x");
            assert_eq!(text.lines().last(), Some("@circle.example #012345"));
            let utf16: usize = text.encode_utf16().count() * 2;
            assert!(utf16 <= 280, "two parts of a text message at most");
        }
        assert_eq!(host_of("http://127.0.0.1:8080"), "127.0.0.1");
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
