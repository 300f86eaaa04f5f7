//! A till finds its own members by the last four digits of a phone. What it gets names each of them for a quarter of an
//! hour: good for earning, never for spending, and worthless at another business.

use std::num::NonZeroU32;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{BusinessId, MemberId};
use domain::people::MemberStatus;
use domain::phone::PhoneTail;
use domain::rights::Scope;
use shared_state::{Cap, CapError};
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

/// How many searches of one caller pass.
const MOST_A_MINUTE: NonZeroU32 = NonZeroU32::new(30).expect("not zero");
const MOST_A_DAY: NonZeroU32 = NonZeroU32::new(500).expect("not zero");

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
    admit(ctx, caller).await?;
    let hashes = ctx.vault().tail_hashes(business, tail);
    let mut conn = ctx.of(business).connection().await?;
    let rows = store::member_tails::find(&mut conn, business, &hashes, SHOWN).await?;
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

/// Lets a search pass if the caller has not searched more than a till needs; trying all ten thousand ends would take weeks.
async fn admit(ctx: &Context, caller: &TillCaller) -> Result<(), TailSearchError> {
    let principal = caller.principal_id();
    let cap = |bucket, most, seconds| Cap {
        bucket,
        key: principal.as_bytes(),
        most,
        within: Duration::from_secs(seconds),
    };
    let caps = [
        cap("tails-minute", MOST_A_MINUTE, 60),
        cap("tails-day", MOST_A_DAY, 24 * 3600),
    ];
    let wait = match ctx.shared().admit(&caps).await {
        Ok(()) => return Ok(()),
        Err(CapError::Reached { retry_after, .. }) => retry_after,
        // The till can ask for the whole phone instead.
        Err(CapError::Unavailable(unavailable)) => unavailable.retry_after,
    };
    let retry_after = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
    Err(TailSearchError::TooMany {
        retry_after: retry_after.saturating_add(1),
    })
}
