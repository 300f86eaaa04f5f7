//! What is done around one purchase of a till: limits by the hour before it, cases after it.
//!
//! The hour's limits are asked before the purchase is queued, so purchases that are under way at the same moment may go
//! past them by what they earn. A person's hour is summed from rows of all servers, a key's and an outlet's from what
//! this process has counted.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::MemberId;
use domain::limits::{Limits, Suspicion};
use domain::money::Points;
use store::error::StoreError;
use store::fraud_cases::NewCase;
use uuid::Uuid;

use super::cases::note;
use crate::caller::TillCaller;
use crate::context::Context;
use crate::loyalty::posting::{PostItem, PostOutcome, PostRefusal, hour_of};
use crate::programme;

/// Why a purchase does not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    /// A limit is reached.
    #[error(transparent)]
    Refused(#[from] PostRefusal),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who posts, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    business: Uuid,
    location: Option<Uuid>,
    poster: Uuid,
    cashier: Option<MemberId>,
}

impl Watch {
    pub(crate) fn of(caller: &TillCaller, item: &PostItem) -> Self {
        Self {
            business: item.business.as_uuid(),
            location: item.location.map(Into::into),
            poster: caller.principal_id(),
            cashier: item.cashier_member,
        }
    }

    /// Refuses what would be posted in an hour in which enough was credited; a case says so.
    pub(crate) async fn before(&self, ctx: &Context) -> Result<(), WatchError> {
        let programme = programme::current(ctx).await?;
        let hour = hour_of(ctx.clock().now());
        let Some(suspicion) = self.full(ctx, &programme.settings.limits, hour).await? else {
            return Ok(());
        };
        note(ctx, self.case(suspicion, None)).await?;
        Err(PostRefusal::TooMuch {
            suspicion,
            member: None,
            until: hour + TimeDelta::hours(1),
        }
        .into())
    }

    /// The limit of the hour that is reached, if one is.
    async fn full(
        &self,
        ctx: &Context,
        limits: &Limits,
        hour: DateTime<Utc>,
    ) -> Result<Option<Suspicion>, StoreError> {
        let counted = |whose: Uuid| ctx.caches().till_hours.credited(whose, hour);
        let reached = |limit: Points, credited: i64| credited >= limit.hundredths();
        if let (Some(location), Some(limit)) = (self.location, limits.location_points_hour)
            && reached(limit, counted(location))
        {
            return Ok(Some(Suspicion::LocationPointsHour));
        }
        match (
            self.cashier,
            limits.cashier_points_hour,
            limits.key_points_hour,
        ) {
            (Some(cashier), Some(limit), _) => {
                let mut conn = ctx.reader().await?;
                let credited = store::staff_credits::points_of_hour_across_businesses(
                    &mut conn, cashier, hour,
                )
                .await;
                let credited = conn.done(credited)?;
                Ok(reached(limit, credited).then_some(Suspicion::CashierPointsHour))
            }
            (None, _, Some(limit)) => {
                Ok(reached(limit, counted(self.poster)).then_some(Suspicion::KeyPointsHour))
            }
            (Some(_), None, _) | (None, _, None) => Ok(None),
        }
    }

    /// Counts what was credited, and opens a case for what operators should see.
    pub(crate) async fn after(
        &self,
        ctx: &Context,
        outcome: &Result<PostOutcome, PostRefusal>,
    ) -> Result<(), StoreError> {
        match outcome {
            Ok(PostOutcome::Posted(posted, _)) => {
                let programme = programme::current(ctx).await?;
                let limits = &programme.settings.limits;
                self.count(ctx, limits, posted.purchase.points_earned);
                if posted.credits_today.is_some() && posted.credits_today == limits.repeated_credits
                {
                    let member = Some(posted.purchase.member_id);
                    note(ctx, self.case(Suspicion::RepeatedCredits, member)).await?;
                }
                Ok(())
            }
            Err(PostRefusal::TooMuch {
                suspicion, member, ..
            }) => note(ctx, self.case(*suspicion, member.map(Into::into))).await,
            _ => Ok(()),
        }
    }

    fn count(&self, ctx: &Context, limits: &Limits, points: i64) {
        let (hours, hour) = (&ctx.caches().till_hours, hour_of(ctx.clock().now()));
        if let (Some(location), true) = (self.location, limits.location_points_hour.is_some()) {
            hours.add(location, hour, points);
        }
        if self.cashier.is_none() && limits.key_points_hour.is_some() {
            hours.add(self.poster, hour, points);
        }
    }

    fn case(&self, kind: Suspicion, member: Option<Uuid>) -> NewCase {
        NewCase {
            kind,
            business: self.business,
            location: self
                .location
                .filter(|_| kind == Suspicion::LocationPointsHour),
            poster: self.poster,
            member,
        }
    }
}
