//! A till finds its own members by the last four digits of a phone. What it gets names each of them for a quarter of an
//! hour: good for earning, never for spending, and worthless at another business.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{BusinessId, MemberId};
use domain::people::MemberStatus;
use domain::phone::PhoneTail;
use domain::rights::Scope;
use store::error::StoreError;
use store::member_tails::TailRow;
use uuid::Uuid;

use super::{MemberReference, open};
use crate::auth::session_state::known;
use crate::caller::{AccessError, TillCaller};
use crate::context::Context;
use crate::vault::SealedField;

/// How many members are shown.
const SHOWN: i64 = 10;

/// How long a found member can be named.
const NAMED_FOR: TimeDelta = TimeDelta::minutes(15);

/// What every name of a found member begins with.
const PREFIX: &str = "ocf_";

/// A member of the business whose phone ends like that.
#[derive(Clone, PartialEq, Eq)]
pub struct TailMatch {
    /// Names the member at this business for a quarter of an hour.
    pub found: String,
    /// How the member stands to the programme.
    pub status: MemberStatus,
    /// The first name, if the member gave a name.
    pub first_name: Option<String>,
    /// When the member bought here last.
    pub last_visit_at: DateTime<Utc>,
}

impl std::fmt::Debug for TailMatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TailMatch")
    }
}

/// Why nobody is shown.
#[derive(Debug, thiserror::Error)]
pub enum TailSearchError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The caller searches more than a till needs.
    #[error("too many searches by the end of a phone")]
    TooMany {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Finds the members who bought at the business and whose phone ends with `tail`, the last visitors first.
///
/// # Errors
/// See [`TailSearchError`].
pub async fn find_by_tail(
    ctx: &Context,
    caller: &TillCaller,
    business: Option<BusinessId>,
    tail: PhoneTail,
) -> Result<Vec<TailMatch>, TailSearchError> {
    caller.require(Scope::LoyaltyRead)?;
    let business = caller.business(business)?;
    let now = ctx.clock().now();
    if let Err(until) = ctx.caches().tail_searches.count(caller.principal_id(), now) {
        let retry_after = u32::try_from((until - now).num_seconds()).unwrap_or(0) + 1;
        return Err(TailSearchError::TooMany { retry_after });
    }
    let hashes = ctx.vault().tail_hashes(business, tail);
    let rows =
        store::member_tails::find(&mut *ctx.connection().await?, business, &hashes, SHOWN).await?;
    let shown = rows.into_iter().map(|row| show(ctx, business, row, now));
    Ok(shown.collect::<Result<_, StoreError>>()?)
}

fn show(
    ctx: &Context,
    business: BusinessId,
    row: TailRow,
    now: DateTime<Utc>,
) -> Result<TailMatch, StoreError> {
    let member = MemberId::from(row.member_id);
    let name = open(
        ctx,
        member,
        SealedField::MemberName,
        row.name_sealed.as_deref(),
    )?;
    Ok(TailMatch {
        found: name_found(ctx, business, member, now + NAMED_FOR),
        status: known(&row.status)?,
        first_name: name.and_then(|name| name.split_whitespace().next().map(str::to_owned)),
        last_visit_at: row.last_visit_at,
    })
}

/// Business, member, end of validity, and the mark over all three.
fn name_found(
    ctx: &Context,
    business: BusinessId,
    member: MemberId,
    until: DateTime<Utc>,
) -> String {
    let until = until.timestamp();
    let tag = ctx.vault().found_member_tag(business, member, until);
    let mut whole = Vec::with_capacity(56);
    whole.extend_from_slice(business.as_uuid().as_bytes());
    whole.extend_from_slice(member.as_uuid().as_bytes());
    whole.extend_from_slice(&until.to_be_bytes());
    whole.extend_from_slice(&tag);
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(whole))
}

/// Reads the name of a found member; none if it is not one of ours or not of now.
#[must_use]
pub fn read_found(ctx: &Context, text: &str) -> Option<MemberReference> {
    let whole = URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?;
    let (business, rest) = whole.split_first_chunk::<16>()?;
    let (member, rest) = rest.split_first_chunk::<16>()?;
    let (until, tag) = rest.split_first_chunk::<8>()?;
    let business = BusinessId::from(Uuid::from_bytes(*business));
    let member = MemberId::from(Uuid::from_bytes(*member));
    let until = i64::from_be_bytes(*until);
    let right = ctx.vault().found_member_tag(business, member, until);
    let same = aws_lc_rs::constant_time::verify_slices_are_equal(&right, tag).is_ok();
    (same && until > ctx.clock().now().timestamp())
        .then_some(MemberReference::Found(business, member))
}

/// How many searches of one caller go through in a time: more than a till needs, fewer than trying all ten thousand ends
/// would take.
const LIMITS: [(TimeDelta, u32); 2] = [(TimeDelta::minutes(1), 30), (TimeDelta::days(1), 1_000)];

/// How many callers are remembered.
const CAPACITY: usize = 10_000;

/// For each limit: since when is counted, and how many.
type Windows = [(DateTime<Utc>, u32); 2];

/// The searches of each caller in this process.
#[derive(Debug, Default)]
pub(crate) struct TailSearches {
    counts: Mutex<HashMap<Uuid, Windows>>,
}

impl TailSearches {
    /// Counts a search; an error says until when the caller waits.
    fn count(&self, caller: Uuid, now: DateTime<Utc>) -> Result<(), DateTime<Utc>> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= CAPACITY {
            counts.retain(|_, windows| now - windows[1].0 < LIMITS[1].0);
        }
        let windows = counts.entry(caller).or_insert([(now, 0); 2]);
        for (window, (length, most)) in windows.iter_mut().zip(LIMITS) {
            if now - window.0 >= length {
                *window = (now, 0);
            }
            if window.1 >= most {
                return Err(window.0 + length);
            }
        }
        for window in windows {
            window.1 += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_searches_a_minute_and_a_thousand_a_day() {
        let searches = TailSearches::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        for _ in 0..30 {
            assert_eq!(searches.count(one, now), Ok(()));
        }
        assert_eq!(searches.count(one, now), Err(now + TimeDelta::minutes(1)));
        assert_eq!(searches.count(other, now), Ok(()));
        let mut through = 30;
        for _ in 0..60 {
            now += TimeDelta::minutes(1);
            let minute = (0..40).filter(|_| searches.count(one, now).is_ok()).count();
            through += minute;
        }
        assert_eq!(through, 1_000);
    }
}
