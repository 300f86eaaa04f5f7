//! A member's tier and the way to the next one.

use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::loyalty::tier::{Tier, TierMeasure};
use domain::loyalty::validity::day_of;
use store::error::StoreError;
use store::member_progress;

use super::ladder;
use crate::caller::MemberCaller;
use crate::context::Context;

/// Where a member stands on the ladder.
#[derive(Clone, Debug)]
pub struct TierProgress {
    /// The tier.
    pub tier: Tier,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What is measured.
    pub measure: TierMeasure,
    /// How much of it there is.
    pub value: i64,
    /// From which day it counts.
    pub window_start: NaiveDate,
    /// The tier above, if there is one.
    pub next: Option<Tier>,
    /// What is missing for it.
    pub missing_for_next: Option<i64>,
    /// What is missing to reach the present tier anew.
    pub missing_to_keep: i64,
}

/// The member's tier.
///
/// # Errors
/// [`StoreError`] from the database.
pub async fn tier_progress(
    ctx: &Context,
    caller: &MemberCaller,
) -> Result<TierProgress, StoreError> {
    let frame = ladder::frame(ctx).await?;
    let settings = &frame.programme.settings;
    let mut conn = ctx.connection().await?;
    let member = caller.member.as_uuid();
    let row = store::wallets::get(&mut conn, member).await?;
    let row = row.ok_or(StoreError(sqlx::Error::RowNotFound))?;
    let today = day_of(ctx.clock().now(), settings.time_zone);
    let window_start = today
        .checked_sub_days(Days::new(u64::from(
            settings.tier_window_days.saturating_sub(1),
        )))
        .unwrap_or(today);
    let sums = member_progress::sums(&mut conn, &[member], window_start, today).await?;
    let (net, earned) = sums.get(&caller.member).copied().unwrap_or((0, 0));
    let value = match settings.tier_measure {
        TierMeasure::NetSpend => net,
        TierMeasure::PointsEarned => earned,
    };
    let tier = frame
        .ladder
        .get(&row.tier)
        .unwrap_or_else(|| frame.ladder.lowest())
        .clone();
    let next = frame.ladder.above(&tier).cloned();
    Ok(TierProgress {
        since: row.tier_since,
        measure: settings.tier_measure,
        value,
        window_start,
        missing_for_next: next.as_ref().map(|next| (next.threshold - value).max(0)),
        missing_to_keep: (tier.threshold - value).max(0),
        next,
        tier,
    })
}
